//! Where mail for a domain goes by the DNS: hosts, addresses, TLSA records, and how far each
//! answer can be trusted (RFC 5321 section 5.1, RFC 7505, RFC 7672).

use std::{collections::HashSet, net::IpAddr, time::Duration};

use futures_util::future::{join, join_all};
use tokio::time::Instant;
use waxseal_judge::delivery::{AddressAnswer, Dane, MxAnswer};
use waxseal_model::dns::{DnsAnswer, DnsOutcome, RecordData};
use waxseal_net::{
    resolver::{Lookup, Resolver, Trust},
    tlsa,
};
use waxseal_wire::dane::{TlsaRecord, unusable};

use super::{
    dnssec::trust,
    order::{Dice, by_preference},
};

/// More MX hosts than this are not looked up: the last ones by preference.
pub const MOST_HOSTS: usize = 20;
/// More addresses of one family than this are not used of one host.
pub const MOST_ADDRESSES: usize = 8;
/// More TLSA records of one name than this are not looked at.
const MOST_TLSA: usize = 100;
/// How long names count that took no question.
const LONGEST: Duration = Duration::from_secs(3600);

/// This relay itself, so that a loop of mail is seen.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Its names, lower case, A-labels.
    pub names: Vec<String>,
    /// Addresses at which it takes mail.
    pub addresses: Vec<IpAddr>,
}

/// What the names of a destination say.
#[derive(Debug, Clone)]
pub struct Names {
    /// The answer for MX records; `Secure` for a host that the operator named.
    pub mx: MxAnswer,
    /// What went wrong, or was left out: one sentence.
    pub trouble: Option<String>,
    /// By preference; the order within one means nothing.
    pub hosts: Vec<Host>,
    /// Until when all of this counts.
    pub until: Instant,
    /// Something could not be found out.
    pub failed: bool,
}

/// A host that takes mail.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name, lower case, A-labels.
    pub name: String,
    /// Of its MX record; 0 where there is none.
    pub preference: u16,
    /// Addresses, each once.
    pub addresses: Vec<IpAddr>,
    /// How far they can be trusted.
    pub address: AddressAnswer,
    /// What its TLSA records say.
    pub dane: Dane,
    /// The records, those that cannot be used among them; empty unless they are secure.
    pub tlsa: Vec<TlsaRecord>,
    /// Names that DANE-TA compares, the TLSA base domain first.
    pub dane_names: Vec<String>,
    /// What went wrong with it: one sentence.
    pub trouble: Option<String>,
}

/// Whom to ask, and how.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The resolver.
    pub resolver: &'a Resolver,
    /// DNSSEC is relied on. Otherwise no answer is secure or bogus, and nobody is asked for
    /// TLSA records.
    pub validates: bool,
    /// The port of the hosts, as TLSA names bear it.
    pub port: u16,
    /// This relay.
    pub own: &'a Own,
}

/// What several lookups have in common: how long they count, and whether one failed.
#[derive(Debug, Clone, Copy)]
struct Standing {
    until: Instant,
    failed: bool,
}

impl Standing {
    fn new() -> Self {
        Self { until: Instant::now() + LONGEST, failed: false }
    }

    fn note(&mut self, lookup: &Lookup, trust: Trust) {
        self.until = self.until.min(lookup.until);
        self.failed |= matches!(trust, Trust::Bogus | Trust::Failed);
    }

    fn and(&mut self, other: Self) {
        self.until = self.until.min(other.until);
        self.failed |= other.failed;
    }
}

impl Names {
    fn without_hosts(mx: MxAnswer, trouble: Option<String>, standing: Standing) -> Self {
        Self { mx, trouble, hosts: Vec::new(), until: standing.until, failed: standing.failed }
    }
}

impl Asker<'_> {
    /// The MX hosts of a domain (lower case, A-labels).
    pub async fn domain(&self, domain: &str) -> Names {
        let lookup = self.resolver.resolve(domain, "MX").await;
        let trust = self.trust(&lookup);
        let mut standing = Standing::new();
        standing.note(&lookup, trust);
        let answer = &lookup.answer;
        let why = || Some(answer.reason.clone());
        let mx = match trust {
            Trust::Secure => MxAnswer::Secure,
            Trust::Insecure => MxAnswer::Insecure,
            Trust::Bogus => return Names::without_hosts(MxAnswer::Bogus, why(), standing),
            Trust::Failed => return Names::without_hosts(MxAnswer::Failed, why(), standing),
        };
        if answer.outcome == DnsOutcome::NxDomain {
            return Names::without_hosts(MxAnswer::NoSuchDomain, None, standing);
        }
        let exchanges = match exchanges(answer) {
            Exchanges::Null => return Names::without_hosts(MxAnswer::NullMx, None, standing),
            // No MX record: the domain is its own host (RFC 5321 section 5.1).
            Exchanges::None => vec![(0, domain.to_owned())],
            Exchanges::Hosts(hosts) => hosts,
        };
        let implicit = answer.outcome != DnsOutcome::Records;
        let mut references = vec![domain.to_owned()];
        references.extend(answer.canonical_name.clone());
        let references = if mx == MxAnswer::Secure { references } else { Vec::new() };
        let mut names = self.hosts(mx, exchanges, &references, standing).await;
        let nothing = names.hosts.iter().all(|host| host.addresses.is_empty());
        if implicit && nothing && !names.failed && names.mx == mx {
            names.mx = MxAnswer::NoSuchDomain;
            names.trouble = Some(format!("{domain} has neither MX nor address records"));
            names.hosts.clear();
        }
        names
    }

    /// A host that the operator named, or an address: no MX records are asked for.
    pub async fn fixed(&self, name: &str) -> Names {
        if let Ok(address) = name.parse::<IpAddr>() {
            let host = Host {
                name: name.to_owned(),
                preference: 0,
                addresses: vec![address],
                address: AddressAnswer::Insecure,
                dane: if self.validates { Dane::None } else { Dane::NotAsked },
                tlsa: Vec::new(),
                dane_names: vec![name.to_owned()],
                trouble: None,
            };
            let Standing { until, failed } = Standing::new();
            return Names { mx: MxAnswer::Secure, trouble: None, hosts: vec![host], until, failed };
        }
        let (host, Standing { until, failed }) = self.host(0, name, &[]).await;
        Names { mx: MxAnswer::Secure, trouble: None, hosts: vec![host], until, failed }
    }

    /// Looks the hosts up, all at once, and leaves out what would lead back to us.
    async fn hosts(
        &self,
        mx: MxAnswer,
        mut exchanges: Vec<(u16, String)>,
        references: &[String],
        mut standing: Standing,
    ) -> Names {
        let all = exchanges.len();
        let own_name = |(_, name): &&(u16, String)| self.own.names.contains(name);
        let mut own = exchanges.iter().filter(own_name).map(|(preference, _)| *preference).min();
        exchanges.retain(|(preference, _)| own.is_none_or(|own| *preference < own));
        let left_out = exchanges.len().saturating_sub(MOST_HOSTS);
        if left_out > 0 {
            // Which of equal ones are left out is not to be the same for ever.
            by_preference(&mut exchanges, |(preference, _)| *preference, &mut Dice::new());
        }
        exchanges.truncate(MOST_HOSTS);
        let found =
            join_all(exchanges.iter().map(|(preference, name)| self.host(*preference, name, references)))
                .await;
        let mut hosts = Vec::new();
        for (host, its) in found {
            standing.and(its);
            hosts.push(host);
        }
        let is_own = |host: &&Host| host.addresses.iter().any(|a| self.own.addresses.contains(a));
        let by_address = hosts.iter().filter(is_own).map(|host| host.preference).min();
        own = own.into_iter().chain(by_address).min();
        // Hosts of the same or a lower preference would send it back to us.
        hosts.retain(|host| own.is_none_or(|own| host.preference < own));
        if hosts.is_empty() && own.is_some() {
            let trouble = "the best of its MX hosts is this relay itself, and no route leads elsewhere";
            return Names::without_hosts(MxAnswer::Ourselves, Some(trouble.to_owned()), standing);
        }
        let trouble = (left_out > 0)
            .then(|| format!("it has {all} MX hosts, of which the first {MOST_HOSTS} are tried"));
        Names { mx, trouble, hosts, until: standing.until, failed: standing.failed }
    }

    async fn host(&self, preference: u16, name: &str, references: &[String]) -> (Host, Standing) {
        let mut standing = Standing::new();
        let mut host = Host {
            name: name.to_owned(),
            preference,
            addresses: Vec::new(),
            address: AddressAnswer::Insecure,
            dane: if self.validates { Dane::None } else { Dane::NotAsked },
            tlsa: Vec::new(),
            dane_names: std::iter::once(name.to_owned()).chain(references.iter().cloned()).collect(),
            trouble: None,
        };
        host.dane_names.dedup();
        if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            let text = format!("the MX record names the address {name}, where a host name has to stand");
            host.trouble = Some(text);
            return (host, standing);
        }
        let (v6, v4) = join(self.resolver.resolve(name, "AAAA"), self.resolver.resolve(name, "A")).await;
        let families = [v6, v4].map(|lookup| {
            let trust = self.trust(&lookup);
            standing.note(&lookup, trust);
            (lookup, trust)
        });
        addresses(&mut host, &families);
        if self.validates && !host.addresses.is_empty() {
            // An address that is not there is no trouble, as long as the other one is.
            standing.failed &= host.trouble.is_some();
            let expanded = families.iter().find_map(|(lookup, _)| lookup.answer.canonical_name.clone());
            self.tlsa(&mut host, expanded.as_deref(), references, &mut standing).await;
        }
        (host, standing)
    }

    /// TLSA records (RFC 7672 section 2.2): asked for where the addresses are secure, or the
    /// host is an alias that is.
    async fn tlsa(
        &self,
        host: &mut Host,
        expanded: Option<&str>,
        references: &[String],
        standing: &mut Standing,
    ) {
        let secure = host.address == AddressAnswer::Secure;
        if expanded.is_none() && !secure {
            return;
        }
        let bases = match tlsa::bases(self.resolver, &host.name, expanded, secure).await {
            Ok(bases) => bases,
            Err(text) => {
                (host.dane, host.trouble) = (Dane::LookupFailed, Some(text));
                standing.failed = true;
                return;
            }
        };
        for base in bases {
            let lookup = self.resolver.resolve(&format!("_{}._tcp.{base}", self.port), "TLSA").await;
            standing.note(&lookup, lookup.trust);
            match lookup.trust {
                // Denied, or records that nobody signed: as if there were none.
                Trust::Insecure => continue,
                Trust::Secure if lookup.answer.outcome != DnsOutcome::Records => continue,
                Trust::Secure => {
                    host.tlsa = records(&lookup.answer);
                    let usable = host.tlsa.iter().any(|record| unusable(record).is_none());
                    host.dane = if usable { Dane::Usable } else { Dane::UnusableOnly };
                    host.dane_names = std::iter::once(base).chain(references.iter().cloned()).collect();
                    host.dane_names.dedup();
                }
                Trust::Bogus | Trust::Failed => {
                    let text = format!("the TLSA records of {base}: {}", lookup.answer.reason);
                    (host.dane, host.trouble) = (Dane::LookupFailed, Some(text));
                }
            }
            return;
        }
    }

    fn trust(&self, lookup: &Lookup) -> Trust {
        trust(lookup, self.validates)
    }
}

/// The MX records of an answer.
enum Exchanges {
    /// `0 .` alone: the domain takes no mail.
    Null,
    /// There are none.
    None,
    /// By preference, each once.
    Hosts(Vec<(u16, String)>),
}

fn exchanges(answer: &DnsAnswer) -> Exchanges {
    let mut hosts: Vec<(u16, String)> = Vec::new();
    let mut null = false;
    for record in &answer.records {
        if let RecordData::Mx { preference, exchange } = &record.data {
            match exchange.trim_end_matches('.') {
                "" => null = true,
                name => hosts.push((*preference, name.to_ascii_lowercase())),
            }
        }
    }
    hosts.sort();
    let mut seen = HashSet::new();
    hosts.retain(|(_, name)| seen.insert(name.clone()));
    match hosts.is_empty() {
        true if null => Exchanges::Null,
        true => Exchanges::None,
        false => Exchanges::Hosts(hosts),
    }
}

/// Notes the addresses of both families in a host. One family is enough; what keeps the other
/// away counts where there is nothing else.
fn addresses(host: &mut Host, families: &[(Lookup, Trust); 2]) {
    let good = |trust: &Trust| matches!(trust, Trust::Secure | Trust::Insecure);
    let mut worst = AddressAnswer::Secure;
    for (lookup, trust) in families.iter().filter(|(_, trust)| good(trust)) {
        let before = host.addresses.len();
        for address in lookup.answer.addresses() {
            if host.addresses.len() - before < MOST_ADDRESSES && !host.addresses.contains(&address) {
                host.addresses.push(address);
            }
        }
        if host.addresses.len() > before && *trust != Trust::Secure {
            worst = AddressAnswer::Insecure;
        }
    }
    if !host.addresses.is_empty() {
        host.address = worst;
        return;
    }
    let bad = |wanted: Trust| families.iter().find(|(_, trust)| *trust == wanted);
    let (address, trouble) = match (bad(Trust::Bogus), bad(Trust::Failed)) {
        (Some((lookup, _)), _) => (AddressAnswer::Bogus, lookup.answer.reason.clone()),
        (None, Some((lookup, _))) => (AddressAnswer::Failed, lookup.answer.reason.clone()),
        (None, None) => (AddressAnswer::Insecure, format!("{} has no address", host.name)),
    };
    (host.address, host.trouble) = (address, Some(trouble));
}

fn records(answer: &DnsAnswer) -> Vec<TlsaRecord> {
    let found = answer.records.iter().filter_map(|record| match &record.data {
        RecordData::Tlsa { usage, selector, matching_type, data } => {
            TlsaRecord::from_hex(*usage, *selector, *matching_type, data)
        }
        _ => None,
    });
    found.take(MOST_TLSA).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use waxseal_model::dns::{DnsRecord, DnssecStatus};

    use super::*;

    const V4: RecordData = RecordData::A { address: Ipv4Addr::new(192, 0, 2, 1) };
    const V6: RecordData = RecordData::Aaaa { address: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1) };

    fn lookup(records: &[RecordData], trust: Trust) -> (Lookup, Trust) {
        let outcome = match (records.is_empty(), trust) {
            (_, Trust::Failed) => DnsOutcome::Timeout,
            (true, _) => DnsOutcome::NoData,
            (false, _) => DnsOutcome::Records,
        };
        let record =
            |data: &RecordData| DnsRecord { name: "mx.example".into(), ttl: 300, data: data.clone() };
        let answer = DnsAnswer {
            name: "mx.example".into(),
            rtype: "A".into(),
            outcome,
            status: DnssecStatus::Indeterminate,
            reason: format!("it is {trust:?}"),
            canonical_name: None,
            records: records.iter().map(record).collect(),
        };
        (Lookup { answer, trust, until: Instant::now() }, trust)
    }

    fn host() -> Host {
        Host {
            name: "mx.example".into(),
            preference: 0,
            addresses: Vec::new(),
            address: AddressAnswer::Insecure,
            dane: Dane::None,
            tlsa: Vec::new(),
            dane_names: Vec::new(),
            trouble: None,
        }
    }

    #[test]
    fn one_family_is_enough_and_the_weaker_of_two_decides() {
        use AddressAnswer as A;
        use Trust::{Bogus, Failed, Insecure, Secure};
        for (v6, v4, count, expected) in [
            (lookup(&[V6], Secure), lookup(&[V4], Secure), 2, A::Secure),
            (lookup(&[V6], Secure), lookup(&[V4], Insecure), 2, A::Insecure),
            (lookup(&[], Insecure), lookup(&[V4], Secure), 1, A::Secure),
            (lookup(&[], Failed), lookup(&[V4], Secure), 1, A::Secure),
            (lookup(&[V6], Bogus), lookup(&[V4], Secure), 1, A::Secure),
            (lookup(&[V6], Bogus), lookup(&[V4], Bogus), 0, A::Bogus),
            (lookup(&[V6], Bogus), lookup(&[], Secure), 0, A::Bogus),
            (lookup(&[], Failed), lookup(&[], Secure), 0, A::Failed),
            (lookup(&[], Secure), lookup(&[], Secure), 0, A::Insecure),
        ] {
            let mut host = host();
            let context = format!("{:?} {:?}", v6.1, v4.1);
            addresses(&mut host, &[v6, v4]);
            assert_eq!((host.addresses.len(), host.address), (count, expected), "{context}");
            assert_eq!(host.trouble.is_some(), count == 0, "{context}");
        }
        let many: Vec<RecordData> =
            (0..50).map(|n| RecordData::A { address: Ipv4Addr::new(192, 0, 2, n) }).collect();
        let mut host = host();
        addresses(&mut host, &[lookup(&[], Secure), lookup(&many, Secure)]);
        assert_eq!(host.addresses.len(), MOST_ADDRESSES);
    }

    #[test]
    fn a_null_mx_counts_only_alone() {
        let mx = |preference, exchange: &str| RecordData::Mx { preference, exchange: exchange.into() };
        let of = |records: &[RecordData]| match exchanges(&lookup(records, Trust::Secure).0.answer) {
            Exchanges::Null => vec!["null".to_owned()],
            Exchanges::None => Vec::new(),
            Exchanges::Hosts(hosts) => hosts.into_iter().map(|(p, name)| format!("{p} {name}")).collect(),
        };
        assert_eq!(of(&[mx(0, "")]), ["null"]);
        assert_eq!(of(&[mx(0, "."), mx(10, "A.example.")]), ["10 a.example"]);
        assert_eq!(
            of(&[mx(20, "a.example"), mx(10, "b.example"), mx(30, "A.example")]),
            ["10 b.example", "20 a.example"]
        );
        assert!(of(&[]).is_empty());
    }
}
