//! Delivery status notifications (RFC 3464): `message/delivery-status`, also where it is
//! misnamed or stands in the middle of a text.

use waxseal_model::{MailEvent, mail::Outcome};

use super::super::{MOST_EVENTS, signs, view::Mail};
use super::{
    fields::{self, Group, Report},
    notice, words,
};

/// Reads the reports of a mail. The human-readable part is asked for what they leave out.
pub(super) fn decode(mail: &Mail<'_>) -> Vec<MailEvent> {
    let reports: Vec<Report> = match mail.delivery_statuses().map(fields::parse).collect::<Vec<_>>() {
        none if none.is_empty() => fields::in_prose(mail.body()).map(fields::parse).into_iter().collect(),
        some => some,
    };
    if reports.is_empty() || !signs::of(mail).report() {
        return Vec::new();
    }
    let mut events: Vec<MailEvent> = Vec::new();
    for report in &reports {
        for group in &report.recipients {
            let event = event(mail, report, group);
            let same =
                |other: &MailEvent| other.recipient == event.recipient && other.outcome == event.outcome;
            // Some programs repeat a group, some name an alias and its target alike.
            if events.len() < 50 && events.iter().any(same) {
                continue;
            }
            events.push(event);
            if events.len() >= MOST_EVENTS {
                return events;
            }
        }
    }
    if events.is_empty() {
        let report = reports.first().map(|r| event(mail, r, &Group::default()));
        // A report about nobody: only if the returned message tells for whom it was.
        events.extend(report.filter(|event| event.recipient.is_some()));
    }
    events
}

fn event(mail: &Mail<'_>, report: &Report, group: &Group) -> MailEvent {
    let mut event = MailEvent { recipient: recipient(mail, group), ..MailEvent::default() };
    let original = words::mailbox(group.get("original-recipient"));
    event.original_recipient = original.filter(|original| Some(original) != event.recipient.as_ref());
    let (_, diagnostic) = words::typed(group.get("diagnostic-code"));
    event.text = words::joined_reply(diagnostic);
    (event.remote_host, event.remote_address) = words::host(group.get("remote-mta"));
    event.reporter = words::host(report.message.get("reporting-mta")).0;
    event.queue_id = queue_id(report, group);
    event.sender = sender(mail, report);
    event.time = [group.get("last-attempt-date"), mail.header("date"), report.message.get("arrival-date")]
        .iter()
        .find_map(|date| words::time(date));
    // Not a mailbox but a program: what failed is the program.
    let real = [group.get("x-actual-recipient"), group.get("final-recipient")];
    let pipe = real.iter().map(|value| words::typed(value).1).find(|value| value.starts_with('|'));
    event.context.extend(pipe.map(|pipe| words::one_line(&format!("pipe to {pipe}"))));
    let status = group.get("status");
    event.status = words::status(words::status_field(status), &event.text);
    event.outcome = outcome(mail, group, &event);
    // `Status: 5.2.1 (mailbox disabled, not accepting messages)`
    if words::says_nothing(&event.text)
        && let Some((_, comment)) = status.split_once('(')
        && !words::says_nothing(comment)
    {
        event.text = words::one_line(comment.trim_end_matches(')'));
    }
    event
}

/// Adds to the events what the notice for people says besides: its words where the report
/// has none or none that mean anything, the command, the host.
pub(in super::super) fn enrich(mail: &Mail<'_>, events: &mut [MailEvent]) {
    let alone = events.len() == 1;
    let told = notice::Notice::new(mail.notice());
    // A report about hundreds of recipients says all there is to say.
    for event in events.iter_mut().take(200) {
        let recipient = event.recipient.as_deref().unwrap_or_default();
        let Some(said) = notice::about(&told, recipient, &event.text, alone) else { continue };
        let (host, address) = notice::host(&event.text);
        event.stage = event.stage.or(said.stage).or_else(|| notice::stage(&event.text));
        event.remote_host = event.remote_host.take().or(said.host).or(host);
        event.remote_address = event.remote_address.or(said.address).or(address);
        if said.text.is_empty() {
            continue;
        }
        if said.cause || words::says_nothing(&event.text) {
            let wrapper = std::mem::replace(&mut event.text, said.text);
            if !words::says_nothing(&wrapper) {
                event.context.push(wrapper);
            }
            event.status = words::status(event.status, &event.text);
        } else if !words::same(&event.text, &said.text)
            && !words::says_nothing(&said.text)
            && said.text.len() < 1000
        {
            event.context.push(said.text);
        } else if said.whole {
            event.text = said.text;
        }
    }
}

/// The address that the sender wrote to, as far as the report names a mailbox: the final
/// one, the original one, the one that the notice's header names, the returned message's.
fn recipient(mail: &Mail<'_>, group: &Group) -> Option<String> {
    let named = ["final-recipient", "original-recipient", "x-actual-recipient"].iter();
    let with_domain = |address: &String| address.contains('@');
    let mailboxes: Vec<String> = named.filter_map(|name| words::mailbox(group.get(name))).collect();
    let failed = || words::mailbox(mail.header("x-failed-recipients").split(',').next().unwrap_or_default());
    let returned = || {
        ["x-original-to", "delivered-to", "envelope-to", "to"]
            .iter()
            .find_map(|name| super::address_of(mail.returned_header(name)))
    };
    let found = mailboxes.iter().find(|m| with_domain(m)).cloned();
    found.or_else(|| failed().filter(with_domain)).or_else(|| mailboxes.first().cloned()).or_else(returned)
}

fn queue_id(report: &Report, group: &Group) -> Option<String> {
    let id = [report.message.get_ending("-queue-id"), group.get("final-log-id")];
    id.iter().find(|id| !id.is_empty()).map(|id| words::one_line(id))
}

/// The envelope sender of the message that came back.
fn sender(mail: &Mail<'_>, report: &Report) -> Option<String> {
    let named = words::mailbox(report.message.get_ending("-sender"));
    let returned = || super::address_of(mail.returned_header("return-path"));
    // A copy for the postmaster does not go to the sender.
    let copy = mail.header("subject").starts_with("Postmaster notify");
    let addressee = || super::address_of(mail.header("to")).filter(|_| !copy);
    let from = || super::address_of(mail.returned_header("from"));
    named.filter(|n| n.contains('@')).or_else(returned).or_else(addressee).or_else(from)
}

fn outcome(mail: &Mail<'_>, group: &Group, event: &MailEvent) -> Outcome {
    let action = group.get("action").split([' ', '(', ';']).next().unwrap_or_default().to_ascii_lowercase();
    match action.as_str() {
        "failed" | "failure" | "fail" => Outcome::Failed,
        "delayed" => Outcome::Deferred,
        "delivered" | "expanded" => Outcome::Delivered,
        "relayed" => Outcome::Relayed,
        _ if signs::tells_of_delay(mail) => Outcome::Deferred,
        _ => match event.status.map(|status| status.class) {
            Some(2) => Outcome::Delivered,
            _ => Outcome::Failed,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, report: &str) -> Vec<MailEvent> {
        let text = format!(
            "{header}Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n{report}\n--b\n\
             Content-Type: text/rfc822-headers\n\nTo: Carol <carol@example.org>\nFrom: alice@example.com\n\n--b--\n"
        );
        decode(&Mail::parse(text.as_bytes()))
    }

    #[test]
    fn actions_become_outcomes() {
        for (action, outcome) in [
            ("failed", Outcome::Failed),
            ("Delayed", Outcome::Deferred),
            ("delivered", Outcome::Delivered),
            ("relayed (to a host without reports)", Outcome::Relayed),
            ("expanded", Outcome::Delivered),
        ] {
            let events = read(
                "",
                &format!("Final-Recipient: rfc822; bob@example.net\nAction: {action}\nStatus: 2.0.0\n"),
            );
            assert_eq!(events.iter().map(|e| e.outcome).collect::<Vec<_>>(), [outcome], "{action}");
        }
        let silent = "Final-Recipient: rfc822; bob@example.net\nStatus: 4.4.1\n";
        assert_eq!(
            read("Subject: Delayed Mail (still being retried)\n", silent)[0].outcome,
            Outcome::Deferred
        );
        assert_eq!(read("", silent)[0].outcome, Outcome::Failed);
    }

    #[test]
    fn the_recipient_is_the_mailbox_that_is_named_best() {
        let of = |header: &str, report: &str| read(header, report)[0].recipient.clone().unwrap_or_default();
        assert_eq!(of("", "Original-Recipient: <bob@example.net>\nAction: failed\n"), "bob@example.net");
        let routed = "Original-recipient: rfc822;bob@example.net\nFinal-recipient: rfc822;@relay:bob@inside\nAction: failed\n";
        assert_eq!(of("", routed), "bob@example.net");
        let pipe = "Final-Recipient: rfc822;|/usr/bin/filter bob\nAction: failed\n";
        assert_eq!(of("X-Failed-Recipients: bob@example.net\n", pipe), "bob@example.net");
        assert_eq!(of("", pipe), "carol@example.org");
        assert_eq!(of("", ""), "carol@example.org");
    }

    #[test]
    fn a_group_that_is_repeated_counts_once() {
        let group = "Final-Recipient: rfc822; bob@example.net\nAction: failed\nStatus: 5.1.1\n\n";
        assert_eq!(read("", &group.repeat(3)).len(), 1);
        let other = group.replace("bob", "eve");
        assert_eq!(read("", &format!("{group}{other}")).len(), 2);
    }

    #[test]
    fn a_status_explains_itself_where_nothing_else_does() {
        let events = read(
            "",
            "Final-Recipient: rfc822; bob@example.net\nAction: failed\nStatus: 4.2.2 (Over quota)\n",
        );
        assert_eq!(events[0].text, "Over quota");
        assert_eq!(events[0].status.unwrap().to_string(), "4.2.2");
    }
}
