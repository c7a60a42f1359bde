//! What SPF says of the address that sent, for the sender's domain; and with it whether
//! anything authenticates the mail.

use std::net::IpAddr;

use waxseal_model::{
    Confirmation, Observed,
    dns::DnsOutcome,
    identity::{IdentityEvidence, SpfOutcome, SpfResult},
};

use super::{Run, notes::Notes, subject::Need};
use crate::identity::{self, IdentityOptions};

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(domain) = run.subject.sender_domain.clone() else {
        return notes.untested(lacks(Need::SenderDomain));
    };
    let Some(address) = run.subject.client_address else {
        return notes.untested(lacks(Need::ClientAddress));
    };
    let found = look(run, &domain, Some(address)).await;
    note_record(&domain, &found, &mut notes);
    let outcome = match evaluation(&found) {
        Ok(outcome) => outcome,
        Err(why) => return notes.untested(why),
    };
    let what = format!("SPF of {domain} for {address}");
    let said = says(outcome);
    match outcome.result {
        SpfResult::Pass => notes.contradicts(what, &said),
        SpfResult::Temperror => notes.failed(what, &said),
        _ => notes.supports(what, &said),
    }
    advise(&domain, address, outcome, &mut notes);
    let clause = format!("SPF of {domain} says {} for {address}: {}", outcome.result.word(), reason(outcome));
    match outcome.result {
        SpfResult::Temperror => notes.untested(format!("DNS failed on the way: {}", reason(outcome))),
        SpfResult::Pass => passes(run, notes, &domain, &found, clause),
        _ if run.cause == "spf_fail" => notes.confirmed(clause),
        _ => without_spf(notes, &domain, &found, clause),
    }
}

/// SPF passes: what is left.
fn passes(
    run: &Run<'_>,
    notes: Notes,
    domain: &str,
    found: &IdentityEvidence,
    clause: String,
) -> Confirmation {
    match run.cause {
        "spf_fail" => notes.refuted(format!(
            "{clause}. The record was changed since, or the mail came from another address (a forward, a second \
             server): compare it with the Received lines"
        )),
        _ if found.domainkey.get() == Some(&DnsOutcome::NxDomain) => notes.refuted(format!(
            "{clause}. There is no DKIM key ({domain} has no _domainkey), so a receiver that demands both refuses it"
        )),
        _ => notes.untested(format!(
            "{clause}, so SPF is not the reason, and a DKIM signature can only be verified over the message itself: \
             save it with all header lines and use waxseal check {domain} --message FILE"
        )),
    }
}

/// SPF does not pass, and the text complains that nothing authenticates the mail.
fn without_spf(notes: Notes, domain: &str, found: &IdentityEvidence, clause: String) -> Confirmation {
    let dkim = match found.domainkey.get() {
        Some(DnsOutcome::NxDomain) => {
            format!("; and {domain} has no _domainkey, so that no DKIM signature of it can be valid")
        }
        _ => "; whether a DKIM signature is valid cannot be seen without the message".to_owned(),
    };
    notes.confirmed(format!("{clause}{dkim}"))
}

/// What DNS says of who may send as a domain.
pub(super) async fn look(run: &Run<'_>, domain: &str, address: Option<IpAddr>) -> IdentityEvidence {
    let selectors = run
        .subject
        .selectors
        .iter()
        .filter(|(_, of)| of.as_deref().is_none_or(|of| of == domain))
        .map(|(selector, _)| selector.clone())
        .collect();
    let options = IdentityOptions { sending_ip: address.into_iter().collect(), selectors, message: None };
    identity::collect(&run.means.resolver, domain, &options).await
}

/// The evaluation for the one address.
///
/// # Errors
/// Why there is none.
pub(super) fn evaluation(found: &IdentityEvidence) -> Result<&SpfOutcome, String> {
    match found.spf_evaluations.first().map(|e| &e.outcome) {
        Some(Observed::Seen { value }) => Ok(value),
        Some(Observed::NotTried { why } | Observed::Failed { why }) => Err(why.text.clone()),
        None => Err("no address was evaluated".to_owned()),
    }
}

fn note_record(domain: &str, found: &IdentityEvidence, notes: &mut Notes) {
    let what = format!("SPF record of {domain}");
    match &found.spf {
        Observed::Seen { value: facts } => match facts.records.as_slice() {
            [] => notes.aside(what, "there is none"),
            [record] => notes.aside(what, record),
            several => notes.aside(what, format!("there are {}, which is an error", several.len())),
        },
        Observed::NotTried { why } | Observed::Failed { why } => notes.failed(what, &why.text),
    }
}

/// The result with the term that decided.
pub(super) fn says(outcome: &SpfOutcome) -> String {
    match &outcome.mechanism {
        Some(term) => format!("{} by \"{term}\": {}", outcome.result.word(), reason(outcome)),
        None => format!("{}: {}", outcome.result.word(), reason(outcome)),
    }
}

fn reason(outcome: &SpfOutcome) -> &str {
    outcome.reason.trim_end_matches('.')
}

/// What would make the address pass.
fn advise(domain: &str, address: IpAddr, outcome: &SpfOutcome, notes: &mut Notes) {
    let term = match address {
        IpAddr::V4(ip) => format!("ip4:{ip}"),
        IpAddr::V6(ip) => format!("ip6:{ip}"),
    };
    match outcome.result {
        SpfResult::Fail | SpfResult::Softfail | SpfResult::Neutral => notes.fix(
            "sender's DNS",
            format!("If {address} is your server: add it to the SPF record of {domain}, before \"all\"."),
            Some(term),
        ),
        SpfResult::None => notes.fix(
            "sender's DNS",
            format!("Publish an SPF record for {domain} that names all its senders."),
            Some(format!("{domain}. TXT \"v=spf1 mx {term} -all\"")),
        ),
        SpfResult::Permerror => {
            notes.next(format!("waxseal check {domain} --sending-ip {address}"));
        }
        SpfResult::Pass | SpfResult::Temperror => {}
    }
}

/// Why a test that needs something cannot be made without.
pub(super) fn lacks(need: Need) -> String {
    format!("{} is not known: give it with {}", need.what(), need.option())
}
