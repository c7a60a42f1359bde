//! Exim as Debian ships it: GnuTLS, STARTTLS offered.

use std::{fs, net::SocketAddr, os::unix::fs::chown, path::Path, process::Command};

use nix::unistd::User;

use crate::{
    PeerError,
    certificate::{self, Certificate},
    packages::{self, Programs},
    server::{Folder, Server, free_address},
};

/// The user whose name is compiled into Debian's Exim.
const USER: &str = "Debian-exim";

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What its certificate says.
    pub certificate: certificate::Options,
    /// More lines for the main section of its configuration.
    pub settings: Vec<String>,
}

/// A running Exim.
#[derive(Debug)]
pub struct Exim {
    server: Server,
    folder: Folder,
    certificate: Certificate,
}

/// Where its programs are.
///
/// # Errors
/// As [`packages::programs`].
pub fn programs() -> Result<Programs, PeerError> {
    packages::programs("exim4-daemon-light", "usr/sbin/exim4")
}

impl Exim {
    /// Starts one on a free port of 127.0.0.1; mail is accepted and discarded.
    ///
    /// # Errors
    /// As [`PeerError`] says.
    pub fn start(options: &Options) -> Result<Self, PeerError> {
        let programs = programs()?;
        packages::system_user(USER)?;
        let folder = Folder::new("exim")?;
        let certificate = certificate::issue(folder.path(), &options.certificate)?;
        let address = free_address()?;
        let file = folder.path().join("exim.conf");
        packages::write(&file, &configuration(&programs, folder.path(), &certificate, address, options))?;
        for name in ["spool", "log"] {
            packages::create(&folder.path().join(name))?;
        }
        let owner = User::from_name(USER).ok().flatten().map(|user| user.uid.as_raw());
        for path in [&folder.path().join("spool"), &folder.path().join("log"), &certificate.key] {
            chown(path, owner, None).map_err(|e| packages::failed(path, &e))?;
        }
        let mut command = Command::new(programs.path("usr/sbin/exim4"));
        // -bdf: a daemon that stays in the foreground.
        command.arg("-C").arg(&file).arg("-bdf");
        command.env("LD_LIBRARY_PATH", programs.library_path());
        let server = Server::start(&mut command, address, &folder.path().join("output"))?;
        Ok(Self { server, folder, certificate })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its certificate and the authority's.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its main log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/mainlog")).unwrap_or_default()
    }
}

/// Debian's defaults as far as TLS goes. Names of clients are not looked up: without a name
/// server within reach, that would hold up every connection by seconds.
fn configuration(
    programs: &Programs,
    folder: &Path,
    certificate: &Certificate,
    address: SocketAddr,
    options: &Options,
) -> String {
    format!(
        "spool_directory = {here}/spool\n\
         log_file_path = {here}/log/%slog\n\
         pid_file_path = {here}/exim.pid\n\
         exim_path = {exim}\n\
         keep_environment = LD_LIBRARY_PATH\n\
         primary_hostname = {host}\n\
         host_lookup =\n\
         helo_lookup_domains =\n\
         local_interfaces = {ip}\n\
         daemon_smtp_ports = {port}\n\
         tls_advertise_hosts = *\n\
         tls_certificate = {chain}\n\
         tls_privatekey = {key}\n\
         acl_smtp_rcpt = accept\n\
         {more}\n\
         begin acl\n\
         begin routers\n\
         all:\n  driver = accept\n  transport = hole\n\
         begin transports\n\
         hole:\n  driver = appendfile\n  file = /dev/null\n  user = nobody\n\
         begin retry\n",
        here = folder.display(),
        exim = programs.path("usr/sbin/exim4").display(),
        host = options.certificate.host,
        ip = address.ip(),
        port = address.port(),
        chain = certificate.chain.display(),
        key = certificate.key.display(),
        more = options.settings.join("\n"),
    )
}
