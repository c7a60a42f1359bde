//! Parts of tests that run in a process of their own, so that it can be killed, or run with
//! failing flushes or in a small file system.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// Which part a process plays.
const ROLE: &str = "WAXSEAL_STORE_TEST_ROLE";

/// In which folder.
const FOLDER: &str = "WAXSEAL_STORE_TEST_FOLDER";

/// The entry of such a process; by itself it has nothing to do.
#[test]
#[ignore = "started by other tests, in a process of its own"]
fn child() {
    let (Ok(role), Some(folder)) = (env::var(ROLE), env::var_os(FOLDER)) else { return };
    // Ends the line in which the name of this test stands.
    println!();
    crate::faults::play(&role, Path::new(&folder));
}

/// A process that will play a part.
pub(crate) fn part(role: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    dress(&mut command, role, folder);
    command
}

/// The same in a file system of so many bytes, mounted at the folder for this process alone.
/// None, with a word to the reader, if this machine does not let us mount.
pub(crate) fn part_in_small_file_system(role: &str, folder: &Path, bytes: u64) -> Option<Command> {
    let root = nix::unistd::geteuid().is_root();
    let rights: &[&str] = if root { &[] } else { &["--user", "--map-root-user"] };
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(rights).args(["--mount", "--propagation", "private", "sh", "-c", script]);
        command.arg(folder).arg(format!("size={bytes}"));
        command
    };
    let mount = "mount -t tmpfs -o \"$1\" queue \"$0\"";
    match unshare(mount).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            eprintln!("SKIPPED: no small file system can be mounted here: {why}");
            return None;
        }
        Err(error) => {
            eprintln!("SKIPPED: no small file system can be mounted here: unshare: {error}");
            return None;
        }
    }
    let mut command = unshare(&format!("{mount} && shift && exec \"$@\""));
    command.arg(env::current_exe().unwrap());
    dress(&mut command, role, folder);
    Some(command)
}

fn dress(command: &mut Command, role: &str, folder: &Path) {
    command
        .args(["--ignored", "--exact", "process::child", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FOLDER, folder);
}

/// Runs a part to its end. What it says in lines beginning with a word and a colon comes back.
pub(crate) fn play(command: &mut Command) -> Vec<(String, String)> {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<_> = text.lines().filter_map(said).collect();
    assert!(!said.is_empty(), "the process did not play its part:\n{text}");
    said
}

/// What a line of a part says.
pub(crate) fn said(line: &str) -> Option<(String, String)> {
    let (word, rest) = line.split_once(": ")?;
    word.chars().all(|c| c.is_ascii_lowercase()).then(|| (word.to_owned(), rest.to_owned()))
}

/// Says something, whole and at once.
pub(crate) fn say(word: &str, rest: impl std::fmt::Display) {
    // `println` takes the lock for the whole line and flushes at its end.
    println!("{word}: {rest}");
}

/// Starts a part whose words are read while it runs.
pub(crate) fn start(command: &mut Command) -> (Child, impl Iterator<Item = (String, String)> + use<>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let words = std::iter::from_fn(move || {
        loop {
            let mut line = String::new();
            // A line without an end was cut by the kill: it was not said.
            if reader.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
                return None;
            }
            if let Some(said) = said(line.trim_end()) {
                return Some(said);
            }
        }
    });
    (child, words)
}

/// The library that counts flushes and makes them fail.
pub(crate) struct Flushes {
    folder: TempDir,
}

impl Flushes {
    /// Compiles it. None, with a word to the reader, if there is no compiler.
    pub(crate) fn compile() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("flush.c");
        fs::write(&source, include_str!("flush.c")).unwrap();
        fs::write(folder.path().join("count"), [0; 8]).unwrap();
        let library = folder.path().join("flush.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
        match cc.output() {
            Err(error) => {
                eprintln!("SKIPPED: flushes cannot be watched, there is no compiler: cc: {error}");
                None
            }
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(Self { folder })
            }
        }
    }

    /// Has a process use it.
    pub(crate) fn watch<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("LD_PRELOAD", self.folder.path().join("flush.so"))
            .env(COUNT, self.folder.path().join("count"))
            .env(FAIL, self.folder.path().join("fail"))
    }

    /// Flushes so far, of all processes.
    pub(crate) fn count(&self) -> u64 {
        count_in(self.folder.path().join("count").as_os_str())
    }
}

const COUNT: &str = "FLUSH_COUNT";
const FAIL: &str = "FLUSH_FAIL";

fn count_in(file: &OsStr) -> u64 {
    u64::from_ne_bytes(fs::read(file).unwrap().try_into().unwrap())
}

/// Within a watched process: flushes so far.
pub(crate) fn flushes() -> u64 {
    count_in(&env::var_os(COUNT).unwrap())
}

/// Within a watched process: from now on flushes of paths with this end fail; none: they work
/// again.
pub(crate) fn flushes_fail(end: Option<&str>) {
    let file = PathBuf::from(env::var_os(FAIL).unwrap());
    match end {
        Some(end) => fs::write(file, end).unwrap(),
        None => fs::remove_file(file).unwrap(),
    }
}
