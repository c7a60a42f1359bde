//! Sun, Oracle and iPlanet Messaging Server, and PMDF before them: labelled lines.

use waxseal_model::MailEvent;

use super::notice::Notice;
use super::{address, blocks, said};
use crate::facts::is_host;

/// Whether this is such a notice.
pub(super) fn recognise(notice: &Notice) -> bool {
    notice.says("Recipient address: ") && (notice.says("Reason: ") || notice.says("Diagnostic code: "))
}

/// One event for each `Recipient address:`.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let mut events: Vec<MailEvent> = Vec::new();
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in &notice.lines {
        let words = line.trim();
        let label = words.split_once(": ").filter(|(label, _)| is_label(label));
        if let Some((name, value)) = label {
            if name.eq_ignore_ascii_case("recipient address") {
                finish(notice, &mut fields, &mut events);
            }
            fields.push((name, value.to_owned()));
        } else if words.is_empty() {
            finish(notice, &mut fields, &mut events);
        } else if let Some((_, value)) = fields.last_mut() {
            value.push(' ');
            value.push_str(words);
        }
        if events.len() == blocks::MOST {
            break;
        }
    }
    finish(notice, &mut fields, &mut events);
    events
}

fn is_label(label: &str) -> bool {
    ["recipient address", "original address", "reason", "diagnostic code", "remote system", "status"]
        .iter()
        .any(|known| label.eq_ignore_ascii_case(known))
}

/// Makes an event of the fields that were gathered, if they name a recipient.
fn finish(notice: &Notice, fields: &mut Vec<(&str, String)>, events: &mut Vec<MailEvent>) {
    let fields = std::mem::take(fields);
    let value =
        |name: &str| fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
    let Some(recipient) = value("recipient address").and_then(address::first) else { return };
    let mut event = notice.empty(recipient);
    event.original_recipient = value("original address").and_then(address::first).map(said::clean);
    if let Some(system) = value("remote system") {
        remote(system, &mut event);
    }
    let diagnostic = value("diagnostic code").map(|code| code.split_once(';').map_or(code, |(_, code)| code));
    match (diagnostic, value("reason")) {
        (Some(code), reason) if said::leads_with_code(code) => {
            said::set_text(code, &mut event);
            event.context.extend(reason.map(said::clean));
        }
        (code, Some(reason)) => {
            let all = code.map_or_else(|| reason.to_owned(), |code| format!("{reason} {code}"));
            said::words(&all, &mut event);
        }
        (Some(code), None) => said::words(code, &mut event),
        (None, None) => {}
    }
    events.push(event);
}

/// `dns;mx.example.net (TCP|198.51.100.1|47323|192.0.2.25|25) (…)`.
fn remote(system: &str, event: &mut MailEvent) {
    let system = system.split_once(';').map_or(system, |(_, rest)| rest);
    event.remote_host = system.split_whitespace().next().filter(|host| is_host(host)).map(said::clean);
    let mut parts = system.split_once("TCP|").map_or("", |(_, rest)| rest).split(['|', ')']);
    event.client_address = parts.next().and_then(|part| part.parse().ok());
    event.remote_address = parts.nth(1).and_then(|part| part.parse().ok());
    event.remote_port = parts.next().and_then(|part| part.parse().ok());
}

#[cfg(test)]
mod tests {
    use super::super::tests::events;

    #[test]
    fn labelled_lines_tell_all() {
        let found = events(
            "Return-Path: <>\nFrom: postmaster@mail.example.com\nTo: alice@example.com\nSubject: Delivery Notification: Delivery has failed\n\n\
             This report relates to a message you sent with the following header fields:\n\n  Message-id: <1@example.com>\n  To: bob@example.net\n\nYour message cannot be delivered to the following recipients:\n\n\
             \x20 Recipient address: bob@example.net\n  Original address: list@example.com\n  Reason: Remote SMTP server has rejected address\n  Diagnostic code: smtp;550 5.1.1 <bob@example.net>...\n    User unknown\n  Remote system: dns;mx.example.net (TCP|198.51.100.1|47323|192.0.2.25|25) (mx ESMTP)\n\n\
             \x20 Recipient address: carol@example.net\n  Reason: Over quota\n",
        );
        let [bob, carol] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(bob.text, "550 5.1.1 <bob@example.net>... User unknown");
        assert_eq!((bob.remote_port, bob.remote_address), (Some(25), "192.0.2.25".parse().ok()));
        assert_eq!(bob.original_recipient.as_deref(), Some("list@example.com"));
        assert_eq!(
            (carol.recipient.as_deref(), carol.text.as_str()),
            (Some("carol@example.net"), "Over quota")
        );
    }
}
