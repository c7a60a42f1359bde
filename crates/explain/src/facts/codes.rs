//! Reply and enhanced status codes, told apart from addresses, versions and amounts.

use waxseal_model::mail::EnhancedStatus;

/// Words whose end makes a number after them a quoted reply.
const QUOTES: [&str; 11] = [
    "said: ",
    "-> ",
    "smtp; ",
    "smtp;",
    "to me: ",
    "responded: ",
    "response: ",
    "response was: ",
    "reply: ",
    "returned '",
    "last error: ",
];

/// Words that make the number before them an amount.
const UNITS: [&str; 14] = [
    "second",
    "minute",
    "hour",
    "day",
    "byte",
    "kb",
    "mb",
    "message",
    "recipient",
    "time",
    "attempt",
    "connection",
    "ms",
    "%",
];

/// Names of programs, after which a number is a version.
const PROGRAMS: [&str; 9] =
    ["exim", "postfix", "sendmail", "version", "server", "release", "qmail", "esmtp", "microsoft"];

/// The reply code and the enhanced status code of the innermost reply in `text`. The status
/// belongs to the reply that is known already, where one is.
pub(super) fn codes(text: &str, known: Option<u16>) -> (Option<u16>, Option<EnhancedStatus>) {
    let bytes = text.as_bytes();
    let lower = text.to_ascii_lowercase();
    let mut best: Option<(u8, usize, u16)> = None;
    let mut statuses: Vec<(usize, EnhancedStatus, bool)> = Vec::new();
    let mut at = 0;
    while let Some(step) =
        bytes.get(at..).and_then(|rest| rest.iter().position(|b| matches!(b, b'2' | b'4' | b'5')))
    {
        at += step;
        if let Some((status, length)) = status_at(text, at) {
            let after_reply = at >= 4 && reply_at(bytes, at - 4).is_some();
            if after_reply || stands_alone(&lower, at) {
                statuses.push((at, status, after_reply));
            }
            at += length;
        } else if let Some(code) = reply_at(bytes, at) {
            let score = weight(&lower, at, code);
            let better = |(best, ..): (u8, usize, u16)| if score >= 7 { score >= best } else { score > best };
            if known.is_none_or(|known| known == code) && score >= 3 && best.is_none_or(better) {
                best = Some((score, at, code));
            }
            at += 3;
        } else {
            at += 1;
        }
    }
    let reply = best.map(|(_, at, code)| (at, code));
    (reply.map(|(_, code)| code), belonging(&statuses, reply, known))
}

/// The enhanced status code that a text names, for want of a better one.
pub(crate) fn status(text: &str, known: Option<u16>) -> Option<EnhancedStatus> {
    codes(text, known).1
}

/// The status of the reply: right behind it, or the next one after it, or the first of its
/// class; without a reply the first that stands alone.
fn belonging(
    statuses: &[(usize, EnhancedStatus, bool)],
    reply: Option<(usize, u16)>,
    known: Option<u16>,
) -> Option<EnhancedStatus> {
    let class = reply.map(|(_, code)| code).or(known).map(|code| code / 100);
    let same = |s: &&(usize, EnhancedStatus, bool)| class.is_none_or(|c| u16::from(s.1.class) == c);
    let behind = reply.and_then(|(at, _)| statuses.iter().find(|s| s.0 == at + 4));
    let after = || statuses.iter().filter(same).find(|s| reply.is_none_or(|(at, _)| s.0 > at));
    let before = || statuses.iter().rev().find(same);
    behind.or_else(after).or_else(before).map(|s| s.1)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'.')
}

/// Three digits that may be a reply code and no part of a longer word.
fn reply_at(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 3)?;
    let [first @ (b'2' | b'4' | b'5'), second @ b'0'..=b'7', third @ b'0'..=b'9'] = *digits else {
        return None;
    };
    let before = at.checked_sub(1).and_then(|i| bytes.get(i));
    let after = bytes.get(at + 3);
    let free = !is_word(before) && before != Some(&b'-');
    let ends = after.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_' && *b != b'/')
        && !(after == Some(&b'.') && bytes.get(at + 4).is_some_and(u8::is_ascii_digit));
    let value = |b: u8| u16::from(b - b'0');
    (free && ends).then(|| value(first) * 100 + value(second) * 10 + value(third))
}

/// Words of replies that only repeat that all recipients were refused before.
const ECHOES: [&str; 4] = ["need rcpt", "valid recipients", "rcpt first", "valid rcpt"];

/// How clearly a number is a reply code: 7 and more where it is quoted, 4 at the beginning,
/// 3 after a sign; 2 more before an enhanced code of its class.
fn weight(lower: &str, at: usize, code: u16) -> u8 {
    let before = lower.get(..at).unwrap_or_default();
    let rest = lower.get(at + 3..).unwrap_or_default();
    let after = rest.trim_start_matches([' ', '-', '#', '(']);
    let port = before.trim_end_matches([':', '=', ' ', '#']).ends_with("port") || is_after_host(before);
    let quoted = QUOTES.iter().any(|quote| before.ends_with(quote))
        || before.trim_matches([' ', '"', '\'', '<', '(']).is_empty();
    if port || (!quoted && UNITS.iter().any(|unit| after.starts_with(unit))) {
        return 0;
    }
    let status = after.split([' ', ')', ':', ',']).next().and_then(EnhancedStatus::parse);
    let with_status = status.is_some_and(|s| u16::from(s.class) == code / 100);
    let place = if QUOTES.iter().any(|quote| before.ends_with(quote)) {
        7
    } else if before.trim_matches([' ', '"', '\'', '<', '(']).is_empty() {
        4
    } else if before.ends_with([':', ';', '(', '\'', '"', '[', '<', '>', '#', '=', '|'])
        || [": ", "; ", "> ", "| ", "\n", "code ", "error ", "smtp "]
            .iter()
            .any(|sign| before.ends_with(sign))
    {
        3
    } else {
        u8::from(with_status) * 2
    };
    let own_line = rest.is_empty() || rest.starts_with([' ', '-', ':', ')', ';', ',', '\'', '"']);
    if place == 0 || !own_line {
        return 0;
    }
    let beginning = rest.get(..rest.floor_char_boundary(rest.len().min(48))).unwrap_or_default();
    if ECHOES.iter().any(|echo| beginning.contains(echo)) {
        return 3;
    }
    // A greeting may stand before the refusal.
    (place + u8::from(with_status) * 2) - u8::from(code < 300)
}

/// True behind `mx.example.com:` and `[2001:db8::1]:`, where a port stands.
fn is_after_host(before: &str) -> bool {
    let Some(host) = before.strip_suffix(':') else { return false };
    let word = host.rsplit([' ', '"', '\'', '(', '/']).next().unwrap_or_default();
    word.ends_with(']') || (word.contains('.') && word.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// An enhanced status code at that place, and its length.
fn status_at(text: &str, at: usize) -> Option<(EnhancedStatus, usize)> {
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).and_then(|i| bytes.get(i));
    if is_word(before) {
        return None;
    }
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(10).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let number = text.get(at..at + length)?.trim_end_matches('.');
    let next = rest.get(number.len());
    let status = EnhancedStatus::parse(number)?;
    let ends = next.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_' && *b != b'/');
    ends.then_some((status, number.len()))
}

/// It is no version: nothing before it names a program.
fn stands_alone(lower: &str, at: usize) -> bool {
    let before = lower.get(..at).unwrap_or_default();
    let word = before.trim_end_matches([' ', '(', '/', '#', 'v']);
    let signed = before.ends_with(['#', ':', ';', '[', '<', '=', '-', '(']) || before.ends_with(": ");
    before.is_empty()
        || signed
        || !PROGRAMS.iter().any(|program| word.ends_with(program)) && before.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (u16, String) {
        let (reply, status) = codes(text, None);
        (reply.unwrap_or(0), status.map(|s| s.to_string()).unwrap_or_default())
    }

    #[test]
    fn codes_stand_where_servers_write_them() {
        for (text, reply, status) in [
            ("550 5.1.1 no such user", 550, "5.1.1"),
            ("421-4.7.0 Try again later. 421 4.7.0 gsmtp", 421, "4.7.0"),
            ("550 no mailbox here by that name (#5.1.1)", 550, "5.1.1"),
            ("host mx[192.0.2.1] said: 452-4.2.2 over quota", 452, "4.2.2"),
            ("451 4.4.397 Error communicating. -> 421 4.2.1 Unable to connect", 421, "4.2.1"),
            ("550 5.4.300 Message expired -> 421 Service busy", 421, ""),
            ("smtp; 550 5.7.1 Access denied", 550, "5.7.1"),
            ("smtp; 550 Recipient unknown", 550, ""),
            ("421 Connection limit exceeded", 421, ""),
            ("5.1.1 mailbox unknown", 0, "5.1.1"),
            ("<a@example.com>... 550 User unknown", 0, ""),
            ("SMTP error from remote mail server after RCPT TO:<a@b>: 550 Unknown", 550, ""),
            ("Remote Server returned '554 5.4.0 < #5.1.1 smtp;550 5.1.1 gone>'", 550, "5.1.1"),
            ("535-5.7.8 Username and Password not accepted", 535, "5.7.8"),
            ("Deferred: 450 4.2.0 Greylisted", 450, "4.2.0"),
            ("220-example.com 421 4.2.1 Service refused", 421, "4.2.1"),
            ("250 2.0.0 Ok: queued as 4ABC", 250, "2.0.0"),
            ("<<< 550 5.1.1 no such user <<< 503 5.5.1 Need RCPT", 550, "5.1.1"),
            ("503 5.5.1 Error: no valid recipients, 550 5.2.1 disabled", 550, "5.2.1"),
        ] {
            assert_eq!(both(text), (reply, status.to_owned()), "{text}");
        }
    }

    #[test]
    fn addresses_versions_and_amounts_are_no_codes() {
        for text in [
            "connect to mx.example.com[192.0.2.25]:25: Connection timed out",
            "client 5.1.1.2 refused",
            "Exim 4.96.1 gave up",
            "Postfix 2.10.1",
            "wait 450 seconds",
            "expired after 421 hours",
            "size 550: too big".trim_start_matches("size 550: "),
            "mail/550/x",
            "host: mx.example.com, port: 465, no answer",
            "connection to \"smtp.example.com:587\" timed out",
            "id 1550 2.5",
        ] {
            assert_eq!(both(text), (0, String::new()), "{text}");
        }
    }

    #[test]
    fn a_known_reply_takes_its_own_status() {
        assert_eq!(status("550 5.1.1 a, 450 4.2.2 b", Some(450)), EnhancedStatus::parse("4.2.2"));
    }
}
