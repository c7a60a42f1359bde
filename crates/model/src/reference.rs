//! What is known of codes, causes, rules and providers, as entries of a book to look things up
//! in.

use serde::Serialize;

use crate::diagnosis::{Fix, Retry, Scope, Side, Who};

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// An enhanced status code.
    Status(StatusEntry),
    /// A reply code.
    Reply(ReplyEntry),
    /// A cause.
    Cause(CauseEntry),
    /// A family of causes.
    Family(FamilyEntry),
    /// A rule.
    Rule(RuleEntry),
    /// A provider, program or subject.
    Provider(ProviderEntry),
    /// A blocklist.
    Blocklist(BlocklistEntry),
}

/// An enhanced status code (RFC 3463).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusEntry {
    /// The code, as it was asked for.
    pub code: String,
    /// What the registry says; none for a code that is not registered.
    pub registered: Option<Meaning>,
    /// Who uses the code otherwise, where that is known.
    pub note: Option<&'static str>,
    /// Rules that name this code: what providers and programs mean by it.
    pub rules: Vec<RuleBrief>,
}

/// A reply code (RFC 5321).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplyEntry {
    /// The code.
    pub code: u16,
    /// What it says at which moments.
    pub meanings: Vec<Meaning>,
    /// Rules that name this code.
    pub rules: Vec<RuleBrief>,
}

/// What a code says, by its definition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meaning {
    /// The name in the registry; empty for reply codes, which have none.
    pub name: &'static str,
    /// The moments of the session that are meant; empty for all.
    pub stages: Vec<&'static str>,
    /// What it says.
    pub meaning: &'static str,
    /// The cause that it stands for where nothing else is known.
    pub cause: CauseBrief,
    /// Where it is defined.
    pub source: &'static str,
}

/// A cause with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CauseEntry {
    /// Its name.
    pub cause: &'static str,
    /// Its family.
    pub family: &'static str,
    /// The family's title.
    pub family_title: &'static str,
    /// What happened, in one sentence.
    pub summary: &'static str,
    /// Who must act.
    pub side: Side,
    /// Who exactly.
    pub who: Who,
    /// Whether a retry helps.
    pub retry: Retry,
    /// What it strikes.
    pub scope: Scope,
    /// What to change.
    pub fix: Vec<Fix>,
    /// Commands that find out more, with words in capitals for what differs from case to case.
    pub next: Vec<String>,
    /// Enhanced status codes that stand for it.
    pub statuses: Vec<String>,
    /// Rules that lead to it.
    pub rules: Vec<RuleBrief>,
}

/// A cause in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseBrief {
    /// Its name.
    pub cause: &'static str,
    /// What happened, in one sentence.
    pub summary: &'static str,
}

/// A family of causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FamilyEntry {
    /// Its name.
    pub family: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its causes.
    pub causes: Vec<CauseBrief>,
}

/// A rule with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleEntry {
    /// Its name.
    pub rule: &'static str,
    /// Whose words it knows.
    pub provider: &'static str,
    /// What they mean.
    pub cause: CauseBrief,
    /// What this very text means, where that is more than the cause says.
    pub meaning: Option<&'static str>,
    /// Who must act.
    pub who: Who,
    /// Whether a retry helps.
    pub retry: Retry,
    /// Reply codes that it is limited to.
    pub replies: Vec<u16>,
    /// Enhanced status codes that it is limited to.
    pub statuses: Vec<String>,
    /// Moments of the session that it is limited to.
    pub stages: Vec<&'static str>,
    /// The regular expression.
    pub text: Option<&'static str>,
    /// A text that it fits.
    pub example: &'static str,
    /// The example is made from the pattern and was not seen anywhere.
    pub example_is_made: bool,
    /// What to change, the rule's own first.
    pub fix: Vec<Fix>,
    /// Where this is known from.
    pub source: &'static str,
    /// Somebody has read it there.
    pub verified: bool,
}

/// A rule in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleBrief {
    /// Its name.
    pub rule: &'static str,
    /// Whose words it knows.
    pub provider: &'static str,
    /// What they mean.
    pub cause: CauseBrief,
    /// What this very text means, where that is more than the cause says.
    pub meaning: Option<&'static str>,
    /// A text that it fits.
    pub example: &'static str,
    /// Where this is known from.
    pub source: &'static str,
}

/// A provider, program or subject with its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderEntry {
    /// Its name.
    pub provider: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Domains of its hosts.
    pub hosts: Vec<&'static str>,
    /// Its rules.
    pub rules: Vec<RuleBrief>,
}

/// A blocklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlocklistEntry {
    /// Its name.
    pub blocklist: &'static str,
    /// Domains under which it answers or answered.
    pub zones: Vec<&'static str>,
    /// It still answers.
    pub alive: bool,
    /// The page to look an address up on.
    pub lookup: Option<&'static str>,
    /// What else to know.
    pub note: Option<&'static str>,
    /// Where this is known from.
    pub source: &'static str,
}
