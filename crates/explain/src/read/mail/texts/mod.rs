//! Bounces that only people can read.
//!
//! - [`notice`]: the mail as all decoders here see it, prepared once.
//! - [`said`]: the reply, command and host in the lines about one recipient.
//! - [`blocks`], [`address`]: which lines belong to whom.
//! - [`angled`], [`exim`], [`sendmail`] (and the [`transcript`] in it), [`exchange`], [`google`], [`united`], [`sun`],
//!   [`ezweb`], [`fml`], [`session`]: formats that need code, a file for each shape.
//! - [`table`]: reads the many that need none; [`formats`]: these, as data.
//! - [`generic`]: what remains.

mod address;
mod angled;
mod blocks;
mod exchange;
mod exim;
mod ezweb;
mod fml;
mod formats;
mod generic;
mod google;
mod notice;
mod said;
mod sendmail;
mod session;
mod sun;
mod table;
mod transcript;
mod united;

use waxseal_model::MailEvent;

use super::{Decoder, view::Mail};
use notice::Notice;
pub(super) use notice::said_by_program as by_program;

/// Name and decoder of each format, most special first.
pub(super) const DECODERS: &[(&str, Decoder)] = &[("notice", read)];

/// Reads the events of a notice in prose; none for any other mail.
fn read(mail: &Mail<'_>) -> Vec<MailEvent> {
    if !notice::may_be(mail) {
        return Vec::new();
    }
    let notice = Notice::new(mail);
    let (format, mut events) = special(&notice).unwrap_or_else(|| ("notice", generic(&notice)));
    events.truncate(blocks::MOST);
    // Notices in two languages tell everything twice.
    let mut told = std::collections::HashSet::new();
    events.retain(|event| told.insert((event.recipient.clone(), event.text.clone())));
    for event in &mut events {
        format.clone_into(&mut event.source.format);
    }
    events
}

/// The first format that knows the notice and finds recipients in it.
fn special(notice: &Notice) -> Option<(&'static str, Vec<MailEvent>)> {
    type Read = fn(&Notice) -> Vec<MailEvent>;
    let known = |yes: bool, name: &'static str, read: Read| {
        let events = if yes { read(notice) } else { Vec::new() };
        (!events.is_empty()).then_some((name, events))
    };
    known(fml::recognise(notice), "fml", fml::read)
        .or_else(|| known(session::recognise(notice), "postfix_session", session::read))
        .or_else(|| known(ezweb::recognise(notice), "ezweb", ezweb::read))
        .or_else(|| known(google::recognise(notice), google::name(notice), google::read))
        .or_else(|| known(united::recognise(notice), "united_internet", united::read))
        .or_else(|| known(sendmail::recognise(notice), "sendmail", sendmail::read))
        .or_else(|| known(sun::recognise(notice), "messaging_server", sun::read))
        .or_else(|| {
            let place = table::recognise(notice)?;
            let events = table::read(notice, place);
            (!events.is_empty()).then(|| (table::name(place), events))
        })
        .or_else(|| {
            let name = angled::recognise(notice)?;
            known(true, name, angled::read)
        })
        .or_else(|| known(exim::recognise(notice), "exim", exim::read))
        .or_else(|| known(exchange::recognise_old(notice), "exchange_2003", exchange::read_old))
        .or_else(|| known(exchange::recognise(notice), "exchange", exchange::read))
}

fn generic(notice: &Notice) -> Vec<MailEvent> {
    if generic::recognise(notice) { generic::read(notice) } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The events of a mail in prose.
    pub(super) fn events(mail: &str) -> Vec<MailEvent> {
        read(&Mail::parse(mail.as_bytes()))
    }

    /// Pieces of notices, to be put together at random.
    const PIECES: &str = "(\\PC|<|>|@|\n|\n\n|    |  |550 5\\.1\\.1 |550-|-'|\\(#5\\.1\\.1\\)|bob@example\\.net|<bob@example\\.net>:|\
        >>> DATA\n|<<< 550 no\n| In:  RCPT TO:<a@b>\n| Out: 450 no\n|\\.\\.\\. while talking to mx\\.example\\.net\\.:\n|\
        Remote host said: | said: |\\(in reply to | after RCPT TO:<|host mx\\.example\\.net \\[192\\.0\\.2\\.1\\]|\
        ----- Transcript of session follows -----\n|----- The following addresses had permanent fatal errors -----\n|\
        Recipient address: |Reason: |Reported error: |did not reach the following recipient\\(s\\):\n| on Mon|MSEXCH:|#550 |##|\
        ERROR_CODE :|Your message to: |following message to |ü|漢){0,60}";

    const OPENINGS: [&str; 16] = [
        "Hi. This is the qmail-send program at mx.example.com.",
        "This is the mail system at host mx.example.com.",
        "This message was created automatically by mail delivery software.",
        "A message that you sent could not be delivered",
        "SMTP error from remote server could not be delivered",
        "----- Transcript of session follows -----",
        "Recipient address: bob@example.net\nReason: x",
        "Your message did not reach the following recipient(s):",
        "Technical details of permanent failure:",
        "Failed Recipient: bob@example.net",
        "There was an error delivering your mail to <bob@example.net>.",
        "This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.",
        "was not delivered to:\n\nbecause:",
        "Failed to deliver to 'bob@example.net'",
        "Delivery has failed to these recipients or groups:",
        "",
    ];

    proptest! {
        #[test]
        fn no_text_panics(opening in 0..OPENINGS.len(), pieces in PIECES, from in "(postmaster|ezweb\\.ne\\.jp|zoho|mailer-daemon@googlemail\\.com|x)") {
            for subject in ["failure notice", "Undeliverable: x", "Postfix SMTP server: errors from x[192.0.2.1]"] {
                let mail = format!("Return-Path: <>\nFrom: {from}@example.com\nSubject: {subject}\nX-Failed-Recipients: x@example.net\n\n{}\n{pieces}", OPENINGS[opening]);
                let found = events(&mail);
                prop_assert!(found.len() <= blocks::MOST);
                for event in &found {
                    prop_assert!(!event.text.contains('\n'));
                    prop_assert!(event.recipient.as_deref() != Some(""));
                }
            }
        }

        #[test]
        fn nothing_is_invented(pieces in "([a-z0-9<>@:#()/ \n.,'-]|550 |5\\.1\\.1 |bob@|\\.example|>>> |<<< |\n\n){0,120}") {
            let mail = format!("Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nSubject: failure notice\n\n{pieces}");
            let said = pieces.to_lowercase();
            for event in events(&mail) {
                prop_assert!(pieces.contains('@'), "no address stands there: {event:?}");
                let recipient = event.recipient.unwrap_or_default().to_lowercase();
                prop_assert!(said.contains(&recipient), "{recipient}");
                for word in event.text.to_lowercase().split_whitespace() {
                    prop_assert!(said.contains(word), "{word}");
                }
                prop_assert!(event.reply.is_none_or(|reply| said.contains(&reply.to_string())));
            }
        }
    }

    #[test]
    fn many_recipients_are_bounded() {
        let mut mail = String::from(
            "From: MAILER-DAEMON@example.com\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.com.\n\n",
        );
        for n in 0..12_000 {
            mail.push_str(&format!("<u{n}@example.net>:\nno\n\n"));
        }
        assert_eq!(events(&mail).len(), blocks::MOST);
    }

    #[test]
    fn a_foreign_mail_is_left_alone() {
        for mail in [
            "From: alice@example.com\nTo: bob@example.net\nSubject: lunch\n\n<carol@example.org>:\n550 5.1.1 no\n",
            "From: list@example.com\nSubject: Re: Exim question\n\nThis message was created automatically by mail delivery software.\n\n  bob@example.net\n    Unrouteable address\n",
            "",
        ] {
            assert_eq!(events(mail), vec![], "{mail}");
        }
    }
}
