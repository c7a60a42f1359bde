//! The names of a mail domain, and where its mail goes (RFC 5321 section 5.1, RFC 7505).

use std::{collections::BTreeSet, net::IpAddr};

use futures_util::future::{join, join_all};
use waxseal_model::{
    Cause, DnsAnswer, DomainEvidence, Observed, Why,
    dns::{DnsOutcome, DnssecStatus, RecordData},
    evidence::{MailRouting, MxHost},
    identity::IdentityEvidence,
    policy::PolicyEvidence,
};
use waxseal_net::resolver::{Resolver, reverse_name};

/// More MX hosts than this are not looked up: no sender tries as many.
const MOST_HOSTS: usize = 16;
/// More addresses of one host than this are not used.
const MOST_ADDRESSES: usize = 16;

/// Looks up all names of a domain; what it publishes is looked for elsewhere.
pub async fn domain(resolver: &Resolver, name: &str) -> DomainEvidence {
    let mx_answer = resolver.lookup(name, "MX").await;
    let routing = routing(&mx_answer);
    let exchanges: Vec<(Option<u16>, String)> = match routing {
        MailRouting::Mx | MailRouting::NullMxWithOthers => exchanges(&mx_answer),
        MailRouting::ImplicitMx => vec![(None, name.to_owned())],
        MailRouting::NullMx | MailRouting::NoSuchDomain | MailRouting::NoMailHost | MailRouting::Unknown => {
            Vec::new()
        }
    };
    let hosts: Vec<MxHost> =
        join_all(exchanges.iter().map(|(preference, exchange)| host(resolver, *preference, exchange))).await;
    let nothing_there = hosts.iter().all(|h| {
        h.addresses.is_empty() && !h.answers.is_empty() && h.answers.iter().all(DnsAnswer::is_conclusive)
    });
    let routing = match routing {
        MailRouting::ImplicitMx if nothing_there => MailRouting::NoMailHost,
        other => other,
    };
    let hosts = if routing == MailRouting::NoMailHost { Vec::new() } else { hosts };
    DomainEvidence {
        name: name.to_owned(),
        mx_answer,
        routing,
        hosts,
        policies: PolicyEvidence::default(),
        identity: IdentityEvidence::default(),
    }
}

/// Whether a domain takes mail, without a look at its servers' addresses unless it has no
/// MX record.
pub async fn takes_mail(resolver: &Resolver, name: &str) -> MailRouting {
    let answer = resolver.lookup(name, "MX").await;
    match routing(&answer) {
        MailRouting::ImplicitMx => {
            let answers = addresses(resolver, name).await;
            let nothing = usable(&answers).is_empty() && answers.iter().all(DnsAnswer::is_conclusive);
            if nothing { MailRouting::NoMailHost } else { MailRouting::ImplicitMx }
        }
        other => other,
    }
}

/// Why nothing more is asked about a domain.
pub(crate) const NO_MX: &str = "the MX records are not known";

/// The addresses of a host, both families at once.
pub async fn addresses(resolver: &Resolver, name: &str) -> Vec<DnsAnswer> {
    let (v4, v6) = join(resolver.lookup(name, "A"), resolver.lookup(name, "AAAA")).await;
    vec![v4, v6]
}

/// Usable addresses in answers, IPv4 first, each once. Bogus answers give none: a sender
/// that validates gets none either.
pub fn usable(answers: &[DnsAnswer]) -> Vec<IpAddr> {
    let mut seen = BTreeSet::new();
    answers
        .iter()
        .filter(|a| a.status != DnssecStatus::Bogus)
        .flat_map(DnsAnswer::addresses)
        .filter(|ip| seen.insert(*ip))
        .take(MOST_ADDRESSES)
        .collect()
}

/// Why answers give no address.
pub fn no_address(name: &str, answers: &[DnsAnswer]) -> Why {
    if let Some(bogus) = answers.iter().find(|a| a.status == DnssecStatus::Bogus) {
        return Why::new(Cause::Resolver, format!("the address of {name} is bogus: {}", bogus.reason));
    }
    if let Some(failed) = answers.iter().find(|a| !a.is_conclusive()) {
        return Why::new(
            Cause::Resolver,
            format!("the address of {name} could not be looked up: {}", failed.reason),
        );
    }
    if answers.iter().any(|a| a.outcome == DnsOutcome::NxDomain) {
        return Why::new(Cause::Name, format!("the name {name} does not exist"));
    }
    Why::new(Cause::Name, format!("the name {name} has no address (neither A nor AAAA)"))
}

/// What an answer for MX means, addresses left aside.
fn routing(answer: &DnsAnswer) -> MailRouting {
    if answer.status == DnssecStatus::Bogus {
        return MailRouting::Unknown;
    }
    match answer.outcome {
        DnsOutcome::Records => {
            let mut null = 0;
            let mut others = 0;
            for record in &answer.records {
                match &record.data {
                    RecordData::Mx { exchange, .. } if exchange.is_empty() || exchange == "." => null += 1,
                    RecordData::Mx { .. } => others += 1,
                    _ => {}
                }
            }
            match (null, others) {
                (0, 0) => MailRouting::ImplicitMx,
                (0, _) => MailRouting::Mx,
                (_, 0) => MailRouting::NullMx,
                (_, _) => MailRouting::NullMxWithOthers,
            }
        }
        DnsOutcome::NoData => MailRouting::ImplicitMx,
        DnsOutcome::NxDomain => MailRouting::NoSuchDomain,
        DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable => MailRouting::Unknown,
    }
}

/// The exchanges by preference, each once; the null MX left out.
fn exchanges(answer: &DnsAnswer) -> Vec<(Option<u16>, String)> {
    let mut found: Vec<(u16, String)> = answer
        .records
        .iter()
        .filter_map(|r| match &r.data {
            RecordData::Mx { preference, exchange } if !exchange.is_empty() && exchange != "." => {
                Some((*preference, exchange.to_ascii_lowercase()))
            }
            _ => None,
        })
        .collect();
    found.sort();
    let mut seen = BTreeSet::new();
    found.retain(|(_, name)| seen.insert(name.clone()));
    found.truncate(MOST_HOSTS);
    found.into_iter().map(|(preference, name)| (Some(preference), name)).collect()
}

/// The names of the hosts to which an answer for MX leads: the domain itself with an
/// implicit MX. Addresses in place of names are left out.
pub(crate) fn mail_hosts(domain: &str, answer: &DnsAnswer) -> Vec<String> {
    let names: Vec<String> = match routing(answer) {
        MailRouting::Mx | MailRouting::NullMxWithOthers => {
            exchanges(answer).into_iter().map(|(_, n)| n).collect()
        }
        MailRouting::ImplicitMx => vec![domain.to_owned()],
        MailRouting::NullMx | MailRouting::NoSuchDomain | MailRouting::NoMailHost | MailRouting::Unknown => {
            Vec::new()
        }
    };
    let is_name = |n: &String| n.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
    names.into_iter().filter(is_name).collect()
}

async fn host(resolver: &Resolver, preference: Option<u16>, name: &str) -> MxHost {
    let literal: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    let answers = if literal.is_some() { Vec::new() } else { addresses(resolver, name).await };
    let addresses = match literal {
        // The standard forbids it and many senders refuse it, but some do connect.
        Some(ip) => vec![ip],
        None => usable(&answers),
    };
    let cname = answers.iter().find_map(|a| a.canonical_name.clone());
    let reverse = join_all(addresses.iter().map(|ip| reverse(resolver, *ip))).await;
    MxHost {
        preference,
        name: name.to_owned(),
        ip_literal: literal.is_some(),
        cname,
        answers,
        addresses,
        reverse,
    }
}

/// The reverse names of an address.
async fn reverse(resolver: &Resolver, address: IpAddr) -> Observed<Vec<String>> {
    let answer = resolver.lookup(&reverse_name(address), "PTR").await;
    if answer.is_conclusive() {
        Observed::seen(
            answer
                .records
                .iter()
                .filter_map(|r| match &r.data {
                    RecordData::Ptr { target } => Some(target.clone()),
                    _ => None,
                })
                .collect(),
        )
    } else {
        Observed::failed(
            Cause::Resolver,
            format!("the reverse name could not be looked up: {}", answer.reason),
        )
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::dns::DnsRecord;

    use super::*;

    fn answer(outcome: DnsOutcome, status: DnssecStatus, mx: &[(u16, &str)]) -> DnsAnswer {
        DnsAnswer {
            name: "example.com".into(),
            rtype: "MX".into(),
            outcome,
            status,
            reason: String::new(),
            canonical_name: None,
            records: mx
                .iter()
                .map(|(preference, exchange)| DnsRecord {
                    name: "example.com".into(),
                    ttl: 300,
                    data: RecordData::Mx { preference: *preference, exchange: (*exchange).into() },
                })
                .collect(),
        }
    }

    #[test]
    fn the_answer_for_mx_decides_where_mail_goes() {
        use DnsOutcome::{NoData, NxDomain, Records, ServerError};
        use DnssecStatus::{Bogus, Insecure, Secure};
        for (outcome, status, mx, expected) in [
            (Records, Secure, &[(10, "mx.example.com")][..], MailRouting::Mx),
            (Records, Insecure, &[(0, "")], MailRouting::NullMx),
            (Records, Insecure, &[(0, ""), (5, "mx.example.com")], MailRouting::NullMxWithOthers),
            (NoData, Secure, &[], MailRouting::ImplicitMx),
            (NxDomain, Secure, &[], MailRouting::NoSuchDomain),
            (ServerError, Secure, &[], MailRouting::Unknown),
            (Records, Bogus, &[(10, "mx.example.com")], MailRouting::Unknown),
        ] {
            assert_eq!(routing(&answer(outcome, status, mx)), expected, "{outcome:?} {status:?} {mx:?}");
        }
    }

    #[test]
    fn exchanges_come_by_preference_and_once() {
        let answer = answer(
            DnsOutcome::Records,
            DnssecStatus::Secure,
            &[(20, "B.example.com"), (10, "a.example.com"), (30, "a.example.com")],
        );
        assert_eq!(
            exchanges(&answer),
            [(Some(10), "a.example.com".to_owned()), (Some(20), "b.example.com".to_owned())]
        );
    }
}
