//! What would lift the letter by one: the limits that hold it where it is, each as
//! something to do.

use waxseal_model::{
    Letter,
    grade::{Cap, Lift},
};

use super::{Basis, Server, Sts, attacks};

/// The next better letter, and what has to be done for it. None at A+, and where there is
/// no letter.
pub(super) fn lift(basis: &Basis<'_>, letter: Option<Letter>, caps: &[Cap]) -> Option<Lift> {
    let letter = letter?;
    let steps: Vec<String> = caps.iter().filter(|c| c.letter == letter).map(|c| step(basis, c)).collect();
    if steps.is_empty() {
        return None;
    }
    let rest = caps.iter().map(|c| c.letter).filter(|l| *l < letter).max();
    let hidden = caps.iter().filter(|c| c.letter == letter).filter_map(|c| behind(basis, c)).max();
    let reached = rest.into_iter().chain(hidden).max().unwrap_or(Letter::APlus);
    Some(Lift { letter: reached, steps })
}

/// The limit that shows once this one is gone, where it hides others.
fn behind(basis: &Basis<'_>, cap: &Cap) -> Option<Letter> {
    let profile = |rule: &str| basis.profile.cap(rule);
    match cap.rule.as_str() {
        // The first step is a policy in testing mode.
        "no_policy" | "sts_unusable" | "policies_not_tried" | "policies_unknown" => profile("sts_testing"),
        "sts_testing" | "policy_partial" | "dane_insecure_mx" | "dane_mismatch" | "sts_failed" => {
            profile("one_policy_only")
        }
        // What the servers are like is not known before mail finds them.
        "dns_bogus" | "no_usable_mx" => Some(Letter::F),
        _ => None,
    }
}

/// A limit as something to do.
fn step(basis: &Basis<'_>, cap: &Cap) -> String {
    let domain = basis.evidence.domain.as_ref().map(|d| d.name.as_str());
    let of = |text: &str| match domain {
        Some(domain) => text.replace("{domain}", domain),
        None => text.replace(" {domain}", ""),
    };
    match cap.rule.as_str() {
        "dns_bogus" => "repair the DNSSEC signatures".to_owned(),
        "no_usable_mx" => "publish an MX record that names a host with an address".to_owned(),
        "dane_mismatch" => "publish TLSA records that match, in a zone that answers and verifies".to_owned(),
        "sts_failed" => sts_failed(basis),
        "no_policy" => of("publish an MTA-STS policy in testing mode: waxseal policy generate {domain}"),
        "sts_unusable" => of("mend the published MTA-STS policy: waxseal policy generate {domain}"),
        "policies_unknown" => "find out why the policies cannot be looked up".to_owned(),
        "policies_not_tried" => "check the domain instead of its server".to_owned(),
        "sts_testing" => "set the MTA-STS policy to mode enforce".to_owned(),
        "policy_partial" => format!("protect every MX: not yet {}", unprotected(basis)),
        "dane_insecure_mx" => of("sign the zone of {domain} with DNSSEC"),
        "tlsrpt_missing" => of("publish a TLS-RPT record: waxseal policy generate {domain}"),
        "one_policy_only" => both(basis),
        "plaintext" | "starttls_intermittent" => format!("offer STARTTLS always ({})", cap.why),
        "broken_tls" => format!("let a TLS handshake succeed ({})", cap.why),
        "outdated" | "only_weak_suites" => format!("offer TLS 1.2 or newer with sound suites ({})", cap.why),
        "certificate" => format!("install a certificate that verifies ({})", cap.why),
        "client_certificate" => format!("demand no certificate from clients ({})", cap.why),
        "drown" => format!("switch SSLv2 off ({})", cap.why),
        "robot_strong" | "robot_weak" => format!("switch RSA key exchange off ({})", cap.why),
        rule if attacks::BREAKS_ENCRYPTION.contains(&rule) => {
            format!("update the TLS library or mail server ({})", cap.why)
        }
        "untested" => format!("get an answer to all questions ({})", cap.why),
        _ => format!("mend this: {}", cap.why),
    }
}

fn sts_failed(basis: &Basis<'_>) -> String {
    let covered = basis.relays().any(|s| {
        let policy = basis.evidence.domain.as_ref().and_then(|d| d.policies.sts.get()?.as_ref());
        policy.is_some_and(|p| crate::state::sts_covers(p, &s.host))
    });
    if covered {
        "give the servers that the MTA-STS policy names valid certificates, or set it to mode testing"
            .to_owned()
    } else {
        "name the MX hosts in the MTA-STS policy".to_owned()
    }
}

fn unprotected(basis: &Basis<'_>) -> String {
    let mut hosts: Vec<&str> =
        basis.relays().filter(|s| !s.is_protected()).map(|s| s.host.as_str()).collect();
    hosts.dedup();
    crate::text::short_list(&hosts, 3)
}

/// What is missing of the two policies.
fn both(basis: &Basis<'_>) -> String {
    let dane = basis.relays().all(Server::has_dane);
    let sts = basis.sts == Sts::Enforce && basis.relays().all(|s| s.sts);
    match (dane, sts) {
        (true, _) => "add an enforced MTA-STS policy, for senders without DANE".to_owned(),
        (_, true) => "add TLSA records in a signed zone (DANE), for senders without MTA-STS".to_owned(),
        _ => "let both DANE and enforced MTA-STS protect every MX".to_owned(),
    }
}
