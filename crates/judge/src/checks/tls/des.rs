//! Check [`tls.des`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// Single-DES suites are accepted.
    ///
    /// # Effect
    /// 56 bits are broken in hours with rented hardware.
    /// # Method
    /// A hello that offers only DES suites is accepted.
    /// # Fix
    /// Exclude DES and LOW.
    /// # Sources
    /// RFC 5469; RFC 9325 section 4.1.
    "tls.des", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Des)? else { return CLEAR };
    let severity = case.by_usage(Severity::Medium, Severity::High);
    case.finding(&CHECK, severity, format!("{} accepts single-DES suites", case.host()))
        .detail(format!("{}. A recording of the mail can be deciphered in hours.", super::proof(&fact)))
        .fix("ciphers")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Des),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Des),
}
