//! Mistakes that no single value shows.

use super::{
    Config,
    sections::{ListenKind, Retry, Rule, TlsLevel, TlsRpt},
    values::NamePattern,
};

/// The section or entry (`policy.rule#0`), and what is wrong with it.
type Mistake = (String, String);

/// The first mistake, in the order of the file's sections.
pub(super) fn check(config: &Config) -> Result<(), Mistake> {
    listeners(config)?;
    tls(config)?;
    for (number, rule) in config.policy.rule.iter().enumerate() {
        policy_rule(rule).map_err(|message| (format!("policy.rule#{number}"), message))?;
    }
    if matches!(config.policy.default, TlsLevel::Fingerprint) {
        return Err((
            "policy".into(),
            "default = \"fingerprint\" needs keys to compare with: write a [[policy.rule]] for the domain"
                .into(),
        ));
    }
    delivery(config)?;
    reports(config)
}

fn listeners(config: &Config) -> Result<(), Mistake> {
    for (number, listen) in config.listen.iter().enumerate() {
        let at = |message: String| (format!("listen#{number}"), message);
        if config.listen.iter().take(number).any(|other| other.address == listen.address) {
            return Err(at(format!("{} is listed twice", listen.address)));
        }
        let needs = listen.require_tls || listen.kind == ListenKind::Submissions;
        if needs && config.tls.certificate.is_none() {
            let text = "TLS is demanded here, and [tls] names no certificate and key";
            return Err(at(text.to_owned()));
        }
    }
    Ok(())
}

fn tls(config: &Config) -> Result<(), Mistake> {
    let at = |message: &str| Err(("tls".to_owned(), message.to_owned()));
    match (&config.tls.certificate, &config.tls.key) {
        (Some(_), None) => at("certificate without key"),
        (None, Some(_)) => at("key without certificate"),
        (None, None) if config.tls.client_ca.is_some() => {
            at("client_ca needs TLS: name certificate and key as well")
        }
        _ => Ok(()),
    }
}

fn policy_rule(rule: &Rule) -> Result<(), String> {
    let demands = !matches!(rule.tls, TlsLevel::None | TlsLevel::Opportunistic);
    match rule.tls {
        TlsLevel::Fingerprint if rule.fingerprints.is_empty() => {
            return Err("tls = \"fingerprint\" needs fingerprints = [\"sha256:…\"]".into());
        }
        TlsLevel::Fingerprint => {}
        _ if !rule.fingerprints.is_empty() => {
            return Err("fingerprints are compared only with tls = \"fingerprint\"".into());
        }
        TlsLevel::Verify => {}
        _ if !rule.names.is_empty() => return Err("names are compared only with tls = \"verify\"".into()),
        _ => {}
    }
    if rule.override_published && rule.domain == NamePattern::Any {
        return Err("override_published leaves published policies aside, and has to name the domain".into());
    }
    if demands && rule.clear_after_failure == Some(true) {
        return Err("clear_after_failure contradicts a rule that demands TLS".into());
    }
    if let Some(sender) = &rule.sender {
        let domain = sender.rsplit_once('@').map(|(_, domain)| domain);
        if domain.is_none_or(str::is_empty) {
            return Err(format!("sender = \"{sender}\": write an address, or @ and a domain"));
        }
    }
    Ok(())
}

fn delivery(config: &Config) -> Result<(), Mistake> {
    let delivery = &config.delivery;
    let at = |message: &str| Err(("delivery".to_owned(), message.to_owned()));
    if let Retry::List(times) = &delivery.retry {
        if times.is_empty() {
            return at("retry = [] would never try again: list at least one time");
        }
        if times.iter().any(|t| t.as_seconds() < 1) {
            return at("retry lists a time below one second");
        }
    }
    if delivery.expire.as_seconds() < 60 {
        return at("expire is below one minute: a message would hardly be tried twice");
    }
    if delivery.delay_notices.len() > 50 {
        return at("more than 50 delay_notices");
    }
    if delivery.delay_notices.windows(2).any(|w| matches!(w, [a, b] if a >= b)) {
        return at("delay_notices must grow");
    }
    let counts = [
        (delivery.connections_per_site, "connections_per_site"),
        (delivery.connections, "connections"),
        (delivery.messages_per_connection, "messages_per_connection"),
        (delivery.recipients_per_message, "recipients_per_message"),
    ];
    if let Some((_, name)) = counts.iter().find(|(n, _)| *n == 0) {
        return at(&format!("{name} = 0 would deliver nothing"));
    }
    let [first, most] = delivery.watch;
    if first.as_seconds() < 1 || first > most {
        return at("watch = [FIRST, MOST] must grow and begin at one second or more");
    }
    Ok(())
}

fn reports(config: &Config) -> Result<(), Mistake> {
    let Some(tlsrpt) = &config.tlsrpt else { return Ok(()) };
    let at = |message: &str| Err(("tlsrpt".to_owned(), message.to_owned()));
    if !tlsrpt.from.contains('@') {
        return at("from must be an address: reports by mail come from it");
    }
    if tlsrpt.spread.as_seconds() > TlsRpt::MOST_SPREAD {
        return at("spread is above four hours: reports are to come soon after midnight (RFC 8460)");
    }
    let dkim = [tlsrpt.dkim_domain.is_some(), tlsrpt.dkim_selector.is_some(), tlsrpt.dkim_key.is_some()];
    if dkim.contains(&true) && dkim.contains(&false) {
        return at("dkim_domain, dkim_selector and dkim_key belong together");
    }
    Ok(())
}
