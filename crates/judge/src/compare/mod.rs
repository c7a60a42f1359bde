//! What changed between two scans of one target.
//!
//! Parts: `findings` (what is new, mended, or can no longer be told), `names` (mail hosts
//! and published policies), `certificates`, `tls` (versions, suites, groups).
//!
//! An endpoint is told by host and port: addresses come and go. Only what both scans know
//! is compared; a list that may be incomplete is never said to lack something, and a
//! finding whose check gives no answer any more is lost, not mended.

mod certificates;
mod findings;
mod names;
mod tls;

use std::collections::{BTreeMap, BTreeSet};

use waxseal_model::{
    Comparison, Letter, Report, Severity,
    change::{Change, ChangeKind, Direction},
    evidence::EndpointFacts,
};

/// Compares a scan with an earlier one of the same target. Both should be judged by the same
/// profile, each as of its own time.
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let mut changes = Vec::new();
    letter(before, after, &mut changes);
    findings::compare(before, after, &mut changes);
    names::compare(before, after, &mut changes);
    let (old, new) = (facts(before), facts(after));
    for (place, old) in &old {
        if let Some(new) = new.get(place) {
            certificates::compare(place, old, new, &mut changes);
            tls::compare(place, old, new, &mut changes);
        }
    }
    // Stable: within one severity and kind the order is that of the report.
    changes.sort_by_key(|c| (c.direction, std::cmp::Reverse(rank(c)), c.kind));
    Comparison { since: before.started_at, letter_before: before.grade.letter, changes }
}

/// Changes that are no findings stand before all findings of their direction.
fn rank(change: &Change) -> (bool, Option<Severity>) {
    (change.kind == ChangeKind::Letter, change.severity)
}

fn letter(before: &Report, after: &Report, changes: &mut Vec<Change>) {
    let (old, new) = (before.grade.letter, after.grade.letter);
    let label = |l: Option<Letter>| l.map(|l| l.label().to_owned());
    let (direction, text) = match (old, new) {
        (Some(o), Some(n)) if n == o => return,
        // Letters are ordered best first.
        (Some(o), Some(n)) => {
            let direction = if n > o { Direction::Worse } else { Direction::Better };
            (direction, format!("The letter went from {} to {}", o.label(), n.label()))
        }
        (Some(o), None) => {
            (Direction::Unknown, format!("There is no letter any more (it was {})", o.label()))
        }
        (None, Some(n)) => (Direction::Neutral, format!("There is a letter now: {}", n.label())),
        (None, None) => return,
    };
    changes.push(Change {
        before: label(old),
        after: label(new),
        ..change(direction, ChangeKind::Letter, None, text)
    });
}

/// A change with nothing but its text.
fn change(direction: Direction, kind: ChangeKind, place: Option<&str>, text: impl Into<String>) -> Change {
    Change {
        direction,
        kind,
        place: place.map(str::to_owned),
        check: None,
        severity: None,
        text: text.into(),
        before: None,
        after: None,
    }
}

/// What was observed at each host and port, over all its addresses.
fn facts(report: &Report) -> BTreeMap<String, Vec<&EndpointFacts>> {
    let mut places: BTreeMap<String, Vec<&EndpointFacts>> = BTreeMap::new();
    for e in &report.endpoints {
        places.entry(e.endpoint.argument()).or_default().push(&e.evidence);
    }
    places
}

/// Names in one list and not in the other, in their order.
fn without(names: &[String], others: &[String]) -> Vec<String> {
    let others: BTreeSet<&String> = others.iter().collect();
    names.iter().filter(|n| !others.contains(n)).cloned().collect()
}

#[cfg(test)]
mod tests;
