//! What Amazon SES reports as JSON, through SNS or as an event: bounces, complaints,
//! deliveries.
//!
//! Source: the contents of notifications and events in the developer guide of Amazon SES.

use serde_json::Value;
use waxseal_model::{MailEvent, mail::Outcome};

use super::super::{MOST_EVENTS, view::Mail};
use super::words;

/// Events of a notification; none for other JSON.
pub(super) fn decode(mail: &Mail<'_>) -> Vec<MailEvent> {
    let body = mail.body().trim_start();
    if !body.starts_with('{') {
        return Vec::new();
    }
    // Some servers cut long lines, and mark the place with an exclamation mark.
    let whole = body.replace("!\n ", "");
    let Some(outer) = first_value(&whole) else { return Vec::new() };
    let inner = outer.get("Message").and_then(Value::as_str).and_then(first_value);
    let notification = inner.as_ref().unwrap_or(&outer);
    let kind = ["notificationType", "eventType"].iter().find_map(|name| notification.get(*name)?.as_str());
    match kind {
        Some("Bounce") => each(notification, "bounce", "bouncedRecipients", Outcome::Failed),
        Some("Complaint") => each(notification, "complaint", "complainedRecipients", Outcome::Complaint),
        Some("DeliveryDelay") => each(notification, "deliveryDelay", "delayedRecipients", Outcome::Deferred),
        Some("Delivery") => each(notification, "delivery", "recipients", Outcome::Delivered),
        Some("Reject") => each(notification, "reject", "recipients", Outcome::Rejected),
        _ => Vec::new(),
    }
}

/// The first JSON value of a text; a signature may follow it.
fn first_value(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn each(notification: &Value, section: &str, list: &str, outcome: Outcome) -> Vec<MailEvent> {
    let Some(about) = notification.get(section) else { return Vec::new() };
    let mail = notification.get("mail").unwrap_or(&Value::Null);
    let named = about.get(list).or_else(|| mail.get("destination")).and_then(Value::as_array);
    let Some(named) = named else { return Vec::new() };
    let event = |who: &Value| {
        let address = who.as_str().unwrap_or_else(|| text(who, "emailAddress"));
        let (_, diagnostic) = words::typed(text(who, "diagnosticCode"));
        let said = [diagnostic, text(about, "smtpResponse"), text(about, "reason")];
        let said = said.iter().find(|said| !said.is_empty()).copied();
        let kinds = ["bounceType", "bounceSubType", "delayType", "complaintFeedbackType"];
        let kinds: Vec<&str> =
            kinds.iter().map(|name| text(about, name)).filter(|kind| !kind.is_empty()).collect();
        let mut event = MailEvent {
            outcome,
            recipient: words::mailbox(address),
            sender: words::mailbox(text(mail, "source")),
            time: time(text(about, "timestamp")),
            reporter: words::host(text(about, "reportingMTA")).0,
            text: said.map_or_else(|| words::one_line(&kinds.join(", ")), words::joined_reply),
            queue_id: Some(words::one_line(text(mail, "messageId"))).filter(|id| !id.is_empty()),
            client_address: text(mail, "sourceIp").parse().ok(),
            ..MailEvent::default()
        };
        event.status = words::status(words::status_field(text(who, "status")), &event.text);
        if said.is_some() && !kinds.is_empty() {
            event.context.push(words::one_line(&kinds.join(", ")));
        }
        event
    };
    named.iter().take(MOST_EVENTS).map(event).collect()
}

/// `2016-10-21T06:58:02.245Z`
fn time(text: &str) -> Option<i64> {
    let date = mail_parser::DateTime::parse_rfc3339(text).filter(mail_parser::DateTime::is_valid)?;
    Some(date.to_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNCE: &str = r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General",
        "bouncedRecipients":[{"emailAddress":"bob@example.net","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}],
        "timestamp":"2026-01-05T10:11:12.245Z","reportingMTA":"dns; mx.example.com"},
        "mail":{"source":"alice@example.com","messageId":"0100","destination":["bob@example.net"]}}"#;

    fn read(body: &str) -> Vec<MailEvent> {
        let text = format!(
            "From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\n\n{body}\n\n--\nUnsubscribe\n"
        );
        decode(&Mail::parse(text.as_bytes()))
    }

    #[test]
    fn a_bounce_is_read_bare_and_wrapped() {
        let wrapped = serde_json::json!({"Type": "Notification", "Message": BOUNCE}).to_string();
        let cut = wrapped.replace("emailAddress", "email!\n Address");
        for body in [BOUNCE, &wrapped, &cut] {
            let event = &read(body)[0];
            assert_eq!(
                (event.outcome, event.recipient.as_deref()),
                (Outcome::Failed, Some("bob@example.net"))
            );
            assert_eq!((event.text.as_str(), event.time), ("550 5.1.1 user unknown", Some(1_767_607_872)));
            assert_eq!(
                (event.sender.as_deref(), event.reporter.as_deref()),
                (Some("alice@example.com"), Some("mx.example.com"))
            );
        }
    }

    #[test]
    fn other_notifications_have_their_outcomes() {
        for (body, outcome) in [
            (
                r#"{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"b@example.net"}]}}"#,
                Outcome::Complaint,
            ),
            (
                r#"{"eventType":"Delivery","delivery":{"recipients":["b@example.net"],"smtpResponse":"250 ok"}}"#,
                Outcome::Delivered,
            ),
            (
                r#"{"eventType":"DeliveryDelay","deliveryDelay":{"delayType":"MailboxFull","delayedRecipients":[{"emailAddress":"b@example.net","status":"4.2.2"}]}}"#,
                Outcome::Deferred,
            ),
        ] {
            assert_eq!(read(body).iter().map(|e| e.outcome).collect::<Vec<_>>(), [outcome]);
        }
        for other in ["{}", "{\"notificationType\":\"Bounce\"}", "{broken", "[1]", "hello {"] {
            assert_eq!(read(other), [], "{other}");
        }
    }
}
