//! Check [`certificate.weak_signature`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A certificate is signed with SHA-1 or MD5.
    ///
    /// # Effect
    /// Such signatures can be forged with effort; current libraries refuse the chain.
    /// # Method
    /// The digest of each presented certificate's signature. A root's own signature proves
    /// nothing and is left out.
    /// # Fix
    /// Have the certificate issued anew; every CA signs with SHA-256.
    /// # Sources
    /// RFC 9155; RFC 6151 (MD5); CA/Browser Forum Baseline Requirements 7.1.3.2.
    "certificate.weak_signature", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let weak = chain.certificates.iter().enumerate().find_map(|(i, c)| {
            // A self-signed certificate above the leaf is a root.
            if c.self_signed && i > 0 {
                return None;
            }
            match c.signature_digest.as_deref() {
                Some(d @ ("MD2" | "MD4" | "MD5")) => Some((Severity::High, d, c)),
                Some(d @ "SHA-1") => Some((Severity::Medium, d, c)),
                _ => None,
            }
        });
        let Some((severity, digest, certificate)) = weak else { return CLEAR };
        let what = if chain.leaf() == Some(certificate) {
            label.to_owned()
        } else {
            "An issuer in the chain".to_owned()
        };
        case.finding(&CHECK, severity, format!("{what} of {} is signed with {digest}", case.host()))
            .detail(format!(
                "{} bears a {} signature. Forgeries of {digest} have been shown; OpenSSL 3 refuses it at its \
                 default security level (\"CA md too weak\").",
                text::cut(&certificate.subject, 80),
                certificate.signature_algorithm
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |e| {
        // A root that is sent along may be signed with anything.
        sample::first_chain(e).certificates[1].self_signed = true;
        sample::first_chain(e).certificates[1].signature_digest = Some("SHA-1".into());
    },
    found: |e| sample::own_certificate(e).signature_digest = Some("SHA-1".into()),
    undetermined: sample::no_chains,
}
