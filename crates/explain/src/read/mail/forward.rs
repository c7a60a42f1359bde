//! Bounces that a person sent on, as an attachment or quoted in a text.

use super::{
    decode, mime, signs,
    view::{Mail, Part},
};

/// So many attached messages are looked into.
const MOST_ATTACHED: usize = 20;
/// A quoted message is not longer than this, in bytes.
const LONGEST: usize = 256 * 1024;

/// Lines that mail programs put before a message that is sent on, in lower case.
const MARKS: &[&str] = &[
    "begin forwarded message",
    "forwarded message",
    "original message",
    "ursprüngliche nachricht",
    "weitergeleitete nachricht",
    "message transféré",
    "message d'origine",
    "mensaje reenviado",
    "mensaje original",
    "messaggio inoltrato",
    "mensagem encaminhada",
    "doorgestuurd bericht",
    "転送されたメッセージ",
    "元のメッセージ",
];

/// The texts of the messages that are attached.
pub(super) fn attached<'m>(mail: &'m Mail<'_>) -> impl Iterator<Item = &'m str> {
    let is_message = |part: &&Part<'_>| matches!(part.kind.as_str(), "message/rfc822" | "message/global");
    mail.parts.iter().filter(is_message).take(MOST_ATTACHED).map(Part::text)
}

/// The message that a person quotes to send it on: its subject is announced by the mail's
/// own one, tells of a failure, and its author is a mail system. Whoever answers a bounce,
/// or writes about one, quotes it too: that is not enough.
pub(super) fn quoted(mail: &Mail<'_>) -> Option<String> {
    if !signs::sends_on_a_failure(mail.header("subject")) {
        return None;
    }
    let body = mail.body();
    let body = body.get(..body.floor_char_boundary(LONGEST)).unwrap_or_default();
    let mut lines = body.lines().skip_while(|line| !is_mark(line)).skip(1).peekable();
    // The quoted header may stand at once or after a blank line.
    while lines.next_if(|line| unquoted(line).trim().is_empty()).is_some() {}
    let message: Vec<&str> = lines.map(unquoted).collect();
    let message = message.join("\n");
    let (fields, _) = mime::header(message.as_bytes());
    let from = mime::value(&fields, "from").map(decode::field_value).unwrap_or_default();
    signs::is_daemon(&from).then_some(message)
}

fn is_mark(line: &str) -> bool {
    let line = line.trim().trim_matches(['-', '_', '*', '=', ' ', ':', '>']).to_lowercase();
    line.len() < 60 && MARKS.iter().any(|mark| line.starts_with(mark))
}

/// Without one level of quotation marks.
fn unquoted(line: &str) -> &str {
    let Some(rest) = line.strip_prefix('>') else { return line };
    rest.strip_prefix(' ').unwrap_or(rest)
}
