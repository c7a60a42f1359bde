//! Check [`certificate.explicit_curve`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::CertificateFacts;

check! {
    /// The curve of an EC key is spelled out instead of named.
    ///
    /// # Effect
    /// OpenSSL 3, Go, Java and others refuse such certificates: a curve that the certificate
    /// makes up allows forgeries.
    /// # Method
    /// The parameters of the EC keys of all presented certificates.
    /// # Fix
    /// Make a new key on a named curve (OpenSSL: `-pkeyopt ec_param_enc:named_curve`).
    /// # Sources
    /// RFC 5480 section 2.1.1; CVE-2020-0601.
    "certificate.explicit_curve", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let spelled =
            |c: &&CertificateFacts| c.key.curve.as_deref() == Some(CertificateFacts::EXPLICIT_CURVE);
        let Some(certificate) = chain.certificates.iter().find(spelled) else { return CLEAR };
        let what = super::bearer(chain, certificate, label);
        let title = format!("{what} of {} spells out its curve", case.host());
        case.finding(&CHECK, Severity::Medium, title)
            .detail(format!(
                "The EC key of {} has explicit parameters. RFC 5480 forbids them in certificates, and current \
                 libraries refuse them.",
                text::cut(&certificate.subject, 80)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).key.curve = Some(CertificateFacts::EXPLICIT_CURVE.into()),
    undetermined: sample::no_chains,
}
