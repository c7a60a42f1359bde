//! Namespaces of one's own for mounts and for the network: for programs that can be told
//! neither the resolver to ask nor the port to connect to.

use std::{
    env,
    net::IpAddr,
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::unistd::geteuid;

use crate::{PeerError, packages};

/// Set in the process that runs within.
const INSIDE: &str = "WAXSEAL_NAMESPACE";

/// Whether this process was started by [`enter`].
pub fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs this program once more, with these arguments, in namespaces of its own: it sees no
/// network but a loopback of its own, and what it mounts is not seen outside.
///
/// # Errors
/// [`PeerError::Unavailable`] without root, without `unshare` (util-linux) or `ip`
/// (iproute2), and where the system allows no namespaces.
pub fn enter(arguments: &[&str]) -> Result<Output, PeerError> {
    if !geteuid().is_root() {
        return Err(PeerError::Unavailable("a network namespace of its own is for root only".into()));
    }
    let unshare = packages::program("unshare", "util-linux")?;
    packages::program("ip", "iproute2")?;
    let allowed = Command::new(&unshare).args(["-m", "-n", "--", "true"]).stdin(Stdio::null()).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        return Err(PeerError::Unavailable("this system allows no network namespace of its own".into()));
    }
    let failed = |e: std::io::Error| PeerError::Failed(format!("cannot start anew: {e}"));
    let this = env::current_exe().map_err(failed)?;
    Command::new(unshare)
        .args(["-m", "-n", "--"])
        .arg(this)
        .args(arguments)
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .output()
        .map_err(failed)
}

/// Within: starts loopback, and makes `resolver` the system's resolver, one whose word on
/// DNSSEC is believed. `folder` takes the file that stands in for `/etc/resolv.conf`.
///
/// # Errors
/// [`PeerError::Failed`] outside of such namespaces, and when a step fails.
pub fn set_up(resolver: IpAddr, folder: &Path) -> Result<(), PeerError> {
    if !is_inside() {
        return Err(PeerError::Failed("the machine's own network is left alone".into()));
    }
    step("ip", &["link", "set", "lo", "up"])?;
    let file = folder.join("resolv.conf");
    packages::write(&file, &format!("nameserver {resolver}\noptions edns0 trust-ad timeout:4 attempts:2\n"))?;
    step("mount", &["--bind", &file.display().to_string(), "/etc/resolv.conf"])
}

fn step(program: &str, arguments: &[&str]) -> Result<(), PeerError> {
    let failed = |why: &str| PeerError::Failed(format!("{program} {}: {why}", arguments.join(" ")));
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| failed(&e.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(failed(String::from_utf8_lossy(&output.stderr).trim())) }
}
