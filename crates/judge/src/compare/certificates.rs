//! Certificates that were exchanged.

use std::collections::BTreeMap;

use waxseal_model::{
    CertificateFacts,
    change::{Change, ChangeKind, Direction},
    evidence::EndpointFacts,
};

use super::change;
use crate::text;

/// The servers' own certificates by kind of key, each once.
type ByKey<'a> = BTreeMap<&'a str, Vec<&'a CertificateFacts>>;

/// Appends the differences at one host and port. Scans need not meet every certificate that
/// a server has, so that one which is not met again is only said to be unseen.
pub(super) fn compare(
    place: &str,
    old: &[&EndpointFacts],
    new: &[&EndpointFacts],
    changes: &mut Vec<Change>,
) {
    let (before, after) = (leaves(old), leaves(new));
    if before.is_empty() || after.is_empty() {
        return;
    }
    let all_seen = new.iter().all(|e| e.chains.is_seen());
    let kinds = before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>();
    for kind in kinds {
        let none = Vec::new();
        let (was, is) = (before.get(kind).unwrap_or(&none), after.get(kind).unwrap_or(&none));
        let absent =
            |c: &&&CertificateFacts, from: &[&CertificateFacts]| from.iter().all(|o| o.sha256 != c.sha256);
        let mut gone = was.iter().filter(|c| absent(c, is));
        for certificate in is.iter().filter(|c| absent(c, was)) {
            changes.push(replaced(place, kind, gone.next(), certificate));
        }
        for certificate in gone.filter(|_| all_seen) {
            changes.push(Change {
                before: Some(describe(certificate)),
                ..neutral(place, format!("A certificate with {kind} key was not seen again"))
            });
        }
    }
}

fn leaves<'a>(facts: &[&'a EndpointFacts]) -> ByKey<'a> {
    let mut all = ByKey::new();
    for chain in facts.iter().filter_map(|e| e.chains.get()).flatten() {
        let Some(leaf) = chain.leaf() else { continue };
        let its = all.entry(&leaf.key.algorithm).or_default();
        if !its.iter().any(|c| c.sha256 == leaf.sha256) {
            its.push(leaf);
        }
    }
    all
}

fn replaced(place: &str, kind: &str, was: Option<&&CertificateFacts>, is: &CertificateFacts) -> Change {
    let text = match was {
        None => format!("There is a certificate with {kind} key that was not there"),
        Some(was) => {
            let key = if was.spki_sha256 == is.spki_sha256 { ", for the same key" } else { "" };
            let issuer = if was.issuer == is.issuer {
                String::new()
            } else {
                format!(", by {}", text::cut(&is.issuer, 80))
            };
            format!(
                "The certificate with {kind} key is another{key}{issuer}: it ends on {} instead of {}",
                text::date(is.not_after),
                text::date(was.not_after)
            )
        }
    };
    Change { before: was.map(|c| describe(c)), after: Some(describe(is)), ..neutral(place, text) }
}

fn neutral(place: &str, text: String) -> Change {
    change(Direction::Neutral, ChangeKind::Certificate, Some(place), text)
}

fn describe(certificate: &CertificateFacts) -> String {
    format!(
        "SHA-256 {}, {}, until {}",
        certificate.sha256,
        text::cut(&certificate.subject, 80),
        text::date(certificate.not_after)
    )
}
