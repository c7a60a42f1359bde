//! Questions to the name service that an evaluation puts, and the answers it is given.
//!
//! SPF and DMARC decide by what DNS says, step by step, and this crate asks nobody. An
//! evaluation is handed a function from questions to answers; where an answer is missing
//! it stops and names the question. The caller looks it up and evaluates again from the
//! start, which costs nothing: every evaluation is bounded and all earlier answers are
//! there.

use std::{
    collections::HashMap,
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use waxseal_model::dns::{DnsAnswer, DnsOutcome, DnssecStatus, RecordData};

/// The types of records that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail exchangers.
    Mx,
    /// Reverse names.
    Ptr,
    /// Text.
    Txt,
}

impl RecordType {
    /// As IANA spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Mx => "MX",
            Self::Ptr => "PTR",
            Self::Txt => "TXT",
        }
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// Lower case, without a trailing dot. Its labels are between 1 and 63 octets long
    /// and the whole at most 253; it may hold any printable character, and spaces.
    pub name: String,
    /// What is asked for.
    pub rtype: RecordType,
}

impl Question {
    /// A question; the name is folded to lower case and a trailing dot is taken off.
    pub fn new(name: &str, rtype: RecordType) -> Self {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        Self { name, rtype }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rtype.word())
    }
}

/// One record in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// IPv4 address.
    A(Ipv4Addr),
    /// IPv6 address.
    Aaaa(Ipv6Addr),
    /// Preference and exchange; empty for the null MX (RFC 7505).
    Mx(u16, String),
    /// Host name.
    Ptr(String),
    /// The strings of one record joined. Octets that are no printable ASCII are other
    /// characters, one U+FFFD for each if nothing better is known.
    Txt(String),
}

/// How a question was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Records of the type asked for; none: the name exists without such a record.
    Records(Vec<Data>),
    /// The name does not exist.
    NoName,
    /// No usable answer (SERVFAIL, a timeout, a bogus one): why.
    Failed(String),
}

impl Answer {
    /// True if the question was answered and nothing is there: what RFC 7208 section
    /// 4.6.4 calls a void lookup.
    pub fn is_void(&self) -> bool {
        match self {
            Self::Records(data) => data.is_empty(),
            Self::NoName => true,
            Self::Failed(_) => false,
        }
    }

    /// The records; none where there are none.
    pub fn records(&self) -> &[Data] {
        match self {
            Self::Records(data) => data,
            Self::NoName | Self::Failed(_) => &[],
        }
    }

    /// The texts in the answer.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.records().iter().filter_map(|d| match d {
            Data::Txt(text) => Some(text.as_str()),
            _ => None,
        })
    }
}

impl From<&DnsAnswer> for Answer {
    /// What an evaluation sees of an answer. A bogus one is no answer.
    fn from(answer: &DnsAnswer) -> Self {
        if answer.status == DnssecStatus::Bogus {
            return Self::Failed(format!("{} {} is bogus: {}", answer.name, answer.rtype, answer.reason));
        }
        match answer.outcome {
            DnsOutcome::NxDomain => Self::NoName,
            DnsOutcome::Records | DnsOutcome::NoData => {
                Self::Records(answer.records.iter().filter_map(|r| data(&r.data)).collect())
            }
            DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable => {
                Self::Failed(format!("{} {}: {}", answer.name, answer.rtype, answer.reason))
            }
        }
    }
}

fn data(data: &RecordData) -> Option<Data> {
    Some(match data {
        RecordData::A { address } => Data::A(*address),
        RecordData::Aaaa { address } => Data::Aaaa(*address),
        RecordData::Mx { preference, exchange } => Data::Mx(*preference, exchange.clone()),
        RecordData::Ptr { target } => Data::Ptr(target.clone()),
        RecordData::Txt { text } => Data::Txt(without_escapes(text)),
        _ => return None,
    })
}

/// Text as evidence holds it has `\x0d` and `\u{feff}` written out: they stand for what
/// no record of policy may contain, and must not be taken for printable characters.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let length = escape_length(from);
        if length == 0 {
            out.push('\\');
            rest = from.get(1..).unwrap_or_default();
        } else {
            out.push(char::REPLACEMENT_CHARACTER);
            rest = from.get(length..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

/// Length of the escape at the beginning of `text`, 0 if it is none.
fn escape_length(text: &str) -> usize {
    let hex = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(digits) = text.strip_prefix("\\x") {
        return if digits.get(..2).is_some_and(hex) { 4 } else { 0 };
    }
    let Some(rest) = text.strip_prefix("\\u{") else { return 0 };
    match rest.split_once('}') {
        Some((digits, _)) if hex(digits) && digits.len() <= 6 => digits.len() + 4,
        _ => 0,
    }
}

/// Answers by question.
pub type Answers = HashMap<Question, Answer>;

/// True if a name can be asked for: labels of 1 to 63 octets, at most 253 in all.
pub fn is_askable(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    !name.is_empty() && name.len() <= 253 && name.split('.').all(|l| (1..=63).contains(&l.len()))
}

/// True if `name` is `domain` or lies below it; letter case does not count.
pub fn is_at_or_below(name: &str, domain: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
    let domain = domain.strip_suffix('.').unwrap_or(domain).as_bytes();
    let Some(cut) = name.len().checked_sub(domain.len()) else { return false };
    let (before, tail) = name.split_at(cut);
    tail.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with(b"."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waxseal_model::dns::DnsRecord;

    use super::*;
    use crate::text::neutralise;

    #[test]
    fn octets_that_were_written_out_are_no_printable_text() {
        for (octets, shown) in [
            (&b"v=spf1 a\rptr"[..], "v=spf1 a\u{fffd}ptr"),
            (b"\x80a", "\u{fffd}a"),
            ("\u{feff}x".as_bytes(), "\u{fffd}x"),
            (br"a\b \x \xg1 \u{ \u{}", r"a\b \x \xg1 \u{ \u{}"),
        ] {
            assert_eq!(without_escapes(&neutralise(octets, 100)), shown);
        }
    }

    #[test]
    fn answers_keep_apart_what_is_not_there_and_what_is_not_known() {
        let mut answer = DnsAnswer {
            name: "example.com".into(),
            rtype: "TXT".into(),
            outcome: DnsOutcome::Records,
            status: DnssecStatus::Insecure,
            reason: "no DS".into(),
            canonical_name: Some("example.net".into()),
            records: vec![
                DnsRecord {
                    name: "example.com".into(),
                    ttl: 1,
                    data: RecordData::Cname { target: "example.net".into() },
                },
                DnsRecord { name: "example.net".into(), ttl: 1, data: RecordData::Txt { text: "x".into() } },
            ],
        };
        assert_eq!(Answer::from(&answer), Answer::Records(vec![Data::Txt("x".into())]));
        answer.status = DnssecStatus::Bogus;
        assert!(matches!(Answer::from(&answer), Answer::Failed(why) if why.contains("bogus")));
        answer.status = DnssecStatus::Insecure;
        answer.outcome = DnsOutcome::NxDomain;
        assert!(Answer::from(&answer).is_void());
        answer.outcome = DnsOutcome::Timeout;
        assert!(!Answer::from(&answer).is_void());
    }

    #[test]
    fn names_below_a_domain() {
        for (name, domain, below) in [
            ("example.com", "example.com", true),
            ("MX.Example.com.", "example.COM", true),
            ("badexample.com", "example.com", false),
            ("com", "example.com", false),
            ("é.example.com", "example.com", true),
            ("aé", "\u{a9}", false),
        ] {
            assert_eq!(is_at_or_below(name, domain), below, "{name} {domain}");
        }
        assert!(
            is_askable("a.b.") && !is_askable("a..b") && !is_askable(&"a".repeat(64)) && !is_askable(".")
        );
    }

    proptest! {
        #[test]
        fn escapes_never_make_text_longer(text in ".{0,60}") {
            prop_assert!(without_escapes(&text).chars().count() <= text.chars().count());
        }
    }
}
