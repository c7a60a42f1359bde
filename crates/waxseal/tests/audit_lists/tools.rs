//! What other scanners list, in our names.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    process::Command,
};

use waxseal_model::tls::TlsVersion;
use waxseal_peers::{PeerError, packages};
use waxseal_wire::tls::{groups, suites};

/// How TLS starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Starttls,
    Implicit,
}

/// What a tool lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    pub(crate) suites: BTreeMap<TlsVersion, BTreeSet<String>>,
    /// Empty where the tool does not tell.
    pub(crate) groups: BTreeSet<String>,
}

fn version(name: &str) -> Option<TlsVersion> {
    TlsVersion::ALL.into_iter().find(|v| v.label().replace(' ', "v") == name || v.label() == name)
}

fn run(command: &mut Command) -> Result<String, PeerError> {
    let output = command.output().map_err(|e| PeerError::Failed(e.to_string()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// sslscan, by the codes in its XML.
pub(crate) fn sslscan(address: SocketAddr, start: Start) -> Result<Lists, PeerError> {
    let mut command = Command::new(packages::program("sslscan", "sslscan")?);
    command.args(["--no-colour", "--xml=-"]);
    if start == Start::Starttls {
        command.arg("--starttls-smtp");
    }
    let text = run(command.arg(address.to_string()))?;
    let mut lists = Lists::default();
    for line in text.lines() {
        let attribute = |name: &str| {
            let (_, rest) = line.split_once(&format!(" {name}=\""))?;
            rest.split('"').next()
        };
        let code = attribute("id").and_then(|id| u32::from_str_radix(id.trim_start_matches("0x"), 16).ok());
        let (Some(code), Some(version)) = (code, attribute("sslversion").and_then(version)) else { continue };
        if line.contains("<cipher ") {
            lists.suites.entry(version).or_default().insert(suites::suite(code).name);
        } else if line.contains("<group ") {
            let code = u16::try_from(code).unwrap_or_default();
            lists.groups.insert(groups::named(code).name);
        }
    }
    Ok(lists)
}

/// nmap's script ssl-enum-ciphers.
pub(crate) fn nmap(address: SocketAddr) -> Result<Lists, PeerError> {
    let mut command = Command::new(packages::program("nmap", "nmap")?);
    command.args(["-n", "-Pn", "--script", "+ssl-enum-ciphers", "-p", &address.port().to_string()]);
    let text = run(command.arg(address.ip().to_string()))?;
    let mut lists = Lists::default();
    let mut at = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["|", name] = words[..] {
            at = version(name.trim_end_matches(':')).or(at);
        }
        let Some(name) = words.get(1).filter(|name| name.starts_with("TLS_")) else { continue };
        // Its own names for the suites of TLS 1.3.
        let name = name.replace("TLS_AKE_WITH_", "TLS_");
        if let Some(version) = at {
            lists.suites.entry(version).or_default().insert(name);
        }
    }
    Ok(lists)
}
