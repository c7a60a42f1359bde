//! What differs from an earlier run.

use std::collections::{BTreeMap, BTreeSet};

use waxseal_model::logs::{DomainChange, LogCause, LogChange, LogSummary, Traffic};

/// Domains that are told.
const MOST_DOMAINS: usize = 100;

/// Compares two summaries. A cause counts as new or gone only if the other run has it
/// nowhere; a domain is told if mail to it went in clear in one run and not in the other.
pub fn compare(earlier: &LogSummary, now: &LogSummary) -> LogChange {
    let names = |causes: &[LogCause]| causes.iter().map(|c| c.cause.clone()).collect::<BTreeSet<_>>();
    let (old, new) = (names(&earlier.causes), names(&now.causes));
    let before: BTreeMap<&str, Traffic> =
        earlier.domains.iter().map(|d| (d.domain.as_str(), d.delivered)).collect();
    let mut domains: Vec<DomainChange> = now
        .domains
        .iter()
        .filter_map(|domain| {
            let before = *before.get(domain.domain.as_str())?;
            differs(&before, &domain.delivered).then(|| DomainChange {
                domain: domain.domain.clone(),
                before,
                now: domain.delivered,
            })
        })
        .collect();
    // Worse first, then by how much mail it is about.
    domains.sort_by_key(|change| {
        let worse = change.now.clear > 0;
        (!worse, std::cmp::Reverse(change.now.total()), change.domain.clone())
    });
    domains.truncate(MOST_DOMAINS);
    // In the order of the list: most first.
    let only = |causes: &[LogCause], other: &BTreeSet<String>| {
        causes.iter().map(|c| c.cause.clone()).filter(|cause| !other.contains(cause)).collect()
    };
    LogChange {
        earlier_last: earlier.last,
        earlier: earlier.delivered,
        new_causes: only(&now.causes, &old),
        gone_causes: only(&earlier.causes, &new),
        domains,
    }
}

/// In clear in one and never in the other, where both are known.
fn differs(before: &Traffic, now: &Traffic) -> bool {
    before.known() > 0 && now.known() > 0 && (before.clear > 0) != (now.clear > 0)
}

#[cfg(test)]
mod tests {
    use waxseal_model::{
        diagnosis::{Retry, Side},
        logs::DomainTraffic,
    };

    use super::*;

    fn cause(name: &str) -> LogCause {
        LogCause {
            cause: name.into(),
            family: "tls".into(),
            summary: String::new(),
            side: Side::Nobody,
            retry: Retry::No,
            deferred: 1,
            failed: 0,
            first: None,
            last: None,
            struck: Vec::new(),
            example: String::new(),
            fix: None,
            paste: None,
        }
    }

    fn domain(name: &str, encrypted: u64, clear: u64) -> DomainTraffic {
        let delivered = Traffic { encrypted, clear, ..Traffic::default() };
        DomainTraffic { domain: name.into(), delivered, ..DomainTraffic::default() }
    }

    #[test]
    fn new_causes_and_domains_that_lost_or_gained_tls_are_told() {
        let earlier = LogSummary {
            causes: vec![cause("a"), cause("b")],
            domains: vec![
                domain("lost", 5, 0),
                domain("gained", 1, 2),
                domain("same", 3, 1),
                domain("unknown", 0, 0),
            ],
            ..LogSummary::default()
        };
        let now = LogSummary {
            causes: vec![cause("c"), cause("b")],
            domains: vec![
                domain("gained", 90, 0),
                domain("lost", 1, 4),
                domain("same", 1, 1),
                domain("new", 0, 9),
                domain("unknown", 0, 1),
            ],
            ..LogSummary::default()
        };
        let change = compare(&earlier, &now);
        assert_eq!((change.new_causes, change.gone_causes), (vec!["c".to_owned()], vec!["a".to_owned()]));
        let names: Vec<&str> = change.domains.iter().map(|d| d.domain.as_str()).collect();
        assert_eq!(names, ["lost", "gained"]);
    }
}
