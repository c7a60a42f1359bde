//! waxseal's view of Postfix against Postfix itself: `posttls-finger` at the levels `may`,
//! `encrypt`, `dane` and `secure` on every domain of the lab. Where the two differ, the
//! table of `docs/posttls-finger.md` has to say why.
//!
//! That program asks the system's resolver and connects to port 25. So the test starts
//! itself once more in namespaces of its own, with unbound as resolver that validates, and
//! the lab at real ports. It needs root, `unshare`, `ip` and Debian's packages; without
//! them it ends with a line that says `SKIPPED`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

mod answer;
mod table;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use answer::{Answer, LEVELS};
use table::Place;
use waxseal_lab::{Lab, LabOptions};
use waxseal_model::Evidence;
use waxseal_peers::{
    PeerError, PosttlsFinger, Unbound, namespace, posttls_finger::Sight, server::Folder, unbound,
};

const TEST: &str = "posttls_finger_agrees_or_the_difference_is_explained";
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
const LAB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54));
/// Runs of the probe side by side, each on a domain of its own.
const SIDE_BY_SIDE: usize = 4;

#[test]
fn posttls_finger_agrees_or_the_difference_is_explained() {
    if namespace::is_inside() {
        within();
        return;
    }
    // Before the network is out of reach.
    let begun = unbound::programs()
        .and_then(|_| PosttlsFinger::programs())
        .and_then(|_| namespace::enter(&[TEST, "--exact", "--nocapture"]));
    match begun {
        Ok(output) => {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        Err(PeerError::Unavailable(why)) => eprintln!("SKIPPED: comparing with posttls-finger: {why}"),
        Err(error) => panic!("{error}"),
    }
}

/// The comparison, in namespaces of its own.
fn within() {
    let folder = Folder::new("posttls-finger").unwrap();
    namespace::set_up(RESOLVER, folder.path()).unwrap();
    let mut options = LabOptions::default();
    options.real_ports = Some(LAB);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lab = runtime.block_on(Lab::start(options)).unwrap();
    let resolver = Unbound::start(RESOLVER, lab.dns(), lab.trust_anchor()).unwrap();
    let finger = PosttlsFinger::new(folder.path(), lab.ca_pem()).unwrap();
    let ours = scan(&lab, &folder);
    let theirs = probe(&finger, &lab);
    drop(resolver);
    compare(&ours, &theirs);
}

/// What waxseal finds of all domains.
fn scan(lab: &Lab, folder: &Folder) -> Vec<(String, Evidence)> {
    let file = |name: &str| folder.path().join(name);
    fs::write(file("roots.pem"), lab.ca_pem()).unwrap();
    fs::write(file("anchor"), lab.trust_anchor()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_waxseal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAXSEAL_")) {
        command.env_remove(name);
    }
    command.args(["check", "--json", "--timeout", "2", "--dns"]).arg(lab.dns().to_string());
    command.arg("--trust-anchor").arg(file("anchor")).arg("--ca-file").arg(file("roots.pem"));
    command.arg("--evidence").arg(file("evidence.json")).args(lab.domains().iter().map(|d| &d.name));
    command.env("XDG_CONFIG_HOME", folder.path()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let stored = fs::read(file("evidence.json"))
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let all: Vec<Evidence> = serde_json::from_slice(&stored).unwrap();
    assert_eq!(all.len(), lab.domains().len());
    lab.domains().iter().map(|d| d.name.clone()).zip(all).collect()
}

/// What posttls-finger says of all domains: its answer, and its words.
fn probe(finger: &PosttlsFinger, lab: &Lab) -> BTreeMap<Place, (Answer, String)> {
    let waiting = Mutex::new(lab.domains().iter());
    let answers = Mutex::new(BTreeMap::new());
    let next = || waiting.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(domain) = next() {
                    for level in LEVELS {
                        let said = finger.run(level, &domain.name).unwrap();
                        let answer = answer::theirs(level, Sight::read(&said));
                        answers.lock().unwrap().insert((label(&domain.name), level), (answer, said));
                    }
                }
            });
        }
    });
    answers.into_inner().unwrap()
}

fn compare(ours: &[(String, Evidence)], theirs: &BTreeMap<Place, (Answer, String)>) {
    let mut explained = table::explained();
    let (mut equal, mut differ, mut wrong) = (0_u32, 0_u32, Vec::new());
    for (domain, evidence) in ours {
        for level in LEVELS {
            let place = (label(domain), level);
            let our = answer::ours(level, evidence);
            let (their, said) = &theirs[&place];
            match (explained.remove(&place), *their == our) {
                (None, true) => equal += 1,
                (Some(row), _) if row.covers(*their, our) && (row.by_chance() || *their != our) => {
                    differ += 1
                }
                (Some(_), true) => wrong.push(format!("{domain} {level}: both {our}, no need to explain it")),
                (row, false) => wrong.push(format!(
                    "{domain} {level}: posttls-finger {their}, waxseal {our}; explained: {row:?}\n{said}"
                )),
            }
        }
    }
    wrong.extend(explained.keys().map(|(domain, level)| format!("{domain} {level}: no such domain")));
    eprintln!("posttls-finger on {} domains: {equal} answers equal, {differ} explained", ours.len());
    assert!(wrong.is_empty(), "docs/posttls-finger.md does not fit:\n{}", wrong.join("\n"));
}

/// `healthy` of `healthy.lab.test`.
fn label(domain: &str) -> String {
    domain.strip_suffix(".lab.test").unwrap_or(domain).to_owned()
}
