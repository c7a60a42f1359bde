//! What attacks on TLS do to the letter: weaknesses that a server showed when it was tried.

use waxseal_model::{
    Observed, Usage, Why,
    audit::{
        AuditFacts, CcsInjection, ClientCertificate, Heartbleed, Renegotiation, RobotOracle,
        StarttlsInjection,
    },
    evidence::EndpointFacts,
    tls::{SuiteClass, TlsEvidence, TlsVersion},
};

use super::Server;
use crate::{
    profile::{Profile, Rating},
    state, suites, text,
};

/// Rules by which a server's encryption is broken, not merely weak.
pub(super) const BREAKS_ENCRYPTION: &[&str] =
    &["heartbleed", "ccs_injection", "robot_strong", "drown", "ticketbleed", "starttls_injection"];

/// The rules that apply, each with what it says.
pub(super) fn rules(server: &Server<'_>, profile: &Profile) -> Vec<(&'static str, String)> {
    let tls = &server.endpoint.evidence.tls;
    let mut out = Vec::new();
    drown(&server.endpoint.evidence, &mut out);
    groups(tls, profile, &mut out);
    if let Some(audit) = &tls.audit {
        attempts(audit, &mut out);
        signatures(audit, profile, &mut out);
        let demanded = audit.client_certificate.get() == Some(&ClientCertificate::Demanded);
        if demanded && server.endpoint.endpoint.usage == Usage::Relay {
            out.push(("client_certificate", "clients without a certificate get no TLS".into()));
        }
    }
    out
}

/// What the attempts showed.
fn attempts(audit: &AuditFacts, out: &mut Vec<(&'static str, String)>) {
    let mut add = |rule, text: &str| out.push((rule, text.to_owned()));
    if matches!(audit.heartbleed.get(), Some(Heartbleed::Answered { beyond }) if *beyond > 0) {
        add("heartbleed", "it gives away its memory (Heartbleed)");
    }
    if matches!(audit.ccs_injection.get(), Some(CcsInjection::Accepted { .. })) {
        add("ccs_injection", "it takes keys before they are agreed (CCS injection)");
    }
    match audit.robot.get().and_then(|r| r.oracle) {
        Some(RobotOracle::Strong) => add("robot_strong", "it is a strong RSA padding oracle (ROBOT)"),
        Some(RobotOracle::Weak) => add("robot_weak", "it is a weak RSA padding oracle (ROBOT)"),
        None => {}
    }
    if audit.ticketbleed.get().is_some_and(|beyond| *beyond > 0) {
        add("ticketbleed", "it gives away its memory (Ticketbleed)");
    }
    if matches!(audit.starttls_injection.get(), Some(StarttlsInjection::AnsweredWithinTls { .. })) {
        add("starttls_injection", "it carries cleartext commands into TLS (STARTTLS injection)");
    }
    if audit.insecure_renegotiation.get() == Some(&Renegotiation::Accepted) {
        add("insecure_renegotiation", "it renegotiates insecurely");
    }
}

/// SSLv2, here or at another port with the same key, beside newer versions with RSA key
/// exchange, whose sessions it betrays.
fn drown(facts: &EndpointFacts, out: &mut Vec<(&'static str, String)>) {
    let tls = &facts.tls;
    if suites::class(tls, SuiteClass::RsaKeyExchange).ok().flatten().is_none() {
        return;
    }
    let siblings = tls.audit.iter().filter_map(|a| a.siblings.get()).flatten();
    let there = siblings.into_iter().find(|s| state::drown_by(facts, s) == Ok(true));
    if state::accepts(tls, TlsVersion::Ssl2) == Ok(true) {
        out.push(("drown", "SSLv2 betrays sessions with RSA key exchange (DROWN)".into()));
    } else if let Some(sibling) = there {
        out.push(("drown", format!("SSLv2 at port {} betrays sessions of this one (DROWN)", sibling.port)));
    }
}

fn groups(tls: &TlsEvidence, profile: &Profile, out: &mut Vec<(&'static str, String)>) {
    let weak = tls.weak_groups.get().into_iter().flatten().map(|g| g.name.as_str());
    let rated = state::groups(tls).filter(|name| profile.group(name) == Some(Rating::Insufficient));
    let mut names: Vec<&str> = weak.chain(rated).collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        out.push(("weak_groups", format!("weak groups are accepted ({})", text::short_list(&names, 3))));
    }
}

fn signatures(audit: &AuditFacts, profile: &Profile, out: &mut Vec<(&'static str, String)>) {
    let lists = audit.signature_algorithms.values().filter_map(Observed::get);
    let mut schemes = lists.flat_map(|l| &l.chosen);
    if let Some(scheme) = schemes.find(|s| profile.signatures.is_weak(s)) {
        out.push(("weak_signatures", format!("handshakes are signed with {scheme} for clients that ask")));
    }
}

/// Questions of an audit that were put in vain.
pub(super) fn unanswered(audit: &AuditFacts) -> Vec<&'static str> {
    fn open<T>(observed: &Observed<T>) -> bool {
        observed.why().is_some_and(|why: &Why| !why.cause.is_by_design())
    }
    let questions = [
        ("Heartbleed", open(&audit.heartbleed)),
        ("CCS injection", open(&audit.ccs_injection)),
        ("ROBOT", open(&audit.robot)),
        ("Ticketbleed", open(&audit.ticketbleed)),
        ("insecure renegotiation", open(&audit.insecure_renegotiation)),
        ("STARTTLS injection", open(&audit.starttls_injection)),
    ];
    questions.into_iter().filter(|(_, open)| *open).map(|(name, _)| name).collect()
}
