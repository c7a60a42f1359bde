//! The relay against Postfix's own client: the same messages to every domain of the lab, at
//! the levels `may`, `encrypt`, `verify`, `dane` and `dane-only`. Each is delivered, kept or
//! returned; where the two differ, the table of `docs/relay-differences.md` has to say why.
//!
//! Postfix asks the system's resolver and connects to port 25. So the test starts itself once
//! more in namespaces of its own, with unbound as resolver that validates, and the lab at
//! real ports. It needs root, `unshare`, `ip` and Debian's packages; without them it ends
//! with a line that says `SKIPPED`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

mod ours;
mod table;
mod theirs;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use waxseal_lab::{Lab, LabOptions};
use waxseal_peers::{
    PeerError, Unbound, namespace,
    server::Folder,
    submit::{Message, submit},
    unbound,
};

use table::{End, Place};

const TEST: &str = "postfix_ends_the_same_or_the_difference_is_explained";
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
const LAB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54));
/// How long all first attempts of one of the two may take; half a minute is common.
const PATIENCE: Duration = Duration::from_secs(200);

/// The levels by Postfix's names, and what a rule of the relay says for the same. At the
/// first three published policies are left aside by the relay, since Postfix has none there.
pub(crate) const LEVELS: [(&str, &str, bool); 5] = [
    ("may", "opportunistic", true),
    ("encrypt", "require", true),
    ("verify", "verify", true),
    ("dane", "dane", false),
    ("dane-only", "dane-only", false),
];

#[test]
fn postfix_ends_the_same_or_the_difference_is_explained() {
    if namespace::is_inside() {
        within();
        return;
    }
    // Before the network is out of reach.
    let begun = unbound::programs()
        .and_then(|_| waxseal_peers::postfix::programs())
        .and_then(|_| namespace::enter(&[TEST, "--exact", "--nocapture"]));
    match begun {
        Ok(output) => {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        Err(PeerError::Unavailable(why)) => eprintln!("SKIPPED: the relay beside Postfix: {why}"),
        Err(error) => panic!("{error}"),
    }
}

/// What both have to do with.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) folder: Folder,
    pub(crate) roots: PathBuf,
    pub(crate) anchor: PathBuf,
}

/// The comparison, in namespaces of its own.
fn within() {
    let folder = Folder::new("relay-postfix").unwrap();
    namespace::set_up(RESOLVER, folder.path()).unwrap();
    let mut options = LabOptions::default();
    options.real_ports = Some(LAB);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lab = runtime.block_on(Lab::start(options)).unwrap();
    let resolver = Unbound::start(RESOLVER, lab.dns(), lab.trust_anchor()).unwrap();
    let (roots, anchor) = (folder.path().join("roots.pem"), folder.path().join("anchor"));
    fs::write(&roots, lab.ca_pem()).unwrap();
    fs::write(&anchor, lab.trust_anchor()).unwrap();
    let stage = Stage { lab, folder, roots, anchor };
    let ours = ours::ends(&stage);
    let theirs = theirs::ends(&stage);
    drop(resolver);
    compare(&stage.lab, &ours, &theirs);
}

/// Hands one message for each domain and level over, from a sender that names the level.
pub(crate) fn send(stage: &Stage, server: SocketAddr) {
    for (level, ..) in LEVELS {
        let from = format!("{level}@sender.example");
        for domain in stage.lab.domains() {
            let to = format!("{level}@{}", ascii(&domain.name));
            let text = "From: alice@sender.example\nSubject: one\n\nbody\n";
            submit(server, &[Message { from: &from, to: &[&to], parameters: "", text }]).unwrap();
        }
    }
}

/// The domain as it stands in an envelope.
pub(crate) fn ascii(domain: &str) -> String {
    waxseal_wire::target::name_to_ascii(domain).unwrap()
}

/// Waits until every message has an end by this view, and gives them. What else the view
/// holds (notices to the senders) is left out.
pub(crate) fn until(
    what: &str,
    stage: &Stage,
    view: impl Fn() -> BTreeMap<Place, (End, String)>,
) -> BTreeMap<Place, (End, String)> {
    let began = Instant::now();
    let places: Vec<Place> = stage
        .lab
        .domains()
        .iter()
        .flat_map(|domain| LEVELS.iter().map(|(level, ..)| (label(&domain.name), *level)))
        .collect();
    loop {
        let mut ends = view();
        ends.retain(|place, _| places.contains(place));
        if ends.len() == places.len() {
            eprintln!("{what}: {} messages in {:.1} s", ends.len(), began.elapsed().as_secs_f64());
            return ends;
        }
        if began.elapsed() > PATIENCE {
            let missing: Vec<&Place> = places.iter().filter(|place| !ends.contains_key(*place)).collect();
            panic!("{what}: no end after {} s of {missing:?}", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

fn compare(lab: &Lab, ours: &BTreeMap<Place, (End, String)>, theirs: &BTreeMap<Place, (End, String)>) {
    let mut explained = table::explained();
    let (mut equal, mut differ, mut wrong) = (0_u32, 0_u32, Vec::new());
    for domain in lab.domains() {
        for (level, ..) in LEVELS {
            let place = (label(&domain.name), level);
            let ((our, own_words), (their, words)) = (&ours[&place], &theirs[&place]);
            match (explained.remove(&place), our == their) {
                (None, true) => equal += 1,
                (Some(row), _) if row.covers(*their, *our) && (row.by_chance() || our != their) => {
                    differ += 1
                }
                (Some(_), true) => wrong.push(format!("{place:?}: both {our}, no need to explain it")),
                (row, false) => wrong.push(format!(
                    "{place:?}: Postfix {their} ({words}), waxseal {our} ({own_words}); explained: {row:?}"
                )),
            }
        }
    }
    wrong.extend(explained.keys().map(|(domain, level)| format!("{domain} {level}: no such domain")));
    let count = |end: End| ours.values().filter(|(our, _)| *our == end).count();
    let [delivered, kept, returned] = End::ALL.map(count);
    eprintln!(
        "the relay beside Postfix, {} domains: {equal} ends equal, {differ} explained; \
         by the relay {delivered} delivered, {kept} kept, {returned} returned",
        lab.domains().len()
    );
    // Else one side did not work at all, and nothing was compared.
    assert!(delivered > 0 && kept > 0 && returned > 0, "not every end is there");
    assert!(wrong.is_empty(), "docs/relay-differences.md does not fit:\n{}", wrong.join("\n"));
}

/// `healthy` of `healthy.lab.test`, in A-labels.
pub(crate) fn label(domain: &str) -> String {
    let domain = ascii(domain);
    domain.strip_suffix(".lab.test").unwrap_or(&domain).to_owned()
}
