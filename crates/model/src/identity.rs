//! Who may send as a domain: SPF, DKIM, DMARC. Information beside the transport grade,
//! never part of it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    dns::{DnsAnswer, DnsOutcome},
    observed::Observed,
};

/// What was found of SPF, DKIM and DMARC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityEvidence {
    /// The SPF record of the domain (RFC 7208); `Failed` where the TXT records could not
    /// be looked up.
    #[serde(default)]
    pub spf: Observed<SpfFacts>,
    /// What SPF says of addresses, one entry for each that was handed in.
    #[serde(default)]
    pub spf_evaluations: Vec<SpfEvaluation>,
    /// Whether `_domainkey.DOMAIN` exists: if it does not, no selector can have a key.
    #[serde(default)]
    pub domainkey: Observed<DnsOutcome>,
    /// DKIM keys (RFC 6376), one entry for each selector that was handed in or found in
    /// the message.
    #[serde(default)]
    pub dkim_keys: Vec<DkimKeyFacts>,
    /// The DMARC policy (RFC 9989); `Failed` where it could not be looked up.
    #[serde(default)]
    pub dmarc: Observed<DmarcFacts>,
    /// What the message that was handed in says of itself.
    #[serde(default)]
    pub message: Observed<MessageFacts>,
    /// The BIMI record at `default._bimi.DOMAIN`; `Seen(None)`: there is none.
    #[serde(default)]
    pub bimi: Observed<Option<String>>,
}

/// The SPF record of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpfFacts {
    /// The answer for TXT at the domain.
    pub answer: DnsAnswer,
    /// The records in it that are SPF records; one is right.
    pub records: Vec<String>,
    /// What the one record says, if it can be read.
    pub record: Option<SpfRecordFacts>,
    /// Why it cannot be read: a permanent error (RFC 7208 section 2.6.7).
    pub syntax_error: Option<String>,
    /// What the record and all that it includes cost.
    #[serde(default)]
    pub cost: Observed<SpfCost>,
}

/// What an SPF record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpfRecordFacts {
    /// The result for addresses that nothing else matches, by the `all` mechanism; none
    /// where there is no `all`.
    pub all: Option<SpfResult>,
    /// The domain whose record goes on where nothing matches, if it is in force.
    pub redirect: Option<String>,
    /// Mechanisms and modifiers behind `all`, which nobody reads.
    pub after_all: Vec<String>,
    /// Octets of the record.
    pub length: u32,
}

/// What an SPF record costs those that evaluate it (RFC 7208 section 4.6.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpfCost {
    /// Terms that need DNS, in the record and all records that it includes: the most that
    /// an evaluation can come to. More than 10 are a permanent error.
    pub lookups: u32,
    /// Each record that was read, the domain's own first.
    pub parts: Vec<SpfPart>,
    /// Why there may be more than was counted; empty if all could be counted.
    pub uncounted: Vec<String>,
    /// Why an evaluation that comes this far ends with a permanent error: an include
    /// without a record, a record that cannot be read, a loop.
    pub errors: Vec<String>,
    /// Names for which `a`, `mx` and `exists` terms find nothing; more than 2 in one
    /// evaluation are a permanent error.
    pub void: Vec<String>,
    /// Records that use `ptr` or the macro `p`.
    pub ptr: Vec<String>,
}

/// One record of those that make up a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpfPart {
    /// Whose record.
    pub domain: String,
    /// 0 for the domain's own, 1 for those that it includes, and so on.
    pub depth: u32,
    /// Terms of this record alone that need DNS.
    pub lookups: u32,
}

/// The results of SPF (RFC 7208 section 2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpfResult {
    /// There is no record, or no domain to look at.
    None,
    /// The domain says nothing about the address.
    Neutral,
    /// The address may send.
    Pass,
    /// The address may not send.
    Fail,
    /// The address probably may not send.
    Softfail,
    /// DNS failed; another attempt may succeed.
    Temperror,
    /// The record cannot be evaluated.
    Permerror,
}

impl SpfResult {
    /// The word as RFC 7208 spells it, lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Softfail => "softfail",
            Self::Temperror => "temperror",
            Self::Permerror => "permerror",
        }
    }
}

/// What SPF says of one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpfEvaluation {
    /// The address that connects.
    pub ip: IpAddr,
    /// The domain whose policy was asked: that of the envelope sender.
    pub domain: String,
    /// The outcome; `Failed` where the evaluation was given up.
    pub outcome: Observed<SpfOutcome>,
}

/// How an evaluation of SPF ended, and how it came there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpfOutcome {
    /// The result.
    pub result: SpfResult,
    /// The mechanism that decided, as written; none where none matched.
    pub mechanism: Option<String>,
    /// One sentence: why the result is what it is.
    pub reason: String,
    /// Every step, in order.
    pub trail: Vec<SpfStep>,
    /// Terms that needed DNS, of 10.
    pub lookups: u32,
    /// Terms whose lookup found nothing, of 2.
    pub void_lookups: u32,
    /// What the domain says to those that it rejects (`exp`), only with the result fail.
    pub explanation: Option<String>,
}

/// One step of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpfStep {
    /// 0 in the domain's own record, 1 in those that it includes, and so on.
    pub depth: u32,
    /// Whose record.
    pub domain: String,
    /// The term as written; empty for the record as a whole.
    pub term: String,
    /// What came of it.
    pub says: String,
}

/// The key of a selector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DkimKeyFacts {
    /// The selector.
    pub selector: String,
    /// The domain that signs.
    pub domain: String,
    /// The selector is in a signature of the message, not only in the arguments.
    pub in_message: bool,
    /// The answer for TXT at `SELECTOR._domainkey.DOMAIN`.
    pub answer: Observed<DnsAnswer>,
    /// The key, if there is one record and it can be read.
    pub key: Option<DkimKey>,
    /// Why there is no key: no record, several, or a malformed one.
    pub problem: Option<String>,
}

/// A DKIM key record (RFC 6376 section 3.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DkimKey {
    /// `rsa`, `ed25519`, or another word that nobody knows.
    pub algorithm: String,
    /// Length of the key; none where it is revoked or of an unknown kind.
    pub bits: Option<u32>,
    /// `p=` is empty: the key was withdrawn.
    pub revoked: bool,
    /// `t=y`: receivers treat signatures as if there were none.
    pub testing: bool,
    /// `t=s`: the identity (`i=`) must have exactly the domain of `d=`.
    pub strict: bool,
    /// `h=`: the digests that may be used; empty means any.
    pub hashes: Vec<String>,
    /// `s=`: the services that the key is for; empty means any.
    pub services: Vec<String>,
    /// `n=`: a note for people.
    pub notes: Option<String>,
}

/// How the DMARC policy was found, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DmarcFacts {
    /// The names that were asked, from the domain upwards (RFC 9989 section 4.10).
    pub walk: Vec<DmarcStep>,
    /// The organizational domain.
    pub organizational_domain: String,
    /// Where the record in force was found, `_dmarc.example.com`.
    pub found_at: Option<String>,
    /// The record in force.
    pub record: Option<DmarcRecord>,
    /// The policy for the domain itself, by `p`, `sp` or `np` as it applies; before `t=y`
    /// takes one step off it.
    pub policy: Option<DmarcPolicy>,
    /// Which tag it comes from: `p`, `sp` or `np`.
    pub policy_tag: Option<String>,
    /// Report addresses outside the organizational domain, and whether their domain takes
    /// the reports (RFC 9990 section 4).
    pub external: Vec<ExternalReports>,
}

/// One name of the tree walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DmarcStep {
    /// The name that was asked, `_dmarc.example.com`.
    pub name: String,
    /// The records there that are DMARC records; more than one count as none.
    pub records: Vec<String>,
    /// Why the records cannot be used, if so.
    pub problem: Option<String>,
}

/// A DMARC record (RFC 9989 section 4.7), with the defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DmarcRecord {
    /// The record as published.
    pub text: String,
    /// `p`; none where it is missing or unknown and `rua` saves the record: then the
    /// policy is none.
    pub p: Option<DmarcPolicy>,
    /// `sp`, for existing subdomains.
    pub sp: Option<DmarcPolicy>,
    /// `np`, for names that do not exist.
    pub np: Option<DmarcPolicy>,
    /// `adkim=s`.
    pub strict_dkim: bool,
    /// `aspf=s`.
    pub strict_spf: bool,
    /// `t=y`: receivers apply one policy step less.
    pub testing: bool,
    /// `psd`: `y`, `n` or `u`.
    pub psd: Psd,
    /// `rua`: where aggregate reports go.
    pub rua: Vec<String>,
    /// `ruf`: where failure reports go.
    pub ruf: Vec<String>,
    /// What is not as it should be, without making the record useless.
    pub warnings: Vec<String>,
}

/// What is asked of receivers for mail that does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DmarcPolicy {
    /// Nothing.
    None,
    /// To treat it as suspicious.
    Quarantine,
    /// To refuse it.
    Reject,
}

impl DmarcPolicy {
    /// The word as in records.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// Whether a domain calls itself a public suffix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Psd {
    /// It does: registrations lie below it.
    Y,
    /// It does not: it is an organizational domain.
    N,
    /// It does not say.
    #[default]
    U,
}

/// A report address in another organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExternalReports {
    /// The URI.
    pub uri: String,
    /// The domain that must agree.
    pub domain: String,
    /// The name at which it does, `example.com._report._dmarc.reports.example.net`.
    pub name: String,
    /// Whether it does.
    pub authorised: Observed<bool>,
}

/// What a message says of itself. Its signatures are not verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageFacts {
    /// The domain of the one address in From; none where there is none or several.
    pub from: Option<String>,
    /// The domain of Return-Path, the envelope sender; none where it is missing or empty.
    pub return_path: Option<String>,
    /// The DKIM signatures, in their order.
    pub signatures: Vec<DkimSignatureFacts>,
    /// What cannot be read, one sentence each.
    pub problems: Vec<String>,
    /// Whether the domains fit (RFC 9989 section 4.4); not tried without a DMARC record.
    pub alignment: Observed<Alignment>,
}

/// The tags of a DKIM-Signature that tell who signed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DkimSignatureFacts {
    /// `d=`: the domain that signed.
    pub domain: String,
    /// `s=`: the selector.
    pub selector: String,
    /// `a=`: `rsa-sha256`, `ed25519-sha256`, …
    pub algorithm: String,
    /// `i=`: on whose behalf.
    pub identity: Option<String>,
    /// `l=`: how much of the body is signed, in octets. The rest may be anybody's.
    pub body_length: Option<u64>,
    /// `x=`: seconds since 1970-01-01 UTC.
    pub expires: Option<u64>,
}

/// Whether the domains that were authenticated fit the one in From.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alignment {
    /// The organizational domain of From.
    pub from: String,
    /// The envelope sender, if there is one.
    pub spf: Option<Aligned>,
    /// The signing domains, in the order of the signatures.
    pub dkim: Vec<Aligned>,
}

/// One domain beside the one in From.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aligned {
    /// The domain.
    pub domain: String,
    /// Whether it fits by the record's mode.
    pub aligned: bool,
    /// The mode is strict.
    pub strict: bool,
}
