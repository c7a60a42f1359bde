//! What may be the answer, and how strong it is.

use std::{cmp::Ordering, ops::Range};

use regex::bytes::Regex;
use waxseal_model::mail::{Outcome, Stage};

use super::seen::{Seen, is_in_address};
use crate::rules::{self, Cause, ProviderKind, ReplyCode, Rule, StatusCode};

/// A possible answer.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) basis: Basis,
    pub(super) cause: &'static Cause,
    pub(super) level: Level,
    /// Whose words: 3 a provider that is at work here, 2 a program or a provider's own words,
    /// 1 words of many.
    pub(super) tier: u8,
    /// How many of the rule's codes are the event's.
    pub(super) codes: u8,
    /// It stands in the innermost reply.
    pub(super) inner: bool,
    /// The words: where they stand in the text, or in the line of the context of that number.
    pub(super) words: Option<Range<usize>>,
    pub(super) context: Option<usize>,
}

/// What an answer rests on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Basis {
    /// A rule and its place.
    Rule(usize, &'static Rule),
    /// An enhanced status code alone.
    Status(&'static StatusCode),
    /// A reply code and the moment.
    Reply(&'static ReplyCode),
    /// What became of the message.
    Outcome,
}

/// How much the kind of basis is worth. The order is the ranking: words over codes, exact
/// codes over words that say little, and words around a reply only where nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Words around a quoted reply, and codes such as 5.0.0 that name only their class.
    Outside,
    /// A reply code and the moment at which it came.
    Reply,
    /// A code such as 5.7.1 that much comes with.
    VagueStatus,
    /// Words around a reply.
    Wrapper,
    /// Words that say little.
    VagueWords,
    /// An enhanced status code that means one thing.
    Status,
    /// Words that are common in texts of all sorts.
    BroadWords,
    /// Words on an earlier line.
    Context,
    /// Words.
    Words,
    /// Nothing failed.
    Outcome,
}

impl Candidate {
    /// The kind of basis, by which it is measured how often such answers are right: a name
    /// in `rules/confidence.toml`.
    pub(super) fn class(&self) -> &'static str {
        let coded = self.codes > 0;
        match self.level {
            Level::Outcome => "outcome",
            Level::Words if self.tier == 3 && coded => "provider_code_text",
            Level::Words if self.tier == 3 => "provider_text",
            Level::Words if coded => "code_text",
            Level::Words => "text",
            Level::Context => "context",
            Level::BroadWords => "broad_text",
            Level::Status if matches!(self.basis, Basis::Rule(..)) => "provider_code",
            Level::Status => "status",
            Level::VagueWords => "vague_text",
            Level::Wrapper => "wrapper",
            Level::VagueStatus => "vague_status",
            Level::Reply => "reply_stage",
            Level::Outside => "outside",
        }
    }
}

/// All answers that the event allows.
pub(super) fn find(seen: &mut Seen<'_>) -> Vec<Candidate> {
    let mut found = Vec::new();
    let event = seen.event;
    found.extend(by_outcome(event.outcome));
    for alternative in rules::candidates(seen.text.as_bytes()) {
        found.extend(by_words(seen, alternative));
    }
    for (number, line) in event.context.iter().enumerate() {
        let line = line.to_ascii_lowercase();
        for alternative in rules::candidates(line.as_bytes()) {
            found.extend(by_context(seen, number, line.as_bytes(), alternative));
        }
    }
    found.extend(by_provider(seen));
    found.extend(by_status(seen));
    found.extend(by_reply(seen));
    found
}

/// Stronger first.
pub(super) fn stronger(a: &Candidate, b: &Candidate) -> Ordering {
    let key = |c: &Candidate| {
        (c.level, c.inner, c.tier, c.codes, c.words.as_ref().map_or(0, ExactSizeIterator::len))
    };
    key(b).cmp(&key(a))
}

/// Rules that beat one another in a row.
const LONGEST_CHAIN: usize = 4;

/// Moves the best rule that beats the first one to the front, and then the one that beats it.
pub(super) fn heed_beats(found: &mut [Candidate]) {
    for _ in 0..LONGEST_CHAIN {
        let Some(Basis::Rule(first, _)) = found.first().map(|c| c.basis) else { return };
        let beats = |c: &Candidate| matches!(c.basis, Basis::Rule(_, rule) if rule.beats.contains(&first));
        let place = found.iter().position(beats);
        let Some(head) = place.and_then(|place| found.get_mut(..=place)) else { return };
        head.rotate_right(1);
    }
}

fn by_outcome(outcome: Outcome) -> Option<Candidate> {
    let (cause, level) = match outcome {
        Outcome::Delivered | Outcome::Relayed => ("delivered", Level::Outcome),
        Outcome::Complaint => ("complaint", Level::Outcome),
        Outcome::AutoReply => ("auto_reply", Level::Outcome),
        Outcome::Deferred => ("delayed", Level::Outside),
        Outcome::Unknown | Outcome::Failed | Outcome::Rejected => return None,
    };
    Some(Candidate { level, ..bare(Basis::Outcome, rules::cause(cause)?) })
}

fn bare(basis: Basis, cause: &'static Cause) -> Candidate {
    Candidate {
        basis,
        cause,
        level: Level::VagueStatus,
        tier: 0,
        codes: 0,
        inner: false,
        words: None,
        context: None,
    }
}

fn by_words(seen: &mut Seen<'_>, alternative: usize) -> Option<Candidate> {
    let place = rules::rule_of(alternative)?;
    let rule = rules::rules().get(place)?;
    let (codes, tier) = fits(seen, rule)?;
    let pattern = rules::pattern(alternative)?;
    let text = seen.text.as_bytes();
    let text = text.get(..text.len().min(rules::MOST)).unwrap_or(text);
    let inner = meant(place, pattern, text, seen.inner.min(text.len()));
    let found = inner.clone().or_else(|| meant(place, pattern, text, 0))?;
    let level = match rule {
        // Words around a quoted reply are the program's own, or a template's.
        _ if inner.is_none() => Level::Outside,
        Rule { wrapper: true, .. } => Level::Wrapper,
        Rule { vague: true, .. } => Level::VagueWords,
        Rule { broad: true, .. } => Level::BroadWords,
        _ => Level::Words,
    };
    let words = Some(found);
    let inner = inner.is_some();
    Some(Candidate { level, tier, codes, inner, words, ..bare(Basis::Rule(place, rule), rule.cause) })
}

fn by_context(seen: &mut Seen<'_>, number: usize, line: &[u8], alternative: usize) -> Option<Candidate> {
    let place = rules::rule_of(alternative)?;
    let rule = rules::rules().get(place).filter(|rule| !rule.wrapper && !rule.vague)?;
    let (codes, tier) = fits(seen, rule)?;
    let words = Some(meant(place, rules::pattern(alternative)?, line, 0)?);
    let context = Some(number);
    Some(Candidate {
        level: Level::Context,
        tier,
        codes,
        words,
        context,
        ..bare(Basis::Rule(place, rule), rule.cause)
    })
}

/// Places that are passed over before a text is given up.
const MOST_PLACES: usize = 32;

/// Bytes on either side of the words in which a rule's exception is looked for.
const BESIDE: usize = 32;

/// Where the pattern fits, from `at` on, and the rule at that place means it. What only stands
/// within a mail address is a name and no word of the server's; a provider's own rules know
/// what they look for. Nor is meant what the rule's exception fits.
fn meant(place: usize, pattern: &Regex, text: &[u8], at: usize) -> Option<Range<usize>> {
    let rule = rules::rules().get(place)?;
    let exception = rules::exception(place);
    let (first, mut at) = (at, at);
    for _ in 0..MOST_PLACES {
        let found = pattern.find_at(text, at)?.range();
        let wide = found.start.saturating_sub(BESIDE).max(first)..(found.end + BESIDE).min(text.len());
        let excepted = exception.is_some_and(|e| text.get(wide).is_some_and(|words| e.is_match(words)));
        let named = rule.provider.kind != ProviderKind::Provider && is_in_address(text, &found);
        if !excepted && !named {
            return Some(found);
        }
        at = found.end.max(found.start + 1);
        if at > text.len() {
            return None;
        }
    }
    None
}

/// Rules without a text count where their provider is at work: by a code, or by the format
/// alone.
fn by_provider(seen: &mut Seen<'_>) -> Vec<Candidate> {
    let mut found = Vec::new();
    for &place in rules::silent() {
        let rule = rules::rules().get(place).filter(|rule| {
            rule.status.is_empty() || seen.status.is_some_and(|status| rule.status.contains(&status))
        });
        let Some(rule) = rule else { continue };
        if let Some((codes, tier)) = fits(seen, rule) {
            let level = Level::Status;
            found.push(Candidate { level, tier, codes, ..bare(Basis::Rule(place, rule), rule.cause) });
        }
    }
    found
}

fn by_status(seen: &Seen<'_>) -> Option<Candidate> {
    let status = seen.event.status?;
    let code = rules::status_code(status)?;
    // 5.1.0 in answer to MAIL FROM is about the sender.
    let sender = seen.event.stage == Some(Stage::Mail) && (status.subject, status.detail) == (1, 0);
    let level = match code {
        _ if sender || (code.subject, code.detail) == (0, 0) => Level::Outside,
        StatusCode { vague: true, .. } => Level::VagueStatus,
        _ => Level::Status,
    };
    Some(Candidate { level, ..bare(Basis::Status(code), code.cause) })
}

/// What the reply code says at that moment. Where the moment is not known, what it says in
/// general and then what it may say at some moment.
fn by_reply(seen: &Seen<'_>) -> Vec<Candidate> {
    let Some(reply) = seen.event.reply else { return Vec::new() };
    let codes = || rules::reply_codes().iter().filter(move |code| code.code == reply);
    let stage = seen.event.stage;
    let at_stage = codes().filter(|code| stage.is_some_and(|stage| code.stages.contains(&stage)));
    let in_general = codes().filter(|code| code.stages.is_empty());
    let elsewhere = codes().filter(|code| stage.is_none() && !code.stages.is_empty());
    let answer =
        |code: &'static ReplyCode| Candidate { level: Level::Reply, ..bare(Basis::Reply(code), code.cause) };
    at_stage.chain(in_general).chain(elsewhere).map(answer).collect()
}

/// How many of the rule's codes are the event's, or agree with its cause, and whose words it knows; none where a code
/// that it names is another one, or its provider is not at work and must be.
fn fits(seen: &mut Seen<'_>, rule: &Rule) -> Option<(u8, u8)> {
    fn one<T: PartialEq>(wanted: &[T], given: Option<T>) -> Option<u8> {
        match given {
            Some(given) if !wanted.is_empty() => wanted.contains(&given).then_some(1),
            _ => Some(0),
        }
    }
    let event = seen.event;
    let codes =
        one(rule.reply, event.reply)? + one(rule.status, seen.status)? + u8::from(!rule.stage.is_empty());
    let moment = rule.stage.is_empty() || event.stage.is_some_and(|stage| rule.stage.contains(&stage));
    let other = event.stage.is_some_and(|stage| rule.not_stage.contains(&stage));
    if !moment || other || rule.exact && codes == 0 {
        return None;
    }
    let agrees = rule.status.is_empty()
        && seen.status.and_then(rules::status_code).is_some_and(|s| !s.vague && s.cause.id == rule.cause.id);
    let codes = codes + u8::from(agrees);
    let here = seen.knows(rule.provider);
    if rule.only_here && !here || rule.no_reply && event.reply.is_some() {
        return None;
    }
    let tier = match rule.provider.kind {
        ProviderKind::Provider if here => 3,
        ProviderKind::Provider | ProviderKind::Program => 2,
        ProviderKind::Text => 1,
    };
    Some((codes, tier))
}
