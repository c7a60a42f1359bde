//! From what an attempt came to, to what is noted of it: the state of each recipient, when it
//! is tried next, and what its sender is told.
//!
//! Only here a deferred recipient becomes an expired one, and only here is decided that a
//! delay is told.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bytes::Bytes;
use waxseal_store::spool::{Attempt, Fate, Met, NewMessage, Recipient, Settlement, State};

use super::{
    chance::Chance,
    clock::Moment,
    job::{End, Report, Verdict},
    notices::{Notices, Occasion, Told},
    reason,
    retry::{AFTER_UNKNOWN, Schedule},
    scheduler::loaded::Loaded,
};

/// A transcript has no more lines than this.
const MOST_LINES: usize = 60;
/// And a line no more bytes.
const LONGEST_LINE: usize = 200;

/// By what rules it is decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// When recipients are tried again.
    pub(crate) retry: &'a Schedule,
    /// After which times a delay is told.
    pub(crate) delays: &'a [Duration],
}

/// What became of recipients of one message.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What is noted.
    pub(crate) fates: Vec<(u32, Fate, Attempt)>,
    /// What the sender is to be told: for the recipient at this place in `fates`.
    owed: Vec<(Occasion, usize)>,
    /// Who is tried again, and after which wait.
    pub(crate) again: Vec<(u32, Duration)>,
}

impl Outcome {
    /// True if notices are to be written.
    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    fn note(&mut self, number: u32, fate: Fate, attempt: Attempt) {
        self.fates.push((number, fate, attempt));
    }

    /// Owes the sender a notice about the recipient that was noted last.
    fn owe(&mut self, occasion: Occasion) {
        self.owed.push((occasion, self.fates.len().saturating_sub(1)));
    }
}

/// What an attempt with these recipients comes to. A recipient that the report says nothing
/// of may have got the message, for all that is known.
pub(crate) fn conclude(
    rules: Rules<'_>,
    chance: &mut Chance,
    loaded: &Loaded,
    numbers: &[u32],
    site: &str,
    report: Report,
    at: Moment,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut desk = Desk { rules, chance, loaded, at, waits: HashMap::new() };
    let mut verdicts = report.verdicts;
    let mut transcript = Transcript::new(report.transcript);
    for (place, number) in numbers.iter().enumerate() {
        let Some(recipient) = loaded.recipient(*number) else { continue };
        let verdict = match verdicts.get_mut(place) {
            Some((of, verdict)) if of == number => Some(verdict),
            _ => verdicts.iter_mut().find(|(of, _)| of == number).map(|(_, verdict)| verdict),
        };
        let verdict = verdict.map_or_else(silence, take);
        desk.judge(&mut outcome, recipient, verdict, site, &mut transcript);
    }
    outcome
}

/// Moves a verdict's texts out of it.
fn take(verdict: &mut Verdict) -> Verdict {
    Verdict {
        reply: std::mem::take(&mut verdict.reply),
        host: verdict.host.take(),
        channel: std::mem::take(&mut verdict.channel),
        policy: std::mem::take(&mut verdict.policy),
        ..*verdict
    }
}

/// The verdict on a recipient that nothing was said of.
fn silence() -> Verdict {
    Verdict {
        end: End::Unknown,
        reason: Some(reason::UNKNOWN_AFTER_DOT),
        reply: "451 4.4.2 the attempt ended without an answer for this recipient".to_owned(),
        ours: true,
        host: None,
        address: None,
        channel: String::new(),
        policy: String::new(),
        remote_dsn: false,
    }
}

/// What an attempt came to that ended in an error of our own program: for all that is known
/// the message may have gone out.
pub(crate) fn mishap() -> Report {
    Report { verdicts: Vec::new(), transcript: Vec::new(), site: super::job::SiteSign::Neutral }
}

struct Desk<'a> {
    rules: Rules<'a>,
    chance: &'a mut Chance,
    loaded: &'a Loaded,
    at: Moment,
    /// Recipients after the same attempt wait equally long, and stay together.
    waits: HashMap<u32, Duration>,
}

impl Desk<'_> {
    fn judge(
        &mut self,
        outcome: &mut Outcome,
        recipient: &Recipient,
        verdict: Verdict,
        site: &str,
        transcript: &mut Transcript,
    ) {
        let (end, remote_dsn) = (verdict.end, verdict.remote_dsn);
        let mut attempt = attempt(verdict, site, self.at.wall);
        if end != End::Delivered {
            attempt.transcript = transcript.hand_out(&attempt);
        }
        match end {
            End::Delivered => {
                outcome.note(recipient.number, Fate::Final(State::Delivered), attempt);
                self.owe(outcome, Occasion::Relayed, recipient, remote_dsn);
            }
            End::Failed => {
                outcome.note(recipient.number, Fate::Final(State::Failed), attempt);
                self.owe(outcome, Occasion::Failure, recipient, false);
            }
            End::Deferred | End::Unknown if self.at.trusted >= self.loaded.expires_at => {
                outcome.note(recipient.number, Fate::Final(State::Expired), expired(attempt));
                self.owe(outcome, Occasion::Failure, recipient, false);
            }
            End::Deferred | End::Unknown => {
                let wait = self.wait(recipient, end);
                let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
                let next_at = self.at.wall.saturating_add(seconds);
                let fate = Fate::Again { next_at, counts: true, delay_told: false };
                outcome.note(recipient.number, fate, attempt);
                outcome.again.push((recipient.number, wait));
                if self.is_late(recipient) {
                    self.owe(outcome, Occasion::Delay, recipient, false);
                }
            }
        }
    }

    fn owe(&self, outcome: &mut Outcome, occasion: Occasion, recipient: &Recipient, remote_dsn: bool) {
        if occasion.is_owed(&self.loaded.envelope, recipient.notify, remote_dsn) {
            outcome.owe(occasion);
        }
    }

    /// How long until the next attempt, which is not later than the time when trying ends.
    fn wait(&mut self, recipient: &Recipient, end: End) -> Duration {
        let age = age(self.loaded, self.at.trusted);
        let attempts = recipient.attempts.saturating_add(1);
        let (rules, chance) = (self.rules, &mut *self.chance);
        let wait = *self.waits.entry(attempts).or_insert_with(|| rules.retry.wait(attempts, age, chance));
        let left = self.loaded.expires_at.saturating_sub(self.at.trusted);
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0).max(1));
        match end {
            // Rather expired late than delivered twice.
            End::Unknown => wait.min(left).max(AFTER_UNKNOWN),
            _ => wait.min(left),
        }
    }

    /// True if one of the times for delay notices has passed since the last attempt. So two
    /// that passed together are told once, and none is told again.
    fn is_late(&self, recipient: &Recipient) -> bool {
        let age = age(self.loaded, self.at.trusted);
        let before = recipient.last.as_ref().map_or(Duration::ZERO, |last| self::age(self.loaded, last.at));
        self.rules.delays.iter().any(|delay| before < *delay && *delay <= age)
    }
}

fn age(loaded: &Loaded, at: i64) -> Duration {
    Duration::from_secs(u64::try_from(at.saturating_sub(loaded.received_at)).unwrap_or(0))
}

fn attempt(verdict: Verdict, site: &str, at: i64) -> Attempt {
    Attempt {
        at,
        reason: verdict.reason.map(str::to_owned),
        reply: verdict.reply,
        ours: verdict.ours,
        host: verdict.host,
        address: verdict.address,
        site: site.to_owned(),
        channel: verdict.channel,
        policy: verdict.policy,
        maybe_delivered: verdict.end == End::Unknown,
        transcript: Vec::new(),
        met: None,
    }
}

/// The last attempt of a recipient whose time is up.
fn expired(attempt: Attempt) -> Attempt {
    let met = attempt.met();
    let reply = match met.reply.as_str() {
        "" => reason::EXPIRED_REPLY.to_owned(),
        last => format!("{}; last: {last}", reason::EXPIRED_REPLY),
    };
    let met = Some(Box::new(met)).filter(|met| !met.reply.is_empty());
    Attempt { reply, ours: true, reason: Some(reason::EXPIRED.to_owned()), met, ..attempt }
}

/// What is due for recipients that have stood in a line for long without an attempt: the time
/// of a delay notice, or their end. None where nothing is. `trouble` says why they stand.
pub(crate) fn review(
    rules: Rules<'_>,
    loaded: &Loaded,
    numbers: &[u32],
    site: &str,
    trouble: &str,
    at: Moment,
) -> Option<Outcome> {
    let mut chance = Chance::new(Some(0));
    let desk = Desk { rules, chance: &mut chance, loaded, at, waits: HashMap::new() };
    let is_over = at.trusted >= loaded.expires_at;
    let mut outcome = Outcome::default();
    let recipients: Vec<&Recipient> = numbers.iter().filter_map(|n| loaded.recipient(*n)).collect();
    let is_due = |recipient: &&Recipient| is_over || desk.is_late(recipient);
    if !recipients.iter().any(is_due) {
        return None;
    }
    for recipient in recipients {
        let attempt = Attempt {
            at: at.wall,
            met: before(recipient),
            reason: Some(reason::SITE_BUSY.to_owned()),
            reply: format!("451 4.4.1 not tried: {trouble}"),
            ours: true,
            site: site.to_owned(),
            // The next attempt still goes where the message may be already.
            ..recipient.last.clone().unwrap_or_default()
        };
        if is_over {
            outcome.note(recipient.number, Fate::Final(State::Expired), expired(attempt));
            desk.owe(&mut outcome, Occasion::Failure, recipient, false);
        } else {
            let fate = Fate::Again { next_at: at.wall, counts: false, delay_told: false };
            outcome.note(recipient.number, fate, attempt);
            outcome.again.push((recipient.number, Duration::ZERO));
            if desk.is_late(recipient) {
                desk.owe(&mut outcome, Occasion::Delay, recipient, false);
            }
        }
    }
    Some(outcome)
}

/// What the last real attempt for a recipient met, if there was one.
fn before(recipient: &Recipient) -> Option<Box<Met>> {
    let last = recipient.last.as_ref()?;
    let none = last.met.is_none() && last.reason.as_deref() == Some(reason::SITE_BUSY);
    (!none && !last.reply.is_empty()).then(|| Box::new(last.met()))
}

/// Recipients of a message whose body is gone: set aside, for an operator to look at.
pub(crate) fn bodiless(loaded: &Loaded, numbers: &[u32], at: Moment) -> Outcome {
    let mut outcome = Outcome::default();
    for number in numbers {
        let attempt = Attempt {
            at: at.wall,
            reason: Some(reason::HELD_NO_BODY.to_owned()),
            reply: "451 4.3.0 held: the body of this message is missing".to_owned(),
            ours: true,
            ..loaded.recipient(*number).and_then(|r| r.last.clone()).unwrap_or_default()
        };
        outcome.note(*number, Fate::Held, attempt);
    }
    outcome
}

/// What is noted in the spool, and what follows.
#[derive(Debug)]
pub(crate) struct Settled {
    /// For the spool.
    pub(crate) settlement: Settlement,
    /// Who is tried again, and after which wait.
    pub(crate) again: Vec<(u32, Duration)>,
    /// Notices that could not be written, by an error of our own program.
    pub(crate) unwritten: usize,
}

/// Writes the notices that are owed, and puts all into one settlement. An error of our own in
/// writing them does not keep the outcome from being noted: what was delivered must not go out
/// again for that.
pub(crate) fn settlement(
    mut outcome: Outcome,
    notices: &dyn Notices,
    loaded: &Loaded,
    body: Option<&[Bytes]>,
    at: Moment,
) -> Settled {
    let mut written = Vec::new();
    let mut unwritten = 0;
    if outcome.owes() {
        for occasion in [Occasion::Failure, Occasion::Delay, Occasion::Relayed] {
            let write = AssertUnwindSafe(|| write(occasion, &mut outcome, notices, loaded, body, at));
            match catch_unwind(write) {
                Ok(notice) => written.extend(notice),
                Err(_) => unwritten += 1,
            }
        }
    }
    let settlement = Settlement { message: loaded.id, at: at.wall, fates: outcome.fates, notices: written };
    Settled { settlement, again: outcome.again, unwritten }
}

fn write(
    occasion: Occasion,
    outcome: &mut Outcome,
    notices: &dyn Notices,
    loaded: &Loaded,
    body: Option<&[Bytes]>,
    at: Moment,
) -> Option<NewMessage> {
    let places: Vec<usize> =
        outcome.owed.iter().filter(|(of, _)| *of == occasion).map(|(_, place)| *place).collect();
    let fates: Vec<_> = places.iter().filter_map(|place| outcome.fates.get(*place)).collect();
    let numbers: Vec<u32> = fates.iter().map(|(number, ..)| *number).collect();
    let told: Vec<Told<'_>> = fates
        .iter()
        .filter_map(|(number, fate, attempt)| {
            let next_at = match fate {
                Fate::Again { next_at, .. } => Some(*next_at),
                Fate::Final(_) | Fate::Held => None,
            };
            let expired = *fate == Fate::Final(State::Expired);
            Some(Told { recipient: loaded.recipient(*number)?, attempt, expired, next_at })
        })
        .collect();
    if told.is_empty() {
        return None;
    }
    let notice = notices.compose(occasion, &loaded.as_stored(&numbers), body, &told, at.wall)?;
    if occasion == Occasion::Delay {
        for place in places {
            if let Some((_, Fate::Again { delay_told, .. }, _)) = outcome.fates.get_mut(place) {
                *delay_told = true;
            }
        }
    }
    Some(notice)
}

/// What was said in an attempt. Each reason and reply gets it once: the first recipient's
/// stands for the others'.
struct Transcript {
    lines: Vec<String>,
    given: Vec<(Option<String>, String)>,
}

impl Transcript {
    fn new(lines: Vec<String>) -> Self {
        Self { lines: bounded(lines), given: Vec::new() }
    }

    fn hand_out(&mut self, attempt: &Attempt) -> Vec<String> {
        let known =
            self.given.iter().any(|(reason, reply)| *reason == attempt.reason && *reply == attempt.reply);
        if self.lines.is_empty() || known {
            return Vec::new();
        }
        self.given.push((attempt.reason.clone(), attempt.reply.clone()));
        self.lines.clone()
    }
}

/// The beginning and the end of a transcript.
fn bounded(mut lines: Vec<String>) -> Vec<String> {
    let surplus = lines.len().saturating_sub(MOST_LINES);
    if surplus > 0 {
        let half = MOST_LINES / 2;
        let left_out = surplus + 1;
        lines.splice(half - 1..half - 1 + left_out, [format!("({left_out} lines left out)")]);
    }
    for line in &mut lines {
        if line.len() > LONGEST_LINE {
            line.truncate(line.floor_char_boundary(LONGEST_LINE));
        }
    }
    lines
}

#[cfg(test)]
mod tests;
