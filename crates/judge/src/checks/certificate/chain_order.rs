//! Check [`certificate.chain_order`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The chain is out of order, or holds certificates that do not belong to it.
    ///
    /// # Effect
    /// Current clients sort it out; TLS 1.2 asks for order, and a few old senders fail.
    /// # Method
    /// Each certificate should be the issuer of the one before it.
    /// # Fix
    /// Server's certificate first, then each issuer; leave the root and strangers out.
    /// # Sources
    /// RFC 5246 section 7.4.2; RFC 8446 section 4.4.2.
    "certificate.chain_order", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        if !known(&chain.path)?.unordered_or_extra {
            return CLEAR;
        }
        case.finding(&CHECK, Severity::Low, format!("{label} of {} comes with a disordered chain", case.host()))
            .detail(format!(
                "{} certificates are sent; some are out of order or belong to no path. It makes handshakes longer, \
                 and a few old senders fail on it.",
                chain.certificates.len()
            ))
            .fix("chain")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::path(e).unordered_or_extra = true,
    undetermined: |e| sample::first_chain(e).path = sample::failed(),
}
