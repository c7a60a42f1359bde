//! Check [`certificate.key_usage`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The certificate does not allow its key to be used for TLS.
    ///
    /// # Effect
    /// Clients that hold to it refuse the handshake: in TLS 1.3, and with ECDHE before, the
    /// server signs with its key. A CA's certificate on a server puts the CA's key at risk.
    /// # Method
    /// keyUsage and basicConstraints of the leaf. Extended usages are judged with the path.
    /// # Fix
    /// Renew with `digitalSignature` (and `keyEncipherment` for RSA), and not as a CA.
    /// # Sources
    /// RFC 8446 section 4.4.2.2; RFC 5280 section 4.2.1.3; RFC 5246 section 7.4.2.
    "certificate.key_usage", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let Some(leaf) = chain.leaf() else { return CLEAR };
        let has = |usages: &[String], wanted: &str| usages.iter().any(|u| u == wanted);
        let title = match &leaf.key_usage {
            Some(usages) if !has(usages, "digitalSignature") => "may not sign handshakes",
            // What is signed with its own key is often a CA by the habit of the tool.
            Some(usages) if has(usages, "keyCertSign") && !leaf.self_signed => "may sign certificates",
            _ => return CLEAR,
        };
        let usages = leaf.key_usage.clone().unwrap_or_default();
        let severity = if title == "may sign certificates" { Severity::Low } else { Severity::Medium };
        case.finding(&CHECK, severity, format!("{label} of {} {title}", case.host()))
            .detail(format!(
                "Its key usage is {}. A server's certificate needs digitalSignature, and nothing of a CA.",
                if usages.is_empty() { "empty".to_owned() } else { text::list(&usages) }
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |e| sample::own_certificate(e).key_usage = None,
    found: |e| sample::own_certificate(e).key_usage = Some(vec!["keyEncipherment".into()]),
    undetermined: sample::no_chains,
}
