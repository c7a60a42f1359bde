//! Where a server's programs are: installed, or unpacked from Debian's packages.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use nix::unistd::geteuid;

use crate::{PeerError, SWITCH};

/// Seconds for one call of apt.
const APT_SECONDS: &str = "180";
/// How long a failure to fetch is remembered.
const RETRY: Duration = Duration::from_secs(600);

/// A tree that holds a server's programs: `/`, or a folder of unpacked packages.
#[derive(Debug, Clone)]
pub struct Programs {
    root: PathBuf,
}

impl Programs {
    /// A file of the tree by its path without the leading slash.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Folders with shared libraries that the dynamic linker does not know of, in the
    /// form of `LD_LIBRARY_PATH`; empty for installed programs.
    pub fn library_path(&self) -> String {
        if self.root == Path::new("/") {
            return String::new();
        }
        let mut folders = Vec::new();
        for base in ["usr/lib", "lib"] {
            let Ok(entries) = fs::read_dir(self.root.join(base)) else { continue };
            for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
                folders.push(path.display().to_string());
            }
        }
        folders.sort();
        folders.join(":")
    }
}

/// Finds or fetches a server that has to be started by root.
///
/// `binary` is the program by its path without the leading slash; `package` is Debian's
/// name of what holds it. What is fetched stays in `target/peers` for the next time.
///
/// # Errors
/// [`PeerError::Unavailable`] without root, without apt, or when apt does not succeed.
pub fn programs(package: &str, binary: &str) -> Result<Programs, PeerError> {
    allowed()?;
    if !geteuid().is_root() {
        return Err(PeerError::Unavailable("real mail servers are started by root only".into()));
    }
    let installed = Programs { root: "/".into() };
    if installed.path(binary).is_file() {
        return Ok(installed);
    }
    let folder = store().join(package);
    let fetched = Programs { root: folder.join("root") };
    let complete = folder.join("complete");
    create(&folder)?;
    // One at a time: apt and dpkg have locks of their own, and fail where this waits.
    let _lock = machine_lock("fetch")?;
    if !complete.is_file() {
        let refused = folder.join("unavailable");
        if let Some(why) = recent(&refused) {
            return Err(PeerError::Unavailable(why));
        }
        if let Err(error) = fetch(package, &folder, &fetched.root) {
            write(&refused, &error.to_string())?;
            return Err(error);
        }
        if !fetched.path(binary).is_file() {
            return Err(PeerError::Failed(format!("Debian's package {package} holds no /{binary}")));
        }
        write(&complete, "")?;
    }
    Ok(fetched)
}

/// Why a package could not be fetched a short while ago: without a network each test would
/// wait for apt anew.
fn recent(refused: &Path) -> Option<String> {
    let age = fs::metadata(refused).ok()?.modified().ok()?.elapsed().ok()?;
    if age < RETRY { fs::read_to_string(refused).ok() } else { None }
}

/// Finds a program in `PATH`, or says which package has it.
///
/// # Errors
/// [`PeerError::Unavailable`] when it is not installed.
pub fn program(name: &str, package: &str) -> Result<PathBuf, PeerError> {
    allowed()?;
    env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            PeerError::Unavailable(format!("{name} is missing (Debian: apt-get install {package})"))
        })
}

/// Makes sure that a system user exists: some servers look their own up by name.
///
/// # Errors
/// [`PeerError::Unavailable`] when it does not exist and cannot be created.
pub fn system_user(name: &str) -> Result<(), PeerError> {
    if matches!(nix::unistd::User::from_name(name), Ok(Some(_))) {
        return Ok(());
    }
    let created = Command::new("useradd")
        .args(["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name])
        .stdin(Stdio::null())
        .output();
    let exists = matches!(nix::unistd::User::from_name(name), Ok(Some(_)));
    if exists || created.is_ok_and(|output| output.status.success()) {
        Ok(())
    } else {
        Err(PeerError::Unavailable(format!("the system user {name} is missing and cannot be created")))
    }
}

fn allowed() -> Result<(), PeerError> {
    if env::var_os(SWITCH).is_some_and(|value| value == "off") {
        return Err(PeerError::Unavailable(format!("{SWITCH}=off")));
    }
    Ok(())
}

/// Downloads a package with what it depends on and is not installed, and unpacks all of
/// it. Nothing gets installed or removed: apt only loads into a folder of our own.
fn fetch(package: &str, folder: &Path, root: &Path) -> Result<(), PeerError> {
    let archives = folder.join("archives");
    create(&archives.join("partial"))?;
    create(root)?;
    if let Err(first) = download(package, &archives) {
        // The lists may be missing or too old.
        let _ = apt(&["update"]);
        download(package, &archives).map_err(|_| first)?;
    }
    let entries = fs::read_dir(&archives).map_err(|e| failed(&archives, &e))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "deb") {
            quiet(Command::new("dpkg").arg("-x").arg(&path).arg(root))?;
        }
    }
    Ok(())
}

fn download(package: &str, archives: &Path) -> Result<(), PeerError> {
    let cache = format!("Dir::Cache::archives={}", archives.display());
    apt(&["install", "--download-only", "--yes", "--no-install-recommends", "-o", &cache, package])
}

fn apt(arguments: &[&str]) -> Result<(), PeerError> {
    let mut command = Command::new("timeout");
    command
        .args([APT_SECONDS, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "DPkg::Lock::Timeout=60"])
        .args(arguments);
    quiet(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Runs a command; its last line of complaint becomes the reason.
fn quiet(command: &mut Command) -> Result<(), PeerError> {
    let name = command
        .get_args()
        .find(|word| *word == "apt-get")
        .unwrap_or_else(|| command.get_program())
        .display()
        .to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| PeerError::Unavailable(format!("cannot start {name}: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let talk = String::from_utf8_lossy(&output.stderr);
    let last = talk.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    Err(PeerError::Unavailable(format!("{name} failed ({}): {last}", output.status)))
}

/// `target/peers` of this checkout.
fn store() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join("target/peers")
}

/// A lock for what can happen only once at a time: tests run in several processes. Held
/// until dropped.
pub(crate) fn machine_lock(name: &str) -> Result<fs::File, PeerError> {
    create(&store())?;
    let path = store().join(format!("{name}.lock"));
    let file = fs::File::create(&path).map_err(|e| failed(&path, &e))?;
    file.lock().map_err(|e| failed(&path, &e))?;
    Ok(file)
}

pub(crate) fn create(folder: &Path) -> Result<(), PeerError> {
    fs::create_dir_all(folder).map_err(|e| failed(folder, &e))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), PeerError> {
    fs::write(path, text).map_err(|e| failed(path, &e))
}

pub(crate) fn failed(path: &Path, error: &std::io::Error) -> PeerError {
    PeerError::Failed(format!("{}: {error}", path.display()))
}
