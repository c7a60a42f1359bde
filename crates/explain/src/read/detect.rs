//! What kind of text this is.

use std::borrow::Cow;

use super::{client, dmarc, log, log::LogFormat, mail, paste, tlsrpt, transcript};

/// A kind of input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InputKind {
    /// A reply of a server, or one line that quotes one.
    Reply,
    /// A conversation with a server.
    Transcript,
    /// The error text of a program or library that sends mail, or of a TLS library.
    ClientError,
    /// A mail with a header.
    Mail,
    /// Lines of a log.
    Log(LogFormat),
    /// A TLS report (RFC 8460).
    TlsRpt,
    /// A DMARC aggregate report (RFC 7489 appendix C).
    Dmarc,
    /// Nothing that is known.
    #[default]
    Unknown,
}

/// How much of a text is looked at to recognise it, in bytes.
const HEAD: usize = 8192;
/// Texts up to this size are also looked at without quote marks, indents and colours.
const MOST_PASTED: usize = 1024 * 1024;

/// The beginning that readers are shown.
pub(super) fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..bytes.len().min(HEAD)).unwrap_or_default()
}

/// Recognises a text by what it says: UTF-8 or UTF-16, also quoted, indented or coloured.
/// Packed files are not opened.
pub fn detect(bytes: &[u8]) -> InputKind {
    recognise(bytes).0
}

/// The kind, and the text as its reader wants it: UTF-8, without a byte order mark, without
/// what all lines were given on their way.
pub(super) fn recognise(bytes: &[u8]) -> (InputKind, Cow<'_, [u8]>) {
    let text = paste::decode(bytes);
    let kind = by_words(head(&text));
    if kind != InputKind::Reply || text.len() > MOST_PASTED {
        return (kind, text);
    }
    match paste::unwrapped(&text) {
        Some(bare) => {
            let kind = by_words(head(&bare));
            (kind, Cow::Owned(bare))
        }
        None => (kind, text),
    }
}

/// Each reader knows its own; the most special is asked first.
fn by_words(head: &[u8]) -> InputKind {
    if tlsrpt::recognise(head) {
        return InputKind::TlsRpt;
    }
    if dmarc::recognise(head) {
        return InputKind::Dmarc;
    }
    // Asked before the logs, each of which has several programs to know: no log has a header.
    if mail::recognise(head) && has_mail_fields(head) {
        return InputKind::Mail;
    }
    if let Some(format) = log::recognise(head) {
        return InputKind::Log(format);
    }
    if transcript::recognise(head) {
        return InputKind::Transcript;
    }
    if client::recognise(head) { InputKind::ClientError } else { InputKind::Reply }
}

/// True where one of the first lines is a field that mails have: `Error: 550 …` is none.
fn has_mail_fields(head: &[u8]) -> bool {
    const FIELDS: [&str; 26] = [
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "sender",
        "reply-to",
        "delivered-to",
        "in-reply-to",
        "references",
        "auto-submitted",
        "dkim-signature",
        "authentication-results",
        "list-id",
        "precedence",
        "errors-to",
        "resent-from",
        "envelope-to",
        "status",
        "apparently-to",
        "thread-topic",
    ];
    let lines = head.split(|b| *b == b'\n' || *b == b'\r').filter(|line| !line.is_empty()).take(60);
    lines.into_iter().any(|line| {
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        name.len() < line.len()
            && (FIELDS.contains(&name.as_str()) || name.starts_with("x-") || name.starts_with("content-"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str =
        "From: MAILER-DAEMON@mx.example.com\nTo: a@example.com\nSubject: Undelivered Mail\n\nhello\n";
    const LOG: &str = "Jan  5 10:00:00 mx postfix/smtp[1]: 4ABC: to=<a@example.com>, relay=none, delay=1, delays=0/0/1/0, \
        dsn=4.4.1, status=deferred (connect to mx.example.com[192.0.2.1]:25: Connection timed out)\n";
    const SESSION: &str = "220 mx ESMTP\nEHLO c\n250 mx\nMAIL FROM:<a@example.com>\n550 no\n";

    /// What happens to texts on their way here.
    fn disguises(text: &str) -> Vec<Vec<u8>> {
        let each =
            |lead: &str| text.lines().map(|line| format!("{lead}{line}\n")).collect::<String>().into_bytes();
        let wide = text.encode_utf16().flat_map(u16::to_le_bytes);
        vec![
            text.as_bytes().to_vec(),
            text.replace('\n', "\r\n").into_bytes(),
            format!("\n\n  \n{text}").into_bytes(),
            format!("\u{feff}{text}").into_bytes(),
            [0xff, 0xfe].into_iter().chain(wide.clone()).collect(),
            wide.collect(),
            each("> "),
            each("    "),
            format!("```\n{text}```\n").into_bytes(),
        ]
    }

    #[test]
    fn a_text_is_recognised_in_any_disguise() {
        for (text, kind) in [
            (MAIL, InputKind::Mail),
            (LOG, InputKind::Log(LogFormat::Postfix)),
            (SESSION, InputKind::Transcript),
            ("javax.mail.MessagingException: x\n", InputKind::ClientError),
            ("550 5.1.1 no such user\n", InputKind::Reply),
            ("{\"organization-name\": \"x\", \"policies\": []}\n", InputKind::TlsRpt),
            ("<feedback>\n<policy_published></policy_published></feedback>\n", InputKind::Dmarc),
        ] {
            for bytes in disguises(text) {
                assert_eq!(detect(&bytes), kind, "{:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn an_error_that_begins_like_a_field_is_no_mail() {
        assert_eq!(detect(b"Error: 550 5.1.1 no such user"), InputKind::Reply);
        assert_ne!(detect(b"reason: connection refused\nserver: x"), InputKind::Mail);
    }
}
