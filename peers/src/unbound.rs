//! unbound as a validating resolver in front of one name server.

use std::{
    net::{IpAddr, SocketAddr, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    PeerError,
    packages::{self, Programs},
    server::{Folder, Server},
};

/// How long it may take to answer.
const START: Duration = Duration::from_secs(20);

/// A running unbound.
#[derive(Debug)]
pub struct Unbound {
    _server: Server,
    _folder: Folder,
}

/// Where its programs are.
///
/// # Errors
/// As [`packages::programs`].
pub fn programs() -> Result<Programs, PeerError> {
    packages::programs("unbound", "usr/sbin/unbound")
}

impl Unbound {
    /// Starts one at port 53 of a loopback address that asks `upstream` for everything and
    /// validates by `anchor`, DS or DNSKEY records as zone-file lines.
    ///
    /// # Errors
    /// As [`PeerError`] says.
    pub fn start(address: IpAddr, upstream: SocketAddr, anchor: &str) -> Result<Self, PeerError> {
        let programs = programs()?;
        if !address.is_loopback() {
            return Err(PeerError::Failed("servers for tests listen on loopback only".into()));
        }
        let folder = Folder::new("unbound")?;
        let here = folder.path().display();
        let (host, port) = (upstream.ip(), upstream.port());
        let config = format!(
            "server:\n directory: \"{here}\"\n chroot: \"\"\n username: \"\"\n pidfile: \"{here}/pid\"\n\
             interface: {address}\n do-daemonize: no\n use-syslog: no\n logfile: \"\"\n do-ip6: no\n\
             do-not-query-localhost: no\n num-threads: 1\n module-config: \"validator iterator\"\n\
             trust-anchor-file: \"{here}/anchor\"\n local-zone: \"test.\" nodefault\n\
             local-zone: \"127.in-addr.arpa.\" nodefault\n\
             remote-control:\n control-enable: no\n\
             forward-zone:\n name: \".\"\n forward-addr: {host}@{port}\n"
        );
        packages::write(&folder.path().join("anchor"), anchor)?;
        let file = folder.path().join("unbound.conf");
        packages::write(&file, &config)?;
        let mut command = Command::new(programs.path("usr/sbin/unbound"));
        command.arg("-d").arg("-c").arg(&file).env("LD_LIBRARY_PATH", programs.library_path());
        let listening = SocketAddr::new(address, 53);
        let server = Server::start(&mut command, listening, &folder.path().join("output"))?;
        // Somebody else may have port 53 at another address: that it listens here is seen
        // only by connecting.
        let began = Instant::now();
        while TcpStream::connect(listening).is_err() {
            if began.elapsed() > START {
                let talk = std::fs::read_to_string(folder.path().join("output")).unwrap_or_default();
                return Err(PeerError::Failed(format!("unbound does not listen: {}", talk.trim())));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { _server: server, _folder: folder })
    }
}
