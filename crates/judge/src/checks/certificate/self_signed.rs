//! Check [`certificate.self_signed`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::certificate::PathOutcome;

check! {
    /// The certificate is self-signed.
    ///
    /// # Effect
    /// It proves nothing to senders that verify by CA: MTA-STS and mail programs refuse it.
    /// With a TLSA record 3 1 1 it is fine.
    /// # Method
    /// The server's certificate is signed with its own key and is not in the root store.
    /// # Fix
    /// Use a certificate of a CA, or publish DANE.
    /// # Sources
    /// OpenSSL verify error 18; RFC 8461 section 4.2; RFC 7672 section 3.1.1.
    "certificate.self_signed", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let path = known(&chain.path)?;
        if path.outcome != PathOutcome::SelfSignedLeaf {
            return CLEAR;
        }
        let (code, words) = path.outcome.openssl();
        case.finding(&CHECK, Severity::High, format!("{label} of {} is self-signed", case.host()))
            .detail(format!(
                "Nobody but the server itself vouches for it. OpenSSL calls it verify error {code}, \"{words}\". {}",
                super::who_refuses(case)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::path(e).outcome = PathOutcome::SelfSignedLeaf,
    undetermined: |e| sample::first_chain(e).path = sample::failed(),
}
