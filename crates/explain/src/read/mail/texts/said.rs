//! What the lines about one recipient say: the reply in them, to which command, from whom.
//!
//! Every program wraps a reply in words of its own. The wrappings are listed here once, for
//! all formats: a decoder finds the lines that belong to a recipient and leaves the rest to
//! [`interpret`].

use std::{borrow::Cow, net::IpAddr};

use waxseal_model::{MailEvent, mail::EnhancedStatus, mail::Stage};
use waxseal_wire::text::neutralise;

use crate::facts::is_host;

/// The longest text that is kept, in characters.
const MOST: usize = 2000;

/// Words after which the reply of the other server stands, in lower case, with the command
/// that they name.
const BEFORE_REPLY: &[(&str, Option<Stage>)] = &[
    ("remote host said:", None),
    ("remote mail server told me:", None),
    ("remote server said:", None),
    ("remote server replied:", None),
    ("remote server returned:", None),
    ("remote server returned", None),
    (" returned '", None),
    ("remote smtp server returned:", None),
    ("remote server response was:", None),
    ("remote server responded:", None),
    ("server responded with:", None),
    ("server response was:", None),
    ("the response from the remote server was:", None),
    ("the response was:", None),
    ("it responded as follows:", None),
    ("the error that the other server returned was:", None),
    ("returned the following error:", None),
    ("returned the following response:", None),
    ("the following error was returned:", None),
    ("did not like our rcpt to:", Some(Stage::Rcpt)),
    ("did not like our mail from:", Some(Stage::Mail)),
    ("did not like our data:", Some(Stage::Data)),
    ("did not like our final data:", Some(Stage::EndOfData)),
    ("did not like our ehlo:", Some(Stage::Ehlo)),
    ("did not like our helo:", Some(Stage::Ehlo)),
    ("did not like our greeting:", Some(Stage::Greeting)),
    ("did not like our connect:", Some(Stage::Greeting)),
    ("did not like our starttls:", Some(Stage::Starttls)),
    ("did not like our auth", Some(Stage::Auth)),
    ("body of message generated response:", Some(Stage::EndOfData)),
    ("rcpt to generated following response:", Some(Stage::Rcpt)),
    ("mail from generated following response:", Some(Stage::Mail)),
    ("generated following response:", None),
    ("unexpected recipient failure - ", Some(Stage::Rcpt)),
    ("generated response:", None),
    ("failed with:", None),
    ("refused to talk to me:", Some(Stage::Greeting)),
    (" said:", None),
    (" replied:", None),
    (" reason:", None),
    ("diagnostic code: smtp;", None),
    ("diagnostic-code: smtp;", None),
    ("smtp;", None),
];

/// Words after the reply that do not belong to it, in lower case, with the command they name.
const AFTER_REPLY: &[(&str, Option<Stage>)] = &[
    ("[rcpt_to]", Some(Stage::Rcpt)),
    ("[mail_from]", Some(Stage::Mail)),
    ("[data]", Some(Stage::Data)),
    ("[body]", Some(Stage::EndOfData)),
    ("[content]", Some(Stage::EndOfData)),
    ("[eom]", Some(Stage::EndOfData)),
    ("[connect]", Some(Stage::Connect)),
    ("[greeting]", Some(Stage::Greeting)),
    ("[ehlo]", Some(Stage::Ehlo)),
    ("[helo]", Some(Stage::Ehlo)),
    ("giving up on ", None),
    ("i'm not going to try again", None),
    ("this has been a permanent failure", None),
];

/// What other words tell about the moment, in lower case.
const MOMENTS: &[(&str, Stage)] = &[
    ("does not like recipient", Stage::Rcpt),
    ("sender was rejected", Stage::Mail),
    ("my name was rejected", Stage::Ehlo),
    ("greeting failed", Stage::Greeting),
    ("failed on data command", Stage::Data),
    ("failed after i sent the message", Stage::EndOfData),
    ("following rcpt command", Stage::Rcpt),
    ("following mail command", Stage::Mail),
    ("following data command", Stage::Data),
    ("following end of data", Stage::EndOfData),
    ("couldn't find any host", Stage::Dns),
    ("couldn't find a mail exchanger", Stage::Dns),
    ("cname lookup failed", Stage::Dns),
    ("unrouteable address", Stage::Dns),
    ("unrouteable mail domain", Stage::Dns),
    ("dns lookup failure", Stage::Dns),
    ("host not found", Stage::Dns),
    ("host unknown", Stage::Dns),
    ("domain name not found", Stage::Dns),
    ("name service error", Stage::Dns),
    ("wasn't able to establish an smtp connection", Stage::Connect),
    ("unable to connect to remote server", Stage::Connect),
    ("connection refused", Stage::Connect),
    ("no route to host", Stage::Connect),
    ("network is unreachable", Stage::Connect),
    ("connection timed out", Stage::Connect),
    ("operation timed out", Stage::Connect),
    ("socket error", Stage::Connect),
    ("refused to talk to me", Stage::Greeting),
];

/// Reads the lines about one recipient into its event: text, command, host and codes.
pub(super) fn interpret(lines: &[&str], event: &mut MailEvent) {
    if dialogue(lines, event) {
        return;
    }
    words(&unfold(lines), event);
}

/// The same for words that stand on one line.
pub(super) fn words(line: &str, event: &mut MailEvent) {
    let line = unquoted(line.trim());
    let lower = line.to_ascii_lowercase();
    let (start, end) = reply_within(line, &lower, event);
    if event.stage.is_none() {
        // What a reply itself says happened elsewhere; only its wrapping tells the moment.
        let telling =
            if start > 0 || leads_with_code(line) { lower.get(..start) } else { Some(lower.as_str()) };
        let telling = telling.unwrap_or_default();
        event.stage = command_named(telling)
            .or_else(|| MOMENTS.iter().find(|(words, _)| telling.contains(words)).map(|(_, stage)| *stage));
    }
    // Addresses within a reply are mostly those of the sender.
    let around = if start == 0 && leads_with_code(line) { "" } else { line.get(..start).unwrap_or_default() };
    let around = if around.trim().is_empty() && !leads_with_code(line) { line } else { around };
    host(around, event);
    if event.remote_address.is_none() {
        event.remote_address =
            lone_address(around).or_else(|| after(line, &lower, "giving up on ").and_then(lone_address));
    }
    let text = line.get(start..end).unwrap_or(line);
    set_text(text, event);
    if event.reply.is_none() && event.status.is_none() {
        event.status = hash_status(line);
    }
}

/// Takes the words for the event's text, and the codes at their beginning.
pub(super) fn set_text(text: &str, event: &mut MailEvent) {
    let text = unquoted(text.trim());
    let one_quote = text.matches('\'').count() == 1;
    let text = text.strip_suffix('\'').filter(|_| one_quote).unwrap_or(text);
    let text = joined_reply(&without_inner_quotes(text));
    let (reply, status) = codes(&text);
    event.reply = event.reply.or(reply);
    event.status = event.status.or(status);
    event.text = clean(&text);
}

/// Where the reply stands in a line that wraps it: behind the words that announce it, before
/// those that close it.
fn reply_within(line: &str, lower: &str, event: &mut MailEvent) -> (usize, usize) {
    let mut start = 0;
    let mut best: Option<(usize, usize, Option<Stage>)> = None;
    let announced = if leads_with_code(line) { &[] } else { BEFORE_REPLY };
    for (needle, stage) in announced {
        let Some(at) = lower.find(needle) else { continue };
        let behind = at + needle.len();
        let better = best.is_none_or(|(found, _, _)| at < found);
        let reply = line.get(behind..).unwrap_or_default();
        // A reason in words says less than the sentence that gives it.
        let spoken = *needle == " reason:" && !leads_with_code(reply.trim_start());
        if better && !spoken && is_worth(reply) {
            best = Some((at, behind, *stage));
        }
    }
    if let Some((_, behind, stage)) = best {
        start = behind;
        event.stage = event.stage.or(stage);
    } else if !leads_with_code(line)
        && let Some(at) = embedded_code(line)
    {
        start = at;
    }
    let mut end = line.len();
    let rest = lower.get(start..).unwrap_or_default();
    if let Some(at) = rest.rfind("(in reply to ") {
        event.stage = event.stage.or_else(|| stage_of(rest.get(at + 13..).unwrap_or_default()));
        end = start + at;
    }
    if let Some(at) = rest.rfind("(state ") {
        event.stage = event.stage.or_else(|| gmail_state(rest.get(at + 7..).unwrap_or_default()));
        end = end.min(start + at);
    }
    for (needle, stage) in AFTER_REPLY {
        if let Some(at) = rest.find(needle).filter(|at| *at > 0) {
            event.stage = event.stage.or(*stage);
            // What introduces nothing is the whole text, with its own closing words.
            if start > 0 || line.starts_with(|c: char| c.is_ascii_digit()) {
                end = end.min(start + at);
            }
        }
    }
    if line.get(start..end).is_none_or(|text| text.trim().is_empty()) {
        (0, line.len())
    } else {
        (start, end)
    }
}

/// True for words that can be a reply: more than punctuation.
fn is_worth(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).take(3).count() == 3
}

/// IronPort's `550-'5.1.1 …'` as the reply that it was.
fn without_inner_quotes(text: &str) -> Cow<'_, str> {
    match text.split_once("-'") {
        Some((code, rest)) if code.len() == 3 && leads_with_code(text) => {
            let rest = rest.split_once("' (delivery attempts").map_or(rest, |(reply, _)| reply);
            Cow::Owned(format!("{code} {}", rest.strip_suffix('\'').unwrap_or(rest)))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Where a reply code begins that closes an introduction: `…: 550 5.1.1 …`, `…], 554 …`.
fn embedded_code(line: &str) -> Option<usize> {
    if let Some(at) = line.find("-'").and_then(|at| at.checked_sub(3))
        && line.get(at..).is_some_and(leads_with_code)
    {
        return Some(at);
    }
    for (at, mark) in line.match_indices([':', ',', ';', ']', ')', '(', '-']).take(40) {
        let rest = line.get(at + 1..)?;
        if mark == "-" && !line.get(..at).is_some_and(|before| before.ends_with(' ')) {
            continue;
        }
        let trimmed = rest.trim_start();
        if leads_with_code(trimmed) {
            return Some(line.len() - trimmed.len());
        }
    }
    None
}

/// True for text that begins with a negative reply code and goes on like a reply.
pub(super) fn leads_with_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    let code = matches!(bytes, [b'4' | b'5', b'0'..=b'7', b'0'..=b'9', ..]);
    code && matches!(bytes.get(3), Some(b' ' | b'-' | b':')) && bytes.len() > 5
}

/// The reply and the enhanced status at the beginning of a text.
pub(super) fn codes(text: &str) -> (Option<u16>, Option<EnhancedStatus>) {
    let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '#' | '"' | '\''));
    let mut reply = None;
    // Some programs repeat the code: `550 550 5.1.1 …`.
    for _ in 0..2 {
        let Some(code) = rest.get(..3).and_then(|code| code.parse::<u16>().ok()) else { break };
        let separate = rest.as_bytes().get(3).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'.');
        if !(200..600).contains(&code) || !separate || reply.is_some_and(|r| r != code) {
            break;
        }
        reply = Some(code);
        rest = rest.get(3..).unwrap_or_default();
        rest =
            rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | ':' | '#' | '(' | '['));
    }
    let token = rest
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | ':' | '<' | ']' | '-'))
        .next();
    let status = token.map(|t| t.trim_end_matches('.')).and_then(EnhancedStatus::parse);
    (reply, status)
}

/// The status in qmail's manner: `(#5.1.1)`, `#4.4.7>`.
pub(super) fn hash_status(text: &str) -> Option<EnhancedStatus> {
    for (at, _) in text.match_indices('#').take(20) {
        let rest = text.get(at + 1..)?;
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        if let Some(status) = rest.get(..end).and_then(|t| EnhancedStatus::parse(t.trim_end_matches('.'))) {
            return Some(status);
        }
    }
    None
}

/// Reads `>>> RCPT TO:<…>` and `<<< 550 …`, and the arrows and words that other programs use
/// for the same. The last command that was refused counts. False where there is no dialogue.
pub(super) fn dialogue(lines: &[&str], event: &mut MailEvent) -> bool {
    let mut command: Option<&str> = None;
    let mut replies: Vec<&str> = Vec::new();
    let mut found: Option<(Option<&str>, Vec<&str>)> = None;
    let mut before: Vec<&str> = Vec::new();
    for line in lines {
        match spoken(line) {
            Some((true, said)) => {
                replies.clear();
                command = Some(said);
            }
            Some((false, said)) => {
                replies.push(said);
                if leads_with_code(said) || (command.is_none() && found.is_none()) {
                    found = Some((command, replies.clone()));
                }
            }
            None if found.is_none() => before.push(line),
            None => {}
        }
    }
    let Some((command, replies)) = found else { return false };
    if let Some(command) = command {
        event.stage = event.stage.or_else(|| stage_of(command));
    }
    for line in before {
        host(line, event);
    }
    set_text(&unfold(&replies), event);
    true
}

/// What a line of a dialogue says, and whether our side said it.
pub(super) fn spoken(line: &str) -> Option<(bool, &str)> {
    const WORDS: &[(&str, bool)] = &[
        (">>>", true),
        ("<<<", false),
        ("<<-", true),
        ("->>", false),
        ("-->", true),
        ("<--", false),
        ("Sent >>>", true),
        ("Sent <<<", true),
        ("Received <<<", false),
        ("Received >>>", false),
        ("Out: ", false),
        ("In:  ", true),
        ("hMailServer sent:", true),
        ("Remote server replied:", false),
    ];
    let line = line.trim_start();
    WORDS.iter().find_map(|(words, ours)| Some((*ours, line.strip_prefix(words)?.trim())))
}

/// The moment that a command, or the words for it, name.
pub(super) fn stage_of(command: &str) -> Option<Stage> {
    const NAMES: &[(&str, Stage)] = &[
        ("rcpt", Stage::Rcpt),
        ("mail from", Stage::Mail),
        ("mail", Stage::Mail),
        ("end of data", Stage::EndOfData),
        ("sending data block", Stage::EndOfData),
        ("message body", Stage::EndOfData),
        ("message content", Stage::EndOfData),
        ("text", Stage::EndOfData),
        ("data", Stage::Data),
        ("bdat", Stage::Data),
        ("ehlo", Stage::Ehlo),
        ("helo", Stage::Ehlo),
        ("lhlo", Stage::Ehlo),
        ("starttls", Stage::Starttls),
        ("auth", Stage::Auth),
        ("initial connection", Stage::Greeting),
        ("greeting", Stage::Greeting),
        ("connect", Stage::Connect),
        ("quit", Stage::Quit),
        ("rset", Stage::Quit),
        ("noop", Stage::Quit),
    ];
    let lower =
        command.trim_start_matches(['<', '"', ' ', '[']).get(..24).unwrap_or(command).to_ascii_lowercase();
    let lower = lower.strip_prefix("pipelined ").unwrap_or(&lower);
    NAMES.iter().find(|(name, _)| lower.starts_with(name)).map(|(_, stage)| *stage)
}

/// A command that is named in passing: `after RCPT TO:<…>`, `for TEXT command`.
fn command_named(lower: &str) -> Option<Stage> {
    for words in ["after sending ", "after pipelined ", "after ", "for ", "in response to "] {
        let stage = lower.match_indices(words).take(4).find_map(|(at, _)| {
            let rest = lower.get(at + words.len()..)?;
            let command = rest.split([':', ',']).next()?;
            let whole = words != "for " || command.ends_with(" command");
            if whole { stage_of(rest) } else { None }
        });
        if stage.is_some() {
            return stage;
        }
    }
    None
}

/// Gmail's `(state 14)`: the number of the step at which its sender stood.
fn gmail_state(text: &str) -> Option<Stage> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse().ok()? {
        1 | 2 => Some(Stage::Greeting),
        13 => Some(Stage::Mail),
        14 => Some(Stage::Rcpt),
        15 => Some(Stage::Data),
        16..=18 => Some(Stage::EndOfData),
        _ => None,
    }
}

/// The host before `[192.0.2.1]` or `(192.0.2.1)`, and that address.
pub(super) fn host(text: &str, event: &mut MailEvent) {
    for (at, _) in text.match_indices(['[', '(']).take(8) {
        let Some(inside) = text.get(at + 1..).and_then(|rest| rest.split([']', ')']).next()) else {
            continue;
        };
        let inside = inside.strip_prefix("IPv6:").unwrap_or(inside);
        let Some(address) = ip(inside) else { continue };
        event.remote_address = event.remote_address.or(Some(address));
        let before = text.get(..at).unwrap_or_default();
        let word = before.split_whitespace().next_back().unwrap_or_default();
        if event.remote_host.is_none() && is_host(word) {
            event.remote_host = Some(clean(word.trim_end_matches('.')));
        }
        return;
    }
    let lower = text.to_ascii_lowercase();
    if event.remote_host.is_none()
        && let Some(rest) = after(text, &lower, "host: ").or_else(|| after(text, &lower, "while talking to "))
        && let Some(word) = rest.split_whitespace().next()
    {
        let word = word.trim_end_matches(['.', ':', ',', ';']);
        if is_host(word) {
            event.remote_host = Some(clean(word));
        }
    }
}

/// An address that stands in the text without brackets.
fn lone_address(text: &str) -> Option<IpAddr> {
    text.split_whitespace().take(40).find_map(|word| ip(word.trim_end_matches(['.', ',', ':', ';'])))
}

/// An address, also with a port or a scope behind it.
fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.rsplit_once(':')?.0.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4))
}

/// What follows the words; `lower` is the text in lower case.
fn after<'a>(text: &'a str, lower: &str, words: &str) -> Option<&'a str> {
    text.get(lower.find(words)? + words.len()..)
}

/// Without quotes and brackets around the whole.
fn unquoted(text: &str) -> &str {
    let mut text = text;
    for (open, close) in [('[', ']'), ('"', '"'), ('\'', '\''), ('(', ')')] {
        let inside = text.strip_prefix(open).map(|inside| inside.strip_suffix('.').unwrap_or(inside));
        if let Some(inside) = inside.and_then(|inside| inside.strip_suffix(close))
            && !inside.contains(open)
        {
            text = inside.trim();
        }
    }
    text
}

/// Lines joined by single spaces.
pub(super) fn unfold(lines: &[&str]) -> String {
    let mut text = String::new();
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        if text.len() > 4 * MOST {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// A reply of several lines without the codes that each of them repeats.
fn joined_reply(text: &str) -> String {
    let code = text.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
    let (Some(code), Some(b'-')) = (code, text.as_bytes().get(3)) else { return text.to_owned() };
    let rest = text.get(4..).unwrap_or_default();
    let first = rest.split_whitespace().next().unwrap_or_default();
    let status = EnhancedStatus::parse(first).map(|_| first);
    let mut joined = code.to_owned();
    let mut words = rest.split_whitespace().peekable();
    let mut fresh = true;
    while let Some(word) = words.next() {
        let again = word.strip_prefix(code).and_then(|rest| rest.strip_prefix('-'));
        let last = word == code && words.peek().is_some_and(|next| status.is_none_or(|s| *next == s));
        let word = match again {
            Some(rest) if Some(rest) == status => continue,
            Some(rest) => rest,
            None if last => {
                if status.is_some() {
                    words.next();
                }
                continue;
            }
            None => word,
        };
        if word.is_empty() || (!fresh && Some(word) == status && again.is_some()) {
            continue;
        }
        fresh = false;
        joined.push(' ');
        joined.push_str(word);
    }
    joined
}

/// Safe to show, and not too long.
pub(super) fn clean(text: &str) -> String {
    neutralise(text.trim().as_bytes(), MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> MailEvent {
        let mut event = MailEvent::default();
        interpret(lines, &mut event);
        event
    }

    fn status(text: &str) -> Option<EnhancedStatus> {
        EnhancedStatus::parse(text)
    }

    #[test]
    fn a_reply_is_taken_out_of_the_words_around_it() {
        let event = read(&[
            "192.0.2.25 does not like recipient.",
            "Remote host said: 550 5.1.1 <bob@example.net>... User unknown",
            "Giving up on 192.0.2.25.",
        ]);
        assert_eq!(event.text, "550 5.1.1 <bob@example.net>... User unknown");
        assert_eq!((event.reply, event.status, event.stage), (Some(550), status("5.1.1"), Some(Stage::Rcpt)));
        assert_eq!(event.remote_address, "192.0.2.25".parse().ok());

        let event = read(&[
            "host mx.example.net[192.0.2.25] said: 452 4.2.2 Mailbox full (in reply to RCPT TO",
            "    command)",
        ]);
        assert_eq!((event.text.as_str(), event.stage), ("452 4.2.2 Mailbox full", Some(Stage::Rcpt)));
        assert_eq!(event.remote_host.as_deref(), Some("mx.example.net"));

        let event = read(&[
            "mx.example.net [2001:db8::1] did not like our final DATA:",
            "550-5.7.26 No",
            "550 5.7.26 way",
        ]);
        assert_eq!((event.text.as_str(), event.stage), ("550 5.7.26 No way", Some(Stage::EndOfData)));
        assert_eq!(event.remote_address, "2001:db8::1".parse().ok());
    }

    #[test]
    fn without_a_reply_all_words_count() {
        let event = read(&[
            "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)",
            "I'm not going to try again.",
        ]);
        assert_eq!((event.status, event.stage, event.reply), (status("4.4.1"), Some(Stage::Connect), None));
        assert!(event.text.ends_with("not going to try again."), "{}", event.text);
        assert_eq!(read(&[]).text, "");
    }

    #[test]
    fn dialogues_name_the_command_that_was_refused() {
        let event = read(&[
            "    mx.example.net [192.0.2.1]:",
            ">>> MAIL FROM:<a@example.com>",
            "<<< 250 ok",
            ">>> RCPT TO:<b@example.net>",
            "<<< 550-no",
            "<<< 550 such user",
        ]);
        assert_eq!(
            (event.text.as_str(), event.stage, event.reply),
            ("550 no such user", Some(Stage::Rcpt), Some(550))
        );
        assert_eq!(event.remote_host.as_deref(), Some("mx.example.net"));
        let event = read(&["<<< No such domain."]);
        assert_eq!((event.text.as_str(), event.stage), ("No such domain.", None));
    }

    #[test]
    fn replies_of_several_lines_lose_their_repeated_codes() {
        for (text, expected) in [
            (
                "550-5.7.25 [192.0.2.2] The IP 550-5.7.25 has no PTR 550 5.7.25 record",
                "550 5.7.25 [192.0.2.2] The IP has no PTR record",
            ),
            ("550-no 550-such 550 user", "550 no such user"),
            ("550 550 users", "550 550 users"),
            ("550-5.1.1", "550 5.1.1"),
        ] {
            assert_eq!(joined_reply(text), expected);
        }
        assert_eq!(codes("550: 5.1.8 rejected"), (Some(550), status("5.1.8")));
        assert_eq!(codes("550 550 5.7.1 denied"), (Some(550), status("5.7.1")));
        assert_eq!(codes("5.1.1 <a@example.com>"), (None, status("5.1.1")));
        assert_eq!(codes("5500 apples"), (None, None));
        assert_eq!(codes("192.0.2.1 is bad"), (None, None));
    }
}
