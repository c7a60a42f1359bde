//! Check [`certificate.weak_key`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A key in the chain is too short.
    ///
    /// # Effect
    /// A key of 1024 bits can be broken by a state, after which the server can be imitated
    /// and, without forward secrecy, recordings read. Many senders refuse it outright.
    /// # Method
    /// The keys of all presented certificates are measured against the profile.
    /// # Fix
    /// Renew with RSA of 2048 bits or more, or with ECDSA P-256.
    /// # Sources
    /// RFC 9325 section 4.5; NIST SP 800-57; NCSC-NL 2025-05 (3072 bits).
    "certificate.weak_key", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let limits = &case.profile.thresholds;
    super::each_chain(case, |chain, label| {
        let weak = chain.certificates.iter().find_map(|c| {
            let bits = c.key.bits;
            let severity = match c.key.algorithm.as_str() {
                "RSA" | "DSA" if bits == 0 => return None,
                "RSA" if bits <= 1024 => Severity::High,
                "RSA" if bits < limits.rsa_min_bits => Severity::Medium,
                "RSA" if bits < limits.rsa_good_bits => Severity::Low,
                "DSA" => Severity::Medium,
                "EC" if bits > 0 && bits < limits.ec_min_bits => Severity::Medium,
                _ => return None,
            };
            Some((severity, c))
        });
        let Some((severity, certificate)) = weak else { return CLEAR };
        let key = format!("{} of {} bits", certificate.key.algorithm, certificate.key.bits);
        let what = if chain.leaf() == Some(certificate) {
            label.to_owned()
        } else {
            "An issuer in the chain".to_owned()
        };
        case.finding(&CHECK, severity, format!("{what} of {} has a short key: {key}", case.host()))
            .detail(format!(
                "{} has {key}. Current libraries refuse short keys (\"EE certificate key too weak\", \"ee key too \
                 small\"); a broken key lets anyone stand in for the server.",
                text::cut(&certificate.subject, 80)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).key.bits = 1024,
    undetermined: sample::no_chains,
}
