//! Check [`sts.mx_tls`](CHECK).

use crate::checks::prelude::*;
use crate::state::{CertificateState, Protection};
use waxseal_model::{Usage, policy::StsMode, tls::TlsVersion};

check! {
    /// A server that the MTA-STS policy names does not meet what the policy demands.
    ///
    /// # Effect
    /// Senders that follow an enforced policy do not deliver there: the mail waits in their
    /// queues and is returned after some days. In testing mode they report it.
    /// # Method
    /// STARTTLS with TLS 1.2 or newer, and a trusted certificate in time that bears the MX
    /// host's name in subjectAltName, at every address.
    /// # Fix
    /// As the finding on the server says; until then, mode testing.
    /// # Sources
    /// RFC 8461 sections 4.1, 4.2 and 7.2.
    "sts.mx_tls", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (domain, policy) = super::policy(case)?;
    if policy.mode == StsMode::None {
        return CLEAR;
    }
    let mut broken: Vec<(String, String)> = Vec::new();
    let mut sound = 0;
    let mut unknown = None;
    for e in case.evidence.endpoints.iter().filter(|e| e.endpoint.usage == Usage::Relay) {
        match violation(e, case.now) {
            Ok(None) => sound += 1,
            Ok(Some(why)) => broken.push((crate::case::host_of(&e.endpoint), why)),
            Err(why) => unknown = Some(why),
        }
    }
    broken.dedup();
    if broken.is_empty() {
        return unknown.map_or(CLEAR, Err);
    }
    let severity = match policy.mode {
        StsMode::Enforce if sound == 0 && unknown.is_none() => Severity::Critical,
        StsMode::Enforce => Severity::High,
        StsMode::Testing | StsMode::None => Severity::Medium,
    };
    let mut hosts: Vec<&str> = broken.iter().map(|(host, _)| host.as_str()).collect();
    hosts.dedup();
    let title =
        format!("The MTA-STS policy of {} is not met by {}", domain.name, text::short_list(&hosts, 2));
    let whys: Vec<String> = broken.iter().map(|(host, why)| format!("{host}: {why}")).collect();
    let effect = match policy.mode {
        StsMode::Enforce => "Senders that follow the policy do not deliver there.",
        _ => "Senders report it now, and would not deliver there once the policy is enforced.",
    };
    case.finding(&CHECK, severity, title)
        .detail(format!("{}. {effect}", text::short_list(&whys, 3)))
        .fix_text(
            "Mend the server as its own finding says.\nUntil then senders deliver if the policy is in mode testing.",
        )
        .found()
}

/// What a sender that follows a policy misses at an endpoint; none where it misses nothing.
fn violation(e: &waxseal_model::EndpointEvidence, now: i64) -> Result<Option<String>, Why> {
    match state::protection(e) {
        Protection::Plaintext(why) | Protection::Broken(why) => Ok(Some(why)),
        Protection::Unreached(why) | Protection::Unknown(why) => Err(why),
        Protection::Encrypted(best) if best < TlsVersion::Tls12 => {
            Ok(Some(format!("nothing newer than {}", best.label())))
        }
        Protection::Encrypted(_) => match state::certificate(&e.evidence, now) {
            CertificateState::Usable => Ok(None),
            CertificateState::Unusable(why) => Ok(Some(why)),
            CertificateState::Unknown(why) => Err(why),
        },
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).not_after = sample::NOW - 1,
    undetermined: |e| sample::facts(e).chains = sample::failed(),
}
