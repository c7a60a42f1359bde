//! Check [`tls.fallback_scsv`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::{FallbackScsv, TlsEvidence, TlsVersion};

check! {
    /// The warning signal of a fallback (TLS_FALLBACK_SCSV) is ignored.
    ///
    /// # Effect
    /// A client that retries with an older version cannot tell an attacker from an old
    /// server. Mail servers rarely retry so.
    /// # Method
    /// A hello one version below the best, with the signal, is accepted instead of refused
    /// with alert 86. With a single version there is nothing to fall back to. Where TLS 1.2 is
    /// the oldest version and the server marks a downgrade in its random, TLS 1.3 protects
    /// against it by itself: then the signal is not needed, and the verdict is clear.
    /// # Fix
    /// Update the TLS library, or accept only TLS 1.2 and 1.3.
    /// # Sources
    /// RFC 7507; RFC 8446 section 4.1.3.
    "tls.fallback_scsv", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    match known_if_applicable(&case.tls()?.fallback_scsv)? {
        Some(FallbackScsv::Ignored) => {}
        Some(FallbackScsv::Honoured { .. }) => return CLEAR,
        None => return single_version(case.tls()?),
    }
    if protected_by_tls13(case.tls()?)? {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::Low,
        format!("{} ignores the warning signal of a version fallback", case.host()),
    )
    .detail("A downgrade by an attacker would pass unnoticed with clients that retry with older versions.")
    .fix("library")
    .found()
}

/// That there is nothing to fall back to is certain only if every version was answered.
fn single_version(tls: &TlsEvidence) -> Outcome {
    for version in [TlsVersion::Tls13, TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10] {
        state::accepts(tls, version)?;
    }
    CLEAR
}

/// Nothing is older than TLS 1.2, TLS 1.3 is there, and a handshake in TLS 1.2 carries the
/// mark by which every client of TLS 1.3 notices a downgrade (RFC 8446 section 4.1.3).
fn protected_by_tls13(tls: &TlsEvidence) -> Result<bool, Why> {
    if tls.downgrade_sentinel.get() != Some(&true) || !state::accepts(tls, TlsVersion::Tls13)? {
        return Ok(false);
    }
    for version in [TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls11] {
        if state::accepts(tls, version)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::tls(e).fallback_scsv = Observed::seen(FallbackScsv::Ignored);
        sample::tls(e).downgrade_sentinel = Observed::seen(false);
    },
    undetermined: |e| sample::tls(e).fallback_scsv = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_was_not_answered_may_be_one_to_fall_back_to() {
        let mut e = sample::healthy();
        sample::only_version(&mut e, TlsVersion::Tls13);
        sample::tls(&mut e).fallback_scsv = Observed::not_tried(Cause::NotApplicable, "one version only");
        sample::tls(&mut e).suite_order = Observed::not_tried(Cause::NotApplicable, "TLS 1.3 alone");
        let kind = |e: &waxseal_model::Evidence, check: &str| {
            let judgement = crate::judge(e, crate::profile("mail").unwrap(), sample::NOW);
            judgement.verdicts.into_iter().find(|v| v.check == check).unwrap().verdict
        };
        for check in [CHECK.id, "tls.suite_order"] {
            assert_eq!(kind(&e, check), waxseal_model::VerdictKind::Clear, "{check}");
        }
        sample::version_unknown(&mut e, TlsVersion::Tls12);
        for check in [CHECK.id, "tls.suite_order"] {
            assert_eq!(kind(&e, check), waxseal_model::VerdictKind::Undetermined, "{check}");
        }
    }

    #[test]
    fn the_mark_of_tls_1_3_stands_in_for_the_signal_unless_older_versions_are_accepted() {
        let mut e = sample::healthy();
        sample::tls(&mut e).fallback_scsv = Observed::seen(FallbackScsv::Ignored);
        sample::tls(&mut e).downgrade_sentinel = Observed::seen(true);
        let found = |e: &waxseal_model::Evidence| {
            let judgement = crate::judge(e, crate::profile("mail").unwrap(), sample::NOW);
            judgement.findings.iter().any(|f| f.check == CHECK.id)
        };
        assert!(!found(&e));
        sample::version(&mut e, TlsVersion::Tls11, true);
        assert!(found(&e));
    }
}
