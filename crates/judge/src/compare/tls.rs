//! Versions, suites, groups and signature algorithms that came or went.

use waxseal_model::{
    change::{Change, ChangeKind, Direction},
    evidence::EndpointFacts,
    tls::TlsVersion,
};

use super::{change, without};
use crate::text;

/// Appends the differences at one host and port.
pub(super) fn compare(
    place: &str,
    old: &[&EndpointFacts],
    new: &[&EndpointFacts],
    changes: &mut Vec<Change>,
) {
    for version in TlsVersion::ALL {
        let label = version.label();
        if let (Some(was), Some(is)) = (accepted(old, version), accepted(new, version))
            && was != is
        {
            let text = if is { "is accepted now" } else { "is not accepted any more" };
            let direction = direction(version, is);
            changes.push(change(direction, ChangeKind::Version, Some(place), format!("{label} {text}")));
        }
        let lists = (suites(old, version), suites(new, version));
        differ(place, ChangeKind::Suite, &format!("{label} suites"), lists, changes);
    }
    let lists = (groups(old), groups(new));
    differ(place, ChangeKind::Group, "groups", lists, changes);
    let lists = (signatures(old), signatures(new));
    differ(place, ChangeKind::SignatureAlgorithm, "signature algorithms", lists, changes);
}

/// Whether any address accepts a version; false only if all of them are known not to.
fn accepted(facts: &[&EndpointFacts], version: TlsVersion) -> Option<bool> {
    let known: Vec<Option<bool>> =
        facts.iter().map(|e| e.tls.versions.get(&version)?.get().copied()).collect();
    if known.contains(&Some(true)) {
        return Some(true);
    }
    known.iter().all(Option::is_some).then_some(false)
}

/// RFC 8996 forbids what is older than TLS 1.2.
fn direction(version: TlsVersion, accepted: bool) -> Direction {
    match (version, accepted) {
        (TlsVersion::Tls12, _) => Direction::Neutral,
        (TlsVersion::Tls13, true) => Direction::Better,
        (TlsVersion::Tls13, false) | (_, true) => Direction::Worse,
        (_, false) => Direction::Better,
    }
}

/// Names that were seen, over all addresses, and whether there can be no others.
#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    complete: bool,
}

impl Names {
    fn gather<'a>(lists: impl Iterator<Item = (Vec<&'a str>, bool)>) -> Self {
        let mut names = Self { all: Vec::new(), complete: true };
        let mut any = false;
        for (list, complete) in lists {
            any = true;
            names.complete &= complete;
            for name in list {
                if !names.all.iter().any(|n| n == name) {
                    names.all.push(name.to_owned());
                }
            }
        }
        names.complete &= any;
        names
    }
}

/// The suites of a version; an address that does not accept it has none.
fn suites(facts: &[&EndpointFacts], version: TlsVersion) -> Names {
    Names::gather(facts.iter().map(|e| {
        let refused = e.tls.versions.get(&version).and_then(|v| v.get()) == Some(&false);
        let list = e.tls.audit.as_ref().and_then(|a| a.suite_lists.get(&version)).and_then(|l| l.get());
        let names = e.tls.suites.get(&version).into_iter().flatten().map(String::as_str).collect();
        (names, refused || list.is_some_and(|l| l.complete))
    }))
}

fn groups(facts: &[&EndpointFacts]) -> Names {
    Names::gather(facts.iter().map(|e| {
        let complete = e.tls.group_facts.get().is_some_and(|g| g.complete);
        (e.tls.groups.iter().map(String::as_str).collect(), complete)
    }))
}

fn signatures(facts: &[&EndpointFacts]) -> Names {
    Names::gather(facts.iter().map(|e| {
        let lists = e.tls.audit.as_ref().map(|a| &a.signature_algorithms).filter(|l| !l.is_empty());
        let complete = lists.is_some_and(|l| l.values().all(|s| s.get().is_some_and(|s| s.complete)));
        (e.tls.signature_algorithms.iter().map(String::as_str).collect(), complete)
    }))
}

/// A name is new only if the earlier list had all there was, and gone only if the later one
/// has. What a version brings or takes along is not told again.
fn differ(place: &str, kind: ChangeKind, what: &str, (was, is): (Names, Names), changes: &mut Vec<Change>) {
    if was.all.is_empty() || is.all.is_empty() {
        return;
    }
    let came = if was.complete { without(&is.all, &was.all) } else { Vec::new() };
    let gone = if is.complete { without(&was.all, &is.all) } else { Vec::new() };
    if !came.is_empty() {
        let text = format!("New {what}: {}", text::list(&came));
        let after = Some(came.join(" "));
        changes.push(Change { after, ..change(Direction::Neutral, kind, Some(place), text) });
    }
    if !gone.is_empty() {
        let text = format!("No longer among the {what}: {}", text::list(&gone));
        let before = Some(gone.join(" "));
        changes.push(Change { before, ..change(Direction::Neutral, kind, Some(place), text) });
    }
}
