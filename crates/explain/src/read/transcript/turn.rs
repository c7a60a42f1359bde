//! The lines of a transcript: who says what, whatever program wrote it down.
//!
//! Programs mark the two sides in a dozen ways, and some mark them the other way round. So a
//! mark is only taken off; what stands behind it tells who speaks: a server begins with a
//! code, a client with a command.

use crate::read::problem;

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// A line of a reply.
    Server {
        /// Its code.
        code: u16,
        /// More lines are to come.
        more: bool,
        /// What follows the code.
        text: String,
    },
    /// A command.
    Client(Command),
    /// What the program says of itself.
    Note(String),
    /// The message, an answer within AUTH, certificates, blank lines.
    Other,
}

/// A command, with the address that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// `EHLO`, `HELO`, `LHLO`.
    Hello,
    /// `STARTTLS`.
    Starttls,
    /// `AUTH`.
    Auth,
    /// `MAIL FROM`.
    Mail(String),
    /// `RCPT TO`.
    Rcpt(String),
    /// `DATA`.
    Data,
    /// `BDAT`, the whole message with it.
    Bdat,
    /// The line with a dot alone.
    Dot,
    /// `RSET`.
    Rset,
    /// `QUIT`.
    Quit,
    /// `NOOP`, `VRFY`, `HELP` and others.
    Other,
}

/// A line as its marks and words show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) turn: Turn,
    /// A mark of some program stood in front: this is no line of a message.
    pub(super) marked: bool,
}

/// Marks in front of what is said, longest first among those that begin alike.
const MARKS: &[&str] = &[
    // swaks; waxseal
    "<~* ",
    "<** ",
    "<~ ",
    "<- ",
    "~> ",
    "-> ",
    // sendmail -v, Perl's Net::SMTP, Swift Mailer; curl; Symfony
    "<<< ",
    ">>> ",
    "<< ",
    ">> ",
    "<-- ",
    "--> ",
    "< ",
    "> ",
    // PHPMailer
    "SERVER -> CLIENT:",
    "CLIENT -> SERVER:",
    // Exim -v
    "SMTP<<",
    "SMTP>>",
    "SMTP>|",
    // Thunderbird
    "SMTP Response:",
    "SMTP Send:",
    // Nodemailer, MailKit, RFCs
    "S:",
    "C:",
    // Postfix
    "Out:",
    "In:",
    // Python
    "reply:",
    "send:",
    "replies:",
    // Others
    "Server:",
    "Client:",
    "SERVER:",
    "CLIENT:",
    "RECV:",
    "SEND:",
    "Recv:",
    "Sent:",
    "recv:",
    "R:",
];

/// Marks of lines that a program says of itself, and no side of the conversation.
const NOTES: &[&str] = &["*** ", "=== ", "** ", "DEBUG SMTP:", "SMTP ERROR:", "SMTP Error:", "SMTP NOTICE:"];

/// Reads a line.
pub(super) fn line(raw: &str) -> Line {
    let stamped = without_stamp(problem::without_meter(raw));
    let trimmed = stamped.trim();
    if trimmed.is_empty() {
        return Line { turn: Turn::Other, marked: false };
    }
    if NOTES.iter().any(|mark| trimmed.starts_with(mark)) {
        return Line {
            turn: Turn::Note(trimmed.trim_start_matches(['*', '=', ' ']).to_owned()),
            marked: true,
        };
    }
    let (said, marked) = without_mark(trimmed);
    let said = unquoted(said);
    if marked && (said.starts_with("retcode (") || said.starts_with("retcode(")) {
        // smtplib repeats the reply that it has just shown line by line.
        return Line { turn: Turn::Other, marked };
    }
    let turn = server(&said).or_else(|| command(&said).map(Turn::Client)).unwrap_or_else(|| {
        match trimmed.strip_prefix("<** ").or_else(|| trimmed.strip_prefix("<~* ")) {
            // swaks: what came, or did not come, instead of a reply.
            Some(instead) => Turn::Note(instead.to_owned()),
            None if marked => Turn::Other,
            None => Turn::Note(trimmed.trim_start_matches("* ").trim_start().to_owned()),
        }
    });
    Line { turn, marked }
}

/// Without the time, the level and the logger's name that programs put in front.
pub(in crate::read) fn without_stamp(raw: &str) -> &str {
    let mut rest = raw.trim_start_matches('\u{feff}');
    for _ in 0..6 {
        let trimmed = rest.trim_start();
        let word = trimmed.split_whitespace().next().unwrap_or_default();
        let after = trimmed.get(word.len()..).unwrap_or_default();
        let bracketed = trimmed.starts_with('[').then(|| trimmed.split_once(']')).flatten();
        let next = match bracketed {
            Some((inner, after)) if inner.len() <= 48 && is_stamp_content(inner) => {
                Some(after.strip_prefix(':').unwrap_or(after))
            }
            _ if is_time(word) || is_logger(word) => Some(after),
            _ => None,
        };
        match next {
            Some(next) if !next.trim().is_empty() => rest = next.strip_prefix(' ').unwrap_or(next),
            _ => break,
        }
    }
    rest
}

/// What stands in square brackets before a line: a time, a process, a session.
fn is_stamp_content(inner: &str) -> bool {
    let inner = inner.trim_start_matches('[');
    let first = inner.chars().next();
    first.is_some_and(|c| c.is_ascii_alphanumeric())
        && !inner.contains('@')
        && !inner.contains("::")
        && inner.parse::<std::net::IpAddr>().is_err()
}

/// `2026-01-05`, `10:00:00.123`, `2026-01-05T10:00:00Z`, `12.3`, `+1.2`, `UTC`, `-`.
fn is_time(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let dated = digits >= 6
        && word.bytes().all(|b| b.is_ascii_digit() || b":-/.,TZ+".contains(&b))
        && word.bytes().filter(|b| b":-/".contains(b)).count() >= 2;
    let since = word.strip_prefix('+').unwrap_or(word);
    let milliseconds = since.split_once('.').is_some_and(|(a, b)| {
        !a.is_empty() && b.len() == 1 && a.bytes().chain(b.bytes()).all(|b| b.is_ascii_digit())
    });
    dated || milliseconds || matches!(word, "UTC" | "GMT" | "-")
}

/// `DEBUG`, `D/SMTP`, `mailnews.smtp.1:`, `console.debug:`.
fn is_logger(word: &str) -> bool {
    matches!(
        word,
        "DEBUG"
            | "INFO"
            | "TRACE"
            | "ERROR"
            | "WARN"
            | "D/SMTP"
            | "I/SMTP"
            | "E/SMTP"
            | "V/SMTP"
            | "debug:"
            | "info:"
            | "trace:"
            | "DEBUG:"
            | "console.debug:"
            | "console.log:"
            | "console.info:"
            | "console.error:"
            | "console.warn:"
    ) || (word.starts_with("mailnews.smtp") && word.ends_with(':'))
        || (word.starts_with("\"mailnews.smtp") && word.ends_with(':'))
        || (word.starts_with("Net::SMTP") && word.contains("=GLOB("))
}

fn without_mark(trimmed: &str) -> (&str, bool) {
    // Perl writes the mark without a blank: `Net::SMTP=GLOB(0x55d0)<<< 220 …`.
    let trimmed = match trimmed.strip_prefix("Net::SMTP").and_then(|rest| rest.split_once(')')) {
        Some((_, rest)) => rest.trim_start(),
        None => trimmed,
    };
    for mark in MARKS {
        if let Some(rest) = trimmed.strip_prefix(mark) {
            return (rest.trim(), true);
        }
    }
    (trimmed, false)
}

/// `b'250 ok\r\n'`, `"250 ok\r\n"`: the text itself.
fn unquoted(said: &str) -> String {
    let bare = said.strip_prefix('b').filter(|rest| rest.starts_with(['\'', '"'])).unwrap_or(said);
    let inner = ['\'', '"'].iter().find_map(|quote| {
        let inner = bare.strip_prefix(*quote)?;
        Some(
            inner
                .split_once(&format!("\\n{quote}"))
                .map_or_else(|| inner.trim_end_matches(*quote), |(inner, _)| inner),
        )
    });
    let mut text = inner.unwrap_or(said);
    if text.matches('"').count() == 1 {
        // The other one stood before a mark.
        text = text.strip_suffix('"').unwrap_or(text);
    }
    text.trim_end_matches("\\n").trim_end_matches("\\r").trim_end_matches("\\n").trim().to_owned()
}

/// A line of a reply.
fn server(said: &str) -> Option<Turn> {
    let code = said.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let rest = said.get(3..)?;
    let more = rest.starts_with('-');
    if !(200..600).contains(&code) || !(rest.is_empty() || rest.starts_with([' ', '-', '\t'])) {
        return None;
    }
    let text = rest.get(1..).unwrap_or_default().trim().to_owned();
    Some(Turn::Server { code, more, text })
}

/// A command by its verb.
fn command(said: &str) -> Option<Command> {
    if said == "." || said == "\\r\\n." || said == "<CR><LF>.<CR><LF>" {
        return Some(Command::Dot);
    }
    let mut words = said.split_whitespace();
    let verb = words.next()?.to_ascii_uppercase();
    let alone = words.next().is_none();
    // `MAIL FROM:<a>`, `mail from: <a>`, `mail FROM:<a> size=10`.
    let path = |lead: &str| {
        let rest = said.get(verb.len().min(4)..)?.trim_start();
        let head = rest.get(..lead.len())?;
        let rest = head.eq_ignore_ascii_case(lead).then(|| rest.get(lead.len()..))??;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let inner = match rest.strip_prefix('<') {
            Some(inner) => inner.split('>').next(),
            None => rest.split_whitespace().next(),
        };
        inner.map(str::to_owned)
    };
    match verb.as_str() {
        "EHLO" | "HELO" | "LHLO" if said.len() < 300 => Some(Command::Hello),
        "STARTTLS" if alone => Some(Command::Starttls),
        "AUTH" if !alone => Some(Command::Auth),
        "DATA" if alone => Some(Command::Data),
        "BDAT" if !alone => Some(Command::Bdat),
        "RSET" if alone => Some(Command::Rset),
        "QUIT" if alone => Some(Command::Quit),
        "NOOP" if alone => Some(Command::Other),
        "VRFY" | "EXPN" | "XCLIENT" | "XFORWARD" | "ETRN" if !alone => Some(Command::Other),
        _ if verb.starts_with("MAIL") => path("from").map(Command::Mail),
        _ if verb.starts_with("RCPT") => path("to").map(Command::Rcpt),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn server_text(raw: &str) -> Option<(u16, String)> {
        match line(raw).turn {
            Turn::Server { code, text, .. } => Some((code, text)),
            _ => None,
        }
    }

    #[test]
    fn servers_are_heard_behind_all_marks() {
        for raw in [
            "<-  550 no such user",
            "<** 550 no such user",
            "<~* 550 no such user",
            "< 550 no such user",
            "<<< 550 no such user",
            "SERVER -> CLIENT: 550 no such user",
            "2026-01-05 10:00:00 SERVER -> CLIENT: 550 no such user",
            "2026-01-05 10:00:00\tSERVER -> CLIENT: 550 no such user",
            "[2026-01-05 10:00:00] DEBUG [kq3Fb] S: 550 no such user",
            "mailnews.smtp.1: S: 550 no such user",
            "2026-01-05 10:00:00.523000 UTC - [Parent 41: Main Thread]: I/SMTP SMTP Response: 550 no such user",
            "console.debug: \"mailnews.smtp.1: S: 550 no such user\"",
            "reply: b'550 no such user\\r\\n'",
            "reply: '550 no such user\\r\\n'",
            " Out: 550 no such user",
            "S: 550 no such user",
            "  SMTP<< 550 no such user",
            "-> \"550 no such user\\r\\n\"",
            "Net::SMTP=GLOB(0x55d0c8)<<< 550 no such user",
            "       0.4     +0.2  <- 550 no such user",
            "550 no such user",
        ] {
            assert_eq!(server_text(raw), Some((550, "no such user".into())), "{raw}");
        }
    }

    #[test]
    fn clients_are_heard_behind_all_marks() {
        for raw in [
            " -> RCPT TO:<a@example.com>",
            " ~> RCPT TO:<a@example.com>",
            "> RCPT TO:<a@example.com> NOTIFY=FAILURE",
            "CLIENT -> SERVER: RCPT TO:<a@example.com>",
            "send: 'rcpt TO:<a@example.com>\\r\\n'",
            "C: RCPT TO:<a@example.com>",
            " In:  RCPT TO:<a@example.com>",
            "rcpt to: a@example.com",
            "<- \"RCPT TO:<a@example.com>\\r\\n\"",
        ] {
            assert_eq!(line(raw).turn, Turn::Client(Command::Rcpt("a@example.com".into())), "{raw}");
        }
        assert_eq!(line("MAIL FROM:<>").turn, Turn::Client(Command::Mail(String::new())));
        assert_eq!(line("Data is lost").turn, Turn::Note("Data is lost".into()));
        assert_eq!(line("mail from example.com").turn, Turn::Note("mail from example.com".into()));
        assert_eq!(line(" -> .").turn, Turn::Client(Command::Dot));
    }

    #[test]
    fn programs_speak_of_themselves() {
        assert_eq!(line("*** Error connecting to x").turn, Turn::Note("Error connecting to x".into()));
        assert_eq!(line("=== Connected to x.").turn, Turn::Note("Connected to x.".into()));
        assert_eq!(line("reply: retcode (250); Msg: b'x'").turn, Turn::Other);
        assert_eq!(line(" -> Subject: 250 things").turn, Turn::Other);
    }

    proptest! {
        #[test]
        fn no_line_panics(raw in "[-<>*~=SC:. 0-9a-c'\"\\[\\]é]{0,60}") {
            let _ = line(&raw);
        }

        #[test]
        fn any_line_is_borne(raw in any::<String>()) {
            let _ = line(&raw);
        }
    }
}
