//! What a TLS report says of a session to a domain with both DANE and MTA-STS: each policy
//! is told of what fails it, and of nothing else.
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

use waxseal_judge::delivery::{
    Certificate, Dane, MxAnswer, Observation, PolicyFacts, ResultType, Sts, StsMode, TlsSeen, Tlsa, decide,
    requirement,
};

/// What fails by DANE and what by MTA-STS.
fn failures(facts: &PolicyFacts, observation: Observation) -> (Option<ResultType>, Option<ResultType>) {
    let report = decide(&requirement(facts), &observation).report;
    (report.and_then(|r| r.tlsa()), report.and_then(|r| r.sts()))
}

#[test]
fn each_policy_is_told_of_its_own_failure() {
    use ResultType as R;
    let sts = |lists_mx, refresh_failed| Sts::Policy { mode: StsMode::Enforce, lists_mx, refresh_failed };
    let both =
        PolicyFacts { mx: MxAnswer::Secure, dane: Dane::Usable, sts: sts(true, false), ..PolicyFacts::PLAIN };
    let tls = |certificate, tlsa| {
        Observation::Tls(TlsSeen { certificate, tlsa, fingerprint: false, requiretls: false })
    };
    let wrong_name = Certificate { for_mx: false, ..Certificate::VALID };
    for (observation, expected) in [
        (Observation::NoStarttls, (Some(R::StarttlsNotSupported), Some(R::StarttlsNotSupported))),
        (tls(Certificate::VALID, Tlsa::Ee), (None, None)),
        (tls(wrong_name, Tlsa::Ee), (None, Some(R::CertificateHostMismatch))),
        (tls(Certificate::VALID, Tlsa::Mismatch), (Some(R::ValidationFailure), None)),
        (tls(wrong_name, Tlsa::TaOutOfDate), (Some(R::CertificateExpired), Some(R::CertificateHostMismatch))),
        (Observation::Unreachable, (None, None)),
    ] {
        assert_eq!(failures(&both, observation), expected, "{observation:?}");
    }
    let good = tls(Certificate::VALID, Tlsa::Ee);
    assert_eq!(
        failures(&PolicyFacts { sts: sts(true, true), ..both }, good),
        (None, Some(R::StsPolicyFetchError))
    );
    assert_eq!(
        failures(&PolicyFacts { sts: sts(false, false), ..both }, good),
        (None, Some(R::ValidationFailure))
    );
    let gate = Observation::Unreachable;
    let lookup = PolicyFacts { dane: Dane::LookupFailed, ..both };
    assert_eq!(failures(&lookup, gate), (Some(R::DnssecInvalid), None));
    let outside = PolicyFacts { dane: Dane::None, sts: sts(false, false), ..both };
    assert_eq!(failures(&outside, gate), (None, Some(R::ValidationFailure)));
    let report = decide(&requirement(&both), &Observation::NoStarttls).report.unwrap();
    assert_eq!(report.word(), "starttls-not-supported");
}
