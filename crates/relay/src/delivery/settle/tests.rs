use std::sync::Mutex;

use waxseal_store::spool::{Envelope, MessageId, Notify, StoredMessage};

use super::*;
use crate::delivery::job::SiteSign;

const RECEIVED: i64 = 1_000_000;
const EXPIRES: i64 = RECEIVED + 86_400;

fn loaded(recipients: u32) -> Loaded {
    let recipients = (0..recipients).map(|number| Recipient {
        number,
        address: format!("{number}@a.example"),
        domain: "a.example".to_owned(),
        notify: None,
        orcpt: None,
        state: State::Queued,
        next_at: RECEIVED,
        attempts: 0,
        delays_told: 0,
        final_at: None,
        last: None,
    });
    Loaded::stored(StoredMessage {
        id: MessageId(7),
        envelope: Envelope { sender: "alice@b.example".to_owned(), ..Envelope::default() },
        recipients: recipients.collect(),
        size: 10,
        received_at: RECEIVED,
        expires_at: EXPIRES,
    })
}

fn verdict(end: End) -> Verdict {
    Verdict {
        end,
        reason: (end != End::Delivered).then_some("reply.rcpt"),
        reply: "451 4.2.0 later".to_owned(),
        ours: false,
        host: Some("mx.a.example".to_owned()),
        address: None,
        channel: "clear".to_owned(),
        policy: "none".to_owned(),
        remote_dsn: false,
    }
}

fn report(ends: &[End]) -> Report {
    Report {
        verdicts: ends.iter().zip(0..).map(|(end, number)| (number, verdict(*end))).collect(),
        transcript: vec!["> RCPT TO:<0@a.example>".to_owned()],
        site: SiteSign::Good,
    }
}

fn after(seconds: i64) -> Moment {
    Moment { tick: 0, wall: RECEIVED + seconds, trusted: RECEIVED + seconds }
}

fn judged(loaded: &Loaded, report: Report, at: Moment) -> Outcome {
    let delays = [Duration::from_secs(4 * 3600), Duration::from_secs(8 * 3600)];
    let rules = Rules { retry: &Schedule::Ess, delays: &delays };
    let numbers: Vec<u32> = loaded.recipients.iter().map(|recipient| recipient.number).collect();
    conclude(rules, &mut Chance::new(Some(1)), loaded, &numbers, "site", report, at)
}

/// The occasion, the recipients, whether the first has expired and when it is tried next.
type Question = (Occasion, Vec<u32>, bool, Option<i64>);

/// Remembers what it was asked for.
#[derive(Default)]
struct Asked(Mutex<Vec<Question>>);

impl Notices for Asked {
    fn compose(
        &self,
        occasion: Occasion,
        message: &StoredMessage,
        _: Option<&[Bytes]>,
        told: &[Told<'_>],
        now: i64,
    ) -> Option<NewMessage> {
        let numbers = told.iter().map(|told| told.recipient.number).collect();
        self.0.lock().unwrap().push((occasion, numbers, told[0].expired, told[0].next_at));
        Some(NewMessage {
            envelope: message.envelope.clone(),
            recipients: vec![],
            body: vec![],
            received_at: now,
            expires_at: now,
        })
    }
}

#[test]
fn each_end_has_its_fate() {
    let loaded = loaded(4);
    let ends = [End::Delivered, End::Failed, End::Deferred, End::Unknown];
    let outcome = judged(&loaded, report(&ends), after(5));
    let fates: Vec<&Fate> = outcome.fates.iter().map(|(_, fate, _)| fate).collect();
    assert_eq!(fates[0], &Fate::Final(State::Delivered));
    assert_eq!(fates[1], &Fate::Final(State::Failed));
    assert!(matches!(fates[2], Fate::Again { counts: true, delay_told: false, .. }));
    let unknown: Vec<bool> = outcome.fates.iter().map(|(.., attempt)| attempt.maybe_delivered).collect();
    assert_eq!(unknown, [false, false, false, true]);
    assert_eq!(outcome.again.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
    let attempt = &outcome.fates[2].2;
    assert_eq!((attempt.at, attempt.site.as_str()), (RECEIVED + 5, "site"));
    assert_eq!(attempt.host.as_deref(), Some("mx.a.example"));
}

#[test]
fn recipients_after_the_same_attempt_wait_equally_long() {
    let outcome = judged(&loaded(50), report(&[End::Deferred; 50]), after(5));
    assert!(outcome.again.windows(2).all(|pair| pair[0].1 == pair[1].1));
}

#[test]
fn nobody_is_left_out_of_a_report_in_silence() {
    let mut report = report(&[End::Delivered, End::Delivered]);
    report.verdicts.remove(0);
    let outcome = judged(&loaded(2), report, after(5));
    assert!(outcome.fates[0].2.maybe_delivered);
    assert!(matches!(outcome.fates[0].1, Fate::Again { .. }));
    assert_eq!(outcome.fates[1].1, Fate::Final(State::Delivered));
}

#[test]
fn verdicts_in_another_order_find_their_recipients() {
    let mut report = report(&[End::Delivered, End::Failed]);
    report.verdicts.reverse();
    let outcome = judged(&loaded(2), report, after(5));
    assert_eq!(outcome.fates[0].1, Fate::Final(State::Delivered));
    assert_eq!(outcome.fates[1].1, Fate::Final(State::Failed));
}

#[test]
fn the_last_wait_ends_when_trying_ends() {
    let outcome = judged(&loaded(1), report(&[End::Deferred]), after(86_300));
    assert_eq!(outcome.again[0].1, Duration::from_secs(100));
    let outcome = judged(&loaded(1), report(&[End::Unknown]), after(86_300));
    assert_eq!(outcome.again[0].1, AFTER_UNKNOWN, "rather expired late than delivered twice");
}

#[test]
fn time_is_up_by_the_time_that_is_trusted() {
    let at = Moment { tick: 0, wall: EXPIRES + 10, trusted: EXPIRES - 10 };
    let outcome = judged(&loaded(1), report(&[End::Deferred]), at);
    assert!(matches!(outcome.fates[0].1, Fate::Again { .. }));
    let outcome = judged(&loaded(1), report(&[End::Deferred]), after(86_400));
    assert_eq!(outcome.fates[0].1, Fate::Final(State::Expired));
    let attempt = &outcome.fates[0].2;
    assert_eq!(attempt.reply, "554 5.4.7 exceeded max time without delivery; last: 451 4.2.0 later");
    assert!(attempt.ours);
}

#[test]
fn a_delivery_at_the_last_moment_is_a_delivery() {
    let outcome = judged(&loaded(1), report(&[End::Delivered]), after(90_000));
    assert_eq!(outcome.fates[0].1, Fate::Final(State::Delivered));
}

#[test]
fn notices_are_told_by_occasion_and_for_those_who_want_them() {
    let mut loaded = loaded(5);
    loaded.recipients[0].notify = Some(Notify { success: true, failure: false, delay: false });
    loaded.recipients[2].notify = Some(Notify { success: true, failure: false, delay: true });
    let ends = [End::Delivered, End::Failed, End::Failed, End::Deferred, End::Delivered];
    let at = after(4 * 3600 + 1);
    let outcome = judged(&loaded, report(&ends), at);
    let asked = Asked::default();
    let Settled { settlement, again, unwritten } = settlement(outcome, &asked, &loaded, None, at);
    assert_eq!(unwritten, 0);
    let next = settlement.at + i64::try_from(again[0].1.as_secs()).unwrap();
    assert_eq!(
        *asked.0.lock().unwrap(),
        [
            (Occasion::Failure, vec![1], false, None),
            (Occasion::Delay, vec![3], false, Some(next)),
            (Occasion::Relayed, vec![0], false, None),
        ]
    );
    assert_eq!(settlement.notices.len(), 3);
    assert!(
        matches!(settlement.fates[3].1, Fate::Again { delay_told: true, next_at, .. } if next_at == next)
    );
}

/// Makes our program fail.
struct Fails;

impl Notices for Fails {
    fn compose(
        &self,
        _: Occasion,
        _: &StoredMessage,
        _: Option<&[Bytes]>,
        _: &[Told<'_>],
        _: i64,
    ) -> Option<NewMessage> {
        panic!("a mistake of ours")
    }
}

#[test]
fn a_notice_that_cannot_be_written_does_not_keep_the_outcome() {
    let (loaded, at) = (loaded(1), after(5));
    let outcome = judged(&loaded, report(&[End::Failed]), at);
    let settled = settlement(outcome, &Fails, &loaded, None, at);
    assert_eq!((settled.unwritten, settled.settlement.fates.len()), (1, 1));
}

#[test]
fn two_delays_that_passed_together_are_told_once() {
    let mut loaded = loaded(1);
    let at = after(9 * 3600);
    assert!(judged(&loaded, report(&[End::Deferred]), at).owes());
    loaded.recipients[0].last = Some(Attempt { at: at.wall, ..Attempt::default() });
    loaded.recipients[0].delays_told = 1;
    assert!(!judged(&loaded, report(&[End::Deferred]), after(10 * 3600)).owes());
}

#[test]
fn a_review_notes_only_what_is_due() {
    let delays = [Duration::from_secs(4 * 3600)];
    let rules = Rules { retry: &Schedule::Ess, delays: &delays };
    let mut loaded = loaded(2);
    let look = |loaded: &Loaded, at| review(rules, loaded, &[0, 1], "site", "mx: 451 4.4.1 no answer", at);
    assert!(look(&loaded, after(3600)).is_none());
    let late = look(&loaded, after(5 * 3600)).unwrap();
    assert!(late.owes());
    assert_eq!(late.fates[0].1, Fate::Again { next_at: RECEIVED + 18_000, counts: false, delay_told: false });
    assert_eq!(late.fates[0].2.reply, "451 4.4.1 not tried: mx: 451 4.4.1 no answer");
    loaded.recipients[0].last = Some(Attempt {
        at: RECEIVED + 18_000,
        host: Some("mx.a.example".to_owned()),
        maybe_delivered: true,
        ..Attempt::default()
    });
    let over = look(&loaded, after(86_400)).unwrap();
    assert!(over.fates.iter().all(|(_, fate, _)| *fate == Fate::Final(State::Expired)));
    assert!(over.fates[0].2.maybe_delivered, "it stays known that it may have been delivered");
    // What is told is what the last real attempt met, however long nothing was tried since.
    let greylisted = || Attempt {
        at: RECEIVED + 18_000,
        reason: Some("reply.rcpt".to_owned()),
        reply: "450 4.2.0 Greylisted".to_owned(),
        ..Attempt::default()
    };
    loaded.recipients[0].last = Some(greylisted());
    let delays = [Duration::from_secs(4 * 3600), Duration::from_secs(8 * 3600)];
    let rules = Rules { retry: &Schedule::Ess, delays: &delays };
    let look = |loaded: &Loaded, at| review(rules, loaded, &[0, 1], "site", "mx: 451 4.4.1 no answer", at);
    let waits = look(&loaded, after(9 * 3600)).unwrap();
    assert_eq!(waits.fates[0].2.reason.as_deref(), Some("site.busy"));
    for last in [waits.fates[0].2.clone(), greylisted()] {
        loaded.recipients[0].last = Some(last);
        let over = look(&loaded, after(86_400)).unwrap();
        let attempt = &over.fates[0].2;
        assert_eq!(attempt.reply, "554 5.4.7 exceeded max time without delivery; last: 450 4.2.0 Greylisted");
        assert_eq!(attempt.met(), greylisted().met());
        assert!(attempt.ours && !attempt.met().ours);
        // The other one was never tried.
        assert!(over.fates[1].2.reply.ends_with("; last: 451 4.4.1 not tried: mx: 451 4.4.1 no answer"));
    }
}

#[test]
fn the_body_less_are_held() {
    let outcome = bodiless(&loaded(2), &[0, 1], after(5));
    assert!(outcome.fates.iter().all(|(_, fate, attempt)| {
        *fate == Fate::Held && attempt.reason.as_deref() == Some("held.no_body")
    }));
    assert!(outcome.again.is_empty());
}

#[test]
fn a_transcript_is_bounded_and_given_once_for_each_reason() {
    let mut report = report(&[End::Deferred, End::Deferred, End::Failed, End::Delivered]);
    report.verdicts[2].1.reply = "550 no".to_owned();
    report.transcript = (0..500).map(|n| format!("{n} {}", "ä".repeat(300))).collect();
    let outcome = judged(&loaded(4), report, after(5));
    let lines: Vec<usize> = outcome.fates.iter().map(|(.., attempt)| attempt.transcript.len()).collect();
    assert_eq!(lines, [60, 0, 60, 0]);
    let transcript = &outcome.fates[0].2.transcript;
    assert!(transcript.iter().all(|line| line.len() <= LONGEST_LINE));
    assert!(transcript[0].starts_with("0 ") && transcript[59].starts_with("499 "));
    assert_eq!(transcript[29], "(441 lines left out)");
    assert!(transcript[28].starts_with("28 ") && transcript[30].starts_with("470 "));
}

#[test]
fn a_short_transcript_is_left_as_it_is() {
    let lines: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    assert_eq!(bounded(lines.clone()), lines);
}
