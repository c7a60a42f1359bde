//! A process of our own in a folder of its own.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::{PeerError, packages};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);
/// How long it may take to end by itself: OpenSMTPD never does once it has spoken TLS.
const STOP: Duration = Duration::from_millis(500);
/// How long its sockets may outlive it.
const GONE: Duration = Duration::from_secs(5);

/// A folder that is removed when dropped. It lies in the system's temporary folder:
/// servers that give up root could not reach one in root's home.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one, readable by every user.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new(name: &str) -> Result<Self, PeerError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("waxseal-{name}-{}-{number}", std::process::id()));
        // What a killed run with the same process id has left.
        let _ = fs::remove_dir_all(&path);
        packages::create(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(|e| packages::failed(&path, &e))?;
        Ok(Self(path))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a command as the leader of its own process group and waits until `address`
    /// listens. The command stays in the foreground; its output goes to `output`.
    ///
    /// # Errors
    /// When it ends, or does not listen in time; the message holds the end of its output.
    pub fn start(command: &mut Command, address: SocketAddr, output: &Path) -> Result<Self, PeerError> {
        let log = fs::File::create(output).map_err(|e| packages::failed(output, &e))?;
        let copy = log.try_clone().map_err(|e| packages::failed(output, &e))?;
        let name = command.get_program().display().to_string();
        let child = command
            // Kept open: some servers end when there is nothing more to read.
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(copy)
            .process_group(0)
            .spawn()
            .map_err(|e| PeerError::Failed(format!("cannot start {name}: {e}")))?;
        let mut server = Self { child, address };
        let began = Instant::now();
        while !is_listening(address.port()) {
            let ended = matches!(server.child.try_wait(), Ok(Some(_)));
            if ended || began.elapsed() > START {
                let talk = fs::read_to_string(output).unwrap_or_default();
                let how = if ended { "ended at once" } else { "does not listen" };
                return Err(PeerError::Failed(format!("{name} {how}: {}", talk.trim())));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Process id of the leader of its process group.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Ok(leader) = i32::try_from(self.child.id()) else { return };
        let group = Pid::from_raw(leader);
        let _ = killpg(group, Signal::SIGTERM);
        let began = Instant::now();
        while began.elapsed() < STOP && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(20));
        }
        // Also for helpers that have outlived their leader.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
        // Their sockets last as long as they do; the next server may want the port.
        while began.elapsed() < GONE && is_listening(self.address.port()) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A port of 127.0.0.1 that nobody listened on a moment ago.
///
/// # Errors
/// When the machine has no loopback or no free port.
pub fn free_address() -> Result<SocketAddr, PeerError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|e| PeerError::Failed(format!("no free port on 127.0.0.1: {e}")))
}

/// Whether anybody listens on a port of 127.0.0.1 or of all addresses, as Linux tells:
/// to find out by connecting would be one connection more in the server's own log.
fn is_listening(port: u16) -> bool {
    const LISTEN: &str = "0A";
    let local = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        fs::read_to_string(table).unwrap_or_default().lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            fields.next().is_some_and(|address| address.ends_with(&local)) && fields.nth(1) == Some(LISTEN)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_a_listener_without_connecting_to_it() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_listening(port));
        drop(listener);
        assert!(!is_listening(port));
    }

    #[test]
    fn a_command_that_ends_at_once_is_a_failure_with_its_words() {
        let folder = Folder::new("server-test").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such option >&2"]);
        let address = free_address().unwrap();
        let error = Server::start(&mut command, address, &folder.path().join("out")).unwrap_err();
        assert!(error.to_string().contains("no such option"), "{error}");
    }

    #[test]
    fn a_folder_is_gone_when_dropped() {
        let folder = Folder::new("folder-test").unwrap();
        let path = folder.path().to_path_buf();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
