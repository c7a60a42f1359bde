//! Postfix as Debian ships it: OpenSSL, STARTTLS offered, everything else at its default.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime},
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

/// The services that a receiving and a sending Postfix need, without chroot as in Debian's own file
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
smtp       unix       - - n -     - smtp
virtual    unix       - n n -     - virtual
retry      unix       - - n -     - error
discard    unix       - - n -     - discard
anvil      unix       - - n -     1 anvil
scache     unix       - - n -     1 scache
postlog    unix-dgram n - n -     1 postlogd
tlsproxy   unix       - - n -     0 tlsproxy
";

/// A file that old is not being written to any more.
const SETTLED: Duration = Duration::from_secs(60);

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What its certificate says.
    pub certificate: certificate::Options,
    /// Where to listen; a free port of 127.0.0.1 where none is given.
    pub address: Option<SocketAddr>,
    /// TLS from the first byte, as on port 465.
    pub implicit_tls: bool,
    /// More lines for `main.cf`; of two with the same name the later one counts.
    pub settings: Vec<String>,
    /// Settings of the listener alone, `name=value`: `-o` in `master.cf`.
    pub listener: Vec<String>,
    /// More lines for `master.cf`: other listeners, transports with settings of their own.
    pub services: Vec<String>,
    /// More variables of its environment; `import_environment` must name them.
    pub environment: Vec<(String, String)>,
}

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
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
        let mut postfix = Self { server: None, address, folder, certificate, programs };
        postfix.restart(options)?;
        Ok(postfix)
    }

    /// Stops it and starts it with other settings, at the same address.
    ///
    /// A restart, not `postfix reload`: that ends the logging daemon too, and when it is late
    /// to come back, every process of Postfix waits for it, connections included.
    ///
    /// # Errors
    /// When Postfix refuses them.
    pub fn restart(&mut self, options: &Options) -> Result<(), PeerError> {
        self.server = None;
        let folder = self.folder.path();
        configure(&self.programs, folder, &self.certificate, self.address, options)?;
        let mut command = Command::new(self.programs.path("usr/lib/postfix/sbin/master"));
        // -d: stay in the foreground.
        command.arg("-c").arg(folder.join("etc")).arg("-d");
        command.env("LD_LIBRARY_PATH", self.programs.library_path());
        command.envs(options.environment.iter().map(|(name, value)| (name, value)));
        self.server = Some(Server::start(&mut command, self.address, &folder.join("output"))?);
        Ok(())
    }

    /// A folder of its own for files that its settings name.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its master process, while it runs.
    pub fn process(&self) -> Option<u32> {
        self.server.as_ref().map(Server::process_id)
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
    let wrapper = options.implicit_tls.then(|| "smtpd_tls_wrappermode=yes".to_owned());
    let own: String = wrapper.iter().chain(&options.listener).map(|o| format!("\n  -o {o}")).collect();
    let more: String = options.services.iter().map(|line| format!("{line}\n")).collect();
    let services = format!("{address} inet n - n - - smtpd{own}\n{SERVICES}{more}");
    packages::write(&etc.join("master.cf"), &services)?;
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
    let file = etc.join("main.cf");
    packages::write(&file, &last_of_each(&main))?;
    // Postfix does not trust a file that may still be written to, and waits for two seconds.
    fs::File::options()
        .append(true)
        .open(&file)
        .and_then(|open| open.set_modified(SystemTime::now() - SETTLED))
        .map_err(|e| packages::failed(&file, &e))
}

/// The last line of each name: Postfix would say of each earlier one that it is overridden.
fn last_of_each(text: &str) -> String {
    fn name(line: &str) -> &str {
        line.split('=').next().unwrap_or(line).trim()
    }
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| !lines.iter().skip(at + 1).any(|later| name(later) == name(line)));
    kept.map(|(_, line)| format!("{line}\n")).collect()
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
