//! OpenSMTPD as Debian ships it. In Debian 12 its TLS ends every handshake with alert 80:
//! docs/real-servers.md says why. That makes it a real server whose TLS is broken. A
//! configuration of OpenSSL mends it ([`Options::openssl`]).

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::{
    PeerError,
    certificate::{self, Certificate},
    packages::{self, Programs},
    server::{Folder, Server, free_address},
};

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What its certificate says.
    pub certificate: certificate::Options,
    /// A configuration of OpenSSL for it alone, by `OPENSSL_CONF`. The engines of
    /// `libengine-pkcs11-openssl` are within its reach.
    pub openssl: Option<String>,
    /// Lines of its configuration instead of the default ones for keys and listener;
    /// see [`OpenSmtpd::lines`].
    pub lines: Option<Vec<String>>,
}

/// The package with an engine for OpenSSL.
const ENGINE: &str = "libengine-pkcs11-openssl";

/// A running OpenSMTPD. Its own folders and its control socket have fixed paths, so that
/// only one runs on a machine: a second start waits for the first to stop.
#[derive(Debug)]
pub struct OpenSmtpd {
    /// None while it is being restarted.
    server: Option<Server>,
    address: SocketAddr,
    folder: Folder,
    certificate: Certificate,
    programs: Programs,
    _only_one: fs::File,
}

/// Where its programs are.
///
/// # Errors
/// As [`packages::programs`].
pub fn programs() -> Result<Programs, PeerError> {
    packages::programs("opensmtpd", "usr/sbin/smtpd")
}

/// Where the engine for OpenSSL is.
///
/// # Errors
/// As [`packages::programs`].
pub fn engine() -> Result<Programs, PeerError> {
    packages::programs(ENGINE, &format!("{}/pkcs11.so", engines()))
}

/// The folder of OpenSSL's engines on Debian.
fn engines() -> String {
    format!("usr/lib/{}-linux-gnu/engines-3", std::env::consts::ARCH)
}

impl OpenSmtpd {
    /// Starts one with STARTTLS on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// As [`PeerError`] says.
    pub fn start(options: &Options) -> Result<Self, PeerError> {
        Self::start_at(free_address()?, options)
    }

    /// Starts one at this address of loopback.
    ///
    /// # Errors
    /// As [`PeerError`] says.
    pub fn start_at(address: SocketAddr, options: &Options) -> Result<Self, PeerError> {
        if !address.ip().is_loopback() {
            return Err(PeerError::Failed("servers for tests listen on loopback only".into()));
        }
        let programs = programs()?;
        for user in ["opensmtpd", "opensmtpq"] {
            packages::system_user(user)?;
        }
        let only_one = packages::machine_lock("opensmtpd")?;
        for (path, mode) in [("/var/spool/smtpd", 0o711), ("/var/lib/opensmtpd/empty", 0o755)] {
            packages::create(Path::new(path))?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
                .map_err(|e| packages::failed(Path::new(path), &e))?;
        }
        let folder = Folder::new("opensmtpd")?;
        let certificate = certificate::issue(folder.path(), &options.certificate)?;
        let mut smtpd = Self { server: None, address, folder, certificate, programs, _only_one: only_one };
        smtpd.restart(options)?;
        Ok(smtpd)
    }

    /// Stops it and starts it with other settings, at the same address.
    ///
    /// # Errors
    /// When OpenSMTPD refuses them.
    pub fn restart(&mut self, options: &Options) -> Result<(), PeerError> {
        self.server = None;
        let folder = self.folder.path();
        let file = folder.join("smtpd.conf");
        let lines = options.lines.clone().unwrap_or_else(|| self.lines(&options.certificate.host));
        packages::write(&file, &format!("{}\n{DELIVERY}", lines.join("\n")))?;
        // It refuses a configuration or key that others can read.
        for path in [&file, &self.certificate.key] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
                .map_err(|e| packages::failed(path, &e))?;
        }
        let mut command = Command::new(self.programs.path("usr/sbin/smtpd"));
        // -d: stay in the foreground and log there.
        command.arg("-d").arg("-v").arg("-f").arg(&file);
        let mut libraries = self.programs.library_path();
        if let Some(text) = &options.openssl {
            let engine = engine()?;
            let own = folder.join("openssl.cnf");
            packages::write(&own, text)?;
            command.env("OPENSSL_CONF", &own).env("OPENSSL_ENGINES", engine.path(&engines()));
            libraries = format!("{libraries}:{}", engine.library_path());
        }
        command.env("LD_LIBRARY_PATH", libraries);
        self.server = Some(Server::start(&mut command, self.address, &folder.join("output"))?);
        Ok(())
    }

    /// The default lines for keys and listener.
    pub fn lines(&self, host: &str) -> Vec<String> {
        vec![
            format!("pki {host} cert \"{}\"", self.certificate.chain.display()),
            format!("pki {host} key \"{}\"", self.certificate.key.display()),
            format!(
                "listen on {} port {} tls pki {host} hostname {host}",
                self.address.ip(),
                self.address.port()
            ),
        ]
    }

    /// A folder of its own for files that its settings name.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate and the authority's.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }
}

/// Mail is accepted and discarded.
const DELIVERY: &str = "\
table everyone { \"@\" = \"nobody\" }
action \"hole\" mda \"/bin/cat\" virtual <everyone>
match from any for any action \"hole\"
";
