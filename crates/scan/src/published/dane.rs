//! TLSA records for an endpoint, looked up as RFC 7672 section 2.2 says, and what of the
//! presented chains they match.
//!
//! The address answers come first: a host whose addresses are not secure has no secure TLSA
//! records, whatever its zone holds. A failed lookup is a fact of its own, since senders
//! must not take it for "no records" (section 2.1.3).

use waxseal_model::{
    Cause, DnsAnswer, DnssecStatus, DomainEvidence, Observed, PresentedChain,
    dns::{DnsOutcome, RecordData},
    evidence::MxHost,
    policy::{DaneFacts, TlsaFacts},
};
use waxseal_net::{resolver::Resolver, tlsa};
use waxseal_wire::dane::{self, TlsaRecord};

use super::ders;

/// The names that a lookup of TLSA records starts from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The host as the MX record or the user names it.
    pub host: &'a str,
    /// Its A and AAAA answers.
    pub answers: &'a [DnsAnswer],
    /// The port by the rules of mail.
    pub port: u16,
    /// The mail domain, where there is one.
    pub domain: Option<&'a DomainEvidence>,
}

/// The subject of an MX host.
pub fn subject<'a>(domain: &'a DomainEvidence, host: &'a MxHost, port: u16) -> Subject<'a> {
    Subject { host: &host.name, answers: &host.answers, port, domain: Some(domain) }
}

/// Looks up the records for a host; `Seen(None)` where there are none that could count.
pub async fn lookup(resolver: &Resolver, subject: &Subject<'_>) -> Observed<Option<DaneFacts>> {
    let expanded = subject.answers.iter().find_map(|a| a.canonical_name.as_deref());
    let secure = tlsa::addresses_status(subject.answers);
    let all_secure = secure == DnssecStatus::Secure;
    let bases = match tlsa::bases(resolver, subject.host, expanded, all_secure).await {
        Ok(bases) => bases,
        Err(text) => return Observed::failed(Cause::Resolver, text),
    };
    let mut found = None;
    for base in bases {
        let name = format!("_{}._tcp.{base}", subject.port);
        let answer = resolver.lookup(&name, "TLSA").await;
        let facts = facts(subject, &base, answer, secure);
        // The expanded name decides where it has secure records, or none can be known.
        let decides = facts.as_ref().is_some_and(|f| f.status != DnssecStatus::Insecure);
        found = found.or(facts);
        if decides {
            break;
        }
    }
    Observed::seen(found)
}

/// What an answer for TLSA says; none where there is no record.
fn facts(subject: &Subject<'_>, base: &str, answer: DnsAnswer, addresses: DnssecStatus) -> Option<DaneFacts> {
    let is_alias = base != subject.host || subject.answers.iter().any(|a| a.canonical_name.is_some());
    // Behind an alias with an insecure target the alias' own security decides.
    let host_is_secure = is_alias || addresses == DnssecStatus::Secure;
    let denied = matches!(answer.outcome, DnsOutcome::NoData | DnsOutcome::NxDomain);
    // Beneath a secure name a denial counts once its own status is known.
    let counts = match answer.status {
        DnssecStatus::Secure | DnssecStatus::Insecure => true,
        DnssecStatus::Indeterminate => addresses != DnssecStatus::Secure,
        DnssecStatus::Bogus => false,
    };
    if denied && counts {
        return None;
    }
    if answer.outcome != DnsOutcome::Records && !host_is_secure && addresses == DnssecStatus::Insecure {
        // Senders do not ask there (section 2.2.2), so that a failure harms nobody.
        return None;
    }
    let (status, reason) = match answer.status {
        DnssecStatus::Secure if !host_is_secure => (
            addresses,
            format!(
                "the addresses of {} are {}, so that its TLSA records do not count",
                subject.host,
                addresses.word()
            ),
        ),
        status => (status, answer.reason.clone()),
    };
    let tlsa: Vec<TlsaFacts> = answer.records.iter().filter_map(record).collect();
    Some(DaneFacts {
        name: answer.name,
        status,
        records: tlsa.iter().map(presentation).collect(),
        matches: None,
        outcome: answer.outcome,
        reason,
        base: base.to_owned(),
        reference_names: reference_names(subject, base),
        tlsa,
        chains: None,
    })
}

fn record(record: &waxseal_model::dns::DnsRecord) -> Option<TlsaFacts> {
    let RecordData::Tlsa { usage, selector, matching_type, data } = &record.data else { return None };
    let facts = TlsaFacts {
        usage: *usage,
        selector: *selector,
        matching_type: *matching_type,
        data: data.clone(),
        ttl: record.ttl,
        unusable: None,
        matched: Vec::new(),
    };
    let unusable = match record_of(&facts) {
        Some(record) => dane::unusable(&record),
        None => Some("its data is no hexadecimal number".to_owned()),
    };
    Some(TlsaFacts { unusable, ..facts })
}

fn record_of(tlsa: &TlsaFacts) -> Option<TlsaRecord> {
    TlsaRecord::from_hex(tlsa.usage, tlsa.selector, tlsa.matching_type, &tlsa.data)
}

fn presentation(tlsa: &TlsaFacts) -> String {
    format!("{} {} {} {}", tlsa.usage, tlsa.selector, tlsa.matching_type, tlsa.data)
}

/// Names of which a DANE-TA certificate must bear one (RFC 7672 section 3.2.2).
fn reference_names(subject: &Subject<'_>, base: &str) -> Vec<String> {
    let mut names = vec![base.to_owned()];
    if let Some(domain) = subject.domain.filter(|d| d.mx_answer.status == DnssecStatus::Secure) {
        names.push(domain.name.clone());
        names.extend(domain.mx_answer.canonical_name.clone());
    }
    names.dedup();
    names
}

/// Notes what each record matches of the chains, names and dates left aside.
pub fn compare(facts: &mut DaneFacts, chains: &[PresentedChain]) {
    let ders: Vec<Vec<Vec<u8>>> = chains.iter().map(ders).collect();
    for tlsa in &mut facts.tlsa {
        let record = record_of(tlsa);
        tlsa.matched =
            ders.iter().map(|chain| record.as_ref().and_then(|r| dane::matches(r, chain))).collect();
    }
    let usable: Vec<&TlsaFacts> = facts.tlsa.iter().filter(|t| t.unusable.is_none()).collect();
    // Senders with DANE name the server in SNI.
    let any_unnamed = chains.iter().all(|c| c.sni.is_none());
    facts.matches = (!usable.is_empty() && !chains.is_empty()).then(|| {
        (0..chains.len())
            .filter(|i| any_unnamed || chains.get(*i).is_some_and(|c| c.sni.is_some()))
            .all(|i| usable.iter().any(|t| t.matched.get(i).is_some_and(Option::is_some)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(outcome: DnsOutcome, status: DnssecStatus) -> DnsAnswer {
        DnsAnswer {
            name: "_25._tcp.mx.example.com".into(),
            rtype: "TLSA".into(),
            outcome,
            status,
            reason: "because".into(),
            canonical_name: None,
            records: Vec::new(),
        }
    }

    fn facts_of(outcome: DnsOutcome, status: DnssecStatus, addresses: DnssecStatus) -> Option<DaneFacts> {
        let subject = Subject { host: "mx.example.com", answers: &[], port: 25, domain: None };
        facts(&subject, "mx.example.com", answer(outcome, status), addresses)
    }

    #[test]
    fn a_failed_lookup_is_no_absence_unless_nobody_would_ask() {
        use DnsOutcome::{NoData, NxDomain, Records, ServerError, Timeout};
        use DnssecStatus::{Bogus, Indeterminate, Insecure, Secure};
        for (outcome, status, addresses, expected) in [
            (Records, Secure, Secure, Some(Secure)),
            (Records, Secure, Insecure, Some(Insecure)),
            (Records, Insecure, Secure, Some(Insecure)),
            (NoData, Secure, Secure, None),
            (NxDomain, Insecure, Secure, None),
            (NxDomain, Bogus, Secure, Some(Bogus)),
            (NoData, Indeterminate, Secure, Some(Indeterminate)),
            (NoData, Indeterminate, Indeterminate, None),
            (ServerError, Indeterminate, Secure, Some(Indeterminate)),
            (Timeout, Indeterminate, Secure, Some(Indeterminate)),
            (ServerError, Indeterminate, Insecure, None),
        ] {
            let found = facts_of(outcome, status, addresses).map(|f| f.status);
            assert_eq!(found, expected, "{outcome:?} {status:?} {addresses:?}");
        }
    }
}
