//! One reply of a server, or a few lines that quote one: with or without a code, on one line
//! or several, bare or in the words of whoever passed it on.

use waxseal_model::{
    MailEvent,
    mail::{Outcome, Source, Stage},
};
use waxseal_wire::text::neutralise;

use super::{Reading, doubt, paste, words};
use crate::facts;

/// Read this far, in bytes.
const MOST: usize = 256 * 1024;
/// Characters of one event's text.
const MOST_TEXT: usize = 4000;
/// Events that one text may give.
const MOST_EVENTS: usize = 10_000;
/// Characters of a text without any code that may still be one error.
const MOST_WORDS: usize = 2000;

/// Why an event may be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It has no code, but the words of an error of mail.
    Words,
    /// It has neither; the words of a program may still be in it.
    All,
}

/// Reads the replies that a text quotes; where it quotes none, the text itself, if its words
/// are those of an error. Whether they mean something is for the rules to say: such an event
/// is listed, by its place, in the second value.
pub(super) fn read(bytes: &[u8]) -> (Reading, Vec<(usize, Doubt)>) {
    let mut reading = Reading::default();
    let mut doubted = Vec::new();
    let lines = paste::lines(bytes, MOST);
    let groups = groups(&lines);
    let mut events: Vec<MailEvent> =
        groups.iter().filter_map(|group| coded(group, groups.len() == 1)).take(MOST_EVENTS).collect();
    if events.is_empty() {
        let whole = words::join(&lines.join("\n"));
        let text = unquoted(&whole);
        let short = text.chars().count() <= MOST_WORDS;
        if short && doubt::like_an_error(text) {
            doubted.push((0, Doubt::Words));
            events.push(event(text, None));
        } else if short && doubt::may_be_an_error(text) {
            doubted.push((0, Doubt::All));
            events.push(event(text, None));
        } else if !doubt::is_foreign(text.get(..text.floor_char_boundary(MOST_WORDS)).unwrap_or(text)) {
            for (at, line) in error_lines(&lines).into_iter().enumerate() {
                doubted.push((at, Doubt::Words));
                events.push(event(&line, None));
            }
        }
    }
    if events.is_empty() {
        reading.notes.push(doubt::why_none(bytes, &lines));
    }
    reading.events = events;
    (reading, doubted)
}

/// Lines of a longer text that are errors by their own words.
fn error_lines(lines: &[String]) -> Vec<String> {
    let marked =
        lines.iter().map(|line| unquoted(line.trim())).filter(|line| doubt::is_surely_an_error(line));
    marked.take(5).map(words::join).collect()
}

/// The lines put together that make one reply: a reply of several lines, a line that was
/// wrapped. A blank line ends it, and so does the next reply.
fn groups(lines: &[String]) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    let mut open: Option<(u16, bool)> = None;
    let mut joining = false;
    for line in lines {
        let line = unquoted(line.trim());
        if line.is_empty() {
            // Within a reply of several lines pages put blank lines between all of them.
            joining = open.is_some_and(|(_, more)| more);
            continue;
        }
        let own = leading(line);
        let continues = match (own, open) {
            (Some((code, _)), Some((before, true))) => code == before,
            (Some(_), _) => false,
            (None, _) => joining,
        };
        match groups.last_mut() {
            Some(last) if continues && last.len() < 4 * MOST_TEXT => {
                last.push('\n');
                last.push_str(line);
            }
            _ => groups.push(line.to_owned()),
        }
        match (own, open) {
            (Some(own), _) => open = Some(own),
            (None, Some(_)) if continues => {}
            (None, _) => open = None,
        }
        joining = true;
    }
    groups
}

/// The reply code that a line begins with, and whether more lines are to come.
fn leading(line: &str) -> Option<(u16, bool)> {
    let first = words::codes(line.get(..line.len().min(600)).unwrap_or(line));
    let code = first.iter().find(|code| code.reply.is_some())?;
    Some((code.reply?, code.more)).filter(|_| code.introduced)
}

/// Without list marks and the quotes around the whole.
pub(super) fn unquoted(line: &str) -> &str {
    let mut line = line.trim();
    for _ in 0..3 {
        let bullet = ["* ", "- ", "• ", "· ", "– "].iter().find_map(|mark| line.strip_prefix(mark));
        let numbered = line.split_once([')', '.']).filter(|(n, rest)| {
            (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with(' ')
        });
        line = bullet.or(numbered.map(|(_, rest)| rest)).unwrap_or(line).trim();
        for (open, close) in [('\'', '\''), ('"', '"'), ('`', '`'), ('(', ')'), ('[', ']')] {
            let inner = line.strip_prefix(open).and_then(|l| l.strip_suffix(close));
            if let Some(inner) = inner.filter(|inner| !inner.contains(open)) {
                line = inner.trim();
            }
        }
        // `$'…'` and `"…` come from shells; a mark on one side alone encloses nothing.
        for mark in ['\'', '"', '`'] {
            if line.matches(mark).count() == 1 {
                line = line.strip_prefix(mark).or_else(|| line.strip_suffix(mark)).unwrap_or(line).trim();
            }
        }
    }
    line
}

/// The event of a text that quotes a reply; none for one that has no code. `alone`: nothing
/// else was given.
pub(super) fn coded(group: &str, alone: bool) -> Option<MailEvent> {
    let text = words::join(group);
    let codes = words::codes(&text);
    // What was answered before, `250 …`, is no error while an error stands there too.
    let bad =
        |code: &&words::Code| code.reply.is_none_or(|reply| reply >= 400) && !lonely_number(code, &text);
    let code = codes.iter().find(bad).or_else(|| codes.iter().find(|code| plausible_success(code, &text)))?;
    if !doubt::reply_like(&text, code, alone) {
        return None;
    }
    Some(event(&text, Some(code)))
}

/// A status in the middle of other words belongs to them.
fn lonely_number(code: &words::Code, text: &str) -> bool {
    code.reply.is_none() && code.start > 0 && !doubt::has_mail_words(text)
}

/// `250 2.0.0 Ok`, `220 mx.example.com ESMTP`: what servers say when all is well.
fn plausible_success(code: &words::Code, text: &str) -> bool {
    let known =
        code.reply.is_some_and(|reply| matches!(reply, 211 | 214 | 220 | 221 | 235 | 250..=253 | 334 | 354));
    let rest = text.get(code.end..).unwrap_or_default().to_ascii_lowercase();
    let said = [
        "xxxxx", "ok", "queued", "smtp", "ready", "accepted", "bye", "go ahead", "start", "end data",
        "success", "closing",
    ];
    known && (code.status.is_some() || rest.trim().is_empty() || said.iter().any(|word| rest.contains(word)))
}

/// The event that a text tells of, with all that its words say.
pub(super) fn event(text: &str, code: Option<&words::Code>) -> MailEvent {
    let text = neutralise(text.as_bytes(), MOST_TEXT);
    // What stands before the reply is about the other side; what the reply says may be about
    // anybody's address.
    let before = match code {
        Some(code) if code.reply.is_some() => text.get(..code.start).unwrap_or_default(),
        Some(_) => "",
        None => text.as_str(),
    };
    let place = words::place(before);
    let reply = code.and_then(|code| code.reply);
    let status = code.and_then(|code| code.status);
    MailEvent {
        source: Source { format: "reply".into(), ..Source::default() },
        outcome: match (reply, status) {
            // `250-XXXXXXXA` is said of a firewall, not of a message.
            (Some(200..=399), _) if text.contains("XXXXX") => Outcome::Unknown,
            (Some(200..=399), _) => Outcome::Delivered,
            (Some(400..=499), _) => Outcome::Deferred,
            (Some(_), _) => Outcome::Failed,
            (None, Some(status)) if status.class == 4 => Outcome::Deferred,
            (None, Some(status)) if status.class == 5 => Outcome::Failed,
            _ => Outcome::Unknown,
        },
        recipient: facts::recipient(&text),
        sender: facts::sender(&text),
        reply,
        status,
        // RFC 4954 section 6: only AUTH is answered so.
        stage: words::stage(&text, code.is_some())
            .or(reply.filter(|reply| matches!(reply, 534 | 535 | 538)).map(|_| Stage::Auth)),
        remote_host: place.host,
        remote_address: place.address,
        remote_port: place.port,
        text,
        ..MailEvent::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_bytes_are_too_odd() {
        for bytes in [&b""[..], b"\0\0\0", b"\xff\xfe", b"550", b"550-", b"550 5.", b"\n\n\n"] {
            let _ = read(bytes);
        }
    }

    fn one(text: &str) -> MailEvent {
        let (reading, _) = read(text.as_bytes());
        let [event] = reading.events.as_slice() else { panic!("{text}: {reading:#?}") };
        event.clone()
    }

    #[test]
    fn a_reply_is_read_however_it_was_pasted() {
        for text in [
            "550 5.7.1 Message refused by policy",
            "  550 5.7.1 Message refused by policy  \r\n",
            "550-5.7.1 Message refused\r\n550 5.7.1 by policy\r\n",
            "550-5.7.1 Message refused 550 5.7.1 by policy",
            "> 550-5.7.1 Message refused\n> 550 5.7.1 by policy",
            "\"550 5.7.1 Message refused by policy\"",
            "'550 5.7.1 Message refused by policy'",
            "* 550 5.7.1 Message refused by policy",
            "1. 550 5.7.1 Message refused by policy",
            "550&nbsp;5.7.1 Message refused<br>by policy",
            "550\u{a0}5.7.1 Message refused by policy",
            "“550 5.7.1 Message refused by policy”",
            "```\n550 5.7.1 Message refused by policy\n```",
            "\u{1b}[31m550 5.7.1 Message refused by policy\u{1b}[0m",
            "550 5.7.1 Message refused\n    by policy",
            "550-5.7.1 Message refused\n\n550 5.7.1 by policy",
        ] {
            let event = one(text);
            assert_eq!(event.text, "550 5.7.1 Message refused by policy", "{text}");
            assert_eq!((event.reply, event.outcome), (Some(550), Outcome::Failed));
            assert_eq!(event.status.map(|s| s.to_string()).as_deref(), Some("5.7.1"));
        }
    }

    #[test]
    fn several_replies_are_several_events() {
        let (reading, _) =
            read(b"550 5.1.1 <a@example.com>: User unknown\n450 4.2.0 Greylisted\n\n421 4.3.2 Closing");
        let replies: Vec<_> = reading.events.iter().filter_map(|event| event.reply).collect();
        assert_eq!(replies, [550, 450, 421]);
        assert_eq!(reading.events[0].recipient.as_deref(), Some("a@example.com"));
    }

    #[test]
    fn a_reply_that_points_to_a_page_is_one() {
        let event = one("554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.8");
        assert_eq!(event.reply, Some(554));
        let (reading, _) = read(b"500 https://www.example.com/index.html took 12 ms");
        assert_eq!(reading.events, []);
    }

    #[test]
    fn a_reply_is_found_in_a_letter() {
        let text = "Hi all,\n\nsince Monday I get this when I write to a customer:\n\n550 5.7.1 Service unavailable; \
                    client blocked\n\nWhat can I do?\nThanks";
        let event = one(text);
        assert_eq!(event.text, "550 5.7.1 Service unavailable; client blocked");
    }

    #[test]
    fn the_words_around_a_reply_tell_where_it_came_from() {
        let event = one(
            "host mx.example.com[192.0.2.7] said: 554 5.7.1 blocked [198.51.100.9] (in reply to RCPT TO command)",
        );
        assert_eq!(event.remote_host.as_deref(), Some("mx.example.com"));
        assert_eq!(event.remote_address, "192.0.2.7".parse().ok());
        assert_eq!(event.stage, Some(Stage::Rcpt));
        let event = one("554 5.7.1 blocked [198.51.100.9]");
        assert_eq!(event.remote_address, None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_text_panics(text in "[-245.0-9 <>@:#()'\"éa-c\\n*>&;]{0,200}") {
            let _ = read(text.as_bytes());
        }
    }
}
