//! What stands before the message in a line of syslog or of the journal.

use super::{
    record::split_at_byte,
    stamp::{Stamp, is_month},
};

/// A line taken apart. What is not there is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// When.
    pub(crate) stamp: Stamp<'a>,
    /// The host that logged it.
    pub(crate) host: &'a str,
    /// The program by its tag: `postfix/smtp`, `sm-mta`, `exim`.
    pub(crate) tag: &'a str,
    /// Its process.
    pub(crate) pid: &'a str,
    /// What it said.
    pub(crate) message: &'a str,
}

/// Takes a line apart:
///
/// - RFC 3164 with and without a year and a priority: `Nov 21 23:34:45 host tag[pid]: message`
/// - RFC 3339 stamps, and those of the journal: `2025-11-21T23:34:45.1+01:00 host tag[pid]: …`,
///   `Fri 2025-11-21 23:34:45 UTC host …`, `1763768085.1 host …`, `[ 12.345] host …`
/// - RFC 5424: `<22>1 2025-11-21T23:34:45Z host tag pid - - message`
/// - no stamp and no host: `postfix/smtp[123]: message`
pub(crate) fn split(line: &str) -> Option<Line<'_>> {
    let line = without_priority(line);
    if let Some(rest) = line.strip_prefix("1 ")
        && rest.as_bytes().first().is_some_and(u8::is_ascii_digit)
    {
        return rfc5424(rest);
    }
    let (stamp, rest) = stamp(line);
    let (host, rest) = host(rest, stamp)?;
    let (tag, message) = split_at_byte(rest, b':')?;
    let (tag, pid) = tag_and_pid(tag)?;
    Some(Line { stamp, host, tag, pid, message: solaris(message.trim_start()) })
}

/// Where the parts of the commonest lines are: `Nov 21 23:34:45 host tag[pid]: message`, and
/// the same with a time of RFC 3339. Found without looking at more than these parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    stamp: usize,
    host: usize,
    tag: usize,
    pid: usize,
    message: usize,
}

impl Layout {
    /// None for lines that are laid out otherwise, which [`split`] may understand.
    pub(crate) fn of(line: &[u8]) -> Option<Self> {
        let stamp = match line.get(..20)? {
            [_, _, _, b' ', _, _, b' ', _, _, b':', _, _, b':', _, _, b' ', ..] => 15,
            [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', ..] => {
                // A comma would be Exchange's.
                let end = line.iter().skip(19).take(20).position(|b| matches!(b, b' ' | b','))?;
                (line.get(19 + end) == Some(&b' ')).then_some(19 + end)?
            }
            _ => return None,
        };
        let rest = line.get(stamp + 1..)?;
        // What stands there instead of a host ends or begins so.
        let space = rest.iter().position(|b| *b == b' ')?;
        if matches!(rest.get(..space)?, [] | [b'<' | b' ', ..] | [.., b':']) {
            return None;
        }
        let host = stamp + 1 + space;
        let mut open = None;
        for (at, byte) in rest.iter().enumerate().skip(space + 1) {
            match byte {
                b'[' => open = Some(stamp + 1 + at),
                b']' => {
                    let pid = stamp + 1 + at;
                    let solaris = line.get(pid + 3) == Some(&b'[');
                    let ends = line.get(pid + 1..pid + 3)? == b": ";
                    return (ends && !solaris).then_some(Self {
                        stamp,
                        host,
                        tag: open?,
                        pid,
                        message: pid + 3,
                    });
                }
                b' ' | b':' => return None,
                _ => {}
            }
        }
        None
    }

    /// The tag.
    pub(crate) fn tag<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        line.get(self.host + 1..self.tag).unwrap_or_default()
    }

    /// The message.
    pub(crate) fn message<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        line.get(self.message..).unwrap_or_default()
    }

    /// The line taken apart.
    pub(crate) fn split<'a>(&self, line: &'a str) -> Option<Line<'a>> {
        let stamp = line.get(..self.stamp)?;
        Some(Line {
            stamp: if self.stamp == 15 { Stamp::Bsd(stamp) } else { Stamp::Iso(stamp) },
            host: line.get(self.stamp + 1..self.host)?,
            tag: line.get(self.host + 1..self.tag)?,
            pid: line.get(self.tag + 1..self.pid)?,
            message: line.get(self.message..)?,
        })
    }
}

/// The stamp of a line of any of these kinds, and of any with a time in front.
pub(crate) fn time(line: &str) -> Stamp<'_> {
    let line = without_priority(line);
    let version = line.strip_prefix("1 ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    stamp(version.unwrap_or(line)).0
}

/// `<22>` in front.
fn without_priority(line: &str) -> &str {
    let Some(rest) = line.strip_prefix('<') else { return line };
    match rest.split_once('>') {
        Some((number, rest)) if number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => line,
    }
}

/// The stamp at the beginning, and what follows it.
pub(crate) fn stamp(line: &str) -> (Stamp<'_>, &str) {
    let none = (Stamp::None, line);
    match line.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] => iso(line).unwrap_or(none),
        [b'0'..=b'9', ..] => unix(line).unwrap_or(none),
        [b'[', ..] => match line.split_once("] ") {
            Some((monotonic, rest)) if monotonic.len() < 24 => (Stamp::None, rest),
            _ => none,
        },
        [b'A'..=b'Z', _, _, b' ', b'1' | b'2', _, ..] if line.as_bytes().get(8) == Some(&b'-') => {
            // `Fri 2025-11-21 23:34:45 UTC`
            line.get(4..).and_then(iso).unwrap_or(none)
        }
        [b'A'..=b'Z', _, _, b' ', ..] if line.get(..3).is_some_and(is_month) => bsd(line).unwrap_or(none),
        _ => none,
    }
}

fn bsd(line: &str) -> Option<(Stamp<'_>, &str)> {
    // Nearly always the stamp takes 15 characters: `Nov  1 23:34:45`.
    if line.as_bytes().get(15) == Some(&b' ') && line.as_bytes().get(12) == Some(&b':') {
        let (stamp, rest) = line.split_at_checked(15)?;
        return Some((Stamp::Bsd(stamp), rest.get(1..)?));
    }
    let colon = line.get(..24.min(line.len())).unwrap_or(line).find(':')?;
    let end = colon + line.get(colon..)?.find(' ')?;
    let (stamp, rest) = line.split_at_checked(end)?;
    Some((Stamp::Bsd(stamp), rest.get(1..)?))
}

/// `2025-11-21T23:34:45…` up to the next space; with a space instead of `T`, a zone behind
/// another space belongs to it.
fn iso(line: &str) -> Option<(Stamp<'_>, &str)> {
    let bytes = line.as_bytes();
    if bytes.get(13) != Some(&b':') || bytes.get(16) != Some(&b':') {
        return None;
    }
    let mut end = 19 + line.get(19..)?.find(' ').unwrap_or(line.len() - 19);
    let rest = line.get(end..).unwrap_or_default().trim_start();
    let zone = rest.split(' ').next().unwrap_or_default();
    let numeric =
        zone.len() == 5 && zone.starts_with(['+', '-']) && zone.bytes().skip(1).all(|b| b.is_ascii_digit());
    if numeric || matches!(zone, "UTC" | "GMT") {
        end = line.len() - rest.len() + zone.len();
    }
    let (stamp, rest) = line.split_at_checked(end)?;
    Some((Stamp::Iso(stamp), rest.trim_start()))
}

fn unix(line: &str) -> Option<(Stamp<'_>, &str)> {
    let (number, rest) = line.split_once(' ')?;
    let (whole, fraction) = number.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (whole.len() >= 9 && digits(whole) && digits(fraction)).then_some((Stamp::Unix(number), rest))
}

/// The host; without a stamp there is none. FreeBSD puts `<mail.info>` before it.
fn host<'a>(rest: &'a str, stamp: Stamp<'_>) -> Option<(&'a str, &'a str)> {
    let rest = rest.trim_start();
    let (word, after) = split_at_byte(rest, b' ')?;
    if word.starts_with('<') && word.ends_with('>') {
        return host(after, stamp);
    }
    // The first word is already the tag.
    if word.ends_with(':') || (stamp == Stamp::None && word.contains('[')) {
        return Some(("", rest));
    }
    Some((word, after.trim_start()))
}

/// `postfix/smtp[123]`, also without a process.
fn tag_and_pid(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() || text.len() > 96 || memchr::memchr(b' ', text.as_bytes()).is_some() {
        return None;
    }
    match split_at_byte(text, b'[') {
        None => Some((text, "")),
        Some((tag, pid)) => Some((tag, pid.strip_suffix(']')?)),
    }
}

/// Solaris puts `[ID 801593 mail.info]` before the message.
fn solaris(message: &str) -> &str {
    match message.strip_prefix("[ID ").and_then(|rest| rest.split_once("] ")) {
        Some((_, rest)) => rest,
        None => message,
    }
}

fn rfc5424(text: &str) -> Option<Line<'_>> {
    let mut words = text.splitn(6, ' ');
    let (time, host, tag, pid, _id) =
        (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let rest = words.next()?;
    let message = match rest.strip_prefix("- ") {
        Some(message) => message,
        None => after_structured_data(rest)?,
    };
    let message = message.trim_start_matches('\u{feff}');
    let nil = |text: &'static str, word| if word == "-" { text } else { word };
    let (tag, own_pid) = tag_and_pid(tag)?;
    let pid = if own_pid.is_empty() { nil("", pid) } else { own_pid };
    Some(Line { stamp: Stamp::Iso(time), host: nil("", host), tag, pid, message })
}

/// Behind `[id name="value"][…] `; values escape `"`, `\` and `]`.
fn after_structured_data(text: &str) -> Option<&str> {
    let mut quoted = false;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b' ' if !quoted && at > 0 && text.as_bytes().get(at - 1) == Some(&b']') => {
                return text.get(at + 1..);
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_of_syslog_is_taken_apart_alike() {
        for line in [
            "Nov 21 23:34:45 mx postfix/smtp[12]: A: to=<a@b.example>",
            "<22>Nov 21 23:34:45 mx postfix/smtp[12]: A: to=<a@b.example>",
            "Nov 21 2025 23:34:45 mx postfix/smtp[12]: A: to=<a@b.example>",
            "Nov 1 23:34:45 mx postfix/smtp[12]: A: to=<a@b.example>",
            "Nov 21 23:34:45 <mail.info> mx postfix/smtp[12]: A: to=<a@b.example>",
            "Nov 21 23:34:45 mx postfix/smtp[12]: [ID 801593 mail.info] A: to=<a@b.example>",
            "2025-11-21T23:34:45.123456+01:00 mx postfix/smtp[12]: A: to=<a@b.example>",
            "2025-11-21T23:34:45+0100 mx postfix/smtp[12]: A: to=<a@b.example>",
            "2025-11-21 23:34:45 +0100 mx postfix/smtp[12]: A: to=<a@b.example>",
            "Fri 2025-11-21 23:34:45 UTC mx postfix/smtp[12]: A: to=<a@b.example>",
            "1763768085.123456 mx postfix/smtp[12]: A: to=<a@b.example>",
            "[    5.123456] mx postfix/smtp[12]: A: to=<a@b.example>",
            "<22>1 2025-11-21T23:34:45Z mx postfix/smtp 12 - - A: to=<a@b.example>",
            r#"<22>1 2025-11-21T23:34:45Z mx postfix/smtp 12 x [a b="] c\""][d] A: to=<a@b.example>"#,
        ] {
            let parts = split(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((parts.host, parts.tag, parts.pid), ("mx", "postfix/smtp", "12"), "{line}");
            assert_eq!(parts.message, "A: to=<a@b.example>", "{line}");
            assert_eq!(parts.stamp == Stamp::None, line.starts_with('['), "{line}");
            if let Some(layout) = Layout::of(line.as_bytes()) {
                assert_eq!(layout.split(line), Some(parts), "{line}");
            }
        }
    }

    #[test]
    fn the_commonest_lines_are_taken_apart_at_once() {
        for line in [
            "Nov  1 23:34:45 mx postfix/smtp[12]: A: to=<a@b.example>",
            "2025-11-21T23:34:45.123456+01:00 mx postfix/smtp[12]: A: to=<a@b.example>",
        ] {
            let layout = Layout::of(line.as_bytes()).unwrap();
            assert_eq!(layout.split(line), split(line));
            assert_eq!(layout.tag(line.as_bytes()), b"postfix/smtp");
            assert_eq!(layout.message(line.as_bytes()), b"A: to=<a@b.example>");
        }
        for line in [
            "Nov 21 23:34:45 postfix/smtp[12]: x",
            "Nov 21 23:34:45 <mail.info> mx postfix/smtp[12]: x",
            "Nov 21 23:34:45 mx postfix/smtp[12]: [ID 801593 mail.info] x",
            "Nov 21 23:34:45 mx kernel: [12]: x",
            "2025-11-21 23:34:45 1tEabc-0000Ab-3C => a[1]: x",
        ] {
            assert_eq!(Layout::of(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_line_may_begin_with_the_tag() {
        for line in ["postfix/smtp[12]: x", "Nov 21 23:34:45 postfix/smtp[12]: x"] {
            let parts = split(line).unwrap();
            assert_eq!((parts.host, parts.tag, parts.message), ("", "postfix/smtp", "x"), "{line}");
        }
        assert_eq!(split("250 2.0.0 Ok: queued"), None);
        assert_eq!(split("Nov 21 23:34:45 mx last message repeated 2 times"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,120}") {
            let _ = split(&text);
        }

        #[test]
        fn no_near_miss_panics(text in r"[<\[0-9A-Za-z:. +\]>é-]{0,60}") {
            let _ = split(&text);
            let text = format!("Nov 21 23:34:45 {text}");
            if let Some(parts) = Layout::of(text.as_bytes()).and_then(|layout| layout.split(&text)) {
                prop_assert_eq!(Some(parts), split(&text));
            }
        }
    }
}
