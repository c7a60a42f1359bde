//! Check [`tls.downgrade_sentinel`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server gives no sign when it was talked down from TLS 1.3.
    ///
    /// # Effect
    /// A client with TLS 1.3 cannot notice that somebody on the path removed it.
    /// # Method
    /// A server with TLS 1.3 must mark the random of its TLS 1.2 answer ("DOWNGRD").
    /// # Fix
    /// Update the TLS library; a proxy that ends TLS in front may be the cause.
    /// # Sources
    /// RFC 8446 section 4.1.3.
    "tls.downgrade_sentinel", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    if known_if_applicable(&tls.downgrade_sentinel)? != Some(&false) {
        return CLEAR;
    }
    // Only a server that knows TLS 1.3 has anything to signal.
    if !state::accepts(tls, waxseal_model::tls::TlsVersion::Tls13)? {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Low, format!("{} does not mark downgrades from TLS 1.3", case.host()))
        .detail(
            "It speaks TLS 1.3, and its TLS 1.2 answer lacks the mark that would let a client notice a \
             downgrade by an attacker.",
        )
        .fix("library")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).downgrade_sentinel = Observed::seen(false),
    undetermined: |e| sample::tls(e).downgrade_sentinel = sample::failed(),
}
