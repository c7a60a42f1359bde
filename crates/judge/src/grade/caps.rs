//! The rules that limit the letter. Which letter each leaves is the profile's.

use waxseal_model::{
    Letter, TlsStart, Usage,
    dns::DnssecStatus,
    evidence::MailRouting,
    grade::Cap,
    revocation::RevocationStatus,
    tls::{ClassFact, SuiteClass, TlsEvidence, TlsVersion},
};

use waxseal_wire::tls::suites as registry;

use super::{Basis, Dane, Server, Sts, attacks};
use crate::{
    revocation,
    state::{self, CertificateState, Protection},
    suites, text,
};

/// Ids of all rules: every profile must decide on each.
#[cfg(test)]
pub(crate) const RULES: &[&str] = &[
    "dns_bogus",
    "no_usable_mx",
    "dane_mismatch",
    "sts_failed",
    "plaintext",
    "broken_tls",
    "heartbleed",
    "ccs_injection",
    "robot_strong",
    "drown",
    "ticketbleed",
    "starttls_injection",
    "client_certificate",
    "outdated",
    "only_weak_suites",
    "certificate",
    "broken_key",
    "revoked",
    "starttls_intermittent",
    "sslv2",
    "submission_old_tls",
    "submission_auth_in_clear",
    "submission_starttls",
    "sslv3",
    "export",
    "null",
    "robot_weak",
    "insecure_renegotiation",
    "rc4",
    "3des",
    "dh_small",
    "weak_groups",
    "weak_signatures",
    "tls10_offered",
    "tls11_offered",
    "cbc_sha1",
    "rsa_kx",
    "dhe",
    "tls13_missing",
    "no_policy",
    "sts_unusable",
    "policies_not_tried",
    "policies_unknown",
    "sts_testing",
    "policy_partial",
    "dane_insecure_mx",
    "tlsrpt_missing",
    "one_policy_only",
    "untested",
];

/// A rule that applies: its id, what it says, and the server that it applies to.
struct Hit {
    rule: &'static str,
    text: String,
    host: Option<String>,
}

/// Every cap, worst first; a rule that several servers hit with the same words is one cap.
pub(super) fn all(basis: &Basis<'_>) -> Vec<Cap> {
    let mut hits = Vec::new();
    names(basis, &mut hits);
    for server in basis.tested() {
        channel(server, &mut hits);
        if matches!(server.protection, Protection::Encrypted(_)) {
            weaknesses(server, basis, &mut hits);
            let attacks = attacks::rules(server, basis.profile).into_iter();
            hits.extend(attacks.map(|(rule, text)| Hit { rule, text, host: Some(server.host.clone()) }));
            certificates(server, basis, &mut hits);
            untested(server, &mut hits);
        }
    }
    policies(basis, &mut hits);
    let mut caps = merged(&hits, basis);
    caps.sort_by_key(|c| std::cmp::Reverse(c.letter));
    caps
}

fn merged(hits: &[Hit], basis: &Basis<'_>) -> Vec<Cap> {
    let mut caps = Vec::new();
    for (i, hit) in hits.iter().enumerate() {
        let same = |h: &&Hit| h.rule == hit.rule && h.text == hit.text;
        if hits.iter().take(i).any(|h| same(&h)) {
            continue;
        }
        // A+ is no limit.
        let Some(letter) = basis.profile.cap(hit.rule).filter(|l| *l > Letter::APlus) else { continue };
        let mut hosts: Vec<&str> = hits.iter().filter(same).filter_map(|h| h.host.as_deref()).collect();
        hosts.dedup();
        let why = match hosts.as_slice() {
            [] => hit.text.clone(),
            hosts => format!("{}: {}", text::short_list(hosts, 4), hit.text),
        };
        caps.push(Cap { letter, rule: hit.rule.to_owned(), why });
    }
    caps
}

/// Whether mail finds the servers at all.
fn names(basis: &Basis<'_>, hits: &mut Vec<Hit>) {
    let Some(domain) = &basis.evidence.domain else { return };
    let mut add = |rule, text: String| hits.push(Hit { rule, text, host: None });
    if domain.mx_answer.status == DnssecStatus::Bogus {
        add("dns_bogus", format!("the DNSSEC signatures of {} MX do not verify", domain.name));
        return;
    }
    let bogus =
        |h: &waxseal_model::evidence::MxHost| h.answers.iter().any(|a| a.status == DnssecStatus::Bogus);
    if !domain.hosts.is_empty() && domain.hosts.iter().all(bogus) {
        add("dns_bogus", "the DNSSEC signatures of every MX host's addresses do not verify".into());
        return;
    }
    let no_address = |h: &waxseal_model::evidence::MxHost| {
        h.addresses.is_empty()
            && !h.answers.is_empty()
            && h.answers.iter().all(waxseal_model::DnsAnswer::is_conclusive)
    };
    if domain.routing == MailRouting::NoMailHost {
        add("no_usable_mx", format!("{} has neither MX nor address", domain.name));
    } else if !domain.hosts.is_empty() && domain.hosts.iter().all(no_address) {
        add("no_usable_mx", "no MX host has an address".into());
    }
}

/// Clear, broken, outdated or encrypted; and whether the certificate can be used.
fn channel(server: &Server<'_>, hits: &mut Vec<Hit>) {
    let mut add = |rule, text: String| hits.push(Hit { rule, text, host: Some(server.host.clone()) });
    match &server.protection {
        Protection::Plaintext(why) => add("plaintext", why.clone()),
        Protection::Broken(why) => add("broken_tls", format!("no TLS handshake succeeds: {why}")),
        Protection::Encrypted(best) => {
            let tls = &server.endpoint.evidence.tls;
            if *best < TlsVersion::Tls12 {
                add("outdated", format!("nothing newer than {}", best.label()));
            } else if only_weak_suites(tls) {
                add("only_weak_suites", "only RC4, 3DES, export or NULL suites".into());
            }
            if let (CertificateState::Unusable(why), true) = (&server.certificate, server.dane != Dane::Valid)
            {
                add("certificate", why.clone());
            }
            let tally = server.endpoint.evidence.smtp.starttls_seen;
            if tally.found > 0 && tally.found < tally.asked {
                let text = format!("STARTTLS was offered in {} of {} connections", tally.found, tally.asked);
                add("starttls_intermittent", text);
            }
        }
        Protection::Unreached(_) | Protection::Unknown(_) => {}
    }
}

/// True if suites were chosen, and all of them are broken ones.
fn only_weak_suites(tls: &TlsEvidence) -> bool {
    const BROKEN: [SuiteClass; 6] = [
        SuiteClass::Rc4,
        SuiteClass::TripleDes,
        SuiteClass::Export,
        SuiteClass::Null,
        SuiteClass::Des,
        SuiteClass::Rc2,
    ];
    let weak = |code: u32| registry::classes(code).iter().any(|c| BROKEN.contains(c));
    !tls.handshake.is_seen()
        && !tls.suites_seen.is_empty()
        && tls.suites_seen.iter().all(|s| weak(s.suite.code))
}

/// What is weak beside sound TLS.
fn weaknesses(server: &Server<'_>, basis: &Basis<'_>, hits: &mut Vec<Hit>) {
    let tls = &server.endpoint.evidence.tls;
    let submission = server.endpoint.endpoint.usage == Usage::Submission;
    let mut add = |rule, text: String| hits.push(Hit { rule, text, host: Some(server.host.clone()) });
    let versions = [
        (TlsVersion::Ssl2, "sslv2"),
        (TlsVersion::Ssl3, "sslv3"),
        (TlsVersion::Tls10, "tls10_offered"),
        (TlsVersion::Tls11, "tls11_offered"),
    ];
    for (version, rule) in versions {
        if state::accepts(tls, version) == Ok(true) {
            let rule = if submission && version >= TlsVersion::Tls10 { "submission_old_tls" } else { rule };
            add(rule, format!("{} is accepted", version.label()));
        }
    }
    let classes = [
        (SuiteClass::Export, "export"),
        (SuiteClass::Null, "null"),
        (SuiteClass::Rc4, "rc4"),
        (SuiteClass::TripleDes, "3des"),
        (SuiteClass::RsaKeyExchange, "rsa_kx"),
        (SuiteClass::Dhe, "dhe"),
    ];
    for (class, rule) in classes {
        if accepted(tls, class).is_some() {
            add(rule, format!("{} suites are accepted", class.label()));
        }
    }
    let is_sha1 = |f: &ClassFact| f.examples.iter().any(|e| e.suite.name.ends_with("_CBC_SHA"));
    if accepted(tls, SuiteClass::Cbc).as_ref().is_some_and(is_sha1) {
        add("cbc_sha1", "CBC suites with SHA-1 are accepted".into());
    }
    if let Some(dh) = tls.dh.get().filter(|d| d.bits < basis.profile.thresholds.dh_min_bits) {
        add("dh_small", format!("the Diffie-Hellman group has {} bits", dh.bits));
    }
    if state::accepts(tls, TlsVersion::Tls13) == Ok(false) {
        add("tls13_missing", "TLS 1.3 is not offered".into());
    }
    if submission {
        let auth =
            server.endpoint.evidence.smtp.ehlo_plain.get().is_some_and(|e| e.keyword("AUTH").is_some());
        if auth {
            add("submission_auth_in_clear", "AUTH is offered before TLS".into());
        }
        if server.endpoint.endpoint.tls == TlsStart::Starttls {
            add("submission_starttls", "STARTTLS protects only programs that are set to insist on it".into());
        }
    }
}

/// Certificates that prove nothing though their chains are in order: a key that is no secret,
/// or one that the issuer has revoked. Senders that use DANE do not ask issuers.
fn certificates(server: &Server<'_>, basis: &Basis<'_>, hits: &mut Vec<Hit>) {
    let mut add = |rule, text: String| hits.push(Hit { rule, text, host: Some(server.host.clone()) });
    let chains = server.endpoint.evidence.chains.get().map(Vec::as_slice).unwrap_or_default();
    for chain in chains.iter().filter(|c| state::is_for_named(c, chains)) {
        if let Some(why) = chain.leaf().and_then(revocation::broken_key) {
            add("broken_key", format!("the private key is no secret: {why}"));
        }
        let objection = revocation::objection(chain, basis.now).ok().flatten();
        if objection.is_some_and(|o| *o.status != RevocationStatus::Unknown) && server.dane != Dane::Valid {
            add("revoked", "the certificate is revoked".to_owned());
        }
    }
}

/// What could not be asked is not fine: without these answers there is no A+.
fn untested(server: &Server<'_>, hits: &mut Vec<Hit>) {
    let tls = &server.endpoint.evidence.tls;
    let classes = [
        SuiteClass::Export,
        SuiteClass::Null,
        SuiteClass::Rc4,
        SuiteClass::TripleDes,
        SuiteClass::RsaKeyExchange,
        SuiteClass::Dhe,
        SuiteClass::Cbc,
    ];
    let unknown = |c: &SuiteClass| suites::class(tls, *c).is_err();
    let versions =
        TlsVersion::ALL.into_iter().filter(|v| state::accepts(tls, *v).is_err()).map(TlsVersion::label);
    let mut open: Vec<&str> =
        versions.chain(classes.into_iter().filter(unknown).map(SuiteClass::label)).collect();
    if accepted(tls, SuiteClass::Dhe).is_some() && !tls.dh.is_seen() {
        open.push("the Diffie-Hellman group");
    }
    if let Some(audit) = &tls.audit {
        open.extend(attacks::unanswered(audit));
    }
    if !open.is_empty() {
        let text = format!("not answered: {}", text::short_list(&open, 4));
        hits.push(Hit { rule: "untested", text, host: Some(server.host.clone()) });
    }
}

fn accepted(tls: &TlsEvidence, class: SuiteClass) -> Option<ClassFact> {
    suites::class(tls, class).ok().flatten()
}

/// Whether published policies keep TLS from being stripped.
fn policies(basis: &Basis<'_>, hits: &mut Vec<Hit>) {
    if basis.relays().next().is_none() {
        return;
    }
    let mut add = |rule, text: &str| hits.push(Hit { rule, text: text.to_owned(), host: None });
    let all = |what: fn(&Server<'_>) -> bool| basis.relays().all(what);
    let any = |what: fn(&Server<'_>) -> bool| basis.relays().any(what);
    if let Some(why) = dane_fails(basis) {
        add("dane_mismatch", &format!("{why}: DANE senders cannot deliver"));
    } else if basis.sts == Sts::Enforce && all(|s| s.fails_sts()) {
        add("sts_failed", "the enforced MTA-STS policy fits no MX: senders that follow it cannot deliver");
    } else if all(|s| s.is_protected()) {
        if !(basis.sts == Sts::Enforce && all(|s| s.sts && s.has_dane())) {
            add("one_policy_only", "MTA-STS and DANE are not both in force on every MX");
        }
        let record = basis.evidence.domain.as_ref().and_then(|d| d.policies.tlsrpt.get());
        if !matches!(record, Some(Some(_))) {
            add("tlsrpt_missing", "no TLS-RPT record is known");
        }
    } else if any(|s| s.is_protected()) {
        add("policy_partial", "DANE or MTA-STS is valid for some MX only");
    } else if any(|s| s.dane == Dane::Valid && matches!(s.protection, Protection::Encrypted(_))) {
        add("dane_insecure_mx", "DANE is valid, but the MX record is not signed, so it can be forged");
    } else if basis.sts == Sts::Testing {
        add("sts_testing", "MTA-STS is in testing mode");
    } else if basis.sts == Sts::Unknown || any(|s| s.dane == Dane::Unknown) {
        add("policies_unknown", "whether a policy is published could not be found out");
    } else if basis.sts == Sts::NotTried || any(|s| s.dane == Dane::NotTried) {
        let text = match basis.evidence.domain {
            Some(_) => "published policies (MTA-STS, DANE) were not looked at",
            None => "a domain's policy (MTA-STS) belongs to its name: check the domain",
        };
        add("policies_not_tried", text);
    } else if let Some(problem) = sts_problem(basis) {
        add("sts_unusable", &format!("the MTA-STS policy cannot be used: {problem}"));
    } else {
        add("no_policy", "no policy tells senders to insist on TLS");
    }
}

/// Why DANE senders can deliver to no server at all, if that is so.
fn dane_fails(basis: &Basis<'_>) -> Option<String> {
    let mut whys: Vec<&str> = Vec::new();
    for server in basis.relays() {
        match &server.dane {
            Dane::Fails(why) => whys.push(why),
            _ => return None,
        }
    }
    whys.dedup();
    match whys.as_slice() {
        [] => None,
        [why] => Some(format!("{}: {why}", basis.relays().next()?.host)),
        _ => Some("DANE fails on every MX".to_owned()),
    }
}

/// What makes a published MTA-STS policy useless.
fn sts_problem<'a>(basis: &'a Basis<'_>) -> Option<&'a str> {
    let problem = basis.evidence.domain.as_ref()?.policies.sts_discovery.problem.as_ref()?;
    Some(problem.text.trim_end_matches('.'))
}

/// True for rules about the strength of the channel itself; they decide the first mark.
pub(super) fn weakens_encryption(cap: &Cap) -> bool {
    matches!(
        cap.rule.as_str(),
        "sslv2"
            | "sslv3"
            | "export"
            | "null"
            | "rc4"
            | "3des"
            | "dh_small"
            | "weak_groups"
            | "robot_weak"
            | "insecure_renegotiation"
            | "client_certificate"
            | "submission_old_tls"
            | "starttls_intermittent"
    ) && cap.letter > Letter::A
}
