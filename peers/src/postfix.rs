//! Postfix as Debian ships it: OpenSSL, STARTTLS offered, everything else at its default.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use nix::unistd::{Group, User};

use crate::{
    PeerError,
    certificate::{self, Certificate},
    packages::{self, Programs},
    server::{Folder, Server, free_address},
};

/// Owner of the queue and group of its open folders. Postfix refuses root and `nobody`;
/// these two exist on every Debian, with or without the package.
const OWNER: &str = "mail";
const GROUP: &str = "uucp";

/// Folders of the queue that only its owner may enter.
const PRIVATE: [&str; 11] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
    "trace",
];

/// The services that a receiving Postfix needs, without chroot as in Debian's own file
/// from compatibility level 3.0 on.
const SERVICES: &str = "\
cleanup    unix       n - n -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
tlsmgr     unix       - - n 1000? 1 tlsmgr
rewrite    unix       - - n -     - trivial-rewrite
bounce     unix       - - n -     0 bounce
defer      unix       - - n -     0 bounce
trace      unix       - - n -     0 bounce
proxymap   unix       - - n -     - proxymap
error      unix       - - n -     - error
retry      unix       - - n -     - error
discard    unix       - - n -     - discard
anvil      unix       - - n -     1 anvil
scache     unix       - - n -     1 scache
postlog    unix-dgram n - n -     1 postlogd
tlsproxy   unix       - - n -     0 tlsproxy
";

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What its certificate says.
    pub certificate: certificate::Options,
    /// Where to listen; a free port of 127.0.0.1 where none is given.
    pub address: Option<SocketAddr>,
    /// TLS from the first byte, as on port 465.
    pub implicit_tls: bool,
    /// More lines for `main.cf`.
    pub settings: Vec<String>,
}

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    server: Server,
    folder: Folder,
    certificate: Certificate,
}

/// Where its programs are.
///
/// # Errors
/// As [`packages::programs`].
pub fn programs() -> Result<Programs, PeerError> {
    packages::programs("postfix", "usr/lib/postfix/sbin/master")
}

impl Postfix {
    /// Starts one on loopback; mail is accepted from here and discarded.
    ///
    /// # Errors
    /// As [`PeerError`] says.
    pub fn start(options: &Options) -> Result<Self, PeerError> {
        let programs = programs()?;
        if options.address.is_some_and(|address| !address.ip().is_loopback()) {
            return Err(PeerError::Failed("servers for tests listen on loopback only".into()));
        }
        let folder = Folder::new("postfix")?;
        let certificate = certificate::issue(folder.path(), &options.certificate)?;
        queue(folder.path())?;
        let address = options.address.map_or_else(free_address, Ok)?;
        configure(&programs, folder.path(), &certificate, address, options)?;
        let mut command = Command::new(programs.path("usr/lib/postfix/sbin/master"));
        // -d: stay in the foreground.
        command.arg("-c").arg(folder.path().join("etc")).arg("-d");
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

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Its version by its own log.
    pub fn version(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once("daemon started -- version ")?;
        Some(rest.split([',', '\n']).next()?.to_owned())
    }

    /// The path of its log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("maillog")
    }

    /// Connections by its own log, once every one of them is noted as ended there (or
    /// after five seconds, with those that are still open).
    pub fn connections(&self) -> usize {
        let began = Instant::now();
        let mut before = None;
        loop {
            let log = self.log();
            let count = |what: &str| log.matches(what).count();
            let (opened, closed) = (count(": connect from "), count(": disconnect from "));
            if (opened == closed && before == Some(opened)) || began.elapsed() > Duration::from_secs(5) {
                return opened;
            }
            before = Some(opened);
            thread::sleep(Duration::from_millis(150));
        }
    }
}

fn configure(
    programs: &Programs,
    folder: &Path,
    certificate: &Certificate,
    address: SocketAddr,
    options: &Options,
) -> Result<(), PeerError> {
    let here = folder.display();
    let etc = folder.join("etc");
    packages::create(&etc)?;
    let wrapper = if options.implicit_tls { "\n  -o smtpd_tls_wrappermode=yes" } else { "" };
    packages::write(&etc.join("master.cf"), &format!("{address} inet n - n - - smtpd{wrapper}\n{SERVICES}"))?;
    packages::write(&etc.join("dynamicmaps.cf"), "")?;
    let mut main = format!(
        "compatibility_level = 3.6\n\
         smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)\n\
         myhostname = {host}\n\
         mydestination =\n\
         mynetworks = 127.0.0.0/8\n\
         inet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\n\
         alias_maps =\n\
         smtpd_relay_restrictions = permit_mynetworks, reject\n\
         smtpd_tls_security_level = may\n\
         smtpd_tls_chain_files = {key}, {chain}\n\
         default_transport = discard:\n\
         mail_owner = {OWNER}\n\
         setgid_group = {GROUP}\n\
         config_directory = {here}/etc\n\
         meta_directory = {here}/etc\n\
         queue_directory = {here}/spool\n\
         data_directory = {here}/data\n\
         daemon_directory = {daemons}\n\
         command_directory = {commands}\n\
         shlib_directory = {libraries}\n\
         import_environment = MAIL_CONFIG LD_LIBRARY_PATH LANG=C\n\
         maillog_file = {here}/maillog\n\
         maillog_file_prefixes = {here}\n",
        host = options.certificate.host,
        key = certificate.key.display(),
        chain = certificate.chain.display(),
        daemons = programs.path("usr/lib/postfix/sbin").display(),
        commands = programs.path("usr/sbin").display(),
        libraries = programs.path("usr/lib/postfix").display(),
    );
    for line in &options.settings {
        main.push_str(line);
        main.push('\n');
    }
    packages::write(&etc.join("main.cf"), &main)
}

/// The queue's folders with the owners that Postfix insists on.
fn queue(folder: &Path) -> Result<(), PeerError> {
    let missing = |what: &str| PeerError::Unavailable(format!("this system has no {what}"));
    let owner = User::from_name(OWNER).ok().flatten().ok_or_else(|| missing("user mail"))?.uid.as_raw();
    let group = Group::from_name(GROUP).ok().flatten().ok_or_else(|| missing("group uucp"))?.gid.as_raw();
    let make = |name: &str, owner: Option<u32>, group: Option<u32>, mode: u32| {
        let path = folder.join(name);
        packages::create(&path)?;
        chown(&path, owner, group)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .map_err(|e| packages::failed(&path, &e))
    };
    make("spool", None, None, 0o755)?;
    make("spool/pid", None, None, 0o755)?;
    make("spool/public", Some(owner), Some(group), 0o710)?;
    make("spool/maildrop", Some(owner), Some(group), 0o730)?;
    make("data", Some(owner), None, 0o700)?;
    PRIVATE.iter().try_for_each(|name| make(&format!("spool/{name}"), Some(owner), None, 0o700))
}
