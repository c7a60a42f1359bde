//! The words of a grade: what the marks rest on, and the sentence that sums it up.

use waxseal_model::{
    Letter,
    evidence::MailRouting,
    grade::{AuthenticationMark, Cap, EncryptionMark},
};

use super::{Basis, Dane, Server, Sts, TlsVersion, attacks, caps};
use crate::state::{CertificateState, Protection};

/// The first mark, and what it rests on.
pub(super) fn encryption(basis: &Basis<'_>, caps: &[Cap]) -> (EncryptionMark, String) {
    let plain = basis.tested().find_map(|s| match &s.protection {
        Protection::Plaintext(why) => Some((s, why)),
        _ => None,
    });
    if let Some((server, why)) = plain {
        return (EncryptionMark::None, format!("in clear on {}: {why}", server.host));
    }
    let broken = attacks::BREAKS_ENCRYPTION.iter().chain(&["broken_tls", "outdated", "only_weak_suites"]);
    if let Some(cap) = broken.into_iter().find_map(|rule| find(caps, rule)) {
        return (EncryptionMark::Weak, cap.why.clone());
    }
    let best: Vec<TlsVersion> = basis
        .tested()
        .filter_map(|s| match s.protection {
            Protection::Encrypted(version) => Some(version),
            _ => None,
        })
        .collect();
    let (Some(lowest), Some(highest)) = (best.iter().min(), best.iter().max()) else {
        return (EncryptionMark::Unknown, "no server could be tested".into());
    };
    let what = if lowest == highest {
        format!("{}{}", lowest.label(), on_all(best.len()))
    } else {
        format!("{} to {}{}", lowest.label(), highest.label(), on_all(best.len()))
    };
    let weak: Vec<&str> =
        caps.iter().filter(|c| caps::weakens_encryption(c)).map(|c| c.why.as_str()).collect();
    match weak.first() {
        None if find(caps, "untested").is_some() => {
            (EncryptionMark::Good, format!("{what}; not every question was answered"))
        }
        None => (EncryptionMark::Good, what),
        Some(first) => (EncryptionMark::Fair, format!("{what}, but {first}")),
    }
}

/// ` on both addresses`; nothing for a single one.
fn on_all(n: usize) -> String {
    match n {
        0 | 1 => String::new(),
        2 => " on both addresses".to_owned(),
        n => format!(" on all {n} addresses"),
    }
}

/// The second mark, and what it rests on.
pub(super) fn authentication(basis: &Basis<'_>) -> (AuthenticationMark, String) {
    let tail = match (basis.policies_open(), basis.sts) {
        (false, _) => "",
        (true, Sts::Unknown) => "; what is published could not be found out",
        (true, _) => "; published policies were not looked at",
    };
    if basis.tested().next().is_none() {
        return (AuthenticationMark::Unknown, "no server could be tested".into());
    }
    if let Some(server) = basis.tested().find(|s| !matches!(s.protection, Protection::Encrypted(_))) {
        return (AuthenticationMark::None, format!("{} has no TLS to authenticate", server.host));
    }
    if basis.relays().next().is_some() && basis.tested().all(Server::is_protected) {
        let dane = basis.tested().all(Server::has_dane);
        return match (dane, basis.tested().all(|s| s.sts)) {
            (true, true) => (AuthenticationMark::Dane, "DANE and enforced MTA-STS on every MX".into()),
            (true, false) => (AuthenticationMark::Dane, "DANE on every MX".into()),
            (false, true) => (AuthenticationMark::Enforced, "enforced MTA-STS on every MX".into()),
            (false, false) => (AuthenticationMark::Enforced, "DANE or enforced MTA-STS on every MX".into()),
        };
    }
    let failing = basis.relays().find_map(|s| match &s.dane {
        Dane::Fails(why) => Some((s, why)),
        _ => None,
    });
    if let Some((server, why)) = failing {
        return (AuthenticationMark::None, format!("{}: {why}", server.host));
    }
    if basis.sts == Sts::Enforce && basis.relays().all(Server::fails_sts) {
        return (AuthenticationMark::None, "no MX meets the enforced MTA-STS policy".into());
    }
    let unusable = basis.tested().find_map(|s| match &s.certificate {
        CertificateState::Unusable(why) if s.dane != Dane::Valid => Some((s, why)),
        _ => None,
    });
    if let Some((server, why)) = unusable {
        return (AuthenticationMark::None, format!("{}: {why}{tail}", server.host));
    }
    if let Some(why) = basis.certificate_unknown() {
        return (AuthenticationMark::Unknown, why.text.clone());
    }
    if basis.relays().any(Server::is_protected) {
        return (AuthenticationMark::Testing, "DANE or MTA-STS on some MX only".into());
    }
    match basis.sts {
        Sts::Testing => (AuthenticationMark::Testing, "MTA-STS in testing mode".into()),
        _ if basis.relays().next().is_none() => {
            (AuthenticationMark::Certificate, "the certificate is valid for its name".into())
        }
        Sts::None if tail.is_empty() => {
            (AuthenticationMark::Certificate, "valid certificates, but no MTA-STS and no DANE".into())
        }
        _ => (AuthenticationMark::Certificate, format!("valid certificates{tail}")),
    }
}

/// One or two plain sentences that sum the grade up.
pub(super) fn sentence(basis: &Basis<'_>, letter: Option<Letter>, caps: &[Cap]) -> String {
    let mut out = match letter {
        None => without_letter(basis),
        Some(letter) => with_letter(basis, letter, caps),
    };
    let untested = basis.servers.iter().filter(|s| !s.counts()).count();
    if letter.is_some() && untested > 0 && untested < basis.servers.len() {
        out.push_str(&format!(" {untested} of {} addresses could not be tested.", basis.servers.len()));
    }
    out
}

fn without_letter(basis: &Basis<'_>) -> String {
    let label = basis.evidence.target.label();
    match basis.evidence.domain.as_ref().map(|d| (d.routing, d)) {
        Some((MailRouting::NullMx, _)) => return format!("{label} accepts no mail, and says so (null MX)."),
        Some((MailRouting::NoSuchDomain, _)) => return format!("The domain {label} does not exist."),
        Some((MailRouting::Unknown, d)) => {
            return format!(
                "Where mail to {label} goes could not be found out: {}.",
                clause(&d.mx_answer.reason)
            );
        }
        _ => {}
    }
    if let Some(why) = basis.certificate_unknown() {
        return format!(
            "Mail to {label} is encrypted. Whether the certificate is the right one could not be determined: {}.",
            clause(&why.text)
        );
    }
    let first = basis.servers.iter().find_map(|s| match &s.protection {
        Protection::Unreached(why) | Protection::Unknown(why) => Some((s, why)),
        _ => None,
    });
    match (first, &basis.evidence.no_endpoint) {
        (Some((server, why)), _) if basis.servers.len() == 1 => {
            format!("{} could not be tested: {}.", server.host, clause(&why.text))
        }
        (Some((server, why)), _) => format!(
            "None of the {} addresses could be tested; the first, {}: {}.",
            basis.servers.len(),
            server.host,
            clause(&why.text)
        ),
        (None, Some(why)) => format!("{label} could not be tested: {}.", clause(&why.text)),
        (None, None) => format!("{label} could not be tested: no server was found."),
    }
}

fn with_letter(basis: &Basis<'_>, letter: Letter, caps: &[Cap]) -> String {
    let label = basis.evidence.target.label();
    let submission = basis.relays().next().is_none() && basis.tested().next().is_some();
    let mail = if submission { format!("Mail handed in at {label}") } else { format!("Mail to {label}") };
    let Some(cap) = caps.iter().find(|c| c.letter == letter) else {
        return format!("{mail} is encrypted and authenticated, and nobody on the path can strip that.");
    };
    let why = clause(&cap.why);
    match cap.rule.as_str() {
        "dns_bogus" => format!("{mail} is stuck with every sender that validates DNSSEC: {why}."),
        "no_usable_mx" => format!("{mail} cannot be delivered: {why}."),
        "dane_mismatch" | "sts_failed" => format!("{mail} is refused by careful senders: {why}."),
        "plaintext" if some_encrypted(basis) => {
            format!("Part of the mail to {label} travels in clear ({why}).")
        }
        "plaintext" => format!("{mail} travels in clear, readable for anyone on the path ({why})."),
        "starttls_intermittent" => format!("Part of the mail to {label} travels in clear ({why})."),
        "broken_tls" => format!("{mail} cannot be encrypted ({why})."),
        "client_certificate" => {
            format!(
                "{mail} gets TLS only from senders that have a certificate to show, which few do ({why})."
            )
        }
        rule if attacks::BREAKS_ENCRYPTION.contains(&rule) => {
            format!("{mail} is encrypted, but an attacker can break into it ({why}).")
        }
        "outdated" | "only_weak_suites" => {
            format!("{mail} is encrypted with outdated TLS only, which current senders refuse ({why}).")
        }
        "certificate" => {
            format!("{mail} is encrypted today, but senders that verify the server will not deliver ({why}).")
        }
        "no_policy" => format!(
            "{mail} is encrypted today, but whoever sits on the path can strip the TLS: nothing tells senders to \
             insist on it."
        ),
        "sts_unusable" => {
            format!("{mail} is encrypted today, but whoever sits on the path can strip the TLS: {why}.")
        }
        "dane_insecure_mx" => {
            format!("{mail} is encrypted and authenticated, but can be led elsewhere: {why}.")
        }
        "policies_not_tried" | "policies_unknown" => format!(
            "{mail} is encrypted today, and the certificates are valid. Whether a policy keeps it from being \
             stripped on the path is not known: {why}."
        ),
        "sts_testing" => format!(
            "{mail} is encrypted today; the policy that would keep it so is still in testing, so it can be \
             stripped on the path."
        ),
        "policy_partial" => {
            format!("{mail} is encrypted, and protected from being stripped on some MX only.")
        }
        _ if letter <= Letter::A && submission => {
            format!("{mail} is encrypted, with a valid certificate ({why}).")
        }
        _ if letter <= Letter::A => {
            format!("{mail} is encrypted and authenticated, and cannot be stripped on the path ({why}).")
        }
        _ => format!("{mail} is encrypted, but weakly in places ({why})."),
    }
}

fn some_encrypted(basis: &Basis<'_>) -> bool {
    basis.tested().any(|s| matches!(s.protection, Protection::Encrypted(_)))
}

/// A text as part of a sentence, without its full stop.
fn clause(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

fn find<'a>(caps: &'a [Cap], rule: &str) -> Option<&'a Cap> {
    caps.iter().find(|c| c.rule == rule)
}
