//! Check [`certificate.missing_intermediate`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::certificate::PathOutcome;

check! {
    /// An intermediate certificate is missing from the chain.
    ///
    /// # Effect
    /// Browsers fetch it by themselves, mail servers do not: senders that verify refuse the
    /// certificate although it is a good one.
    /// # Method
    /// The issuer of a presented certificate is neither presented nor in the root store.
    /// # Fix
    /// Serve the full chain: fullchain.pem, not cert.pem.
    /// # Sources
    /// RFC 8446 section 4.4.2; OpenSSL verify errors 20 and 21.
    "certificate.missing_intermediate", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let path = known(&chain.path)?;
        if !matches!(path.outcome, PathOutcome::IssuerMissing | PathOutcome::LeafIssuerMissing) {
            return CLEAR;
        }
        let (code, words) = path.outcome.openssl();
        let last = usize::try_from(path.depth).ok().and_then(|d| chain.certificates.get(d)).or(chain.leaf());
        let issuer = last.map(|c| text::cut(&c.issuer, 80)).unwrap_or_default();
        // A certificate of a public CA says where its issuer's is to be had; one of an
        // unknown private CA looks the same from here, apart from that.
        let fetchable = last.is_some_and(|c| !c.issuer_urls.is_empty());
        let confidence = if fetchable { Confidence::High } else { Confidence::Medium };
        let url = last.and_then(|c| c.issuer_urls.first());
        let url = url.map(|u| format!(" It is to be had at {}.", text::cut(u, 100))).unwrap_or_default();
        case.finding(&CHECK, Severity::High, format!("{label} of {} comes without its issuer's", case.host()))
            .confidence(confidence)
            .detail(format!(
                "The certificate of \"{issuer}\" is not sent and not among the roots ({}).{url} OpenSSL calls it \
                 verify error {code}, \"{words}\". {}",
                path.roots,
                super::who_refuses(case)
            ))
            .fix("chain")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::path(e).outcome = PathOutcome::LeafIssuerMissing,
    undetermined: |e| sample::first_chain(e).path = sample::failed(),
}
