//! Our DNSSEC verdicts beside those of unbound, on a signed tree with broken zones.
//!
//! Needs BIND (`named`, `dnssec-keygen`, `dnssec-signzone`) and `unbound`, on the PATH, in
//! `/usr/sbin`, or in the directory that `WAXSEAL_PROGRAMS` names; says so and stops otherwise.
//! Every difference must be in the table of `cases.rs`, which docs/dnssec.md explains.

#![cfg(test)]

mod cases;
mod servers;
mod tree;

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::base::iana::{Rcode, Rtype};
use waxseal_model::dns::DnssecStatus;
use waxseal_net::resolver::{Resolver, ResolverConfig};

use cases::{CASES, Case, DIFFERENCES};

/// A program, where it can be found.
fn find(name: &str) -> Option<PathBuf> {
    let peers = std::env::var_os("WAXSEAL_PROGRAMS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let inside_peers = peers
        .iter()
        .flat_map(|peers| ["", "bin", "sbin", "usr/bin", "usr/sbin"].map(|directory| peers.join(directory)));
    inside_peers
        .chain(std::env::split_paths(&path))
        .chain([PathBuf::from("/usr/sbin")])
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// What unbound says of a question: bogus answers are SERVFAIL, secure ones carry AD.
fn verdict(server: &servers::Server, case: &Case) -> DnssecStatus {
    let rtype = Rtype::from_mnemonic(case.rtype.as_bytes()).unwrap();
    match servers::ask(server.address, case.name, rtype) {
        (Some(Rcode::NOERROR | Rcode::NXDOMAIN), true) => DnssecStatus::Secure,
        (Some(Rcode::NOERROR | Rcode::NXDOMAIN), false) => DnssecStatus::Insecure,
        (Some(Rcode::SERVFAIL), _) => DnssecStatus::Bogus,
        other => panic!("unbound answers {other:?} for {} {}", case.name, case.rtype),
    }
}

struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("waxseal-dnssec-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A directory that stays behind is no reason to fail.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn resolver(server: &servers::Server, anchor: &str) -> Resolver {
    Resolver::new(ResolverConfig {
        servers: vec![server.address],
        trust_anchor: Some(anchor.to_owned()),
        timeout: Duration::from_secs(10),
    })
    .unwrap()
}

/// One line for every case in which ours is not what is expected.
async fn compare(upstream: &str, resolver: &Resolver, reference: &servers::Server) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in CASES {
        let theirs = verdict(reference, case);
        let ours = resolver.lookup(case.name, case.rtype).await;
        let difference = DIFFERENCES.iter().find(|d| d.name == case.name && d.rtype == case.rtype);
        let expected = difference.map_or(theirs, |difference| difference.ours);
        eprintln!(
            "{upstream:10} {:30} {:6} unbound {:9} ours {:13} {:?}: {}",
            case.name,
            case.rtype,
            theirs.word(),
            ours.status.word(),
            ours.outcome,
            ours.reason
        );
        if ours.status != expected || ours.outcome != case.outcome || !ours.reason.contains(case.says) {
            wrong.push(format!(
                "{upstream}: {} {}: {:?} {}, expected {:?} {} saying {:?}; unbound {}; reason: {}",
                case.name,
                case.rtype,
                ours.outcome,
                ours.status.word(),
                case.outcome,
                expected.word(),
                case.says,
                theirs.word(),
                ours.reason
            ));
        }
        // Another version of unbound may have come round to our view, but not to a third one.
        if difference.is_some_and(|d| theirs != d.theirs && theirs != d.ours) {
            wrong.push(format!("{} {}: unbound now says {}", case.name, case.rtype, theirs.word()));
        }
    }
    wrong
}

/// The document quotes the size of this comparison.
#[test]
fn the_document_counts_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dnssec.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (all, different) = (CASES.len(), DIFFERENCES.len());
    let below_test = tree::ZONES.len() - 2;
    for quoted in [
        format!(
            "{all} questions through each of three servers; {} verdicts equal, {different} different",
            all - different
        ),
        format!("`test.` and {below_test} zones below it"),
    ] {
        assert!(document.contains(&quoted), "docs/dnssec.md does not say: {quoted}");
    }
}

fn programs() -> Option<impl Fn(&str) -> PathBuf> {
    let missing: Vec<&str> = ["named", "unbound", "dnssec-keygen", "dnssec-signzone"]
        .into_iter()
        .filter(|name| find(name).is_none())
        .collect();
    if missing.is_empty() {
        return Some(|name: &str| find(name).unwrap());
    }
    eprintln!("SKIPPED: the DNSSEC comparison needs {}; set WAXSEAL_PROGRAMS", missing.join(", "));
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_are_those_of_unbound_except_where_explained() {
    let Some(programs) = programs() else { return };
    let directory = Directory::new();
    let path: &Path = &directory.0;
    let anchor = tree::build(&programs, path);
    let authority = servers::named(&programs("named"), path);
    let validating = servers::unbound(&programs("unbound"), path, authority.address, Some(&anchor));
    let plain = servers::unbound(&programs("unbound"), path, authority.address, None);
    let mut wrong = Vec::new();
    for (name, server) in [("validating", &validating), ("plain", &plain), ("authority", &authority)] {
        wrong.extend(compare(name, &resolver(server, &anchor), &validating).await);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
