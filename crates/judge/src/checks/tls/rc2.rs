//! Check [`tls.rc2`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// RC2 suites are accepted.
    ///
    /// # Effect
    /// RC2 came with export-grade keys; recordings can be deciphered.
    /// # Method
    /// A hello that offers only RC2 suites is accepted.
    /// # Fix
    /// Exclude RC2 and EXPORT.
    /// # Sources
    /// RFC 2268; RFC 9325 section 4.1.
    "tls.rc2", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Rc2)? else { return CLEAR };
    let severity = case.by_usage(Severity::Medium, Severity::High);
    case.finding(&CHECK, severity, format!("{} accepts RC2 suites", case.host()))
        .detail(format!("{}. Nothing modern needs it; its keys are short.", super::proof(&fact)))
        .fix("ciphers")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Rc2),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Rc2),
}
