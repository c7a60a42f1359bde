//! Microsoft Exchange: the reports of 5.5 to 2003, those of 2007 and later in whatever
//! language, and those of Exchange Online.

use waxseal_model::MailEvent;

use super::notice::Notice;
use super::{address, blocks, said};
use crate::facts::is_host;

/// Sentences of Exchange 5.5 to 2003, and of programs that copied them.
const OLD: &[&str] = &[
    "did not reach the following recipient",
    "Did not reach the following recipient",
    "did not reach some or all of the intended recipients",
    "The following recipient(s) could not be reached",
    "The following recipient(s) cannot be reached",
];

/// Whether this is a report of Exchange 5.5 to 2003.
pub(super) fn recognise_old(notice: &Notice) -> bool {
    OLD.iter().any(|sign| notice.says(sign))
}

/// `addr on DATE`, and below it words and a code: `<host #5.1.1 smtp;550 …>`, `MSEXCH:…`.
pub(super) fn read_old(notice: &Notice) -> Vec<MailEvent> {
    let start = notice
        .lines
        .iter()
        .position(|line| ["llowing recipient", "reached:"].iter().any(|words| line.contains(words)));
    let Some(start) = start else { return Vec::new() };
    let first = notice.lines.get(start).and_then(|line| Some((line.split_once(':')?.1.trim(), line)));
    if let Some((named, line)) = first
        && let Some(recipient) = address::first(named)
    {
        return vec![notice.event(recipient, &[line])];
    }
    let lines = notice.lines.get(start + 1..).unwrap_or_default();
    let blocks = blocks::collect(lines, |line| {
        let words = line.trim();
        let end = words.find(" on ").unwrap_or(words.len());
        let name = words.get(..end)?;
        let recipient = address::first(name)?;
        let whole = address::alone(name).is_some() || name.contains("SMTP=") || name.contains("smtp:");
        whole.then_some((recipient, None, ""))
    });
    blocks.into_iter().map(|block| old_event(notice, &block)).collect()
}

/// The event of one recipient of an old report.
fn old_event(notice: &Notice, block: &blocks::Block) -> MailEvent {
    let mut event = notice.empty(block.recipient);
    // The identification of the message and of the server says nothing about the cause.
    let telling = |line: &&&str| {
        !(line.contains("MTS-ID") || line.trim_start().starts_with([';', 'p']) && line.contains(";l="))
    };
    let lines: Vec<&str> = block.lines.iter().filter(telling).copied().collect();
    if said::dialogue(&lines, &mut event) {
        return event;
    }
    let mut text = String::new();
    for line in &lines {
        let words = line.trim();
        // What follows `MSEXCH:IMS:ORG:SITE:SERVER 0 (000C05A6)` is the cause.
        let words = match words.strip_prefix("MSEXCH:") {
            Some(rest) => rest.split_once(')').map_or("", |(_, rest)| rest.trim()),
            None => words,
        };
        if let Some(inside) = words.strip_prefix('<')
            && let Some((host, code)) = inside.split_once('#')
        {
            code_line(host, code, &mut event);
            continue;
        }
        if !words.is_empty() {
            text.push_str(words);
            text.push(' ');
        }
    }
    if event.text.is_empty() {
        said::words(&text, &mut event);
    } else if !text.is_empty() && event.reply.is_none() {
        event.text = said::clean(&format!("{text}{}", event.text));
    }
    event
}

/// `<host #5.1.1 smtp;550 5.1.1 …>`: host, status and perhaps the reply.
fn code_line(host: &str, code: &str, event: &mut MailEvent) {
    let host = host.trim();
    if is_host(host) {
        event.reporter = Some(said::clean(host));
    }
    let code = code.trim_end_matches(['>', '#']).trim();
    event.status = event.status.or(said::codes(code).1);
    match code.split_once("smtp;") {
        Some((_, reply)) => said::words(reply, event),
        None => event.text = said::clean(code),
    }
}

/// Whether this is a report of Exchange 2007 or later.
pub(super) fn recognise(notice: &Notice) -> bool {
    // The sentences are translated; marks of the code lines are not.
    notice.lines.iter().take(400).any(|line| code_of(line).is_some())
        || notice.says("Reported error:")
        || notice.says("Delivery has failed to these recipients or")
}

/// The part for administrators: an address, perhaps a host, and a line with a code.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let mut events: Vec<MailEvent> = Vec::new();
    let mut recipient: Option<&str> = None;
    let mut host: Option<&str> = None;
    let mut generating: Option<&str> = None;
    for (i, line) in notice.lines.iter().enumerate() {
        let words = line.trim();
        if let Some(found) = address::alone(words) {
            (recipient, host) = (Some(found), None);
        } else if is_host(words) {
            host = Some(words);
        } else if let Some((_, name)) = words.rsplit_once(": ").or_else(|| words.rsplit_once(":\u{a0}"))
            && is_host(name)
            && recipient.is_none_or(|_| events.is_empty())
        {
            generating = Some(name);
        }
        let Some(start) = code_of(words) else { continue };
        if let Some(named) = recipient
            && events.len() < blocks::MOST
        {
            let rest = notice.lines.get(i + 1..).unwrap_or_default();
            let more = rest
                .iter()
                .take(12)
                .take_while(|line| !line.trim().is_empty() && address::alone(line).is_none());
            let lines: Vec<&str> = std::iter::once(start).chain(more.copied()).collect();
            // Earlier attempts follow, each with a code of its own.
            let again = lines
                .iter()
                .skip(1)
                .position(|line| code_of(line).is_some())
                .map_or(lines.len(), |at| at + 1);
            let (last, earlier) = lines.split_at(again);
            let mut event = notice.empty(named);
            administrators(&said::unfold(last), &mut event);
            event.context.extend((!earlier.is_empty()).then(|| said::clean(&said::unfold(earlier))));
            event.remote_host = event.remote_host.or_else(|| host.map(said::clean));
            event.reporter = generating.map(said::clean).or(event.reporter);
            events.push(event);
            recipient = None;
        }
    }
    if events.is_empty() { online(notice) } else { events }
}

/// Where the code of a line for administrators begins: `#550 5.1.1 …##`, `#< #5.2.2 smtp;…>`,
/// `host #554 5.4.4 …##`, `Remote Server returned '550 …'`.
fn code_of(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.len() > 4000 {
        return None;
    }
    if let Some(at) = line.find('#') {
        let rest = line.get(at + 1..)?;
        let before = line.get(..at)?.trim();
        let first = before.is_empty() || is_host(before);
        let coded = said::leads_with_code(rest) || (rest.starts_with('<') && rest.contains('#'));
        if first && coded {
            return Some(rest);
        }
    }
    let lower = line.to_ascii_lowercase();
    let (_, behind) = lower.get(..80).unwrap_or(&lower).split_once("remote server ")?;
    let quotes =
        behind.starts_with("returned") || (behind.starts_with("at ") && lower.contains(" returned '"));
    quotes.then_some(line)
}

/// Reads the words behind the code's mark.
fn administrators(line: &str, event: &mut MailEvent) {
    let line = line.trim().trim_end_matches('#').trim();
    let line = line.strip_suffix("#SMTP").unwrap_or(line).trim_end_matches(['#', ' ']);
    if let Some(inside) = line.strip_prefix('<') {
        let inside = inside.trim_start_matches([' ', '#']);
        let (host, code) =
            inside.split_once('#').filter(|(host, _)| is_host(host.trim())).unwrap_or(("", inside));
        code_line(host, code, event);
    } else {
        said::words(line, event);
    }
}

/// Exchange Online tells one recipient with `Reported error:`; without any code the
/// recipients stand alone above what went wrong.
fn online(notice: &Notice) -> Vec<MailEvent> {
    if let Some(at) = notice.line_with("Reported error:") {
        let lines: Vec<&str> = notice
            .lines
            .iter()
            .skip(at)
            .take(6)
            .take_while(|line| !line.trim().is_empty())
            .copied()
            .collect();
        let line = said::unfold(&lines);
        let text = line.split_once("Reported error:").map_or("", |(_, rest)| rest);
        let text = text.split("DSN generated by:").next().unwrap_or(text);
        let recipient = notice.lines.iter().take(at).find_map(|line| address::first(line));
        if let Some(recipient) = recipient {
            let mut event = notice.empty(recipient);
            said::words(text.trim().trim_matches(['"', '\'', ' ']), &mut event);
            return vec![event];
        }
    }
    let Some(at) = notice.line_with("Delivery has failed to these recipients") else { return Vec::new() };
    let lines = notice.lines.get(at + 1..).unwrap_or_default();
    let blocks = blocks::collect(lines, |line| {
        let name = line.trim();
        let name = name.split_once("<mailto:").map_or(name, |(name, _)| name);
        let name = name.split_once(" (").map_or(name, |(_, inside)| inside.trim_end_matches([')', ' ']));
        Some((address::alone(name)?, None, ""))
    });
    blocks.iter().map(|block| notice.event(block.recipient, &block.lines)).collect()
}

#[cfg(test)]
mod tests {
    use waxseal_model::mail::EnhancedStatus;

    use super::super::tests::events;

    const HEAD: &str = "Return-Path: <>\nFrom: System Administrator <postmaster@example.net>\nTo: alice@example.com\nSubject: Undeliverable: hello\n\n";

    #[test]
    fn exchange_5_5_names_its_own_code() {
        let found = events(&format!(
            "{HEAD}Your message\n\n  To:      bob@example.net\n  Subject: hello\n  Sent:    Mon, 5 Jan 2026 10:00:00 -0000\n\ndid not reach the following recipient(s):\n\n\
             bob@example.net on Mon, 5 Jan 2026 10:00:01 -0000\n    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us;a=\n;p=example;l=MX-260105100000Z-1\n    MSEXCH:IMS:ORG:SITE:MX 0 (000C05A6) Unknown Recipient\n\n"
        ));
        let [bob] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(bob.recipient.as_deref(), Some("bob@example.net"));
        assert_eq!(bob.text, "The recipient name is not recognized Unknown Recipient");
    }

    #[test]
    fn exchange_2003_writes_a_status_in_angle_brackets() {
        let found = events(&format!(
            "{HEAD}Your message did not reach some or all of the intended recipients.\n\n      Subject:\thello\n      Sent:\t1/5/2026 10:00 AM\n\nThe following recipient(s) could not be reached:\n\n\
             \x20     bob@example.net on 1/5/2026 10:01 AM\n            There was a SMTP communication problem with the recipient's email server.  Please contact your system administrator.\n            <mail.example.com #5.5.0 smtp;550 5.7.1 Blocked>\n\n\
             \x20     carol@example.net on 1/5/2026 10:01 AM\n            The e-mail account does not exist at the organization this message was sent to.\n            <mail.example.com #5.1.1>\n"
        ));
        let [bob, carol] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((bob.text.as_str(), bob.reply), ("550 5.7.1 Blocked", Some(550)));
        assert_eq!(bob.reporter.as_deref(), Some("mail.example.com"));
        assert_eq!(carol.status, EnhancedStatus::parse("5.1.1"));
        assert!(carol.text.contains("does not exist at the organization"), "{}", carol.text);
    }

    #[test]
    fn newer_reports_are_read_by_their_marks_whatever_their_language() {
        for body in [
            "Delivery has failed to these recipients or groups:\n\nbob@example.net<mailto:bob@example.net>\nThe address was not found.\n\nDiagnostic information for administrators:\n\nGenerating server: ex1.example.com\n\nbob@example.net\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\nOriginal message headers:\n\nReceived: from x\n",
            "Fehler bei der Nachrichtenzustellung an folgende Empfänger:\n\nbob@example.net\n\nDiagnoseinformationen für Administratoren:\n\nGenerierender Server: ex1.example.com\n\nbob@example.net\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n",
        ] {
            let found = events(&format!("{HEAD}{body}"));
            let [bob] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(bob.text, "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found", "{body}");
            assert_eq!(bob.reporter.as_deref(), Some("ex1.example.com"));
        }
        let found = events(&format!(
            "{HEAD}Delivery has failed to these recipients or distribution lists:\n\nbob@example.net\n\nDiagnostic information for administrators:\n\nGenerating server: ex1.example.com\n\nbob@example.net\nmx.example.net #<mx.example.net #5.2.2 smtp;552 5.2.2 Mailbox full> #SMTP#\n\ncarol@example.org\nmx.example.org\nRemote Server returned '554 5.7.1 <mx.example.org #5.7.1 smtp;554 5.7.1 Denied>'\n"
        ));
        let [bob, carol] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((bob.text.as_str(), bob.reply), ("552 5.2.2 Mailbox full", Some(552)));
        assert_eq!((carol.reply, carol.remote_host.as_deref()), (Some(554), Some("mx.example.org")));
    }

    #[test]
    fn exchange_online_reports_one_error() {
        let found = events(&format!(
            "{HEAD}Your message to bob@example.net couldn't be delivered.\n\nbob wasn't found at example.net.\n\nError Details\nReported error: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found\nDSN generated by: AB.prod.outlook.com\n\nMessage Hops\n"
        ));
        assert_eq!(found[0].recipient.as_deref(), Some("bob@example.net"));
        assert_eq!(found[0].text, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found");
    }
}
