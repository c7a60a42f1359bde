//! Check [`certificate.untrusted`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::certificate::PathOutcome;

check! {
    /// The certificate chain does not lead to a trusted root.
    ///
    /// # Effect
    /// Senders that verify (MTA-STS, many gateways, mail programs) do not deliver here;
    /// opportunistic senders and DANE-EE do not look at it.
    /// # Method
    /// The presented chain is followed to a root of the system's store, or of `--ca-file`;
    /// dates are left to other checks. Self-signed certificates and missing intermediates
    /// have checks of their own.
    /// # Fix
    /// Use a certificate of a CA that senders know.
    /// # Sources
    /// RFC 5280 section 6; RFC 8461 section 4.2; OpenSSL verify(1) for codes and texts.
    "certificate.untrusted", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let path = known(&chain.path)?;
        let cause = match path.outcome {
            PathOutcome::UnknownRoot => "The chain ends in a self-signed root that is not in the store",
            PathOutcome::BadSignature => "A signature in the chain does not verify",
            PathOutcome::NotACa => "A certificate in the chain was issued by one that is no CA",
            PathOutcome::PathTooLong => "The chain is longer than one of its CAs allows",
            PathOutcome::WrongPurpose => "The certificate is not meant for servers (extended key usage)",
            PathOutcome::NameConstraint => "A CA in the chain may not issue for this name",
            PathOutcome::Unsupported => {
                let text = "the chain uses an algorithm that waxseal cannot verify";
                return Err(Why::new(Cause::Unsupported, text));
            }
            PathOutcome::Trusted
            | PathOutcome::SelfSignedLeaf
            | PathOutcome::IssuerMissing
            | PathOutcome::LeafIssuerMissing => return CLEAR,
        };
        let (code, words) = path.outcome.openssl();
        let at = usize::try_from(path.depth).ok().and_then(|d| path.subjects.get(d));
        let at = at.map(|s| format!(" (at {})", text::cut(s, 80))).unwrap_or_default();
        case.finding(&CHECK, Severity::High, format!("{label} of {} is not trusted", case.host()))
            .detail(format!(
                "{cause}{at}. OpenSSL calls it verify error {code}, \"{words}\". Roots used: {}. {}",
                path.roots,
                super::who_refuses(case)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::path(e).outcome = PathOutcome::UnknownRoot,
    undetermined: |e| sample::first_chain(e).path = sample::failed(),
}
