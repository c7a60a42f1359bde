//! What is known: rules and causes, compiled from `rules/` by `build.rs`.
//!
//! Nothing is parsed at run time, and a pattern is compiled the first time that a text may
//! match it: `prefilter` says which those are.

mod prefilter;

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use waxseal_model::{
    diagnosis::{Retry, Scope, Who},
    mail::{EnhancedStatus, Stage},
};

pub(crate) use prefilter::{MOST, candidates};

include!(concat!(env!("OUT_DIR"), "/knowledge.rs"));

/// A family of causes.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// `tls`.
    pub id: &'static str,
    /// `TLS and certificates`.
    pub title: &'static str,
}

/// A cause: what users are told, whatever words led there.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// `starttls_missing`.
    pub id: &'static str,
    /// `tls`.
    pub family: &'static str,
    /// What happened, in one sentence.
    pub summary: &'static str,
    /// Who must act.
    pub who: Who,
    /// Whether a retry helps.
    pub retry: Retry,
    /// What it strikes.
    pub scope: Scope,
    /// What to change, most promising first.
    pub fix: &'static [FixText],
    /// Commands that find out more, with the placeholders `{recipient_domain}`,
    /// `{sender_domain}`, `{remote_host}`, `{remote_address}`, `{client_address}` and `{text}`.
    pub next: &'static [&'static str],
    /// The class by Sisimai's names.
    pub sisimai: &'static str,
}

/// A fix as a cause or rule states it. What to paste may hold the placeholders of
/// [`Cause::next`].
#[derive(Debug, Clone, Copy)]
pub struct FixText {
    /// Who makes it, and where.
    pub at: &'static str,
    /// The change.
    pub text: &'static str,
    /// What to paste.
    pub paste: Option<&'static str>,
}

/// Whose words a file of rules knows.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its place in [`providers`].
    pub(crate) place: usize,
    /// `google`.
    pub id: &'static str,
    /// `Gmail and Google Workspace`.
    pub title: &'static str,
    /// What it is.
    pub kind: ProviderKind,
    /// Domains of its hosts.
    pub hosts: &'static [&'static str],
    /// Words that only its texts contain, in lower case.
    pub tokens: &'static [&'static str],
    /// Formats of bounces and logs that it writes, or their beginnings.
    pub formats: &'static [&'static str],
}

/// What stands behind a file of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// A service with hosts of its own.
    Provider,
    /// A program that many run.
    Program,
    /// Nobody: words that many use.
    Text,
}

/// One rule: what a text of some provider means.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// `google.tls-required`.
    pub id: &'static str,
    /// Whose words these are.
    pub provider: &'static Provider,
    /// What they mean.
    pub cause: &'static Cause,
    /// Reply codes; an event with another one is not meant.
    pub reply: &'static [u16],
    /// Enhanced status codes; an event with another one is not meant.
    pub status: &'static [EnhancedStatus],
    /// Moments of the session; an event of another one, or of none, is not meant.
    pub stage: &'static [Stage],
    /// Moments of the session; an event of one of them is not meant.
    pub not_stage: &'static [Stage],
    /// A regular expression, matched byte by byte and without regard to ASCII case. Its
    /// alternatives are matched each for itself.
    pub text: Option<&'static str>,
    /// A regular expression in lower case. Where it fits the words found or what stands right
    /// beside them, they are not meant: `spf=pass` is no failure.
    pub unless: Option<&'static str>,
    /// The words count only together with one of the codes.
    pub exact: bool,
    /// The words wrap the reply or error that tells more.
    pub wrapper: bool,
    /// The words are so common that any others of the same text tell more.
    pub broad: bool,
    /// The words say so little that an exact code tells more.
    pub vague: bool,
    /// The words or codes mean this in the mouth of this provider alone.
    pub only_here: bool,
    /// The words are those of the sending side: an event with a reply code is not meant.
    pub no_reply: bool,
    /// Rules that this one wins against, as places in [`rules`].
    pub beats: &'static [usize],
    /// Who must act, where it is not whom the cause says.
    pub who: Option<Who>,
    /// Whether a retry helps, where it is not as the cause says.
    pub retry: Option<Retry>,
    /// What it strikes, where it is not as the cause says.
    pub scope: Option<Scope>,
    /// What happened, where this is known better than the cause says.
    pub summary: Option<&'static str>,
    /// What this very text means.
    pub meaning: Option<&'static str>,
    /// What to change, before what the cause says.
    pub fix: &'static [FixText],
    /// The class by Sisimai's names, where it is not the cause's.
    pub sisimai: Option<&'static str>,
    /// Where this is known from; `not verified: …` where nobody has read it there.
    pub source: &'static str,
    /// A real text that it fits.
    pub example: &'static str,
    /// The example was made from the pattern, for want of a real one.
    pub generated: bool,
}

/// An enhanced status code as IANA registers it.
#[derive(Debug, Clone, Copy)]
pub struct StatusCode {
    /// The second number.
    pub subject: u16,
    /// The third number.
    pub detail: u16,
    /// Its name, `bad destination mailbox`.
    pub name: &'static str,
    /// The first digits that it comes with.
    pub classes: &'static [u8],
    /// What it says.
    pub meaning: &'static str,
    /// What it says of an event of which nothing else is known.
    pub cause: &'static Cause,
    /// It says so little that any words tell more.
    pub vague: bool,
    /// The class by Sisimai's names, where it is not the cause's.
    pub sisimai: Option<&'static str>,
    /// Who uses it otherwise.
    pub note: Option<&'static str>,
    /// Where it is defined.
    pub source: &'static str,
}

/// A reply code, at some moments of the session.
#[derive(Debug, Clone, Copy)]
pub struct ReplyCode {
    /// The code.
    pub code: u16,
    /// The moments; empty for any.
    pub stages: &'static [Stage],
    /// What it says.
    pub meaning: &'static str,
    /// What it says of an event of which nothing else is known.
    pub cause: &'static Cause,
    /// The class by Sisimai's names, where it is not the cause's.
    pub sisimai: Option<&'static str>,
    /// Where it is defined.
    pub source: &'static str,
}

/// A blocklist.
#[derive(Debug, Clone, Copy)]
pub struct Blocklist {
    /// `Spamhaus`.
    pub name: &'static str,
    /// Domains under which it answers or answered.
    pub zones: &'static [&'static str],
    /// It still answers.
    pub alive: bool,
    /// The page to look an address up on.
    pub lookup: Option<&'static str>,
    /// What else to know.
    pub note: Option<&'static str>,
    /// Where this is known from.
    pub source: &'static str,
}

/// How often rules of one kind were right.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// The kind.
    pub class: &'static str,
    /// How sure it was thought to be before anything was measured.
    pub start: f64,
    /// How often it was right.
    pub right: u32,
    /// How often it decided.
    pub of: u32,
}

/// All families.
pub fn families() -> &'static [Family] {
    &FAMILIES
}

/// All causes, by family.
pub fn causes() -> &'static [Cause] {
    &CAUSES
}

/// The cause of that name.
pub fn cause(id: &str) -> Option<&'static Cause> {
    CAUSES.iter().find(|cause| cause.id == id)
}

/// All rules, by provider.
pub fn rules() -> &'static [Rule] {
    &RULES
}

/// The rule of that name.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// All providers and programs that have rules of their own.
pub fn providers() -> &'static [Provider] {
    &PROVIDERS
}

/// The registered enhanced status codes.
pub fn status_codes() -> &'static [StatusCode] {
    &STATUSES
}

/// The meaning of an enhanced status code by the registry.
pub fn status_code(status: EnhancedStatus) -> Option<&'static StatusCode> {
    STATUSES.iter().find(|code| code.subject == status.subject && code.detail == status.detail)
}

/// The reply codes.
pub fn reply_codes() -> &'static [ReplyCode] {
    &REPLIES
}

/// The blocklists.
pub fn blocklists() -> &'static [Blocklist] {
    &BLOCKLISTS
}

/// How often rules of each kind were right.
pub fn measured() -> &'static [Measured] {
    &CONFIDENCE
}

/// The places of the rules without a text.
pub(crate) fn silent() -> &'static [usize] {
    &SILENT
}

/// One alternative of a rule's pattern.
struct Alternative {
    /// The place of the rule.
    rule: u16,
    /// The regular expression, in lower case.
    pattern: &'static str,
    /// A bit for each set of words that it is looked for by.
    sets: u8,
}

/// A word in lower case, and what it is looked for by: alternatives and the bit of their set.
type Literal = (&'static [u8], &'static [(u16, u8)]);

static PATTERNS: [OnceLock<Option<Regex>>; ALTERNATIVES.len()] =
    [const { OnceLock::new() }; ALTERNATIVES.len()];

/// The pattern of an alternative.
pub(crate) fn pattern(alternative: usize) -> Option<&'static Regex> {
    let compile = || compile(ALTERNATIVES.get(alternative)?.pattern);
    PATTERNS.get(alternative)?.get_or_init(compile).as_ref()
}

static EXCEPTIONS: [OnceLock<Option<Regex>>; RULES.len()] = [const { OnceLock::new() }; RULES.len()];

/// The pattern of words that the rule at that place does not mean.
pub(crate) fn exception(rule: usize) -> Option<&'static Regex> {
    let compile = || compile(RULES.get(rule)?.unless?);
    EXCEPTIONS.get(rule)?.get_or_init(compile).as_ref()
}

/// The place of the rule that an alternative belongs to.
pub(crate) fn rule_of(alternative: usize) -> Option<usize> {
    ALTERNATIVES.get(alternative).map(|alternative| alternative.rule.into())
}

/// `build.rs` parses every pattern in this manner, so that none fails here.
fn compile(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).unicode(false).build().ok()
}
