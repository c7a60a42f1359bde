//! Groups, signature schemes, extensions and behaviour, one phrase each.

use std::collections::BTreeMap;

use waxseal_model::{
    Observed, TlsStart, Why,
    audit::{
        AuditFacts, ClientCertificate, Heartbleed, HelloLimit, Novelty, Renegotiation, Robot, RobotOracle,
        Sibling, SignatureList, StarttlsInjection, Tickets, Tolerance, WithoutSni,
    },
    evidence::EndpointFacts,
    tls::{DhFacts, FallbackScsv, GroupFacts, SuiteOrder, TlsEvidence, TlsVersion},
};
use waxseal_wire::tls::{alert, groups as registry, scheme};

use super::suites::versions;
use crate::when;

/// Names of one kind for one version, or for several that have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// Newest first; empty where versions were not told apart.
    pub(crate) versions: Vec<TlsVersion>,
    /// Each with what is to be known of it, which may be empty; none where nothing is known.
    names: Option<Vec<(String, &'static str)>>,
    /// `complete`, `not complete: why`, `not known: why`.
    extent: String,
}

impl Names {
    /// `TLS 1.3`, or `seen` where versions were not told apart.
    pub(crate) fn title(&self) -> String {
        if self.versions.is_empty() { "seen".into() } else { versions(&self.versions) }
    }

    /// `X25519MLKEM768 (post-quantum), x25519; complete`.
    pub(crate) fn words(&self) -> String {
        let word = |(name, mark): &(String, &str)| {
            if mark.is_empty() { name.clone() } else { format!("{name} ({mark})") }
        };
        let listed = match self.names.as_deref() {
            None => return self.extent.clone(),
            Some([]) => "none".into(),
            Some(names) => names.iter().map(word).collect::<Vec<_>>().join(", "),
        };
        format!("{listed}; {}", self.extent)
    }
}

/// One fact in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) label: &'static str,
    pub(crate) text: String,
    /// False where the text says why it is not known.
    pub(crate) known: bool,
}

/// Groups by version as they showed themselves.
pub(crate) fn groups(tls: &TlsEvidence) -> Vec<Names> {
    let names = |facts: &GroupFacts| {
        let name = |g: &waxseal_model::tls::Group| {
            let mark = match g.code {
                code if registry::is_post_quantum(code) => "post-quantum",
                code if registry::is_weak(code) => "under 224 bits",
                code if registry::is_withdrawn(code) => "withdrawn",
                _ => "",
            };
            (g.name.clone(), mark)
        };
        (facts.chosen.iter().map(name).collect(), facts.complete)
    };
    match &tls.audit {
        Some(audit) if !audit.groups.is_empty() => by_version(&audit.groups, names),
        _ => match tls.group_facts.get() {
            Some(facts) => {
                let (names, complete) = names(facts);
                vec![Names { versions: Vec::new(), names: Some(names), extent: extent(complete) }]
            }
            None => Vec::new(),
        },
    }
}

/// Schemes by version as they showed themselves.
pub(crate) fn signatures(tls: &TlsEvidence) -> Vec<Names> {
    let names = |list: &SignatureList| {
        let name = |name: &String| {
            let code = scheme::all().iter().find(|(_, n)| n == name).map(|(code, _)| *code);
            let mark = if code.is_some_and(scheme::is_md5_or_sha1) { "MD5 or SHA-1" } else { "" };
            (name.clone(), mark)
        };
        let mut names: Vec<(String, &'static str)> = list.chosen.iter().map(name).collect();
        names.extend(list.unoffered.iter().map(|n| (n.clone(), "also used where it was not offered")));
        (names, list.complete)
    };
    tls.audit.as_ref().map(|a| by_version(&a.signature_algorithms, names)).unwrap_or_default()
}

fn extent(complete: bool) -> String {
    if complete { "complete".into() } else { "not complete: whether there are others got no answer".into() }
}

/// Lists by version, newest first; neighbours that are alike are one.
fn by_version<T>(
    lists: &BTreeMap<TlsVersion, Observed<T>>,
    names: impl Fn(&T) -> (Vec<(String, &'static str)>, bool),
) -> Vec<Names> {
    let mut all: Vec<Names> = Vec::new();
    for (version, list) in lists.iter().rev() {
        let (names, extent) = match list {
            Observed::Seen { value } => {
                let (names, complete) = names(value);
                (Some(names), extent(complete))
            }
            Observed::NotTried { why } | Observed::Failed { why } => {
                (None, format!("not known: {}", why.text))
            }
        };
        match all.last_mut() {
            Some(last) if last.names == names && last.extent == extent => last.versions.push(*version),
            _ => all.push(Names { versions: vec![*version], names, extent }),
        }
    }
    all
}

/// Gathers facts; what was left out by design is not mentioned.
#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn say<T>(&mut self, label: &'static str, observed: &Observed<T>, words: impl Fn(&T) -> String) {
        match observed {
            Observed::Seen { value } => self.add(label, words(value)),
            Observed::NotTried { why } | Observed::Failed { why } => self.unknown(label, why),
        }
    }

    fn yes_no(&mut self, label: &'static str, observed: &Observed<bool>, yes: &str, no: &str) {
        self.say(label, observed, |on| if *on { yes.to_owned() } else { no.to_owned() });
    }

    fn add(&mut self, label: &'static str, text: String) {
        self.0.push(Fact { label, text, known: true });
    }

    fn unknown(&mut self, label: &'static str, why: &Why) {
        if !why.cause.is_by_design() {
            self.0.push(Fact { label, text: format!("not known: {}", why.text), known: false });
        }
    }
}

/// What is known of an endpoint's TLS beside the lists.
pub(crate) fn facts(evidence: &EndpointFacts) -> Vec<Fact> {
    let tls = &evidence.tls;
    let mut facts = Facts::default();
    if tls.audit.is_none() {
        facts.say("Order of suites", &tls.suite_order, |order| match order {
            SuiteOrder::Server => "the server's".into(),
            SuiteOrder::Client => "the client's".into(),
        });
        facts.yes_no("Forward secrecy", &tls.forward_secrecy, "yes", "no");
    }
    facts.yes_no("Post-quantum groups", &tls.post_quantum, "yes", "none");
    facts.say("Weak groups", &tls.weak_groups, |groups| match groups.as_slice() {
        [] => "none".into(),
        groups => groups.iter().map(|g| g.name.as_str()).collect::<Vec<_>>().join(", "),
    });
    facts.say("DH parameters", &tls.dh, dh);
    let audit = tls.audit.as_deref();
    if let Some(a) = audit {
        facts.yes_no("DH keys", &a.dh_reuse, "the same in several handshakes", "new in each handshake");
    }
    facts.yes_no("Extended master secret", &tls.extended_master_secret, "yes", "no");
    facts.yes_no("Encrypt-then-MAC", &tls.encrypt_then_mac, "yes", "no");
    facts.say("Compression", &tls.compression, |methods| match methods.as_slice() {
        [] => "none".into(),
        methods => methods.join(", "),
    });
    heartbeat(&mut facts, tls);
    facts.yes_no("Secure renegotiation", &tls.secure_renegotiation, "yes", "no");
    if let Some(a) = audit {
        facts.say("Renegotiation by clients", &a.client_renegotiation, renegotiation);
        facts.say("Insecure renegotiation", &a.insecure_renegotiation, renegotiation);
    }
    facts.say("Fallback SCSV", &tls.fallback_scsv, |answer| match answer {
        FallbackScsv::Honoured { alert } => format!("honoured ({})", alert_words(*alert)),
        FallbackScsv::Ignored => "ignored".into(),
    });
    facts.yes_no("Downgrade signal", &tls.downgrade_sentinel, "sent", "not sent");
    match audit {
        Some(audit) => sessions(&mut facts, audit),
        None => facts.yes_no("Session tickets", &tls.session_ticket, "yes, up to TLS 1.2", "no"),
    }
    if let Some(handshake) = tls.handshake.get() {
        facts.add("OCSP staple", if handshake.ocsp_stapled { "sent".into() } else { "none".into() });
    }
    if let Some(audit) = audit {
        behaviour(&mut facts, audit);
        attacks(&mut facts, audit);
    }
    facts.0
}

fn dh(facts: &DhFacts) -> String {
    let prime = facts.known_prime.as_deref().unwrap_or("not a published prime");
    format!("{} bits, {prime}", facts.bits)
}

/// Whether heartbeats are offered, and what becomes of a wrong one.
fn heartbeat(facts: &mut Facts, tls: &TlsEvidence) {
    facts.yes_no("Heartbeat", &tls.heartbeat, "offered", "not offered");
    if let Some(audit) = &tls.audit
        && tls.heartbeat.get() != Some(&false)
    {
        facts.say("Wrong heartbeat", &audit.heartbleed, |answer| match answer {
            Heartbleed::NoHeartbeat => "not offered".into(),
            Heartbleed::Discarded => "dropped".into(),
            Heartbleed::Answered { beyond } => {
                format!("answered with {} beyond what was sent", when::count(u32::from(*beyond), "byte"))
            }
        });
    }
}

fn sessions(facts: &mut Facts, audit: &AuditFacts) {
    facts.say("Session tickets", &audit.tickets, |tickets| match tickets {
        Some(tickets) => ticket_words(tickets),
        None => "none".into(),
    });
    facts.yes_no("Resumption by ticket", &audit.resumption_by_ticket, "yes", "no");
    facts.yes_no("Resumption by session id", &audit.resumption_by_id, "yes", "no");
    facts.say("Early data (0-RTT)", &audit.early_data, |bytes| match bytes {
        0 => "not allowed".into(),
        n => format!("up to {n} bytes"),
    });
}

fn ticket_words(tickets: &Tickets) -> String {
    let version = tickets.version.label();
    let count = when::count(tickets.count, "ticket");
    match tickets.lifetime {
        0 => format!("{count} in {version}, lifetime left to the client"),
        seconds => format!("{count} in {version}, valid for {}", lifetime(seconds)),
    }
}

/// `5 minutes`, `2 hours`, `7 days`; seconds where it is no round number of these.
fn lifetime(seconds: u32) -> String {
    match seconds {
        s if s >= 86_400 && s % 86_400 == 0 => when::count(s / 86_400, "day"),
        s if s >= 3_600 && s % 3_600 == 0 => when::count(s / 3_600, "hour"),
        s if s >= 60 && s % 60 == 0 => when::count(s / 60, "minute"),
        s => when::count(s, "second"),
    }
}

fn behaviour(facts: &mut Facts, audit: &AuditFacts) {
    facts.say("Client certificate", &audit.client_certificate, |wanted| match wanted {
        ClientCertificate::NotAsked => "not asked for".into(),
        ClientCertificate::Requested => "asked for, not needed".into(),
        ClientCertificate::Demanded => "demanded".into(),
    });
    facts.say("Without SNI", &audit.without_sni, without_sni);
    if let Some(foreign) = audit.foreign_hello.get() {
        facts.yes_no("SNI of another server", &foreign.sni_accepted, "accepted", "refused");
        facts.yes_no("ALPN of another service", &foreign.alpn_accepted, "accepted", "refused");
    } else if let Some(why) = audit.foreign_hello.why() {
        facts.unknown("Hellos for another service", why);
    }
    tolerance(facts, &audit.tolerance);
    if let Some(limit) = &audit.hello_limit {
        facts.add("Limits on hellos", hello_limit(limit));
    }
    facts.say("Other ports of mail", &audit.siblings, |siblings| siblings_words(siblings));
}

fn without_sni(answer: &WithoutSni) -> String {
    match answer {
        WithoutSni::Refused { alert: Some(alert) } => format!("refused ({})", alert_words(*alert)),
        WithoutSni::Refused { alert: None } => "refused".into(),
        WithoutSni::Certificate { same: true, .. } => "the same certificate".into(),
        WithoutSni::Certificate { same: false, names, .. } if names.is_empty() => {
            "another certificate, without a name".into()
        }
        WithoutSni::Certificate { same: false, names, .. } => {
            format!("another certificate, for {}", crate::text::list(names, 4))
        }
        WithoutSni::NoCertificate => "no certificate".into(),
    }
}

/// All novelties in one phrase, the refused ones first.
fn tolerance(facts: &mut Facts, all: &[Tolerance]) {
    let those = |wanted: bool| {
        let its = all.iter().filter(|t| t.tolerated.get() == Some(&wanted));
        its.map(|t| novelty(t.novelty)).collect::<Vec<_>>().join(", ")
    };
    let parts: Vec<String> = [("refuses", those(false)), ("bears", those(true))]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {names}"))
        .collect();
    if !parts.is_empty() {
        facts.add("Novelties in hellos", parts.join("; "));
    }
    if let Some(why) = all.iter().find_map(|t| t.tolerated.why().filter(|w| !w.cause.is_by_design())) {
        facts.unknown("Other novelties", why);
    }
}

fn novelty(novelty: Novelty) -> &'static str {
    match novelty {
        Novelty::Grease => "reserved values (GREASE)",
        Novelty::UnknownExtension => "unknown extensions",
        Novelty::FutureVersion => "future versions",
        Novelty::LongHello => "hellos over 4 KiB",
        Novelty::MiddleLength => "hellos of 256 to 511 bytes",
        Novelty::EmptyLastExtension => "an empty last extension",
    }
}

fn hello_limit(limit: &HelloLimit) -> String {
    let suites = limit.suites.map(|n| format!("at most {n} suites"));
    let bytes = limit.bytes.map(|n| format!("{n} bytes are answered, much longer ones are not"));
    [suites, bytes].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn siblings_words(siblings: &[Sibling]) -> String {
    let words = |s: &Sibling| {
        let start = match s.tls {
            TlsStart::Starttls => "STARTTLS",
            TlsStart::Implicit => "implicit TLS",
        };
        let certificate = match &s.certificate {
            Observed::Seen { value: Some(_) } => "a certificate",
            Observed::Seen { value: None } => "closed, or no certificate",
            Observed::NotTried { .. } | Observed::Failed { .. } => "not known",
        };
        let ssl2 = if s.ssl2.get() == Some(&true) { ", SSLv2" } else { "" };
        format!("{} ({start}): {certificate}{ssl2}", s.port)
    };
    match siblings {
        [] => "none".into(),
        siblings => siblings.iter().map(words).collect::<Vec<_>>().join("; "),
    }
}

/// What attacks showed beyond yes and no.
fn attacks(facts: &mut Facts, audit: &AuditFacts) {
    if let Some(Robot { oracle: Some(oracle), answers, .. }) = audit.robot.get() {
        let strength = match oracle {
            RobotOracle::Weak => "weak oracle",
            RobotOracle::Strong => "strong oracle",
        };
        let answers = answers.iter().map(|a| format!("{}: {}", a.block, a.answer));
        let answers = answers.collect::<Vec<_>>().join("; ");
        facts.add(
            "RSA padding",
            if answers.is_empty() { strength.into() } else { format!("{strength}; {answers}") },
        );
    }
    if let Some(injection) = audit.starttls_injection.get() {
        let text = match injection {
            StarttlsInjection::Discarded => "dropped".to_owned(),
            StarttlsInjection::Refused { reply: Some(reply) } => format!("refused: {reply}"),
            StarttlsInjection::Refused { reply: None } => "refused, the connection was closed".into(),
            StarttlsInjection::AnsweredInClear { reply } => format!("answered in clear: {reply}"),
            StarttlsInjection::AnsweredWithinTls { reply } => format!("answered within TLS: {reply}"),
        };
        facts.add("Command sent with STARTTLS", text);
    }
}

fn renegotiation(answer: &Renegotiation) -> String {
    match answer {
        Renegotiation::Accepted => "accepted".into(),
        Renegotiation::Refused { alert: Some(alert) } => format!("refused ({})", alert_words(*alert)),
        Renegotiation::Refused { alert: None } => "refused".into(),
    }
}

/// `alert 86, inappropriate_fallback`.
fn alert_words(code: u8) -> String {
    format!("alert {code}, {}", alert::alert_name(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use waxseal_model::Cause;

    #[test]
    fn lifetimes_are_round_where_they_can_be() {
        assert_eq!(lifetime(7_200), "2 hours");
        assert_eq!(lifetime(604_800), "7 days");
        assert_eq!(lifetime(300), "5 minutes");
        assert_eq!(lifetime(7_201), "7201 seconds");
    }

    #[test]
    fn what_was_not_asked_by_design_is_not_mentioned_and_what_failed_is() {
        let mut evidence = EndpointFacts::default();
        assert!(facts(&evidence).is_empty());
        evidence.tls.heartbeat = Observed::failed(Cause::Timeout, "no answer within 5 s");
        let facts = facts(&evidence);
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].text, "not known: no answer within 5 s");
        assert!(!facts[0].known);
    }

    #[test]
    fn no_names_are_none_only_where_that_is_known() {
        let mut tls = TlsEvidence::default();
        let mut audit = AuditFacts::default();
        let empty = GroupFacts { chosen: Vec::new(), complete: true };
        audit.groups.insert(TlsVersion::Tls10, Observed::seen(empty));
        audit.groups.insert(TlsVersion::Tls12, Observed::failed(Cause::Timeout, "no answer within 5 s"));
        tls.audit = Some(Box::new(audit));
        let words: Vec<String> = groups(&tls).iter().map(Names::words).collect();
        assert_eq!(words, ["not known: no answer within 5 s", "none; complete"]);
    }

    #[test]
    fn refused_novelties_are_named_first() {
        let mut gathered = Facts::default();
        let seen = |novelty, on| Tolerance { novelty, tolerated: Observed::seen(on) };
        tolerance(&mut gathered, &[seen(Novelty::Grease, true), seen(Novelty::LongHello, false)]);
        assert_eq!(gathered.0[0].text, "refuses hellos over 4 KiB; bears reserved values (GREASE)");
    }
}
