//! Is the address or domain on the list that the text names? And is the list alive, and
//! does it answer us at all?
//!
//! RFC 5782: an address stands reversed before the zone, and a listing is an A record in
//! 127.0.0.0/8. A list has the test entry 127.0.0.2 and never 127.0.0.1; one of domains has
//! `test` and never `invalid`.

use std::net::{IpAddr, Ipv4Addr};

use waxseal_explain::rules::blocklists;
use waxseal_model::{
    Confirmation, DnsAnswer,
    dns::{DnsOutcome, RecordData},
};
use waxseal_net::resolver::reverse_name;
use waxseal_wire::{query::is_at_or_below, target::name_to_ascii};

use super::{Run, notes::Notes, spf, subject, subject::Need};

/// True if the cause is about a list of domains.
pub(super) fn is_about_domain(cause: &str) -> bool {
    cause == "domain_listed"
}

/// The zone of the list that a text names: one that is known, else the name behind the words
/// that go before a list, else the list whose pages it links to.
pub(super) fn named_in(text: &str) -> Option<String> {
    let names: Vec<String> = subject::words(text)
        .filter(|w| w.contains('.') && w.parse::<IpAddr>().is_err())
        .map(str::to_ascii_lowercase)
        .collect();
    let zones = || blocklists().iter().flat_map(|list| list.zones.iter().copied());
    if let Some(zone) = names.iter().find_map(|n| zones().find(|z| n == z || is_at_or_below(n, z))) {
        return Some(zone.to_owned());
    }
    if let Some(name) = behind_words(text) {
        return Some(name);
    }
    // A link to the list's own site.
    names.iter().find_map(|n| {
        blocklists()
            .iter()
            .filter_map(|list| list.zones.first())
            .find(|zone| is_at_or_below(n, site(zone)))
            .map(|zone| (*zone).to_owned())
    })
}

/// The last two labels.
fn site(zone: &str) -> &str {
    let mut dots = zone.rmatch_indices('.').skip(1);
    dots.next().and_then(|(at, _)| zone.get(at + 1..)).unwrap_or(zone)
}

fn behind_words(text: &str) -> Option<String> {
    const MARKS: [&str; 9] = [
        "blocked using ",
        "listed by ",
        "listed in ",
        "listed at ",
        "listed on ",
        "found in ",
        "rejected by ",
        "blacklisted by ",
        "blacklisted at ",
    ];
    let lower = text.to_ascii_lowercase();
    MARKS.iter().find_map(|mark| {
        let at = lower.find(mark)?.saturating_add(mark.len());
        let word = subject::words(lower.get(at..)?).next()?;
        let name = name_to_ascii(word).ok()?;
        let is_zone = name.split('.').count() >= 3 || name.ends_with(".zone");
        (is_zone && name.parse::<IpAddr>().is_err()).then_some(name)
    })
}

/// What is looked up.
enum Entry {
    Address(IpAddr),
    Domain(String),
}

impl Entry {
    fn label(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Domain(domain) => domain.clone(),
        }
    }

    /// Its name in a zone.
    fn name(&self, zone: &str) -> String {
        match self {
            Self::Address(address) => {
                let reversed = reverse_name(*address);
                let bare = reversed.trim_end_matches('.');
                let bare = bare.strip_suffix(".in-addr.arpa").or_else(|| bare.strip_suffix(".ip6.arpa"));
                format!("{}.{zone}", bare.unwrap_or_default())
            }
            Self::Domain(domain) => format!("{domain}.{zone}"),
        }
    }

    /// The entry that every list of its kind has, and the one that none has.
    fn tests(&self, zone: &str) -> (String, String) {
        match self {
            Self::Address(_) => (format!("2.0.0.127.{zone}"), format!("1.0.0.127.{zone}")),
            Self::Domain(_) => (format!("test.{zone}"), format!("invalid.{zone}")),
        }
    }
}

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let entry = if is_about_domain(run.cause) {
        match run.subject.sender_domain.clone() {
            Some(domain) => Entry::Domain(domain),
            None => return notes.untested(spf::lacks(Need::SenderDomain)),
        }
    } else {
        match run.subject.client_address {
            Some(address) => Entry::Address(address),
            None => return notes.untested(spf::lacks(Need::ClientAddress)),
        }
    };
    let Some(zone) = run.subject.blocklist.as_deref().map(|zone| of_kind(zone, &entry)) else {
        return notes.untested(
            "the text does not name the list, and the recipient may keep one of its own: give its zone with \
             --blocklist ZONE",
        );
    };
    let answer = run.means.resolver.lookup(&entry.name(&zone), "A").await;
    let state = match state(run, &zone, &entry, &answer).await {
        State::Unknown(why) if is_closed(&zone) => {
            State::Closed(format!("it was closed, and does not answer: {why}"))
        }
        state => state,
    };
    conclude(run, &mut notes, &zone, &entry, &answer, state).await
}

/// The zone for entries of that kind, where one service has several: its pages do not tell
/// which was asked.
fn of_kind(zone: &str, entry: &Entry) -> String {
    match (zone, entry) {
        ("zen.spamhaus.org", Entry::Domain(_)) => "dbl.spamhaus.org".to_owned(),
        ("dbl.spamhaus.org", Entry::Address(_)) => "zen.spamhaus.org".to_owned(),
        _ => zone.to_owned(),
    }
}

/// True for a list that is known to have been closed.
fn is_closed(zone: &str) -> bool {
    blocklists().iter().any(|list| !list.alive && list.zones.contains(&zone))
}

/// True for a list that is known to be alive: one that lacks its test entry does not answer
/// everybody.
fn is_alive(zone: &str) -> bool {
    blocklists().iter().any(|list| list.alive && list.zones.contains(&zone))
}

/// What an answer of a list means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Listed, with these codes.
    Listed(Vec<Ipv4Addr>),
    /// Not listed, and the list is alive.
    NotListed,
    /// The list is closed: it lists nothing, or everything, or its zone is gone.
    Closed(String),
    /// The list does not serve the resolver that asks.
    Refused(String),
    /// No answer came.
    Unknown(String),
}

async fn state(run: &Run<'_>, zone: &str, entry: &Entry, answer: &DnsAnswer) -> State {
    if let Some(refused) = refusal(answer, entry) {
        return refused;
    }
    let resolver = &run.means.resolver;
    let (listed, never) = entry.tests(zone);
    // Where mail comes from 127.0.0.1, as in tests, that entry tells nothing.
    let is_test = never == entry.name(zone);
    let never = resolver.lookup(&never, "A").await;
    let codes = codes(answer);
    if !codes.is_empty() {
        if !is_test && refusal(&never, entry).is_none() && !self::codes(&never).is_empty() {
            let text = "it lists every address, even 127.0.0.1, as closed lists do";
            return State::Closed(text.to_owned());
        }
        return State::Listed(codes);
    }
    let test = resolver.lookup(&listed, "A").await;
    if let Some(refused) = refusal(&test, entry) {
        return refused;
    }
    if self::codes(&test).is_empty() && is_alive(zone) {
        let text =
            "it answers us without the test entry 127.0.0.2 that it has, so it does not serve this resolver";
        return State::Refused(text.to_owned());
    }
    if self::codes(&test).is_empty() {
        let text = "it does not have the test entry 127.0.0.2 that every live list has (RFC 5782)";
        return State::Closed(text.to_owned());
    }
    State::NotListed
}

/// The codes of a listing: addresses in 127.0.0.0/8 that are no errors.
fn codes(answer: &DnsAnswer) -> Vec<Ipv4Addr> {
    let addresses = answer.records.iter().filter_map(|r| match &r.data {
        RecordData::A { address } => Some(*address),
        _ => None,
    });
    addresses.filter(|a| a.is_loopback() && !is_error(*a)).collect()
}

/// 127.255.255.0/24: an error instead of a listing.
fn is_error(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [127, 255, 255, _])
}

/// Why an answer is none.
fn refusal(answer: &DnsAnswer, entry: &Entry) -> Option<State> {
    let addresses = answer.addresses().collect::<Vec<_>>();
    // SURBL and URIBL say so to resolvers that they do not serve.
    if matches!(entry, Entry::Domain(_)) && addresses.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)) {
        return Some(State::Refused("it answered 127.0.0.1: it does not serve this resolver".to_owned()));
    }
    let error = addresses.iter().find_map(|a| match a {
        IpAddr::V4(v4) if is_error(*v4) => Some(*v4),
        _ => None,
    });
    if let Some(error) = error {
        let why = match error.octets() {
            [.., 252] => "the zone is misspelt",
            [.., 254] => "it does not answer public or open resolvers",
            [.., 255] => "too many questions came from this resolver",
            _ => "it refuses this resolver",
        };
        return Some(State::Refused(format!("it answered {error}: {why}")));
    }
    let outside = addresses.iter().find(|a| !a.is_loopback());
    if let Some(outside) = outside {
        let text =
            format!("it answers {outside}, which no list does: its domain belongs to somebody else now");
        return Some(State::Closed(text));
    }
    match answer.outcome {
        DnsOutcome::ServerError if answer.reason.contains("REFUSED") => {
            Some(State::Refused("it refuses the questions of this resolver (REFUSED)".to_owned()))
        }
        DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable => {
            Some(State::Unknown(answer.reason.trim_end_matches('.').to_owned()))
        }
        DnsOutcome::Records | DnsOutcome::NoData | DnsOutcome::NxDomain => None,
    }
}

async fn conclude(
    run: &Run<'_>,
    notes: &mut Notes,
    zone: &str,
    entry: &Entry,
    answer: &DnsAnswer,
    state: State,
) -> Confirmation {
    let mut notes = std::mem::take(notes);
    let label = entry.label();
    let known = blocklists().iter().find(|list| list.zones.contains(&zone));
    let page = known.and_then(|list| list.lookup);
    // A receiver that takes errors for listings blocks everybody.
    let broken = run.cause == "dnsbl_broken";
    match state {
        State::Listed(codes) => {
            let meaning = meaning(run, zone, &codes, answer).await;
            notes.note(format!("{label} at {zone}"), &meaning, bearing(!broken));
            if let Some(page) = page {
                notes.fix(
                    "whoever owns the address",
                    "Mend what led to it, then ask for removal.",
                    Some(page.to_owned()),
                );
            }
            let text = format!("{label} is listed at {zone}: {meaning}");
            if broken { notes.rather("ip_listed", text) } else { notes.confirmed(text) }
        }
        State::NotListed => {
            notes.note(format!("{label} at {zone}"), "not listed, and the list is alive", bearing(broken));
            let text = format!("{label} is not listed at {zone}, which is alive");
            if broken {
                return notes.confirmed(format!(
                    "{text}: the recipient's server takes an error of the list for a listing"
                ));
            }
            notes.refuted(format!(
                "{text}: it was taken off meanwhile, or the recipient's server asks the list in a way \
                                   that it refuses"
            ))
        }
        State::Closed(why) => {
            notes.note(zone, &why, bearing(broken));
            notes.fix(
                "recipient's server",
                format!("Take {zone} out of the lists that are asked."),
                Some(format!("postconf smtpd_recipient_restrictions postscreen_dnsbl_sites | grep {zone}")),
            );
            let text =
                format!("{zone} is no list any more ({why}), so the recipient's server must stop asking it");
            if broken { notes.confirmed(text) } else { notes.rather("dnsbl_broken", text) }
        }
        State::Refused(why) => {
            notes.failed(zone, &why);
            let closed = if is_closed(zone) { "; it is known to be closed" } else { "" };
            let page = page.map(|p| format!("; look {label} up at {p}")).unwrap_or_default();
            notes.untested(format!("your resolver is refused by the list: {why}{closed}{page}"))
        }
        State::Unknown(why) => {
            notes.failed(zone, &why);
            let page = page.map(|p| format!("; look {label} up at {p}")).unwrap_or_default();
            notes.untested(format!("{zone} did not answer: {why}{page}"))
        }
    }
}

fn bearing(supports: bool) -> waxseal_model::confirmation::Bearing {
    if supports {
        waxseal_model::confirmation::Bearing::Supports
    } else {
        waxseal_model::confirmation::Bearing::Contradicts
    }
}

/// What the codes say, and the list's own words (TXT).
async fn meaning(run: &Run<'_>, zone: &str, codes: &[Ipv4Addr], answer: &DnsAnswer) -> String {
    let mut parts: Vec<String> = codes
        .iter()
        .map(|code| match of_code(zone, *code) {
            Some(meaning) => format!("{code}, {meaning}"),
            None => code.to_string(),
        })
        .collect();
    let text = run.means.resolver.lookup(&answer.name, "TXT").await;
    let words = text.records.iter().find_map(|r| match &r.data {
        RecordData::Txt { text } => Some(text.clone()),
        _ => None,
    });
    parts.extend(words.map(|w| format!("\"{w}\"")));
    parts.join("; ")
}

/// What Spamhaus documents of its codes (<https://www.spamhaus.org/faqs/dnsbl-usage/>).
fn of_code(zone: &str, code: Ipv4Addr) -> Option<&'static str> {
    if !is_at_or_below(zone, "spamhaus.org") && !is_at_or_below(zone, "dq.spamhaus.net") {
        return None;
    }
    Some(match code.octets() {
        [127, 0, 0, 2] => "SBL: known for spam",
        [127, 0, 0, 3] => "CSS: seen sending spam lately",
        [127, 0, 0, 4..=7] => "XBL: an infected or hijacked machine",
        [127, 0, 0, 9] => "DROP: a network that belongs to criminals",
        [127, 0, 0, 10 | 11] => "PBL: a line of customers, which must send through its provider's server",
        [127, 0, 1, _] => "DBL: a domain known for spam",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_reversed_before_the_zone() {
        let zone = "bl.example";
        assert_eq!(Entry::Address("192.0.2.7".parse().unwrap()).name(zone), "7.2.0.192.bl.example");
        let v6 = Entry::Address("2001:db8::7".parse().unwrap()).name(zone);
        assert!(v6.starts_with("7.0.0.0.") && v6.ends_with(".8.b.d.0.1.0.0.2.bl.example"), "{v6}");
        assert_eq!(Entry::Domain("example.com".into()).name(zone), "example.com.bl.example");
    }

    #[test]
    fn a_list_that_is_known_to_be_alive_is_not_called_closed() {
        assert!(is_alive("zen.spamhaus.org") && !is_closed("zen.spamhaus.org"));
        assert!(!is_alive("bl.example") && !is_closed("bl.example"));
        assert!(blocklists().iter().any(|list| !list.alive));
    }

    #[test]
    fn the_list_is_found_by_its_zone_or_the_words_before_it() {
        for (text, expected) in [
            ("Client host [192.0.2.1] blocked using bl.lists.example; see it", Some("bl.lists.example")),
            ("550 see https://www.spamhaus.org/query/ip/192.0.2.1", Some("zen.spamhaus.org")),
            ("listed by combined.mail.abusix.zone (127.0.0.12)", Some("combined.mail.abusix.zone")),
            ("550 5.7.1 rejected by policy", None),
            ("550 listed in our local list", None),
        ] {
            assert_eq!(named_in(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn errors_of_lists_are_no_listings() {
        let answer = |addresses: &[&str]| DnsAnswer {
            name: "x".into(),
            rtype: "A".into(),
            outcome: DnsOutcome::Records,
            status: waxseal_model::DnssecStatus::Insecure,
            reason: String::new(),
            canonical_name: None,
            records: addresses
                .iter()
                .map(|a| waxseal_model::dns::DnsRecord {
                    name: "x".into(),
                    ttl: 60,
                    data: RecordData::A { address: a.parse().unwrap() },
                })
                .collect(),
        };
        assert_eq!(
            codes(&answer(&["127.0.0.2", "127.255.255.254"])),
            ["127.0.0.2".parse::<Ipv4Addr>().unwrap()]
        );
        let address = Entry::Address(Ipv4Addr::LOCALHOST.into());
        let domain = Entry::Domain("example.com".into());
        assert!(matches!(refusal(&answer(&["127.255.255.254"]), &address), Some(State::Refused(_))));
        assert!(matches!(refusal(&answer(&["192.0.2.80"]), &address), Some(State::Closed(_))));
        assert_eq!(refusal(&answer(&["127.0.0.2"]), &address), None);
        assert!(matches!(refusal(&answer(&["127.0.0.1"]), &domain), Some(State::Refused(_))));
    }
}
