//! 1&1, IONOS, GMX and WEB.DE (United Internet).

use waxseal_model::{MailEvent, mail::Stage};

use super::notice::Notice;
use super::{blocks, said};

/// Whether this is such a notice.
pub(super) fn recognise(notice: &Notice) -> bool {
    let own = notice.says("SMTP error from remote server") || notice.says("For the following reason:");
    let hosts = ["kundenserver", "gmx.", "web.de", "1and1", "ionos", "mail.com"];
    (own && notice.says("could not be delivered"))
        || (notice.says("This is a permanent error") && hosts.iter().any(|host| notice.from.contains(host)))
}

/// The address with a colon or alone, then the reason.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let start =
        notice.lines.iter().position(|line| line.trim_end().ends_with("failed:")).map_or(0, |at| at + 1);
    let lines = notice.lines.get(start..).unwrap_or_default();
    let reason = lines.iter().position(|line| line.starts_with("For the following reason:"));
    let shared: Vec<&str> = reason.and_then(|at| lines.get(at + 1..)).unwrap_or_default().to_vec();
    let lines = lines.get(..reason.unwrap_or(lines.len())).unwrap_or_default();
    blocks::alone(lines)
        .into_iter()
        .map(|block| {
            let mut event = notice.empty(block.recipient);
            let lines = if block.lines.is_empty() { &shared } else { &block.lines };
            tell(lines, &mut event);
            event
        })
        .collect()
}

/// `SMTP error from remote server after RCPT command:`, `host: H (IP)`, then the reply, which
/// `reason:` may introduce.
fn tell(lines: &[&str], event: &mut MailEvent) {
    let first = lines.first().map_or("", |line| line.trim());
    if !first.starts_with("SMTP error from remote server") {
        let line = said::unfold(lines);
        said::words(&line, event);
        return;
    }
    let command = [" after ", " for "].iter().find_map(|words| first.split_once(words));
    event.stage = command.and_then(|(_, command)| stage(command));
    let line = said::unfold(lines);
    said::host(&line, event);
    if let Some((_, reply)) = line.split_once(" reason: ") {
        said::set_text(reply, event);
        return;
    }
    let rest = lines.iter().skip(1).skip_while(|line| line.trim_start().starts_with("host:"));
    let rest: Vec<&str> = rest.copied().collect();
    said::set_text(&said::unfold(&rest), event);
    if event.text.is_empty() {
        event.text = said::clean(&line);
    }
}

/// `TEXT` is what other programs call the end of the data.
fn stage(command: &str) -> Option<Stage> {
    if command.starts_with("initial") { Some(Stage::Greeting) } else { said::stage_of(command) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::events;
    use super::*;

    const HEAD: &str = "Return-Path: <>\nFrom: \"Mail Delivery System\" <mailer-daemon@kundenserver.de>\nTo: alice@example.de\nSubject: Mail delivery failed: returning message to sender\n\n\
        This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address\n";

    #[test]
    fn reasons_come_in_three_shapes() {
        for (body, text, stage) in [
            (
                "failed:\n\n\"bob@example.net\":\nSMTP error from remote server after RCPT command:\nhost: mx.example.net\n5.1.1 <bob@example.net>... unknown\n",
                "5.1.1 <bob@example.net>... unknown",
                Some(Stage::Rcpt),
            ),
            (
                "failed:\n\nbob@example.net:\nSMTP error from remote server for TEXT command, host: mx.example.net (192.0.2.25) reason: 550 5.2.0 no\n",
                "550 5.2.0 no",
                Some(Stage::EndOfData),
            ),
            (
                "failed:\n\nbob@example.net\n\nFor the following reason:\n\nMail size limit exceeded. For explanation\nvisit https://example.com\n",
                "Mail size limit exceeded. For explanation visit https://example.com",
                None,
            ),
        ] {
            let found = events(&format!(
                "{HEAD}{body}\n--- The header of the original message is following. ---\n\nReceived: from x\nTo: carol@example.net\n"
            ));
            let [bob] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(
                (bob.recipient.as_deref(), bob.text.as_str(), bob.stage),
                (Some("bob@example.net"), text, stage)
            );
        }
    }
}
