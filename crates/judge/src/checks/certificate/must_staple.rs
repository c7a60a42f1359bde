//! Check [`certificate.must_staple`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The certificate demands a stapled OCSP response, and none is sent.
    ///
    /// # Effect
    /// Clients that honour the demand refuse the certificate.
    /// # Method
    /// The TLS feature extension of each certificate against the handshakes that showed it.
    /// # Fix
    /// Staple, or renew without the demand.
    /// # Sources
    /// RFC 7633; RFC 6066 section 8.
    "certificate.must_staple", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        if !chain.leaf().is_some_and(|leaf| leaf.must_staple) {
            return CLEAR;
        }
        let stapled = match &chain.staple {
            Observed::Seen { value } => value.is_some(),
            // Something came, which another check looks into.
            Observed::Failed { why } if why.cause == Cause::Protocol => true,
            // Evidence of an earlier version has one fact for all chains.
            Observed::NotTried { .. } | Observed::Failed { .. } => {
                known(&case.tls()?.handshake)?.ocsp_stapled
            }
        };
        if stapled {
            return CLEAR;
        }
        case.finding(&CHECK, Severity::Medium, format!("{label} of {} demands stapling, and none is sent", case.host()))
            .detail("It bears the must-staple feature. Clients that honour it (some mail programs) refuse the connection.")
            .fix("must_staple")
            .found()
    })
}

fixtures! {
    clear: |e| sample::own_certificate(e).must_staple = true,
    found: |e| {
        sample::own_certificate(e).must_staple = true;
        sample::first_chain(e).staple = Observed::seen(None);
    },
    undetermined: sample::no_chains,
}
