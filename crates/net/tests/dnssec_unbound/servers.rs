//! The servers of the comparison: BIND with the tree, unbound in front of it, all on
//! loopback and stopped when dropped.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::base::iana::{Rcode, Rtype};
use domain::base::{Message, MessageBuilder, Name};

use crate::tree::ZONES;

/// A server process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a process that is already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free for UDP and TCP at this moment.
fn free_port() -> u16 {
    for _ in 0..100 {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// BIND, authoritative for every zone of the tree.
pub(crate) fn named(program: &Path, directory: &Path) -> Server {
    let port = free_port();
    let home = directory.display();
    let mut config = format!(
        "options {{ directory \"{home}\"; pid-file \"{home}/named.pid\"; session-keyfile \"{home}/session.key\";\n\
         listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;\n\
         dnssec-validation no; allow-transfer {{ none; }}; check-integrity no; notify no; }};\ncontrols {{ }};\n"
    );
    for zone in ZONES {
        config.push_str(&format!(
            "zone \"{}\" {{ type primary; file \"{}\"; check-names ignore; }};\n",
            zone.name,
            zone.file()
        ));
    }
    let path = directory.join("named.conf");
    fs::write(&path, config).unwrap();
    let mut command = Command::new(program);
    command.args(["-g", "-n", "1", "-c"]).arg(&path);
    start(command, port, directory, "named.log")
}

/// Unbound, which asks that BIND for everything.
pub(crate) fn unbound(
    program: &Path,
    directory: &Path,
    upstream: SocketAddr,
    anchor: Option<&str>,
) -> Server {
    let port = free_port();
    let (name, modules) = match anchor {
        Some(_) => ("validating", "validator iterator"),
        None => ("plain", "iterator"),
    };
    let home = directory.display();
    let mut config = format!(
        "server:\n directory: \"{home}\"\n chroot: \"\"\n username: \"\"\n pidfile: \"{home}/{name}.pid\"\n\
         interface: 127.0.0.1@{port}\n port: {port}\n do-daemonize: no\n use-syslog: no\n logfile: \"\"\n do-ip6: no\n\
         do-not-query-localhost: no\n num-threads: 1\n local-zone: \"test.\" nodefault\n\
         module-config: \"{modules}\"\n ede: yes\nremote-control:\n control-enable: no\n"
    );
    if let Some(anchor) = anchor {
        let ds = anchor.split_whitespace().collect::<Vec<_>>().join(" ");
        config = config.replacen("server:\n", &format!("server:\n trust-anchor: \"{ds}\"\n"), 1);
    }
    for zone in ZONES {
        config.push_str(&format!(
            "stub-zone:\n name: \"{}\"\n stub-addr: {}@{}\n",
            zone.name,
            upstream.ip(),
            upstream.port()
        ));
    }
    let path = directory.join(format!("{name}.conf"));
    fs::write(&path, config).unwrap();
    let mut command = Command::new(program);
    command.arg("-d").arg("-c").arg(&path);
    start(command, port, directory, &format!("{name}.log"))
}

fn start(mut command: Command, port: u16, directory: &Path, log: &str) -> Server {
    let log = directory.join(log);
    let output = fs::File::create(&log).unwrap();
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let child = command.spawn().unwrap();
    let server = Server { address: (Ipv4Addr::LOCALHOST, port).into(), child };
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        let (code, _) = ask(server.address, "test.", Rtype::SOA);
        if code == Some(Rcode::NOERROR) {
            return server;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{command:?} does not answer: {}", fs::read_to_string(log).unwrap_or_default());
}

/// Puts a question over TCP with DO set; the response code, and whether AD was set.
pub(crate) fn ask(server: SocketAddr, name: &str, rtype: Rtype) -> (Option<Rcode>, bool) {
    exchange(server, name, rtype).map_or((None, false), |(code, ad)| (Some(code), ad))
}

fn exchange(server: SocketAddr, name: &str, rtype: Rtype) -> Option<(Rcode, bool)> {
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_rd(true);
    let mut question = message.question();
    question.push((Name::vec_from_str(name).unwrap(), rtype)).unwrap();
    let mut additional = question.additional();
    additional
        .opt(|opt| {
            opt.set_dnssec_ok(true);
            Ok(())
        })
        .unwrap();
    let query = additional.finish();
    let wait = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&server, wait).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    stream.write_all(&u16::try_from(query.len()).ok()?.to_be_bytes()).ok()?;
    stream.write_all(&query).ok()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).ok()?;
    let header = Message::from_slice(&answer).ok()?.header();
    Some((header.rcode(), header.ad()))
}
