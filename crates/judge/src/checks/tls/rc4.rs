//! Check [`tls.rc4`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// RC4 suites are accepted.
    ///
    /// # Effect
    /// RC4 leaks plaintext that is sent many times, passwords above all. On port 25 it still
    /// beats cleartext for a sender that knows nothing else.
    /// # Method
    /// A hello that offers only RC4 suites is accepted.
    /// # Fix
    /// Exclude RC4.
    /// # Sources
    /// RFC 7465 forbids it; RFC 9325 section 4.1.
    "tls.rc4", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Rc4)? else { return CLEAR };
    let severity = case.by_usage(Severity::Medium, Severity::High);
    case.finding(&CHECK, severity, format!("{} accepts RC4 suites", case.host()))
        .detail(format!(
            "{}. RFC 7465 forbids RC4: repeated secrets can be recovered from recordings.",
            super::proof(&fact)
        ))
        .fix("ciphers")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Rc4),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Rc4),
}
