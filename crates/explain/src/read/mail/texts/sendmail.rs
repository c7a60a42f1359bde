//! Notices in sections under dashed headings: sendmail 5 and 8, and the programs that write
//! in its manner (Active!hunter, Biglobe, McAfee, Mail2000).

use std::collections::HashSet;

use waxseal_model::{
    MailEvent,
    mail::{Outcome, Stage},
};

use super::notice::Notice;
use super::transcript::{Answer, Transcript};
use super::{address, blocks, said};
use crate::facts::is_host;

/// A section of a notice.
struct Section<'a> {
    /// The words of its heading in lower case.
    heading: String,
    lines: Vec<&'a str>,
}

/// A recipient as the first section names it.
#[derive(Default)]
struct Named<'a> {
    recipient: &'a str,
    original: Option<&'a str>,
    reason: Vec<&'a str>,
    outcome: Outcome,
}

/// Whether this is such a notice.
pub(super) fn recognise(notice: &Notice) -> bool {
    let text = &notice.opening;
    text.contains("--")
        && (text.contains("ollowing addresses had ") || text.contains("Transcript of session follows"))
}

/// One event for each recipient of the first section, told by the transcript.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let sections = sections(&notice.lines);
    let spoken = sections.iter().filter(|s| s.heading.contains("transcript"));
    let transcript = Transcript::new(spoken.flat_map(|s| s.lines.iter().copied()));
    let mut events: Vec<MailEvent> = Vec::new();
    for section in sections.iter().filter(|s| s.heading.contains("ollowing address")) {
        let outcome = outcome(&section.heading, notice);
        for named in named(&section.lines, outcome) {
            if events.len() == blocks::MOST {
                break;
            }
            events.push(of_named(notice, &named, &transcript));
        }
    }
    if events.is_empty() {
        events = of_verdicts(notice, &transcript);
    }
    let others =
        sections.iter().filter(|s| s.heading.contains("information") || s.heading.contains("reason"));
    let other: Vec<&str> = others.flat_map(|s| s.lines.iter().copied()).take(40).collect();
    for event in events.iter_mut().filter(|event| event.text.is_empty()) {
        said::interpret(&other, event);
    }
    events
}

/// Cuts a notice at its dashed headings.
fn sections<'a>(lines: &[&'a str]) -> Vec<Section<'a>> {
    let mut sections: Vec<Section> = Vec::new();
    for line in lines {
        let words = line.trim();
        let core = words.trim_matches(['-', ' ']);
        if words.starts_with("---") && words.ends_with("---") && core.len() > 8 && core.len() < 120 {
            sections.push(Section { heading: core.to_ascii_lowercase(), lines: Vec::new() });
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(line);
        }
    }
    sections
}

/// What a heading says about its addresses.
fn outcome(heading: &str, notice: &Notice) -> Outcome {
    if heading.contains("success") {
        Outcome::Delivered
    } else if heading.contains("transient") || heading.contains("warning") || notice.delayed {
        Outcome::Deferred
    } else {
        Outcome::Failed
    }
}

/// The recipients of a section with what stands beside and below each.
fn named<'a>(lines: &[&'a str], outcome: Outcome) -> Vec<Named<'a>> {
    let mut all: Vec<Named> = Vec::new();
    for line in lines {
        let words = line.trim();
        if let Some(inside) = words.strip_prefix("(reason: ") {
            if let Some(named) = all.last_mut() {
                named.reason.push(inside.strip_suffix(')').unwrap_or(inside));
            }
        } else if let Some(inside) = words.strip_prefix("(expanded from: ") {
            if let Some(named) = all.last_mut() {
                let from = address::angle(inside).unwrap_or(inside.trim_end_matches(')'));
                if named.recipient.is_empty() {
                    named.recipient = from;
                } else {
                    named.original = Some(from);
                }
            }
        } else if ["\"|", "|", "/", "\"/", ":include:"].iter().any(|kind| words.starts_with(kind)) {
            // A program or a file: the mailbox that it belongs to follows.
            all.push(Named { outcome, ..Named::default() });
        } else if let Some((recipient, rest)) = recipient(words) {
            let reason = if rest.is_empty() { Vec::new() } else { vec![rest] };
            all.push(Named { recipient, reason, outcome, ..Named::default() });
        } else if let Some(named) = all.last_mut()
            && !words.is_empty()
            && line.starts_with([' ', '\t'])
        {
            named.reason.push(words);
        }
    }
    all
}

/// The recipient at the beginning of a line, and the words in brackets behind it.
fn recipient(words: &str) -> Option<(&str, &str)> {
    let words = words.trim_start_matches(['>', ' ']);
    let found = if words.starts_with('<') { address::angle(words)? } else { address::first(words)? };
    let at = words.find(found).filter(|at| *at < 3)?;
    let rest = words.get(at + found.len()..)?.trim_start_matches(['>', ':', ',']).trim();
    let inside = rest.trim_start_matches(['(', '[']);
    let rest = match rest.as_bytes().first() {
        Some(b'(') => inside.strip_suffix(')').unwrap_or(inside),
        Some(b'[') => inside.strip_suffix(']').unwrap_or(inside),
        // Active!hunter names the address twice.
        Some(b'<') => "",
        _ => rest,
    };
    Some((found, rest))
}

/// The event of a recipient that the first section names.
fn of_named(notice: &Notice, named: &Named, transcript: &Transcript) -> MailEvent {
    let mut event = notice.empty(named.recipient);
    event.outcome = named.outcome;
    event.original_recipient = named.original.map(said::clean);
    let reason = said::unfold(&named.reason);
    let answer = transcript.about(named.recipient, &reason);
    if let Some(answer) = answer {
        tell(answer, transcript, &mut event);
    }
    if event.text.is_empty() && !reason.is_empty() {
        said::words(&reason, &mut event);
    }
    // Of a program that failed the reason is its exit code; its words stand in the transcript.
    if !event.text.is_empty() && event.text.bytes().all(|b| b.is_ascii_digit()) {
        let own = transcript
            .answers
            .iter()
            .map(|answer| answer.verdict)
            .filter(|words| address::angle(words).is_none());
        let words = said::unfold(&own.take(8).collect::<Vec<_>>());
        if !words.is_empty() {
            event.text = said::clean(&words);
        }
    }
    event
}

/// Puts an answer into an event.
fn tell(answer: &Answer, transcript: &Transcript, event: &mut MailEvent) {
    if !answer.replies.is_empty() {
        event.remote_host = answer.host.filter(|host| is_host(host)).map(said::clean);
        event.stage = answer.command.and_then(said::stage_of);
    }
    // The reply to RCPT is read after DATA was sent along with it. That nobody was left to
    // send to shows it, and so does sendmail's own word for such a reply.
    let pipelined = answer.verdict.contains("User unknown") || transcript.left_nobody(answer);
    if event.stage == Some(Stage::Data) && pipelined {
        event.stage = Some(Stage::Rcpt);
    }
    let replies = said::unfold(&answer.replies);
    if answer.replies.is_empty() {
        let own = answer.verdict.split_once("... ").map_or(answer.verdict, |(_, rest)| rest);
        let (reply, status) = said::codes(answer.verdict);
        said::words(if own.trim().is_empty() { answer.verdict } else { own }, event);
        event.reply = event.reply.or(reply);
        event.status = event.status.or(status);
        event.text = said::clean(answer.verdict);
    } else {
        said::set_text(&replies, event);
    }
}

/// Where no section names the recipients, the verdicts do, and where those do not either, the
/// returned message.
fn of_verdicts(notice: &Notice, transcript: &Transcript) -> Vec<MailEvent> {
    let mut events: Vec<MailEvent> = Vec::new();
    let mut told = HashSet::new();
    let mut pending: Option<&Answer> = None;
    for answer in &transcript.answers {
        let recipient = answer.verdict.split("...").next().and_then(address::first);
        let Some(recipient) = recipient else {
            if !answer.replies.is_empty() {
                pending = Some(answer);
            }
            continue;
        };
        // The reply may stand before a line about the connection.
        let telling =
            pending.take().filter(|p| answer.replies.is_empty() && p.host == answer.host).unwrap_or(answer);
        if !told.insert(recipient) {
            continue;
        }
        let mut event = notice.empty(recipient);
        tell(telling, transcript, &mut event);
        events.push(event);
    }
    if events.is_empty()
        && let Some(answer) = transcript.refusal().or(transcript.answers.first())
    {
        for recipient in notice.returned_recipients() {
            let mut event = notice.empty(&recipient);
            tell(answer, transcript, &mut event);
            events.push(event);
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::super::tests::events;
    use super::*;

    const HEAD: &str = "Return-Path: <MAILER-DAEMON@mx.example.com>\nFrom: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.com>\n\
        To: <alice@example.com>\nSubject: Returned mail: see transcript for details\n\nThe original message was received at Mon, 5 Jan 2026 10:00:00 GMT\nfrom [192.0.2.1]\n\n";

    #[test]
    fn sendmail_tells_in_sections() {
        let found = events(&format!(
            "{HEAD}   ----- The following addresses had permanent fatal errors -----\n<bob@example.net>\n    (reason: 550 5.1.1 <bob@example.net>... User unknown)\n    (expanded from: <list@example.com>)\n\
             <carol@example.org>\n    (reason: 553 sorry, that relay is not on my lis...t (#5.7.1))\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.net.:\n>>> DATA\n<<< 550 5.1.1 <bob@example.net>... User unknown\n550 5.1.1 <bob@example.net>... User unknown\n<<< 503 5.0.0 Need RCPT (recipient)\n\
             ... while talking to mx.example.org.:\n>>> MAIL From:<alice@example.com> SIZE=3\n<<< 553 sorry, that relay is not on my list of friends (#5.7.1)\n501 5.6.0 Data format error\n\n   ----- Original message follows -----\n\nReturn-Path: <alice@example.com>\n"
        ));
        let [bob, carol] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (bob.text.as_str(), bob.stage),
            ("550 5.1.1 <bob@example.net>... User unknown", Some(Stage::Rcpt))
        );
        assert_eq!(
            (bob.original_recipient.as_deref(), bob.remote_host.as_deref()),
            (Some("list@example.com"), Some("mx.example.net"))
        );
        assert_eq!((carol.stage, carol.remote_host.as_deref()), (Some(Stage::Mail), Some("mx.example.org")));
        assert!(carol.text.contains("list of friends"), "{}", carol.text);
        assert_eq!(carol.source.format, "sendmail");
    }

    #[test]
    fn old_sendmail_has_only_the_transcript() {
        let head = HEAD.replace(
            "The original message was received at Mon, 5 Jan 2026 10:00:00 GMT\nfrom [192.0.2.1]\n\n",
            "",
        );
        let found = events(&format!(
            "{head}   ----- Transcript of session follows -----\nWhile talking to mx.example.net:\n>>> RCPT To:<bob@example.net>\n<<< 550 not here\n550 <bob@example.net>... User unknown\n550 example.org (smtp)... 550 Host unknown\n554 <carol@example.org>... 550 Host unknown (Authoritative answer from name server)\n250 example.edu (smtp)... 250 Deferred\n\n   ----- Unsent message follows -----\nReceived: by mx.example.com\nTo: dave@example.edu\n"
        ));
        let [bob, carol] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((bob.text.as_str(), bob.stage, bob.reply), ("550 not here", Some(Stage::Rcpt), Some(550)));
        assert!(carol.text.contains("Host unknown"), "{}", carol.text);
        let found = events(&format!(
            "{head}   ----- Transcript of session follows -----\n421 example.net (smtp)... Deferred: Connection timed out during user open with example.net\n\n   ----- Unsent message follows -----\nReceived: by mx.example.com\nTo: bob@example.net\n"
        ));
        assert_eq!((found[0].recipient.as_deref(), found[0].reply), (Some("bob@example.net"), Some(421)));
    }

    #[test]
    fn others_write_in_the_same_manner() {
        for (body, text) in [
            (
                "  ----- The following addresses had permanent fatal errors -----\n\n>>> bob@example.net <bob@example.net>\n\n  ----- Transcript of session follows -----\n550 sorry, no mailbox here by that name (#5.1.1 - chkusr)\n",
                "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)",
            ),
            (
                "   ----- The following addresses had delivery problems -----\nbob@example.net\n\n   ----- Non-delivered information -----\nThe mailbox is over its limit.\n",
                "The mailbox is over its limit.",
            ),
            (
                "    --- The following addresses had delivery problems ---\n\n<bob@example.net>   (Unknown user bob@example.net)\n",
                "Unknown user bob@example.net",
            ),
            (
                "---The following addresses had delivery errors---\n\nbob@example.net [User unknown]\n",
                "User unknown",
            ),
        ] {
            let found = events(&format!("{HEAD}{body}"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(
                (found[0].recipient.as_deref(), found[0].text.as_str()),
                (Some("bob@example.net"), text)
            );
        }
    }

    #[test]
    fn warnings_are_delays() {
        let found = events(&HEAD.replace("Returned mail: see transcript for details", "Warning: could not send message for past 4 hours").replace(
            "from [192.0.2.1]\n",
            "from [192.0.2.1]\n\n   ----- The following addresses had transient non-fatal errors -----\n<bob@example.net>\n\n   ----- Transcript of session follows -----\n<bob@example.net>... Deferred: Connection refused by mx.example.net.\nWarning: message still undelivered after 4 hours\n",
        ));
        assert_eq!(found[0].outcome, Outcome::Deferred);
        assert!(found[0].text.contains("Connection refused"), "{}", found[0].text);
    }
}
