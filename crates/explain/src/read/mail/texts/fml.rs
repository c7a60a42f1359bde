//! fml, a manager of mailing lists: refusals of a list to those who wrote to it.

use waxseal_model::MailEvent;

use super::notice::Notice;
use super::{address, said};

/// Subjects of refusals, in lower case; fml's other mails are no failures.
const SUBJECTS: &[&str] =
    &["not member", "loop alert", "duplicated message-id", "rejected", "not allowed", "error", "too big"];

/// Whether this is such a refusal.
pub(super) fn recognise(notice: &Notice) -> bool {
    notice.header("x-mlserver").contains("fml") && SUBJECTS.iter().any(|words| notice.subject.contains(words))
}

/// One event: the list that refused, and its first paragraph.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let lines: Vec<&str> = notice.lines.iter().copied().skip_while(|line| line.trim().is_empty()).collect();
    let end = lines.iter().position(|line| line.trim().is_empty()).unwrap_or(lines.len());
    let paragraph = lines.get(..end).unwrap_or_default();
    let sender = address::first(notice.header("to"));
    let named = paragraph.iter().flat_map(|line| address::all(line)).find(|found| Some(*found) != sender);
    let Some(list) = named.map(ToOwned::to_owned).or_else(|| list_of_identifier(notice)) else {
        return Vec::new();
    };
    let mut event = notice.empty(&list);
    event.text = said::clean(&said::unfold(paragraph));
    vec![event]
}

/// The list as fml writes it into the identifiers of its mails: `2005….FML12.list@example.com`.
fn list_of_identifier(notice: &Notice) -> Option<String> {
    let (_, rest) = notice.header("message-id").split_once(".FML")?;
    let (_, list) = rest.split_once('.')?;
    address::first(list).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::tests::events;

    #[test]
    fn lists_refuse_strangers() {
        let head = "From: knitting-admin@example.com\nTo: alice@example.org\nMessage-ID: <202601051000.FMLAA12.knitting@example.com>\nX-MLServer: fml [fml 4.0.3 release]\n";
        let found = events(&format!(
            "{head}Subject: You alice@example.org are not member (knitting ML)\n\nYou are not a member of this mailing list <knitting@example.com>.\n\nIf you know the guide\n"
        ));
        assert_eq!(
            (found[0].recipient.as_deref(), found[0].text.as_str()),
            (
                Some("knitting@example.com"),
                "You are not a member of this mailing list <knitting@example.com>."
            )
        );
        let found = events(&format!("{head}Subject: Your mail is rejected\n\nThe article is refused.\n"));
        assert_eq!(found[0].recipient.as_deref(), Some("knitting@example.com"));
        assert!(
            events(&format!("{head}Subject: Guide (knitting ML)\n\nWelcome <bob@example.com>.\n")).is_empty()
        );
    }
}
