//! Check [`tls.seed`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// SEED suites are accepted.
    ///
    /// # Effect
    /// No attack is known; it is a national cipher in CBC mode that no mail server needs.
    /// # Method
    /// A hello that offers only SEED suites is accepted.
    /// # Fix
    /// Exclude SEED when suites are tidied up.
    /// # Sources
    /// RFC 4162; RFC 4269.
    "tls.seed", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Seed)? else { return CLEAR };
    let severity = case.by_usage(Severity::Info, Severity::Low);
    case.finding(&CHECK, severity, format!("{} accepts SEED suites", case.host()))
        .detail(format!("{}. No attack is known, and no sender needs them.", super::proof(&fact)))
        .fix("ciphers")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Seed),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Seed),
}
