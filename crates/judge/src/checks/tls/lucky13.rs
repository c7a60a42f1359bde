//! Check [`tls.lucky13`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// CBC suites are accepted without encrypt-then-MAC (Lucky 13).
    ///
    /// # Effect
    /// Where the TLS library takes a different time for right and wrong padding, plaintext
    /// can be measured out over very many sessions. Libraries have been mended since 2013;
    /// from outside that cannot be seen.
    /// # Method
    /// A CBC suite is accepted, and encrypt-then-MAC is offered with it and not returned.
    /// That is the precondition, not the attack.
    /// # Fix
    /// Keep the TLS library current; leave CBC once no sender needs it.
    /// # Sources
    /// CVE-2013-0169 (Lucky Thirteen, 2013); RFC 7366; RFC 9325 section 4.2.1.
    "tls.lucky13", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Cbc)? else { return CLEAR };
    if known_if_applicable(&case.tls()?.encrypt_then_mac)? != Some(&false) {
        return CLEAR;
    }
    let title = format!("{} relies on its library's care with CBC suites (Lucky 13)", case.host());
    case.finding(&CHECK, case.by_usage(Severity::Info, Severity::Low), title)
        .confidence(Confidence::Low)
        .detail(format!(
            "{}, without encrypt-then-MAC. Libraries of 2013 and later even the timing out; whether this one does \
             cannot be seen from outside.",
            super::proof(&fact)
        ))
        .fix("cbc")
        .found()
}

fixtures! {
    clear: |e| sample::accept(e, SuiteClass::Cbc),
    found: |e| {
        sample::accept(e, SuiteClass::Cbc);
        sample::tls(e).encrypt_then_mac = Observed::seen(false);
    },
    undetermined: |e| sample::class_unknown(e, SuiteClass::Cbc),
}
