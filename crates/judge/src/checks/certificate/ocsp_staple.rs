//! Check [`certificate.ocsp_staple`](CHECK).

use crate::{checks::prelude::*, revocation};

check! {
    /// The stapled OCSP response is of no use.
    ///
    /// # Effect
    /// Clients that read staples refuse the connection, or ask the issuer themselves; with a
    /// certificate that demands stapling they refuse it for certain.
    /// # Method
    /// The response that came along in the handshake: that it is about this certificate, signed
    /// by the issuer or by whom it charged with that, and valid now. That none is sent is fine.
    /// # Fix
    /// Let the server fetch a fresh response regularly, or staple none.
    /// # Sources
    /// RFC 6066 section 8; RFC 6960 sections 3.2 and 4.2.2.
    "certificate.ocsp_staple", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let flaw = match &chain.staple {
            Observed::Seen { value: None } => None,
            Observed::Seen { value: Some(staple) } => revocation::flaw(staple, case.now)?,
            // It came, and is no OCSP response.
            Observed::Failed { why } if why.cause == Cause::Protocol => Some(why.text.clone()),
            Observed::NotTried { why } | Observed::Failed { why } => return Err(why.clone()),
        };
        let Some(flaw) = flaw else { return CLEAR };
        let demanded = chain.leaf().is_some_and(|leaf| leaf.must_staple);
        let severity = if demanded { Severity::Medium } else { Severity::Low };
        let title = format!("{label} of {} comes with a stapled response of no use", case.host());
        case.finding(&CHECK, severity, title)
            .detail(format!(
                "The server staples an OCSP response, but {}. Mail servers do not look at it; mail programs may.",
                flaw.trim_end_matches('.')
            ))
            .fix("must_staple")
            .found()
    })
}

fixtures! {
    clear: |e| sample::first_chain(e).staple = Observed::seen(None),
    found: |e| sample::own_staple(e).next_update = Some(sample::NOW - sample::DAY),
    undetermined: |e| sample::own_staple(e).signer = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;
    use waxseal_model::revocation::{OcspResponseStatus, OcspSigner};

    #[test]
    fn the_detail_says_what_is_wrong() {
        let detail = |change| findings(CHECK.id, change)[0].detail.clone();
        assert!(detail(|e| sample::own_staple(e).status = None).contains("another certificate"));
        assert!(
            detail(|e| {
                let staple = sample::own_staple(e);
                (staple.status, staple.produced_at) = (None, None);
                staple.response = OcspResponseStatus::Unauthorized;
            })
            .contains("unauthorized")
        );
        let wrong = |e: &mut waxseal_model::Evidence| {
            let why = "its signature does not verify".into();
            sample::own_staple(e).signer = Observed::seen(OcspSigner::Wrong { why });
        };
        assert!(detail(wrong).contains("but its signature does not verify."));
        assert!(
            detail(|e| sample::first_chain(e).staple =
                Observed::failed(Cause::Protocol, "it is no OCSP response"))
            .contains("no OCSP response")
        );
    }

    #[test]
    fn a_demand_for_stapling_makes_it_worse() {
        let found = findings(CHECK.id, |e| {
            sample::own_certificate(e).must_staple = true;
            sample::own_staple(e).next_update = Some(sample::NOW - 1);
        });
        assert_eq!(found[0].severity, Severity::Medium);
    }
}
