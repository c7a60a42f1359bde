//! Check [`tls.logjam`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::{DhFacts, SuiteClass};

check! {
    /// Diffie-Hellman is weak enough to be broken (Logjam).
    ///
    /// # Effect
    /// With DHE_EXPORT an attacker on the path talks old clients down to 512 bits, which take
    /// minutes. Groups of up to 1024 bits are within reach of a state, the widespread ones
    /// once for all servers that use them.
    /// # Method
    /// A DHE_EXPORT suite was chosen, or the prime in the server's key exchange, when the
    /// client names no groups, has at most 1024 bits. It is compared with the published ones.
    /// # Fix
    /// Exclude EXPORT; use a group of 2048 bits or more, or ECDHE only.
    /// # Sources
    /// CVE-2015-4000 (Imperfect Forward Secrecy, weakdh.org); RFC 7919; RFC 9325 section 4.4.
    "tls.logjam", Tls, judge
}

/// Groups of so many bits were within reach of a state in 2015.
const IN_REACH: u32 = 1024;

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let export = crate::suites::both_classes(tls, SuiteClass::Export, SuiteClass::Dhe);
    if let Ok(found) = export.as_deref()
        && !found.is_empty()
    {
        return case
            .finding(&CHECK, Severity::High, format!("{} accepts DHE_EXPORT suites (Logjam)", case.host()))
            .detail(format!(
                "It chose {}. Clients from before 2015 can be talked down to 512 bits, which are broken in minutes.",
                crate::suites::named(found)
            ))
            .fix("ciphers")
            .found();
    }
    let group = match super::accepted(case, SuiteClass::Dhe) {
        // Where DHE is known to be refused there is no group to be small.
        Ok(None) => Ok(None),
        _ => known_if_applicable(&tls.dh),
    };
    if let Ok(Some(dh)) = group
        && dh.bits <= IN_REACH
    {
        return small_group(case, dh);
    }
    export?;
    group?;
    CLEAR
}

fn small_group(case: &Case, dh: &DhFacts) -> Outcome {
    let title =
        format!("The Diffie-Hellman group of {} can be broken: {} bits (Logjam)", case.host(), dh.bits);
    let (severity, whose) = match &dh.known_prime {
        Some(name) => (
            Severity::High,
            format!("The prime is a published one ({name}): the work to break it pays for many servers"),
        ),
        None if dh.bits <= 768 => (Severity::High, "Universities have broken such groups".to_owned()),
        None => (
            case.by_usage(Severity::Medium, Severity::High),
            "The prime is the server's own, so that the work pays for this server alone".to_owned(),
        ),
    };
    case.finding(&CHECK, severity, title)
        .detail(format!("{whose}. Senders that choose DHE are that weakly protected."))
        .fix("dh")
        .found()
}

fixtures! {
    clear: |e| sample::accept(e, SuiteClass::Dhe),
    found: |e| sample::chosen(e, waxseal_model::tls::TlsVersion::Tls10, 0x0014),
    undetermined: |e| {
        sample::accept(e, SuiteClass::Dhe);
        sample::tls(e).dh = sample::failed();
    },
}

#[cfg(test)]
mod tests {
    use waxseal_model::Evidence;

    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn a_known_prime_of_1024_bits_is_worse_than_ones_own_and_2048_bits_are_fine() {
        let severity = |change: fn(&mut Evidence)| findings(CHECK.id, change).first().map(|f| f.severity);
        let known = |e: &mut Evidence| {
            sample::accept(e, SuiteClass::Dhe);
            sample::dh(e).bits = 1024;
        };
        assert_eq!(severity(known), Some(Severity::High));
        let own = |e: &mut Evidence| {
            sample::accept(e, SuiteClass::Dhe);
            *sample::dh(e) = DhFacts { bits: 1024, known_prime: None, prime: "ff".into() };
        };
        assert_eq!(severity(own), Some(Severity::Medium));
        let large = |e: &mut Evidence| {
            sample::accept(e, SuiteClass::Dhe);
            sample::dh(e).bits = 2048;
        };
        assert_eq!(severity(large), None);
    }

    #[test]
    fn a_small_group_that_dhe_does_not_use_is_no_matter() {
        assert!(findings(CHECK.id, |e| sample::dh(e).bits = 512).is_empty());
    }
}
