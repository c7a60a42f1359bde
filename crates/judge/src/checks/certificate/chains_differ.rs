//! Check [`certificate.chains_differ`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server presents several certificates, and not all are good.
    ///
    /// # Effect
    /// Some senders are refused a valid certificate while others get one, depending on
    /// whether they prefer RSA or ECDSA: a fault that comes and goes.
    /// # Method
    /// Every chain that was presented (RSA and ECDSA, with and without SNI) is judged by
    /// itself and the results are compared.
    /// # Fix
    /// Renew all of them together.
    /// # Sources
    /// RFC 7671 section 8 (several certificates side by side); Postfix
    /// `smtpd_tls_chain_files`.
    "certificate.chains_differ", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let chains = super::chains(case)?;
    let reference = case.facts()?.reference_name.as_deref();
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for chain in &chains {
        match state::chain_state(chain, reference, case.now) {
            state::CertificateState::Usable => good.push(super::kind(chain)),
            state::CertificateState::Unusable(why) => bad.push(format!("{}: {why}", super::kind(chain))),
            state::CertificateState::Unknown(why) if chains.len() > 1 => return Err(why),
            state::CertificateState::Unknown(_) => {}
        }
    }
    if good.is_empty() || bad.is_empty() {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::High,
        format!("One certificate of {} is good and another is not", case.host()),
    )
    .detail(format!(
        "Good: {}. Not good: {}. Which one a sender gets depends on the keys it prefers.",
        text::list(&good),
        bad.join("; ")
    ))
    .fix("certificate")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        let mut other = sample::chain();
        other.certificates[0].not_after = sample::NOW - 1;
        sample::facts(e).chains = Observed::seen(vec![sample::chain(), other]);
    },
    undetermined: sample::no_chains,
}
