//! Check [`certificate.sct`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A certificate of a public CA is in no public log, as far as can be seen.
    ///
    /// # Effect
    /// None for mail: no mail server asks for it. Web browsers would refuse it, and a
    /// certificate that was issued wrongly is found later.
    /// # Method
    /// Signed certificate timestamps in the certificate, in the TLS extension and in the stapled
    /// OCSP response of a leaf whose path ends in a root of the system. Their signatures are not
    /// verified, since waxseal has no keys of logs.
    /// # Fix
    /// None is needed; every public CA logs what it issues unless asked not to.
    /// # Sources
    /// RFC 6962 section 3.3.
    "certificate.sct", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let Some(leaf) = chain.leaf() else { return CLEAR };
        if !super::is_publicly_trusted(chain)? {
            return CLEAR;
        }
        let embedded = known(&leaf.scts)?;
        let elsewhere = chain.handshake_scts.get().is_some_and(|scts| !scts.is_empty());
        let stapled = chain.staple.get().and_then(Option::as_ref).is_some_and(|s| !s.scts.is_empty());
        if !embedded.is_empty() || elsewhere || stapled {
            return CLEAR;
        }
        case.finding(&CHECK, Severity::Info, format!("{label} of {} has no timestamp of a log", case.host()))
            .detail(
                "It comes from a public CA, and neither it nor the handshake bears a signed certificate timestamp \
                 (Certificate Transparency). Mail servers do not ask for one.",
            )
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).scts = Observed::seen(Vec::new()),
    undetermined: |e| sample::own_certificate(e).scts = sample::failed(),
}
