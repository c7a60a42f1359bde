//! What DMARC demands of mail from the domain, and whether SPF alone can meet it.

use waxseal_model::{
    Confirmation, Observed,
    identity::{DmarcFacts, DmarcPolicy, SpfResult},
};

use super::{Run, notes::Notes, spf, subject::Need};

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(domain) = run.subject.sender_domain.clone() else {
        return notes.untested(spf::lacks(Need::SenderDomain));
    };
    let found = spf::look(run, &domain, None).await;
    let what = format!("DMARC of {domain}");
    let facts = match &found.dmarc {
        Observed::Seen { value } => value,
        Observed::NotTried { why } | Observed::Failed { why } => {
            notes.failed(what, &why.text);
            return notes.untested(why.text.clone());
        }
    };
    let record = facts.record.as_ref().map(|r| r.text.clone());
    let place = facts.found_at.clone().unwrap_or_else(|| format!("_dmarc.{domain}"));
    let (Some(record), Some(policy)) = (record, facts.policy) else {
        if says_none(&run.subject.words) {
            notes.supports(&what, problem(facts));
            return notes.confirmed(format!("{domain} has no DMARC record that counts ({})", problem(facts)));
        }
        notes.contradicts(&what, problem(facts));
        return notes.refuted(format!(
            "{domain} has no DMARC record that counts ({}), so the refusal rests on the receiver's own rule",
            problem(facts)
        ));
    };
    if says_none(&run.subject.words) {
        notes.contradicts(&place, &record);
        return notes.refuted(format!("{domain} publishes a DMARC record now, at {place}"));
    }
    notes.aside(&place, &record);
    if policy == DmarcPolicy::None {
        notes.contradicts(&what, "the policy is none: nothing is to be refused for it");
        return notes.refuted(format!(
            "{domain} asks by DMARC (policy none, at {place}) that nothing be refused, so the refusal rests on the \
             receiver's own rule"
        ));
    }
    let Some(address) = run.subject.client_address else {
        return notes.untested(spf::lacks(Need::ClientAddress));
    };
    let envelope = run.subject.envelope_domain.clone().unwrap_or_else(|| domain.clone());
    by_spf(run, notes, &Claim { domain, envelope, address, policy, facts: facts.clone() }).await
}

/// The text complains that there is no record, not that mail fails by it.
fn says_none(text: &str) -> bool {
    const MARKS: [&str; 8] = [
        "doesn't have",
        "does not have",
        "has no",
        "no dmarc",
        "missing",
        "lacks",
        "not published",
        "without",
    ];
    let text = text.to_ascii_lowercase();
    text.contains("dmarc record") && MARKS.iter().any(|mark| text.contains(mark))
}

/// What is compared.
struct Claim {
    domain: String,
    envelope: String,
    address: std::net::IpAddr,
    policy: DmarcPolicy,
    facts: DmarcFacts,
}

/// DMARC is met where SPF passes for a domain that fits the one in From.
async fn by_spf(run: &Run<'_>, mut notes: Notes, claim: &Claim) -> Confirmation {
    let Claim { domain, envelope, address, policy, facts } = claim;
    let found = spf::look(run, envelope, Some(*address)).await;
    let outcome = match spf::evaluation(&found) {
        Ok(outcome) => outcome,
        Err(why) => return notes.untested(why),
    };
    let what = format!("SPF of {envelope} for {address}");
    if outcome.result == SpfResult::Temperror {
        notes.failed(&what, spf::says(outcome));
        return notes.untested(format!("DNS failed on the way: {}", outcome.reason.trim_end_matches('.')));
    }
    let passes = outcome.result == SpfResult::Pass;
    let aligned = fits(envelope, facts, domain);
    let unseen = "whether a DKIM signature of the domain is valid cannot be seen without the message";
    let demand = format!("{domain} asks by DMARC to {} what fails", verb(*policy));
    notes.next(format!("waxseal check {domain} --message FILE"));
    if passes && aligned {
        notes.contradicts(&what, spf::says(outcome));
        return notes.refuted(format!(
            "SPF passes for {address} and {envelope} fits {domain}, so that mail from this address meets DMARC: the \
             record was changed since, or the mail came from another address (a forward)"
        ));
    }
    notes.supports(&what, spf::says(outcome));
    let why = if passes {
        notes.fix(
            "sender's server",
            format!("Use an envelope sender (Return-Path) within {domain}, or sign with DKIM as {domain}."),
            None,
        );
        format!("SPF passes for {envelope}, which does not fit {domain}")
    } else {
        format!("SPF does not pass for {address} ({})", outcome.result.word())
    };
    notes.confirmed(format!("{demand}, and {why}; {unseen}"))
}

fn verb(policy: DmarcPolicy) -> &'static str {
    match policy {
        DmarcPolicy::Reject => "reject",
        DmarcPolicy::Quarantine => "quarantine",
        DmarcPolicy::None => "do nothing about",
    }
}

/// Whether an envelope domain fits the one in From by the record's mode (RFC 9989 section
/// 4.4). In relaxed mode both lie in the same organization.
fn fits(envelope: &str, facts: &DmarcFacts, domain: &str) -> bool {
    let strict = facts.record.as_ref().is_some_and(|r| r.strict_spf);
    let organization = facts.organizational_domain.as_str();
    envelope.eq_ignore_ascii_case(domain)
        || (!strict && waxseal_wire::query::is_at_or_below(envelope, organization))
}

/// Why there is no record in force.
fn problem(facts: &DmarcFacts) -> String {
    let told = facts.walk.iter().find_map(|step| {
        step.problem.as_ref().map(|p| format!("{}: {}", step.name, p.trim_end_matches('.')))
    });
    told.unwrap_or_else(|| "none is published".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_missing_is_told_from_mail_that_fails() {
        for text in [
            "550-5.7.40 blocked because the sending domain doesn't have a DMARC record",
            "550 5.7.1 your domain has no DMARC record",
        ] {
            assert!(says_none(text), "{text}");
        }
        for text in [
            "550 5.7.509 example.com does not pass DMARC verification and has a DMARC policy of reject",
            "550 5.7.1 rejected by the DMARC record of example.com",
        ] {
            assert!(!says_none(text), "{text}");
        }
    }
}
