//! A bounce that a person sent on within the text of a mail, quoted or as it was.

use super::super::view::Mail;
use super::notice::tells_of_failure;

/// Beginnings of the subjects of mails that are sent on, in lower case.
const FORWARDS: &[&str] =
    &["fwd:", "fw:", "wg:", "tr:", "rv:", "enc:", "i:", "doorst:", "vs:", "转发:", "転送:"];

/// The mail that was sent on, header and all; none where the subject does not say that a
/// failure notice was.
pub(in super::super) fn inner(mail: &Mail<'_>) -> Option<String> {
    let subject = mail.header("subject").to_lowercase();
    let forwarded = FORWARDS.iter().any(|prefix| subject.starts_with(prefix));
    if !forwarded || !tells_of_failure(&subject) {
        return None;
    }
    let lines: Vec<&str> = mail.body().lines().collect();
    let start = lines.iter().take(200).position(|line| unquoted(line).starts_with("From:"))?;
    let quoted = lines.get(start)?.starts_with('>');
    let mut text = String::new();
    let mut header = true;
    for line in lines.get(start..)? {
        let line = if quoted { unquoted(line) } else { line };
        if header && !line.is_empty() && !line.starts_with([' ', '\t']) && !line.contains(':') {
            // Some programs leave no blank line behind the header.
            text.push('\n');
        }
        header &= !line.is_empty() && line.contains(':') || line.starts_with([' ', '\t']);
        text.push_str(line);
        text.push('\n');
    }
    text.contains("\nSubject:").then_some(text)
}

/// Without the mark of a quotation.
fn unquoted(line: &str) -> &str {
    let Some(rest) = line.strip_prefix('>') else { return line };
    rest.strip_prefix(' ').unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use crate::read::{Given, read};

    fn recipients(mail: &str) -> Vec<String> {
        read(mail.as_bytes(), &Given::default())
            .events
            .into_iter()
            .filter_map(|event| event.recipient)
            .collect()
    }

    #[test]
    fn a_bounce_that_was_sent_on_is_read() {
        let bounce = "From: MAILER-DAEMON@mx.example.com\nDate: Mon, 5 Jan 2026\nTo: alice@example.com\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.com.\n\n<bob@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n";
        let head =
            "From: Alice <alice@example.com>\nTo: help@example.com\nSubject: Fwd: failure notice\n\nWhy?\n\n";
        let quoted: String = bounce.lines().map(|line| format!("> {line}\n")).collect();
        assert_eq!(recipients(&format!("{head}{quoted}")), ["bob@example.net"]);
        assert_eq!(
            recipients(&format!("{head}---------- Forwarded message ---------\n{bounce}")),
            ["bob@example.net"]
        );
        let answer = head.replace("Fwd: failure notice", "Re: failure notice");
        assert_eq!(recipients(&format!("{answer}{quoted}")), Vec::<String>::new());
    }
}
