//! Check [`certificate.lifetime`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A certificate of a public CA is valid for longer than such CAs may issue.
    ///
    /// # Effect
    /// Programs that hold CAs to their rules (those of Apple, web browsers) refuse it. Mail
    /// servers do not look.
    /// # Method
    /// The leaf's lifetime, if its path ends in a root of the system, against the limit of the
    /// day it was issued: 825 days from 2018-03-01, 398 from 2020-09-01, 200 from 2026-03-15,
    /// 100 from 2027-03-15, 47 from 2029-03-15. Private CAs may do as they like.
    /// # Fix
    /// Renew it.
    /// # Sources
    /// CA/Browser Forum Baseline Requirements 6.3.2 (ballots 193, SC31 and SC081v3).
    "certificate.lifetime", Tls, judge
}

const DAY: i64 = 86_400;

/// Limits in days by the first day that they hold for, newest first.
const LIMITS: [(i64, i64); 5] = [
    (1_868_227_200, 47),
    (1_805_068_800, 100),
    (1_773_532_800, 200),
    (1_598_918_400, 398),
    (1_519_862_400, 825),
];

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let Some(leaf) = chain.leaf() else { return CLEAR };
        if !super::is_publicly_trusted(chain)? {
            return CLEAR;
        }
        let limit = LIMITS.iter().find(|(from, _)| leaf.not_before >= *from);
        let Some((from, days)) = limit.filter(|(_, days)| leaf.lifetime() > days * DAY) else { return CLEAR };
        let has = (leaf.lifetime() + DAY - 1) / DAY;
        let title = format!("{label} of {} is valid for longer than allowed", case.host());
        case.finding(&CHECK, Severity::Low, title)
            .detail(format!(
                "It is valid for {has} days; public CAs may issue for {days} days since {}.",
                text::date(*from)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |e| {
        sample::own_certificate(e).not_before = 1_773_532_800;
        sample::own_certificate(e).not_after = 1_773_532_800 + 200 * DAY - 1;
    },
    found: |e| sample::own_certificate(e).not_after = sample::NOW + 400 * sample::DAY,
    undetermined: |e| sample::first_chain(e).path = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::judged_evidence;

    fn is_found(not_before: i64, lifetime_days: i64, more: i64, roots: &str) -> bool {
        let mut e = sample::healthy();
        sample::path(&mut e).roots = roots.into();
        sample::own_certificate(&mut e).not_before = not_before;
        // Both ends are included.
        sample::own_certificate(&mut e).not_after = not_before + lifetime_days * DAY - 1 + more;
        judged_evidence(&e).findings.iter().any(|f| f.check == CHECK.id)
    }

    #[test]
    fn the_limit_is_that_of_the_day_of_issue() {
        let system = "system (142 roots)";
        for (first_day, before, since) in
            [(1_773_532_800, 398, 200), (1_805_068_800, 200, 100), (1_868_227_200, 100, 47)]
        {
            assert!(!is_found(first_day - 1, before, 0, system), "{before}");
            assert!(is_found(first_day - 1, before, 1, system), "{before}");
            assert!(!is_found(first_day, since, 0, system), "{since}");
            assert!(is_found(first_day, since, 1, system), "{since}");
        }
    }

    #[test]
    fn private_roots_set_their_own_limits() {
        assert!(!is_found(1_773_532_800, 3650, 0, "file ca.pem (1 root)"));
    }

    #[test]
    fn the_days_are_those_of_the_ballots() {
        let days: Vec<String> = LIMITS.iter().map(|(from, _)| text::date(*from)).collect();
        assert_eq!(days, ["2029-03-15", "2027-03-15", "2026-03-15", "2020-09-01", "2018-03-01"]);
    }
}
