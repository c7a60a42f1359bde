//! Findings that came, went, or can no longer be told.

use std::collections::{BTreeMap, BTreeSet};

use waxseal_model::{
    Finding, Report, VerdictKind,
    change::{Change, ChangeKind, Direction},
    evidence::MailRouting,
    finding::VerdictEntry,
};

use super::change;
use crate::{Scope, checks, text};

/// What tells a finding from one scan to the next: its check, and host and port.
type Key<'a> = (&'a str, Option<String>);

/// Appends the differences.
pub(super) fn compare(before: &Report, after: &Report, changes: &mut Vec<Change>) {
    let (old, new) = (by_key(before), by_key(after));
    let (old_answers, new_answers) = (answers(before), answers(after));
    let keys: BTreeSet<&Key> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (old, new) = (list(&old, key), list(&new, key));
        let (gone, came) = pair(&old, &new, key, changes);
        for finding in came {
            let known = old_answers.get(key).is_some_and(|a| a.undetermined.is_none());
            changes.push(Change {
                before: (!known && old.is_empty()).then(|| "it could not be told".to_owned()),
                ..of(Direction::Worse, ChangeKind::NewFinding, key, finding)
            });
        }
        for finding in gone {
            let still_found = !new.is_empty();
            changes.push(departed(after, new_answers.get(key), still_found, key, finding));
        }
    }
    lost_checks(&old_answers, &new_answers, changes);
}

/// The findings of each key, each title once.
fn by_key(report: &Report) -> BTreeMap<Key<'_>, Vec<&Finding>> {
    let mut all: BTreeMap<Key, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        let its = all.entry((&finding.check, report.place(finding))).or_default();
        if !its.iter().any(|f| f.title == finding.title) {
            its.push(finding);
        }
    }
    all
}

fn list<'a>(all: &BTreeMap<Key, Vec<&'a Finding>>, key: &Key) -> Vec<&'a Finding> {
    all.get(key).cloned().unwrap_or_default()
}

/// Findings that are the same as before are left aside, but for their severity; what is left
/// over went, and came. A title may hold a number of days, so that what remains after equal
/// titles is paired in order.
fn pair<'a>(
    old: &[&'a Finding],
    new: &[&'a Finding],
    key: &Key,
    changes: &mut Vec<Change>,
) -> (Vec<&'a Finding>, Vec<&'a Finding>) {
    let (mut gone, mut came) = (old.to_vec(), Vec::new());
    for finding in new {
        match gone.iter().position(|f| f.title == finding.title) {
            Some(at) => severity(gone.remove(at), finding, key, changes),
            None => came.push(*finding),
        }
    }
    let both = gone.len().min(came.len());
    for (was, is) in gone.drain(..both).zip(came.drain(..both)) {
        severity(was, is, key, changes);
    }
    (gone, came)
}

fn severity(was: &Finding, is: &Finding, key: &Key, changes: &mut Vec<Change>) {
    let (direction, kind) = match is.severity.cmp(&was.severity) {
        std::cmp::Ordering::Greater => (Direction::Worse, ChangeKind::WorseFinding),
        std::cmp::Ordering::Less => (Direction::Better, ChangeKind::EasedFinding),
        std::cmp::Ordering::Equal => return,
    };
    changes.push(Change {
        before: Some(was.severity.word().to_owned()),
        after: Some(is.severity.word().to_owned()),
        ..of(direction, kind, key, is)
    });
}

fn of(direction: Direction, kind: ChangeKind, key: &Key, finding: &Finding) -> Change {
    Change {
        check: Some(finding.check.clone()),
        severity: Some(finding.severity),
        ..change(direction, kind, key.1.as_deref(), finding.title.clone())
    }
}

/// A finding that is not there any more: mended only if its check says so.
fn departed(after: &Report, now: Option<&Answer>, still_found: bool, key: &Key, finding: &Finding) -> Change {
    let mended = |after: Option<&str>| Change {
        after: after.map(str::to_owned),
        ..of(Direction::Better, ChangeKind::MendedFinding, key, finding)
    };
    let lost = |why: &str| Change {
        after: Some(why.to_owned()),
        ..of(Direction::Unknown, ChangeKind::LostFinding, key, finding)
    };
    match now {
        _ if still_found => mended(None),
        Some(Answer { undetermined: Some(why), .. }) => lost(why),
        Some(Answer { undetermined: None, .. }) => mended(None),
        None if left(after, key) => mended(Some("mail no longer goes to this host")),
        None => match unanswered(after, key) {
            Some(why) => lost(why),
            None => mended(Some("the question makes no sense any more")),
        },
    }
}

/// Why a check gave no answer at all at a place; none where it has no meaning there any more
/// (no policy, no version to fall back to).
fn unanswered(after: &Report, key: &Key) -> Option<&'static str> {
    let Some(place) = &key.1 else {
        return after.domain.is_none().then_some("the domain was not looked at this time");
    };
    let mut here = after.endpoints.iter().filter(|e| e.endpoint.argument() == *place).peekable();
    if here.peek().is_none() {
        return Some("this host and port was not tested this time");
    }
    let audits = checks::ALL.iter().any(|c| c.id == key.0 && c.scope == Scope::Audit);
    let audited = here.any(|e| e.evidence.tls.audit.is_some());
    (audits && !audited).then_some("only an audit asks for it")
}

/// True if the host of a place is known to have left the domain's mail hosts.
fn left(after: &Report, key: &Key) -> bool {
    let (Some(domain), Some(place)) = (&after.domain, &key.1) else { return false };
    domain.routing != MailRouting::Unknown
        && !after.endpoints.iter().any(|e| e.endpoint.argument() == *place)
        && !domain.hosts.iter().any(|h| place.rsplit_once(':').is_some_and(|(host, _)| host == h.name))
}

/// What a check says of a place, over all its addresses.
#[derive(Default)]
struct Answer<'a> {
    clear: bool,
    /// Why it is undetermined at one of them.
    undetermined: Option<&'a str>,
}

fn answers(report: &Report) -> BTreeMap<Key<'_>, Answer<'_>> {
    let places: BTreeMap<String, String> =
        report.endpoints.iter().map(|e| (e.endpoint.id(), e.endpoint.argument())).collect();
    let mut all: BTreeMap<Key, Answer> = BTreeMap::new();
    for VerdictEntry { check, endpoint, verdict, why } in &report.verdicts {
        let place = endpoint.as_ref().map(|id| places.get(id).unwrap_or(id).clone());
        let answer = all.entry((check, place)).or_default();
        match verdict {
            VerdictKind::Clear => answer.clear = true,
            VerdictKind::Undetermined => answer.undetermined = Some(why),
            VerdictKind::Found => {}
        }
    }
    all
}

/// Checks that were clear and are undetermined now, for each place and reason in one line:
/// a server that does not answer takes all of its checks along.
fn lost_checks(old: &BTreeMap<Key, Answer>, new: &BTreeMap<Key, Answer>, changes: &mut Vec<Change>) {
    let mut lost: BTreeMap<(Option<&str>, &str), Vec<String>> = BTreeMap::new();
    for (key, _) in old.iter().filter(|(_, was)| was.clear && was.undetermined.is_none()) {
        let is = new.get(key).filter(|is| !is.clear);
        if let Some(why) = is.and_then(|is| is.undetermined) {
            lost.entry((key.1.as_deref(), why)).or_default().push(key.0.to_owned());
        }
    }
    for ((place, why), checks) in lost {
        let text = match checks.as_slice() {
            [one] => format!("{one} was clear and can no longer be told"),
            many => format!("{} checks were clear and can no longer be told", many.len()),
        };
        changes.push(Change {
            before: Some(text::list(&checks)),
            after: Some(why.to_owned()),
            ..change(Direction::Unknown, ChangeKind::LostCheck, place, text)
        });
    }
}
