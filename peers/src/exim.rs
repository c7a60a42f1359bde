//! Exim as Debian ships it: GnuTLS, STARTTLS offered.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

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
    /// Lines for the main section of its configuration, `name = value`. They take the place
    /// of a default with the same name: Exim refuses to be told twice.
    pub settings: Vec<String>,
    /// Lines of the section `acl`, beside the ACLs that the settings name.
    pub acl: Vec<String>,
    /// Lines of the section `authenticators`.
    pub authenticators: Vec<String>,
    /// Lines of the section `routers`, before the last router, which discards everything.
    pub routers: Vec<String>,
    /// Lines of the section `transports`, beside `hole`, which discards.
    pub transports: Vec<String>,
    /// Lines of the section `retry`; without one a first failure is the last.
    pub retry: Vec<String>,
}

/// A running Exim.
#[derive(Debug)]
pub struct Exim {
    /// None while it is being restarted.
    server: Option<Server>,
    address: SocketAddr,
    folder: Folder,
    certificate: Certificate,
    programs: Programs,
}

/// Where its programs are.
///
/// # Errors
/// As [`packages::programs`].
pub fn programs() -> Result<Programs, PeerError> {
    let programs = packages::programs("exim4-daemon-light", "usr/sbin/exim4")?;
    if !programs.library_path().is_empty() {
        // For a set-user-ID program the dynamic linker looks at no `LD_LIBRARY_PATH`: without
        // this the processes that deliver, which are not root's, would not find its libraries.
        let program = programs.path("usr/sbin/exim4");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .map_err(|e| packages::failed(&program, &e))?;
    }
    Ok(programs)
}

impl Exim {
    /// Starts one on a free port of 127.0.0.1; mail is accepted and discarded.
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
        packages::system_user(USER)?;
        let folder = Folder::new("exim")?;
        let certificate = certificate::issue(folder.path(), &options.certificate)?;
        for name in ["spool", "log"] {
            packages::create(&folder.path().join(name))?;
        }
        for path in [&folder.path().join("spool"), &folder.path().join("log"), &certificate.key] {
            belongs_to_exim(path)?;
        }
        let mut exim = Self { server: None, address, folder, certificate, programs };
        exim.restart(options)?;
        Ok(exim)
    }

    /// Stops it and starts it with other settings, at the same address.
    ///
    /// # Errors
    /// When Exim refuses them.
    pub fn restart(&mut self, options: &Options) -> Result<(), PeerError> {
        self.server = None;
        let folder = self.folder.path();
        let file = folder.join("exim.conf");
        let text = configuration(&self.programs, folder, &self.certificate, self.address, options);
        packages::write(&file, &text)?;
        let mut command = Command::new(self.programs.path("usr/sbin/exim4"));
        // -bdf: a daemon that stays in the foreground.
        command.arg("-C").arg(&file).arg("-bdf");
        command.env("LD_LIBRARY_PATH", self.programs.library_path());
        self.server = Some(Server::start(&mut command, self.address, &folder.join("output"))?);
        Ok(())
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

    /// Its main log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/mainlog")).unwrap_or_default()
    }
}

/// Makes a file readable for Exim's user, as the key of its certificate has to be.
///
/// # Errors
/// When the file is not there.
pub fn belongs_to_exim(path: &Path) -> Result<(), PeerError> {
    let owner = User::from_name(USER).ok().flatten().map(|user| user.uid.as_raw());
    chown(path, owner, None).map_err(|e| packages::failed(path, &e))
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
    let main = format!(
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
         deliver_drop_privilege = true\n\
         acl_smtp_rcpt = accept\n",
        here = folder.display(),
        exim = programs.path("usr/sbin/exim4").display(),
        host = options.certificate.host,
        ip = address.ip(),
        port = address.port(),
        chain = certificate.chain.display(),
        key = certificate.key.display(),
    );
    fn name(line: &str) -> &str {
        line.split('=').next().unwrap_or(line).trim()
    }
    let own: Vec<&str> = options.settings.iter().map(|line| name(line)).collect();
    let kept: String =
        main.lines().filter(|line| !own.contains(&name(line))).map(|line| format!("{line}\n")).collect();
    format!(
        "{kept}{more}\n\
         begin acl\n{acl}\n\
         begin routers\n{routers}\n\
         all:\n  driver = accept\n  transport = hole\n\
         begin transports\n\
         hole:\n  driver = appendfile\n  file = /dev/null\n  user = {USER}\n{transports}\n\
         begin retry\n{retry}\n\
         begin authenticators\n{authenticators}\n",
        more = options.settings.join("\n"),
        acl = options.acl.join("\n"),
        routers = options.routers.join("\n"),
        transports = options.transports.join("\n"),
        retry = options.retry.join("\n"),
        authenticators = options.authenticators.join("\n"),
    )
}
