//! Check [`certificate.x509_v1`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The certificate is of X.509 version 1 or 2.
    ///
    /// # Effect
    /// It cannot hold DNS names: no sender that verifies accepts it.
    /// # Method
    /// The version field of the server's certificate.
    /// # Fix
    /// Have a certificate issued by a CA; for a self-made one, add subjectAltName.
    /// # Sources
    /// RFC 5280 section 4.1.2.1; RFC 9525 section 6.3.
    "certificate.x509_v1", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let Some(leaf) = chain.leaf().filter(|c| c.x509_version < 3) else { return CLEAR };
        let title = format!("{label} of {} is of X.509 version {}", case.host(), leaf.x509_version);
        case.finding(&CHECK, Severity::Medium, title)
            .detail("Versions before 3 (1996) have no extensions, so it holds no DNS name that a sender could verify.")
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).x509_version = 1,
    undetermined: sample::no_chains,
}
