//! Check [`tls.beast`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::{SuiteClass, TlsVersion};

check! {
    /// TLS 1.0 or SSLv3 is accepted with CBC suites (BEAST).
    ///
    /// # Effect
    /// Who can put text of his own into a session, and sees it on the wire, guesses what
    /// stands beside it. Clients have guarded themselves since 2011 by splitting records, and
    /// mail offers no such opportunity.
    /// # Method
    /// A CBC suite was chosen in TLS 1.0 or SSLv3, in any question of the scan.
    /// # Fix
    /// Accept TLS 1.2 and 1.3 only; on port 25 look at the log first.
    /// # Sources
    /// CVE-2011-3389 (BEAST); RFC 4346 section 1.1 (what TLS 1.1 changed about it).
    "tls.beast", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let versions = [TlsVersion::Tls10, TlsVersion::Ssl3];
    let found = crate::suites::class_in(case.tls()?, SuiteClass::Cbc, &versions)?;
    if found.is_empty() {
        return CLEAR;
    }
    let severity = case.by_usage(Severity::Info, Severity::Low);
    case.finding(&CHECK, severity, format!("{} accepts CBC suites in old versions (BEAST)", case.host()))
        .detail(format!(
            "It chose {}. The attack needs text of the attacker in the same session, and clients guard themselves \
             against it since 2011: for mail it is of no weight beside the old version itself.",
            crate::suites::named(&found)
        ))
        .fix("protocols")
        .found()
}

#[cfg(test)]
fn cbc_in_tls10() -> waxseal_model::tls::NegotiatedSuite {
    let suite = waxseal_wire::tls::suites::suite(0x002f);
    waxseal_model::tls::NegotiatedSuite { version: TlsVersion::Tls10, suite }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).suites_seen.push(cbc_in_tls10()),
    undetermined: |e| sample::version_unknown(e, TlsVersion::Tls10),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn a_listed_suite_is_enough_and_other_versions_do_not_count() {
        let listed = |version: TlsVersion| {
            let mut e = sample::healthy();
            let names = vec!["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA".to_owned()];
            sample::tls(&mut e).suites.insert(version, names);
            let judgement = crate::checks::tests::judged_evidence(&e);
            judgement.findings.iter().any(|f| f.check == CHECK.id)
        };
        assert!(listed(TlsVersion::Tls10) && listed(TlsVersion::Ssl3));
        assert!(!listed(TlsVersion::Tls11) && !listed(TlsVersion::Tls12));
        assert!(findings(CHECK.id, |_| {}).is_empty());
    }
}
