//! Check [`certificate.must_staple`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The certificate demands a stapled OCSP response, and none is sent.
    ///
    /// # Effect
    /// Clients that honour the demand refuse the certificate.
    /// # Method
    /// The TLS feature extension of the certificate against the handshake.
    /// # Fix
    /// Staple, or renew without the demand.
    /// # Sources
    /// RFC 7633; RFC 6066 section 8.
    "certificate.must_staple", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let chains = super::chains(case)?;
    if !chains.iter().filter_map(|c| c.leaf()).any(|leaf| leaf.must_staple) {
        return CLEAR;
    }
    if known(&case.tls()?.handshake)?.ocsp_stapled {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Medium, format!("The certificate of {} demands stapling, and none is sent", case.host()))
        .detail("It bears the must-staple feature. Clients that honour it (some mail programs) refuse the connection.")
        .fix("must_staple")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).must_staple = true,
    undetermined: sample::no_chains,
}
