//! A relay of a test's own.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use waxseal_peers::server::Folder;

/// How long anything may take that a test waits for: generous, since machines are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A relay in a folder of its own; killed when dropped.
pub(crate) struct House {
    folder: Folder,
    address: SocketAddr,
    child: Option<Child>,
    environment: Vec<(String, String)>,
}

impl House {
    /// A relay with these lines after `[server]`, `[[listen]]` and `[log]`; not yet started.
    pub(crate) fn new(name: &str, lines: &str) -> Self {
        Self::at(name, None, lines)
    }

    /// Likewise, with the queue in a folder of the caller's.
    pub(crate) fn at(name: &str, queue: Option<&Path>, lines: &str) -> Self {
        let folder = Folder::new(name).unwrap();
        let address = free();
        let queue = queue.map_or_else(|| folder.path().join("queue"), Path::to_owned);
        let text = format!(
            "[server]\nhostname = \"relay.test\"\nspool = \"{}\"\ncontrol = \"{}\"\n\
             [[listen]]\naddress = \"{address}\"\n\
             [log]\njson = \"{}\"\nhuman = \"{}\"\n{lines}",
            queue.display(),
            folder.path().join("control.sock").display(),
            folder.path().join("events.jsonl").display(),
            folder.path().join("log").display(),
        );
        fs::write(folder.path().join("relay.toml"), text).unwrap();
        Self { folder, address, child: None, environment: Vec::new() }
    }

    /// Lines for a relay that hands everything to one host, and looks nothing up.
    pub(crate) fn to(next_hop: SocketAddr, lines: &str) -> String {
        format!(
            "[dns]\nservers = [\"127.0.0.1:1\"]\ndnssec = \"off\"\n\
             [[route]]\ndomain = \"*\"\nnext_hop = \"[{}]:{}\"\n{lines}",
            next_hop.ip(),
            next_hop.port()
        )
    }

    /// A variable for the relay's environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Where it takes mail.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("relay.toml")
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn start(&mut self) {
        self.launch();
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(began.elapsed() < PATIENCE, "it does not listen: {}", self.output());
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.output());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts it, and waits for nothing.
    pub(crate) fn launch(&mut self) {
        assert!(self.child.is_none());
        let output = fs::File::options().create(true).append(true).open(self.path().join("output")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_waxseal"))
            .args(["relay", "run", "--file"])
            .arg(self.config())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Ends it without warning, as by `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9), "it had ended by itself: {}", self.output());
    }

    /// Ends it as a service manager does, and demands that it ends well.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "{status}: {}", self.output());
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end: {}", self.output());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until it ends by itself, and gives its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            if began.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("it does not end: {}", self.output());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it wrote to standard output and error, the end of it.
    pub(crate) fn output(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.path().join(name)).unwrap_or_default();
        let text = read("output") + &read("log");
        text.lines().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Its events so far, one JSON object a line.
    pub(crate) fn events(&self) -> String {
        fs::read_to_string(self.path().join("events.jsonl")).unwrap_or_default()
    }

    /// Runs `waxseal relay …` with its configuration.
    pub(crate) fn command(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_waxseal"))
            .arg("relay")
            .args(words)
            .arg("--file")
            .arg(self.config())
            .output()
            .unwrap()
    }

    /// Likewise; it must succeed.
    pub(crate) fn told(&self, words: &[&str]) -> String {
        let output = self.command(words);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{words:?}: {out}{err}\n{}", self.output());
        out
    }

    /// The messages in the queue that these words find, as JSON.
    pub(crate) fn queue(&self, words: &[&str]) -> Vec<serde_json::Value> {
        let mut all = vec!["queue", "list", "--json", "--limit", "100000"];
        all.extend(words);
        serde_json::from_str::<serde_json::Value>(&self.told(&all)).unwrap().as_array().unwrap().clone()
    }

    /// Waits until this is so.
    pub(crate) fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < PATIENCE, "{what}: {}", self.output());
            thread::sleep(Duration::from_millis(25));
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An address of loopback that is free.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// Any port of loopback.
pub(crate) fn any() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
