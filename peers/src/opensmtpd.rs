//! OpenSMTPD as Debian ships it. In Debian 12 its TLS ends every handshake with alert 80:
//! docs/real-servers.md says why. That makes it a real server whose TLS is broken.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::{
    PeerError,
    certificate::{self, Certificate},
    packages::{self, Programs},
    server::{Folder, Server, free_address},
};

/// A running OpenSMTPD. Its own folders and its control socket have fixed paths, so that
/// only one runs on a machine: a second start waits for the first to stop.
#[derive(Debug)]
pub struct OpenSmtpd {
    server: Server,
    folder: Folder,
    certificate: Certificate,
    _only_one: fs::File,
}

/// Where its programs are.
///
/// # Errors
/// As [`packages::programs`].
pub fn programs() -> Result<Programs, PeerError> {
    packages::programs("opensmtpd", "usr/sbin/smtpd")
}

impl OpenSmtpd {
    /// Starts one with STARTTLS on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// As [`PeerError`] says; an OpenSMTPD that runs already is `Unavailable`.
    pub fn start(certificate: &certificate::Options) -> Result<Self, PeerError> {
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
        let host = certificate.host.clone();
        let certificate = certificate::issue(folder.path(), certificate)?;
        let address = free_address()?;
        let file = folder.path().join("smtpd.conf");
        packages::write(&file, &configuration(&host, &certificate, address))?;
        // It refuses a configuration or key that others can read.
        for path in [&file, &certificate.key] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
                .map_err(|e| packages::failed(path, &e))?;
        }
        let mut command = Command::new(programs.path("usr/sbin/smtpd"));
        // -d: stay in the foreground and log there.
        command.arg("-d").arg("-v").arg("-f").arg(&file);
        command.env("LD_LIBRARY_PATH", programs.library_path());
        let server = Server::start(&mut command, address, &folder.path().join("output"))?;
        Ok(Self { server, folder, certificate, _only_one: only_one })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
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

fn configuration(host: &str, certificate: &Certificate, address: SocketAddr) -> String {
    format!(
        "pki {host} cert \"{chain}\"\n\
         pki {host} key \"{key}\"\n\
         listen on {ip} port {port} tls pki {host} hostname {host}\n\
         table everyone {{ \"@\" = \"nobody\" }}\n\
         action \"hole\" mda \"/bin/cat\" virtual <everyone>\n\
         match from any for any action \"hole\"\n",
        chain = certificate.chain.display(),
        key = certificate.key.display(),
        ip = address.ip(),
        port = address.port(),
    )
}
