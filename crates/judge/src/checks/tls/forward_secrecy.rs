//! Check [`tls.forward_secrecy`](CHECK).

use crate::checks::prelude::*;

check! {
    /// No suite with forward secrecy is offered.
    ///
    /// # Effect
    /// Who obtains the server's key, even years later, reads all mail recorded until then.
    /// # Method
    /// No hello leads to ECDHE, DHE or TLS 1.3.
    /// # Fix
    /// Offer ECDHE suites (any current TLS library does by default).
    /// # Sources
    /// RFC 9325 section 4.1; RFC 10015.
    "tls.forward_secrecy", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if *known(&case.tls()?.forward_secrecy)? {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        case.by_usage(Severity::Medium, Severity::High),
        format!("{} has no forward secrecy", case.host()),
    )
    .detail(
        "Every session is encrypted to the server's long-term key: a key stolen in the future opens \
             recordings of today's mail.",
    )
    .fix("key_exchange")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).forward_secrecy = Observed::seen(false),
    undetermined: |e| sample::tls(e).forward_secrecy = sample::failed(),
}
