//! A sender as its file describes it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use waxseal_model::tls::TlsVersion;

use crate::delivery::Failure;

/// A kind of sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// `gmail`.
    pub id: String,
    /// For people, `Gmail`.
    pub title: String,
    /// Which senders are meant, in a sentence or two.
    pub about: String,
    /// It looks up TLSA records and follows them (RFC 7672), and so validates DNSSEC.
    pub dane: Claim,
    /// It refuses certificates that are out of date also where a DANE-EE record matches,
    /// which RFC 7672 section 3.1.1 does not allow for; none is no.
    pub dates_beside_dane: Option<Claim>,
    /// Where it compares names by itself, it takes the common name of a certificate without
    /// DNS names, which RFC 9525 section 2 took out; not so unless a source says it.
    pub common_name: Option<Claim>,
    /// It fetches MTA-STS policies and follows them (RFC 8461).
    pub mta_sts: Claim,
    /// It supports the SMTP extension REQUIRETLS (RFC 8689).
    pub requiretls: Claim,
    /// What it demands of every domain.
    pub rule: Rule,
    /// Where nothing demands TLS: it goes on in clear after a refused STARTTLS or a failed
    /// handshake.
    pub clear_after_failed_tls: Claim,
    /// The versions of TLS that it uses.
    pub tls: TlsRange,
    /// Its replies or log lines.
    #[serde(default)]
    pub replies: Vec<ReplyTemplate>,
}

/// Whether a sender does something, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Whether.
    pub answer: Answer,
    /// A page or document with its date or version; for what is unknown, where it was
    /// looked for.
    pub source: String,
}

/// An answer that may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// No source was found.
    Unknown,
}

impl Answer {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "not known",
        }
    }
}

/// What a sender demands of every domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The level; none where it is not known.
    pub level: Option<RuleLevel>,
    /// Who says so.
    pub source: String,
}

/// The levels, in Postfix's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleLevel {
    /// TLS where it is offered.
    May,
    /// TLS, to whomever.
    Encrypt,
    /// A valid certificate for the MX host.
    Verify,
    /// A valid certificate for the domain or a name below it: no answer of the DNS plays a
    /// part.
    Secure,
    /// DANE where it is published.
    Dane,
}

impl RuleLevel {
    /// What it means, as a clause.
    pub fn words(self) -> &'static str {
        match self {
            Self::May => "TLS if offered",
            Self::Encrypt => "TLS, any certificate",
            Self::Verify => "TLS, valid certificate",
            Self::Secure => "TLS, valid certificate for the domain",
            Self::Dane => "as TLSA records say",
        }
    }
}

/// The versions of TLS that a sender uses; an end that is missing is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsRange {
    /// The oldest.
    pub minimum: Option<TlsVersion>,
    /// The newest.
    pub maximum: Option<TlsVersion>,
    /// Who says so.
    pub source: String,
}

/// What a sender says where it does not deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyTemplate {
    /// Of which failures.
    pub when: Vec<Failure>,
    /// Only where this demands TLS; none is whatever does.
    pub under: Option<Under>,
    /// Reply or log line; `{host}`, `{address}` and `{domain}` are filled in.
    pub text: String,
    /// Who says so.
    pub source: String,
}

/// What demands TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Under {
    /// The domain's TLSA records.
    Dane,
    /// The domain's MTA-STS policy.
    MtaSts,
    /// The sender's own rule.
    Rule,
}

impl Sender {
    /// What the sender says of a failure, with the names filled in; none where that is not
    /// known.
    pub(crate) fn reply(&self, failure: Failure, under: Under, words: &Words<'_>) -> Option<String> {
        let fits = |t: &&ReplyTemplate| t.when.contains(&failure) && t.under.is_none_or(|u| u == under);
        let template = self.replies.iter().find(fits)?;
        let text = template.text.replace("{host}", words.host).replace("{domain}", words.domain);
        Some(text.replace("{address}", words.address))
    }
}

/// What to fill into a reply.
pub(crate) struct Words<'a> {
    pub(crate) host: &'a str,
    pub(crate) address: &'a str,
    pub(crate) domain: &'a str,
}

const SOURCES: [&str; 10] = [
    include_str!("../../senders/gmail.toml"),
    include_str!("../../senders/exchange-online.toml"),
    include_str!("../../senders/yahoo.toml"),
    include_str!("../../senders/postfix-may.toml"),
    include_str!("../../senders/postfix-dane.toml"),
    include_str!("../../senders/postfix-verify.toml"),
    include_str!("../../senders/exim.toml"),
    include_str!("../../senders/exim-dane.toml"),
    include_str!("../../senders/tls-gateway.toml"),
    include_str!("../../senders/legacy-tls10.toml"),
];

static SENDERS: LazyLock<Vec<Sender>> =
    LazyLock::new(|| SOURCES.iter().filter_map(|text| toml::from_str(text).ok()).collect());

/// All senders, in the order in which people look for them.
pub fn all() -> &'static [Sender] {
    &SENDERS
}

/// The sender of this id.
pub fn find(id: &str) -> Option<&'static Sender> {
    SENDERS.iter().find(|s| s.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_names_its_sources() {
        for text in SOURCES {
            let sender: Sender = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
            let mut sources: Vec<&str> = [&sender.dane, &sender.mta_sts, &sender.requiretls]
                .into_iter()
                .chain([&sender.clear_after_failed_tls])
                .chain(&sender.dates_beside_dane)
                .chain(&sender.common_name)
                .map(|c| c.source.as_str())
                .collect();
            sources.extend([sender.rule.source.as_str(), sender.tls.source.as_str()]);
            sources.extend(sender.replies.iter().map(|r| r.source.as_str()));
            assert!(sources.iter().all(|s| s.len() > 5), "{}: {sources:?}", sender.id);
            assert!(!sender.about.contains('\n'), "{}", sender.id);
            assert!(sender.tls.minimum <= sender.tls.maximum || sender.tls.maximum.is_none());
        }
        assert_eq!(all().len(), SOURCES.len());
        assert_eq!(find("gmail").unwrap().title, "Gmail");
        assert!(find("nobody").is_none());
    }

    #[test]
    fn replies_differ_by_what_demands_tls() {
        let exo = find("exchange-online").unwrap();
        let words = Words { host: "mx.example.com", address: "192.0.2.1", domain: "example.com" };
        let reply = |failure, under| exo.reply(failure, under, &words);
        assert!(reply(Failure::OutOfDate, Under::Dane).unwrap().starts_with("4.7.322"));
        assert!(reply(Failure::OutOfDate, Under::MtaSts).unwrap().starts_with("5.7.5 "));
        assert!(reply(Failure::NotInPolicy, Under::MtaSts).unwrap().contains("example.com failed"));
        assert_eq!(reply(Failure::Handshake, Under::MtaSts), None);
        let postfix = find("postfix-dane").unwrap();
        let text = postfix.reply(Failure::NotOffered, Under::Dane, &words).unwrap();
        assert!(text.ends_with("by host mx.example.com[192.0.2.1]"), "{text}");
    }
}
