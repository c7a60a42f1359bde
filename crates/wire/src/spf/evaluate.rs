//! check_host (RFC 7208 section 4): one address, one domain, every step written down.

use std::net::IpAddr;

use waxseal_model::identity::{SpfOutcome, SpfResult, SpfStep};

use super::{
    macros::{MacroString, Place},
    record::{self, Directive, DomainSpec, Mechanism, Prefixes, Record},
};
use crate::{
    query::{Answer, Data, Question, RecordType, is_askable, is_at_or_below},
    text::neutralise,
};

/// Terms that need DNS in one evaluation (section 4.6.4).
pub(super) const MOST_LOOKUPS: u32 = 10;
/// Terms whose lookup may find nothing.
pub(super) const MOST_VOID: u32 = 2;
/// Mail exchangers of one `mx` term.
const MOST_MX: usize = 10;
/// Reverse names that are looked at.
const MOST_PTR: usize = 10;
/// Steps that are written down. A record of 64 KiB could make more.
const MOST_STEPS: usize = 400;

/// Who sends, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfQuery {
    /// The address that connects.
    pub ip: IpAddr,
    /// The domain whose policy is asked.
    pub domain: String,
    /// The envelope sender, or `postmaster@` and the EHLO name.
    pub sender: String,
    /// The EHLO name.
    pub helo: String,
    /// Who receives: the macro `r` of explanations; empty stands for `unknown`.
    pub receiver: String,
    /// Seconds since 1970-01-01 UTC: the macro `t` of explanations.
    pub now: i64,
}

impl SpfQuery {
    /// The question of a receiving server: envelope sender, which may be empty, and EHLO
    /// name (RFC 7208 sections 2.4 and 4.1).
    pub fn of_mail(ip: IpAddr, mail_from: &str, helo: &str) -> Self {
        let sender = if mail_from.is_empty() { format!("postmaster@{helo}") } else { mail_from.to_owned() };
        let domain = sender.rsplit_once('@').map_or(sender.as_str(), |(_, d)| d).to_owned();
        Self { ip, domain, sender, helo: helo.to_owned(), receiver: String::new(), now: 0 }
    }

    fn local_part(&self) -> &str {
        match self.sender.rsplit_once('@') {
            Some(("", _)) | None => "postmaster",
            Some((local, _)) => local,
        }
    }

    fn sender_domain(&self) -> &str {
        self.sender.rsplit_once('@').map_or(self.sender.as_str(), |(_, domain)| domain)
    }
}

/// How far an evaluation came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// It needs this answer, and is to be begun again with it.
    Needs(Question),
    /// It is done.
    Done(SpfOutcome),
}

/// Evaluates the policy of a domain for an address.
///
/// Bounded: at most 10 terms ask, each for at most 11 names, and the explanation for 12.
pub fn evaluate(query: &SpfQuery, answers: &dyn Fn(&Question) -> Option<Answer>) -> Evaluation {
    let ip = match query.ip {
        // Section 5: an address mapped into IPv6 is one of IPv4.
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(query.ip, IpAddr::V4),
        IpAddr::V4(_) => query.ip,
    };
    let mut run = Run { query, ip, answers, lookups: 0, voids: 0, trail: Vec::new() };
    let domain = query.domain.strip_suffix('.').unwrap_or(&query.domain);
    let decided = match run.check_host(domain, 0) {
        Ok(decided) => decided,
        Err(Stop::Needs(question)) => return Evaluation::Needs(question),
        Err(Stop::Temp(why)) => Decided::error(SpfResult::Temperror, why),
        Err(Stop::Perm(why)) => Decided::error(SpfResult::Permerror, why),
    };
    let explanation = match run.explanation(&decided) {
        Ok(text) => text,
        Err(Stop::Needs(question)) => return Evaluation::Needs(question),
        // Section 6.2: whatever goes wrong here, there is no explanation.
        Err(Stop::Temp(_) | Stop::Perm(_)) => None,
    };
    Evaluation::Done(SpfOutcome {
        result: decided.result,
        mechanism: decided.mechanism,
        reason: decided.reason,
        trail: run.trail,
        lookups: run.lookups,
        void_lookups: run.voids,
        explanation,
    })
}

/// Why an evaluation does not go on.
enum Stop {
    Needs(Question),
    Temp(String),
    Perm(String),
}

/// What check_host decided.
struct Decided {
    result: SpfResult,
    mechanism: Option<String>,
    reason: String,
    /// The `exp=` of the record that decided, and whose record it was.
    exp: Option<(MacroString, String)>,
}

impl Decided {
    fn error(result: SpfResult, reason: String) -> Self {
        Self { result, mechanism: None, reason, exp: None }
    }
}

struct Run<'a> {
    query: &'a SpfQuery,
    ip: IpAddr,
    answers: &'a dyn Fn(&Question) -> Option<Answer>,
    lookups: u32,
    voids: u32,
    trail: Vec<SpfStep>,
}

impl Run<'_> {
    /// check_host for one domain. `depth` counts includes.
    fn check_host(&mut self, domain: &str, depth: u32) -> Result<Decided, Stop> {
        let shown = show(domain);
        if !is_askable(domain) || !domain.contains('.') || domain.starts_with('[') {
            let why = format!("\"{shown}\" is no domain name that could have a record");
            return Ok(Decided::error(SpfResult::None, why));
        }
        let answer = self.ask(domain, RecordType::Txt)?;
        if let Answer::Failed(why) = &answer {
            return Err(Stop::Temp(format!("the record of {shown} could not be looked up: {why}")));
        }
        let records: Vec<&str> = answer.texts().filter(|t| record::is_spf(t)).collect();
        let text = match records.as_slice() {
            [] => {
                let why = format!("{shown} has no SPF record");
                self.step(depth, domain, "", &why);
                return Ok(Decided::error(SpfResult::None, why));
            }
            [one] => *one,
            several => {
                let why = format!("{shown} has {} SPF records, and one is allowed", several.len());
                return Err(Stop::Perm(why));
            }
        };
        self.step(depth, domain, "", &neutralise(text.as_bytes(), 500));
        let record = record::parse(text)
            .map_err(|e| Stop::Perm(format!("the record of {shown} cannot be read: {e}")))?;
        self.directives(&record, domain, depth)
    }

    fn directives(&mut self, record: &Record, domain: &str, depth: u32) -> Result<Decided, Stop> {
        let exp = record.exp.clone().map(|e| (e, domain.to_owned()));
        for directive in &record.directives {
            if self.matches(directive, domain, depth)? {
                let result = directive.qualifier.result();
                let reason = format!("{} in the record of {} matches", show(&directive.text), show(domain));
                return Ok(Decided { result, mechanism: Some(show(&directive.text)), reason, exp });
            }
        }
        let Some(redirect) = &record.redirect else {
            let reason = format!("nothing in the record of {} matches", show(domain));
            return Ok(Decided { result: SpfResult::Neutral, mechanism: None, reason, exp });
        };
        self.count(&format!("redirect={}", redirect.text))?;
        let target = self.expand(redirect, domain)?;
        let term = show(&format!("redirect={}", redirect.text));
        self.step(depth, domain, &term, &format!("nothing matches: {} decides", show(&target)));
        let decided = self.check_host(&target, depth)?;
        if decided.result == SpfResult::None {
            return Err(Stop::Perm(format!("{term} in the record of {}: {}", show(domain), decided.reason)));
        }
        Ok(decided)
    }

    fn matches(&mut self, directive: &Directive, domain: &str, depth: u32) -> Result<bool, Stop> {
        if directive.mechanism.needs_dns() {
            self.count(&directive.text)?;
        }
        let (matched, says) = match &directive.mechanism {
            Mechanism::All => (true, "matches everything".to_owned()),
            Mechanism::Ip(network, length) => {
                let matched = contains(*network, *length, self.ip);
                (matched, if matched { "the address lies in it".into() } else { "does not match".into() })
            }
            Mechanism::Include(spec) => return self.include(directive, spec, domain, depth),
            Mechanism::A(spec, prefixes) => {
                let name = self.target(spec.as_ref(), domain)?;
                self.addresses_match(&name, *prefixes)?
            }
            Mechanism::Mx(spec, prefixes) => {
                let name = self.target(spec.as_ref(), domain)?;
                self.mx_matches(&name, *prefixes)?
            }
            Mechanism::Ptr(spec) => {
                let name = self.target(spec.as_ref(), domain)?;
                self.ptr_matches(&name)?
            }
            Mechanism::Exists(spec) => {
                let name = self.target(Some(spec), domain)?;
                self.exists(&name)?
            }
        };
        self.step(depth, domain, &directive.text, &says);
        Ok(matched)
    }

    /// Section 5.2: the results of the included record, as a match.
    fn include(
        &mut self,
        directive: &Directive,
        spec: &DomainSpec,
        domain: &str,
        depth: u32,
    ) -> Result<bool, Stop> {
        let target = self.target(Some(spec), domain)?;
        self.step(depth, domain, &directive.text, &format!("asks {}", show(&target)));
        let decided = self.check_host(&target, depth + 1)?;
        let term = show(&directive.text);
        match decided.result {
            SpfResult::Pass | SpfResult::Fail | SpfResult::Softfail | SpfResult::Neutral => {}
            SpfResult::Temperror => return Err(Stop::Temp(decided.reason)),
            SpfResult::Permerror => return Err(Stop::Perm(decided.reason)),
            SpfResult::None => {
                let why = format!("{term} in the record of {}: {}", show(domain), decided.reason);
                return Err(Stop::Perm(why));
            }
        }
        let matched = decided.result == SpfResult::Pass;
        let says = format!(
            "{} there: {}",
            decided.result.word(),
            if matched { "matches" } else { "does not match" }
        );
        self.step(depth, domain, &directive.text, &says);
        Ok(matched)
    }

    /// The type of the records that hold addresses of the sender's family.
    fn address_type(&self) -> RecordType {
        if self.ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa }
    }

    /// Section 5.3.
    fn addresses_match(&mut self, name: &str, prefixes: Prefixes) -> Result<(bool, String), Stop> {
        let Some(answer) = self.ask_if_possible(name, self.address_type())? else {
            return Ok((false, format!("\"{}\" is no name that could have an address", show(name))));
        };
        let answer = usable(answer)?;
        self.count_void(&answer, name)?;
        let addresses = addresses(&answer);
        if self.any_matches(&addresses, prefixes) {
            return Ok((true, format!("{} has a matching address", show(name))));
        }
        Ok((false, format!("{} {}", show(name), without_match(&addresses))))
    }

    /// Section 5.4.
    fn mx_matches(&mut self, name: &str, prefixes: Prefixes) -> Result<(bool, String), Stop> {
        let Some(answer) = self.ask_if_possible(name, RecordType::Mx)? else {
            return Ok((false, format!("\"{}\" is no name that could have an MX", show(name))));
        };
        let answer = usable(answer)?;
        self.count_void(&answer, name)?;
        let mut hosts: Vec<(u16, &str)> = Vec::new();
        for data in answer.records() {
            if let Data::Mx(preference, exchange) = data {
                hosts.push((*preference, exchange));
            }
        }
        if hosts.len() > MOST_MX {
            let why =
                format!("{} has {} MX hosts; an mx term may look at {MOST_MX}", show(name), hosts.len());
            return Err(Stop::Perm(why));
        }
        hosts.sort_by_key(|(preference, _)| *preference);
        for (_, host) in &hosts {
            let Some(answer) = self.ask_if_possible(host, self.address_type())? else { continue };
            if self.any_matches(&addresses(&usable(answer)?), prefixes) {
                return Ok((true, format!("the MX host {} has a matching address", show(host))));
            }
        }
        Ok((
            false,
            match hosts.len() {
                0 => format!("{} has no MX", show(name)),
                n => format!("none of the {n} MX hosts of {} has a matching address", show(name)),
            },
        ))
    }

    /// Section 5.5.
    fn ptr_matches(&mut self, name: &str) -> Result<(bool, String), Stop> {
        let answer = self.ask(&reverse_name(self.ip), RecordType::Ptr)?;
        if let Answer::Failed(why) = &answer {
            return Ok((false, format!("the reverse name could not be looked up: {why}")));
        }
        self.count_void(&answer, "the address")?;
        for host in reverse_names(&answer) {
            if is_at_or_below(host, name) && self.is_validated(host)? {
                return Ok((true, format!("the address belongs to {}", show(host))));
            }
        }
        Ok((false, format!("the address has no validated name at or below {}", show(name))))
    }

    /// Section 5.7. The type is A even for senders with IPv6.
    fn exists(&mut self, name: &str) -> Result<(bool, String), Stop> {
        let Some(answer) = self.ask_if_possible(name, RecordType::A)? else {
            return Ok((false, format!("\"{}\" is no name that could exist", show(name))));
        };
        let answer = usable(answer)?;
        self.count_void(&answer, name)?;
        let there = !addresses(&answer).is_empty();
        Ok((there, format!("{} {}", show(name), if there { "exists" } else { "does not exist" })))
    }

    /// True if a reverse name leads back to the address. Errors count as no.
    fn is_validated(&self, host: &str) -> Result<bool, Stop> {
        let Some(answer) = self.ask_if_possible(host, self.address_type())? else { return Ok(false) };
        Ok(addresses(&answer).contains(&self.ip))
    }

    /// The macro `p` (section 7.3): a validated name, best one at or below the domain.
    fn validated_name(&self, domain: &str) -> Result<String, Stop> {
        let answer = self.ask(&reverse_name(self.ip), RecordType::Ptr)?;
        let mut best: Option<(u8, &str)> = None;
        for host in reverse_names(&answer) {
            let rank =
                if host.eq_ignore_ascii_case(domain) { 2 } else { u8::from(is_at_or_below(host, domain)) };
            if best.is_none_or(|(before, _)| rank > before) && self.is_validated(host)? {
                best = Some((rank, host));
            }
        }
        Ok(best.map_or("unknown", |(_, host)| host).to_owned())
    }

    fn any_matches(&self, addresses: &[IpAddr], prefixes: Prefixes) -> bool {
        let length = if self.ip.is_ipv4() { prefixes.v4 } else { prefixes.v6 };
        addresses.iter().any(|a| contains(*a, length, self.ip))
    }

    /// The name that a mechanism is about: its own, or the current domain.
    fn target(&self, spec: Option<&DomainSpec>, domain: &str) -> Result<String, Stop> {
        spec.map_or_else(|| Ok(domain.to_owned()), |spec| self.expand(&spec.0, domain))
    }

    /// A domain name from a macro string: without trailing dot, cut from the left to 253
    /// characters (section 7.3).
    fn expand(&self, text: &MacroString, domain: &str) -> Result<String, Stop> {
        let expanded = text.expand(|letter| self.value(letter, domain))?;
        let mut name = expanded.strip_suffix('.').unwrap_or(&expanded);
        while name.len() > 253 {
            let Some((_, rest)) = name.split_once('.') else { break };
            name = rest;
        }
        Ok(name.to_owned())
    }

    /// What a macro letter stands for (section 7.2).
    fn value(&self, letter: char, domain: &str) -> Result<String, Stop> {
        let query = self.query;
        Ok(match letter {
            's' => format!("{}@{}", query.local_part(), query.sender_domain()),
            'l' => query.local_part().to_owned(),
            'o' => query.sender_domain().to_owned(),
            'd' => domain.to_owned(),
            'i' => dotted(self.ip),
            'p' => self.validated_name(domain)?,
            'v' => if self.ip.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
            'h' => query.helo.clone(),
            'c' => self.ip.to_string(),
            'r' if query.receiver.is_empty() => "unknown".to_owned(),
            'r' => query.receiver.clone(),
            't' => query.now.to_string(),
            _ => String::new(),
        })
    }

    /// Section 6.2: what the domain says to those that it rejects.
    fn explanation(&mut self, decided: &Decided) -> Result<Option<String>, Stop> {
        let (SpfResult::Fail, Some((spec, domain))) = (decided.result, &decided.exp) else { return Ok(None) };
        let name = self.expand(spec, domain)?;
        let Some(answer) = self.ask_if_possible(&name, RecordType::Txt)? else { return Ok(None) };
        let texts: Vec<&str> = answer.texts().collect();
        let [text] = texts.as_slice() else { return Ok(None) };
        let Ok(parsed) = MacroString::parse(text, Place::Explanation) else { return Ok(None) };
        let text = parsed.expand(|letter| self.value(letter, domain))?;
        Ok(Some(neutralise(text.as_bytes(), 1000)))
    }

    fn count(&mut self, term: &str) -> Result<(), Stop> {
        self.lookups += 1;
        if self.lookups > MOST_LOOKUPS {
            self.lookups = MOST_LOOKUPS;
            return Err(Stop::Perm(format!(
                "more than {MOST_LOOKUPS} terms need DNS; {} would be the next",
                show(term)
            )));
        }
        Ok(())
    }

    /// Section 4.6.4 speaks of terms whose query finds nothing: each counts once, whatever
    /// the hosts behind an `mx` have.
    fn count_void(&mut self, answer: &Answer, name: &str) -> Result<(), Stop> {
        if answer.is_void() {
            if self.voids >= MOST_VOID {
                return Err(Stop::Perm(format!(
                    "more than {MOST_VOID} terms find nothing; {} is one too many",
                    show(name)
                )));
            }
            self.voids += 1;
        }
        Ok(())
    }

    fn ask(&self, name: &str, rtype: RecordType) -> Result<Answer, Stop> {
        let question = Question::new(name, rtype);
        (self.answers)(&question).ok_or(Stop::Needs(question))
    }

    /// None for what cannot be a name: RFC 7208 section 4.8 leaves open what to make of
    /// it; here it is a name that does not exist.
    fn ask_if_possible(&self, name: &str, rtype: RecordType) -> Result<Option<Answer>, Stop> {
        if is_askable(name) { self.ask(name, rtype).map(Some) } else { Ok(None) }
    }

    fn step(&mut self, depth: u32, domain: &str, term: &str, says: &str) {
        if self.trail.len() < MOST_STEPS {
            let term = show(term);
            self.trail.push(SpfStep { depth, domain: show(domain), term, says: says.to_owned() });
        }
    }
}

/// Names and terms as they may be printed: macros put into them what a sender says.
fn show(text: &str) -> String {
    neutralise(text.as_bytes(), 255)
}

fn usable(answer: Answer) -> Result<Answer, Stop> {
    match answer {
        Answer::Failed(why) => Err(Stop::Temp(why)),
        other => Ok(other),
    }
}

fn addresses(answer: &Answer) -> Vec<IpAddr> {
    let address = |d: &Data| match d {
        Data::A(a) => Some(IpAddr::V4(*a)),
        Data::Aaaa(a) => Some(IpAddr::V6(*a)),
        _ => None,
    };
    answer.records().iter().filter_map(address).collect()
}

fn without_match(addresses: &[IpAddr]) -> String {
    match addresses {
        [] => "has no address".into(),
        [one] => format!("is {one}: does not match"),
        [first, ..] => format!("is {first} and {} more: does not match", addresses.len() - 1),
    }
}

fn reverse_names(answer: &Answer) -> impl Iterator<Item = &str> {
    let names = answer.records().iter().filter_map(|d| match d {
        Data::Ptr(host) => Some(host.strip_suffix('.').unwrap_or(host)),
        _ => None,
    });
    names.take(MOST_PTR)
}

/// True if two addresses of one family agree in their first `length` bits.
fn contains(network: IpAddr, length: u8, ip: IpAddr) -> bool {
    let same = |a: u128, b: u128, bits: u32| {
        let drop = bits.saturating_sub(u32::from(length));
        a.checked_shr(drop).unwrap_or(0) == b.checked_shr(drop).unwrap_or(0)
    };
    match (network, ip) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
        _ => false,
    }
}

/// The macro `i`: dotted quads, or nibbles (section 7.3).
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().flat_map(|o| [o >> 4, o & 15]);
            nibbles.map(|n| format!("{n:X}")).collect::<Vec<_>>().join(".")
        }
    }
}

fn reverse_name(ip: IpAddr) -> String {
    let mut parts: Vec<String> = dotted(ip).split('.').map(str::to_owned).collect();
    parts.reverse();
    format!("{}.{}.arpa", parts.join("."), if ip.is_ipv4() { "in-addr" } else { "ip6" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn networks_contain_what_agrees_in_the_first_bits() {
        for (network, length, ip, inside) in [
            ("192.0.2.0", 24, "192.0.2.255", true),
            ("192.0.2.0", 25, "192.0.2.128", false),
            ("0.0.0.0", 0, "203.0.113.1", true),
            ("192.0.2.1", 32, "192.0.2.1", true),
            ("::", 0, "2001:db8::1", true),
            ("2001:db8::", 33, "2001:db8:8000::", false),
            ("::", 0, "192.0.2.1", false),
        ] {
            let is = contains(network.parse().unwrap(), length, ip.parse().unwrap());
            assert_eq!(is, inside, "{network}/{length} {ip}");
        }
    }

    fn run(zone: &[(&str, Answer)], ip: &str) -> SpfOutcome {
        let query = SpfQuery::of_mail(ip.parse().unwrap(), "user@example.com", "mx.example.com");
        let answers = |q: &Question| {
            let found = zone.iter().find(|(name, _)| *name == q.to_string());
            Some(found.map_or(Answer::NoName, |(_, a)| a.clone()))
        };
        match evaluate(&query, &answers) {
            Evaluation::Done(outcome) => outcome,
            Evaluation::Needs(question) => panic!("needs {question}"),
        }
    }

    fn txt(text: &str) -> Answer {
        Answer::Records(vec![Data::Txt(text.to_owned())])
    }

    #[test]
    fn the_trail_tells_every_step_and_the_mechanism_that_decided() {
        let zone = [
            ("example.com TXT", txt("v=spf1 ip4:192.0.2.1 include:_spf.example.net -all")),
            ("_spf.example.net TXT", txt("v=spf1 a:out.example.net ~all")),
            ("out.example.net A", Answer::Records(vec![Data::A([198, 51, 100, 7].into())])),
        ];
        let outcome = run(&zone, "198.51.100.7");
        assert_eq!((outcome.result, outcome.lookups), (SpfResult::Pass, 2));
        assert_eq!(outcome.mechanism.as_deref(), Some("include:_spf.example.net"));
        let lines: Vec<String> = outcome
            .trail
            .iter()
            .map(|s| format!("{} {} {}: {}", s.depth, s.domain, s.term, s.says))
            .collect();
        assert_eq!(
            lines,
            [
                "0 example.com : v=spf1 ip4:192.0.2.1 include:_spf.example.net -all",
                "0 example.com ip4:192.0.2.1: does not match",
                "0 example.com include:_spf.example.net: asks _spf.example.net",
                "1 _spf.example.net : v=spf1 a:out.example.net ~all",
                "1 _spf.example.net a:out.example.net: out.example.net has a matching address",
                "0 example.com include:_spf.example.net: pass there: matches",
            ]
        );
        let outcome = run(&zone, "198.51.100.8");
        assert_eq!((outcome.result, outcome.mechanism.as_deref()), (SpfResult::Fail, Some("-all")));
    }

    #[test]
    fn one_missing_answer_at_a_time_is_asked_for() {
        let query = SpfQuery::of_mail("192.0.2.1".parse().unwrap(), "user@Example.COM", "mx");
        let asked = evaluate(&query, &|_| None);
        assert_eq!(asked, Evaluation::Needs(Question::new("example.com", RecordType::Txt)));
        let asked = evaluate(&query, &|q| (q.rtype == RecordType::Txt).then(|| txt("v=spf1 mx -all")));
        assert_eq!(asked, Evaluation::Needs(Question::new("example.com", RecordType::Mx)));
    }

    #[test]
    fn hosts_of_an_mx_without_ipv6_are_no_void_lookups() {
        let hosts = (1..=4).map(|n| Data::Mx(n, format!("mx{n}.example.com"))).collect();
        let zone = [
            ("example.com TXT", txt("v=spf1 mx ip6:2001:db8::/32 -all")),
            ("example.com MX", Answer::Records(hosts)),
        ];
        let outcome = run(&zone, "2001:db8::1");
        assert_eq!((outcome.result, outcome.void_lookups), (SpfResult::Pass, 0));
    }

    proptest! {
        /// Whatever records say and wherever they lead, an evaluation ends within its limits.
        #[test]
        fn evaluations_are_bounded(
            records in prop::collection::vec(
                "v=spf1( [-+~?]?(a|mx|ptr|include:d[0-4].example.com|exists:%[{]i[}].d1.example.com|a:%[{]p[}].d2.example.com|ip4:192.0.2.0/24)){0,6}( redirect=d[0-4].example.com| all| exp=d[0-4].example.com){0,2}",
                5,
            ),
            mx in 0u16..13,
        ) {
            let query = SpfQuery::of_mail("192.0.2.77".parse().unwrap(), "u@d0.example.com", "d1.example.com");
            let mut known = crate::query::Answers::new();
            let mut rounds = 0;
            let outcome = loop {
                match evaluate(&query, &|q| known.get(q).cloned()) {
                    Evaluation::Done(outcome) => break outcome,
                    Evaluation::Needs(question) => {
                        rounds += 1;
                        prop_assert!(rounds <= 200, "{question}");
                        let number = question.name.strip_prefix('d').and_then(|n| n.get(..1)?.parse::<usize>().ok());
                        let answer = match (question.rtype, number) {
                            (RecordType::Txt, Some(n)) => Answer::Records(vec![Data::Txt(records[n].clone())]),
                            (RecordType::Mx, _) => Answer::Records((0..mx).map(|n| Data::Mx(n, format!("m{n}.example.com"))).collect()),
                            (RecordType::Ptr, _) => Answer::Records((0..mx).map(|n| Data::Ptr(format!("p{n}.example.com"))).collect()),
                            (RecordType::A, Some(_)) => Answer::Records(vec![Data::A([192, 0, 2, 1].into())]),
                            _ => Answer::NoName,
                        };
                        prop_assert!(known.insert(question, answer).is_none(), "asked twice");
                    }
                }
            };
            prop_assert!(outcome.lookups <= 10 && outcome.void_lookups <= 2);
            prop_assert_eq!(outcome.explanation.is_some() && outcome.result != SpfResult::Fail, false);
        }
    }
}
