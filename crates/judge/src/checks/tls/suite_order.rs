//! Check [`tls.suite_order`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::{SuiteClass, SuiteOrder};

check! {
    /// The client's order of suites decides.
    ///
    /// # Effect
    /// A client that prefers a weak suite gets it. Without weak suites, nothing.
    /// # Method
    /// Two TLS 1.2 hellos with the same suites in opposite order get different suites.
    /// # Fix
    /// Let the server's order decide, or exclude the weak suites.
    /// # Sources
    /// NCSC-NL TLS guidelines 2025-05; Internet.nl.
    "tls.suite_order", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if super::known_before_tls13(case, &case.tls()?.suite_order)? != Some(&SuiteOrder::Client) {
        return CLEAR;
    }
    use SuiteClass::{Des, Export, Null, Rc2, Rc4, TripleDes};
    let answers: Vec<_> =
        [Null, Export, Des, Rc2, Rc4, TripleDes].into_iter().map(|c| super::accepted(case, c)).collect();
    let (severity, detail) = if answers.iter().any(|a| matches!(a, Ok(Some(_)))) {
        (Severity::Low, "Weak suites are offered too, so a client that prefers one gets it.")
    } else if answers.iter().any(Result::is_err) {
        (Severity::Info, "Whether it matters depends on the weak suites, and not all of them were answered.")
    } else {
        (Severity::Info, "No weak suite was found beside, so it makes no difference today.")
    };
    case.finding(&CHECK, severity, format!("{} leaves the choice of suite to the client", case.host()))
        .detail(detail)
        .fix("suite_order")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).suite_order = Observed::seen(SuiteOrder::Client),
    undetermined: |e| sample::tls(e).suite_order = sample::failed(),
}
