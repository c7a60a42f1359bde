//! Fixes and commands, with an event's facts put into them. What goes into a command is
//! checked first: events hold what strangers wrote.

use waxseal_model::{MailEvent, diagnosis::Fix};

use crate::rules::FixText;

/// The longest text that is put into a command.
const LONGEST: usize = 300;

/// A name that is safe to paste, or none.
fn name(text: Option<&str>) -> Option<String> {
    let text = text?.trim_end_matches('.');
    let safe = !text.is_empty()
        && text.len() <= 253
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b == b'_');
    safe.then(|| text.to_ascii_lowercase())
}

fn domain(address: Option<&str>) -> Option<String> {
    name(address?.rsplit_once('@').map(|(_, domain)| domain))
}

/// What stands for a placeholder: the event's fact, and the word for one that it lacks.
fn placeholder(event: &MailEvent, which: &str) -> (Option<String>, &'static str) {
    match which {
        "recipient_domain" => (domain(event.recipient.as_deref()), "RECIPIENT-DOMAIN"),
        "sender_domain" => (domain(event.sender.as_deref()), "SENDER-DOMAIN"),
        "remote_host" => (name(event.remote_host.as_deref()), "SERVER"),
        "remote_address" => (event.remote_address.map(|a| a.to_string()), "SERVER-IP"),
        "client_address" => (event.client_address.map(|a| a.to_string()), "SENDING-IP"),
        "text" => (quoted(&event.text), "TEXT"),
        _ => (None, ""),
    }
}

/// A text that stands between single quotes in a shell.
fn quoted(text: &str) -> Option<String> {
    let cut = text.floor_char_boundary(text.len().min(LONGEST));
    let text = text.get(..cut).map(str::trim).filter(|t| !t.is_empty())?;
    Some(text.replace('\'', r"'\''"))
}

/// Puts the event's facts into a template; the second value says that none was lacking.
fn filled(event: &MailEvent, template: &str) -> (String, bool) {
    let (mut out, mut complete, mut rest) = (String::new(), true, template);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let slot = after.split_once('}').map(|(which, tail)| (placeholder(event, which), tail));
        match slot {
            Some(((_, ""), _)) | None => {
                out.push('{');
                rest = after;
            }
            Some(((value, word), tail)) => {
                complete &= value.is_some();
                out.push_str(value.as_deref().unwrap_or(word));
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    (out, complete)
}

pub(crate) fn fill(event: &MailEvent, fix: &FixText) -> Fix {
    Fix { at: fix.at.into(), text: fix.text.into(), paste: fix.paste.map(|paste| filled(event, paste).0) }
}

/// The commands that the event has everything for; where there is none, all of them with
/// words in capitals for what it lacks.
pub(crate) fn next(event: &MailEvent, templates: &[&str]) -> Vec<String> {
    let all: Vec<_> = templates.iter().map(|template| filled(event, template)).collect();
    let any = all.iter().any(|(_, complete)| *complete);
    all.into_iter().filter(|(_, complete)| *complete || !any).map(|(command, _)| command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> MailEvent {
        MailEvent {
            recipient: Some("kim@example.com".into()),
            text: "550 don't".into(),
            ..MailEvent::default()
        }
    }

    #[test]
    fn a_command_is_ready_to_be_pasted() {
        let commands =
            next(&event(), &["waxseal diagnose '{text}' --to {recipient_domain}", "dig {remote_host}"]);
        assert_eq!(commands, [r"waxseal diagnose '550 don'\''t' --to example.com"]);
    }

    #[test]
    fn what_is_lacking_is_a_word_in_capitals() {
        assert_eq!(next(&MailEvent::default(), &["dig {remote_host}"]), ["dig SERVER"]);
    }

    #[test]
    fn names_that_are_none_reach_no_command() {
        for recipient in ["kim@example.com;reboot", "kim@$(id)", "kim@-x", "kim@", "kim"] {
            let event = MailEvent { recipient: Some(recipient.into()), ..MailEvent::default() };
            assert_eq!(next(&event, &["dig {recipient_domain}"]), ["dig RECIPIENT-DOMAIN"], "{recipient}");
        }
    }

    #[test]
    fn braces_that_are_no_placeholders_stay() {
        let fix = FixText { at: "a", text: "b", paste: Some("awk '{print $3}' @{Add='x'} {remote_host}") };
        assert_eq!(fill(&event(), &fix).paste.as_deref(), Some("awk '{print $3}' @{Add='x'} SERVER"));
    }
}
