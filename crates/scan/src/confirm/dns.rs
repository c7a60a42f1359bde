//! Where the names lead: MX, the addresses of the MX hosts, aliases, DNSSEC.

use waxseal_model::{
    Cause, Confirmation, DnsAnswer, DnssecStatus, DomainEvidence,
    dns::{DnsOutcome, RecordData},
    evidence::{MailRouting, MxHost},
};

use super::{
    Run,
    faults::Fault,
    notes::{Notes, list},
    spf,
    subject::Need,
};
use crate::names;

/// Why the state of a domain is not known.
pub(super) struct Unknown {
    /// One sentence without its end.
    pub(super) text: String,
    /// Others were answered, so that the fault is with the domain's name servers.
    pub(super) is_about_the_domain: bool,
}

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    if let Some(name) =
        run.subject.missing_name.clone().filter(|n| Some(n) != run.subject.recipient_domain.as_ref())
        && run.given.to.is_none()
    {
        return name_alone(run, notes, &name).await;
    }
    let named = run.given.to.as_ref().and(run.subject.recipient_domain.clone());
    let Some(domain) =
        named.or_else(|| run.subject.missing_name.clone()).or_else(|| run.subject.recipient_domain.clone())
    else {
        return notes.untested(spf::lacks(Need::Place));
    };
    match state(run, &domain, &mut notes).await {
        Ok(Some(fault)) if accepts(run.cause).contains(&fault.cause) => notes.confirmed(fault.text),
        Ok(Some(fault)) => notes.rather(fault.cause, fault.text),
        Ok(None) => notes.refuted(format!(
            "{domain} and its mail hosts are found now: it was mended meanwhile, or the resolver of the sender fails or \
             still holds an old answer"
        )),
        Err(why) if why.is_about_the_domain && accepts(run.cause).contains(&"dns_failure") => {
            notes.confirmed(why.text)
        }
        Err(why) => notes.untested(why.text),
    }
}

/// The states of DNS in which a cause shows.
fn accepts(cause: &str) -> &'static [&'static str] {
    match cause {
        "domain_not_found" => &["domain_not_found"],
        "mx_broken" => &["mx_broken", "domain_not_found"],
        "null_mx" => &["null_mx"],
        "dnssec_fail" => &["dnssec_fail"],
        "dns_failure" => &["dns_failure", "dnssec_fail"],
        _ => &["dns_failure", "dnssec_fail", "mx_broken", "domain_not_found"],
    }
}

/// What is wrong with the names of a mail domain; none where mail finds its way.
///
/// # Errors
/// It could not be found out.
pub(super) async fn state(run: &Run<'_>, domain: &str, notes: &mut Notes) -> Result<Option<Fault>, Unknown> {
    let found = names::domain(&run.means.resolver, domain).await;
    note(&found, notes);
    let mx = &found.mx_answer;
    if mx.status == DnssecStatus::Bogus {
        let text = format!("the MX records of {domain} do not verify by DNSSEC: {}", reason(mx));
        return Ok(Some(Fault::new("dnssec_fail", text)));
    }
    match found.routing {
        MailRouting::NoSuchDomain => {
            Ok(Some(Fault::new("domain_not_found", format!("{domain} does not exist (NXDOMAIN)"))))
        }
        MailRouting::NullMx => Ok(Some(Fault::new(
            "null_mx",
            format!("{domain} says that it takes no mail (null MX, \"0 .\", RFC 7505)"),
        ))),
        MailRouting::NoMailHost => Ok(Some(Fault::new(
            "mx_broken",
            format!("{domain} exists, with neither MX nor address, so that no mail can be delivered to it"),
        ))),
        MailRouting::Unknown => Err(unknown(&format!("the MX records of {domain}"), mx)),
        MailRouting::Mx | MailRouting::ImplicitMx | MailRouting::NullMxWithOthers => hosts(&found),
    }
}

fn unknown(what: &str, answer: &DnsAnswer) -> Unknown {
    Unknown {
        text: format!("{what} cannot be looked up: {}", reason(answer)),
        is_about_the_domain: answer.outcome == DnsOutcome::ServerError
            || answer.reason.contains("although others were answered"),
    }
}

fn reason(answer: &DnsAnswer) -> &str {
    answer.reason.trim_end_matches('.')
}

/// The mail hosts: at least one must have an address that can be used.
fn hosts(domain: &DomainEvidence) -> Result<Option<Fault>, Unknown> {
    if domain.hosts.iter().any(|h| !h.addresses.is_empty() && !h.ip_literal) {
        return Ok(None);
    }
    if let Some(host) = domain.hosts.iter().find(|h| h.ip_literal) {
        let text = format!("the MX of {} is the address {} where a name must stand", domain.name, host.name);
        return Ok(Some(Fault::new("mx_broken", text)));
    }
    let all: Vec<&DnsAnswer> = domain.hosts.iter().flat_map(|h| &h.answers).collect();
    if let Some(bogus) = all.iter().find(|a| a.status == DnssecStatus::Bogus) {
        let text = format!("the address of {} does not verify by DNSSEC: {}", bogus.name, reason(bogus));
        return Ok(Some(Fault::new("dnssec_fail", text)));
    }
    let is_loop = |a: &&&DnsAnswer| a.outcome == DnsOutcome::Unusable;
    if let Some(answer) = all.iter().find(is_loop) {
        let text = format!("the address of {} cannot be found: {}", answer.name, reason(answer));
        return Ok(Some(Fault::new("mx_broken", text)));
    }
    if let Some(failed) = all.iter().find(|a| !a.is_conclusive()) {
        return Err(unknown(&format!("the address of {}", failed.name), failed));
    }
    let why: Vec<String> = domain.hosts.iter().map(|h| names::no_address(&h.name, &h.answers).text).collect();
    let text = format!("no mail host of {} has an address: {}", domain.name, list(&why));
    Ok(Some(Fault::new("mx_broken", text)))
}

/// What was asked, name by name.
fn note(domain: &DomainEvidence, notes: &mut Notes) {
    notes.aside(format!("MX of {}", domain.name), told(&domain.mx_answer));
    for host in &domain.hosts {
        notes.aside(format!("address of {}", host.name), addresses(host));
    }
}

fn addresses(host: &MxHost) -> String {
    if host.ip_literal {
        return "an address stands in the place of a name".to_owned();
    }
    let alias = host.cname.as_ref().map(|c| format!("an alias (CNAME) of {c}; ")).unwrap_or_default();
    if host.addresses.is_empty() {
        return format!("{alias}{}", names::no_address(&host.name, &host.answers).text);
    }
    let shown: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
    format!("{alias}{}", list(&shown))
}

/// An answer in one sentence.
fn told(answer: &DnsAnswer) -> String {
    if answer.status == DnssecStatus::Bogus {
        return format!("bogus by DNSSEC: {}", reason(answer));
    }
    match answer.outcome {
        DnsOutcome::Records => {
            let records: Vec<String> = answer.records.iter().filter_map(|r| record(&r.data)).collect();
            list(&records)
        }
        DnsOutcome::NoData => "the name exists, without a record of this type".to_owned(),
        DnsOutcome::NxDomain => "the name does not exist (NXDOMAIN)".to_owned(),
        DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable => reason(answer).to_owned(),
    }
}

fn record(data: &RecordData) -> Option<String> {
    match data {
        RecordData::Mx { exchange, .. } if exchange.is_empty() || exchange == "." => {
            Some("0 . (null MX)".to_owned())
        }
        RecordData::Mx { preference, exchange } => Some(format!("{preference} {exchange}")),
        RecordData::Cname { target } => Some(format!("an alias (CNAME) of {target}")),
        RecordData::A { address } => Some(address.to_string()),
        RecordData::Aaaa { address } => Some(address.to_string()),
        _ => None,
    }
}

/// A host name that the text says was not found, such as a server's that a program was set
/// to use.
pub(super) async fn name_alone(run: &Run<'_>, mut notes: Notes, name: &str) -> Confirmation {
    let answers = names::addresses(&run.means.resolver, name).await;
    let found = names::usable(&answers);
    let what = format!("address of {name}");
    if !found.is_empty() {
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        notes.contradicts(what, list(&shown));
        return notes.refuted(format!(
            "{name} is found now: it was mended meanwhile, or the resolver of the sender fails or still holds an old \
             answer"
        ));
    }
    // A mail domain needs no address where it has MX records.
    let mx = run.means.resolver.lookup(name, "MX").await;
    if mx.outcome == DnsOutcome::Records {
        return match state(run, name, &mut notes).await {
            Ok(None) => notes.refuted(format!("{name} and its mail hosts are found now")),
            Ok(Some(fault)) if accepts(run.cause).contains(&fault.cause) => notes.confirmed(fault.text),
            Ok(Some(fault)) => notes.rather(fault.cause, fault.text),
            Err(why) => notes.untested(why.text),
        };
    }
    let why = names::no_address(name, &answers);
    if why.cause == Cause::Name {
        notes.supports(what, &why.text);
        return notes.confirmed(why.text);
    }
    notes.failed(what, &why.text);
    match answers.iter().find(|a| !a.is_conclusive()) {
        Some(failed) if unknown("", failed).is_about_the_domain => notes.confirmed(why.text),
        _ => notes.untested(why.text),
    }
}
