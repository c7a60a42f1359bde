//! EZweb and au (KDDI): a sentence about the account, the recipients, perhaps a dialogue.

use waxseal_model::MailEvent;

use super::notice::Notice;
use super::{address, blocks, said};

/// Whether the mail comes from there.
pub(super) fn recognise(notice: &Notice) -> bool {
    ["ezweb.ne.jp", "au.com", "auone-net.jp"].iter().any(|host| notice.from.contains(host))
        && notice.lines.iter().take(60).any(|line| line.contains('@'))
}

/// One event for each recipient.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let sentence = sentence(notice);
    let blocks = blocks::collect(&notice.lines, |line| {
        let words = line.trim();
        let words = words.strip_prefix("Recipient:").unwrap_or(words).trim();
        if !words.starts_with('<') {
            return Some((address::alone(words)?, None, ""));
        }
        let recipient = address::angle(words)?;
        let (_, rest) = words.split_once('>')?;
        Some((recipient, None, rest.trim_start_matches(':')))
    });
    let events = blocks.into_iter().map(|block| {
        let lines: Vec<&str> =
            block.lines.iter().copied().filter(|line| !line.trim().starts_with("---")).collect();
        let mut event = notice.event(block.recipient, &lines);
        // The sentence is about the account and says more than the reply behind it.
        if event.text.is_empty() {
            said::words(&sentence, &mut event);
        } else if sentence.contains("account") {
            event.text = said::clean(&format!("{sentence} {}", event.text));
        }
        event
    });
    events.collect()
}

/// What is said about all recipients: paragraphs in English that name none of them.
fn sentence(notice: &Notice) -> String {
    let telling = |line: &&&str| {
        let line = line.trim();
        let spoken = said::spoken(line).is_some() || line.contains('@') || line.starts_with("--");
        line.len() > 12 && line.is_ascii() && !spoken && !line.contains("MIME")
    };
    let lines: Vec<&str> = notice.lines.iter().take(60).filter(telling).copied().collect();
    said::unfold(&lines)
}

#[cfg(test)]
mod tests {
    use waxseal_model::mail::Stage;

    use super::super::tests::events;

    #[test]
    fn the_account_or_the_dialogue_tells() {
        let head = "Return-Path: <>\nFrom: Postmaster@ezweb.ne.jp\nTo: alice@example.jp\nSubject: Mail System Error - Returned Mail\n\n";
        let found = events(&format!(
            "{head}Each of the following recipients was rejected by a remote\nmail server.\n\n    Recipient: <bob@ezweb.ne.jp>\n    >>> RCPT TO:<bob@ezweb.ne.jp>\n    <<< 550 <bob@ezweb.ne.jp>: User unknown\n"
        ));
        assert_eq!(
            (found[0].text.as_str(), found[0].stage),
            ("550 <bob@ezweb.ne.jp>: User unknown", Some(Stage::Rcpt))
        );
        let found = events(&format!(
            "{head}The user(s) account is disabled.\n\n<bob@ezweb.ne.jp>: 550 user unknown (in reply to RCPT TO command)\n"
        ));
        assert_eq!(found[0].text, "The user(s) account is disabled. 550 user unknown");
        assert_eq!((found[0].reply, found[0].stage), (Some(550), Some(Stage::Rcpt)));
        let found = events(&format!(
            "{head}Your message was not delivered within 0 days and 1 hours.\nRemote host is not responding.\n\nThe following recipients did not receive this message:\n\n<bob@ezweb.ne.jp>\n"
        ));
        assert!(found[0].text.starts_with("Your message was not delivered within"), "{}", found[0].text);
    }
}
