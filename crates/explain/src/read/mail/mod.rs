//! Bounces, delay notices, complaints and automatic answers.
//!
//! - [`mime`], [`decode`]: a mail taken apart into fields and parts, and these into texts.
//! - [`view`]: a mail as decoders see it: decoded fields, texts with plain line feeds.
//! - [`signs`]: whether a mail system wrote it.
//! - [`forward`]: bounces that a person sent on.
//! - [`structured`]: what says in its structure what it is: RFC 3464, ARF, RFC 3834.
//! - [`texts`]: bounces that only people can read, one file a program or provider.
//!
//! Every decoder looks at a [`view::Mail`] and answers with events, or with none where this
//! is not its format. The first that answers with events wins; structure before prose. What
//! the prose around a delivery report says more than the report is added to its events.

mod decode;
mod forward;
mod mime;
mod signs;
mod structured;
mod texts;
mod view;

use waxseal_model::MailEvent;
use waxseal_wire::text::{is_harmful, neutralise};

use super::{Reading, mbox};
use view::Mail;

/// Reads events out of a mail of its format.
type Decoder = fn(&Mail) -> Vec<MailEvent>;

/// So many events of one mail are told.
const MOST_EVENTS: usize = 10_000;
/// The longest text of an event, in characters.
const LONGEST_TEXT: usize = 4000;

/// Reads a mail, or all the mails of a mailbox.
pub(super) fn read(bytes: &[u8]) -> Reading {
    if !mbox::recognise(bytes) {
        return one(bytes);
    }
    let (mut all, mut mails, mut told, mut line) = (Reading::default(), 0, 0, 1);
    for mail in mbox::split(bytes) {
        let mut reading = one(mail);
        mails += 1;
        told += usize::from(!reading.events.is_empty());
        for event in &mut reading.events {
            event.source.line = Some(line);
        }
        line += lines(mail);
        all.events.append(&mut reading.events);
        all.notes = reading.notes;
        if all.events.len() >= MOST_EVENTS {
            all.events.truncate(MOST_EVENTS);
            break;
        }
    }
    if mails > 1 {
        all.notes =
            vec![format!("A mailbox of {mails} mails, of which {told} tell what became of a message.")];
    } else {
        all.events.iter_mut().for_each(|event| event.source.line = None);
    }
    if all.events.len() >= MOST_EVENTS {
        all.notes.push(format!("Reading ended after {MOST_EVENTS} results."));
    }
    all
}

/// How many lines a text has, whatever ends them.
fn lines(text: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', text).count();
    let count = if feeds > 0 { feeds } else { memchr::memchr_iter(b'\r', text).count() };
    count as u64
}

/// Reads one mail.
fn one(bytes: &[u8]) -> Reading {
    let plain = view::plain(bytes);
    let mail = Mail::parse(&plain);
    let mut reading = Reading { events: events(&mail), ..Reading::default() };
    if reading.events.is_empty() {
        sent_on(&mail, &mut reading);
    }
    if reading.events.is_empty() {
        reading.notes.push(why_not(&mail));
    } else if mail.delivery_statuses().nth(1).is_some() {
        reading.notes.push("The mail carries several delivery reports; all were read.".into());
    } else {
        reading.notes.extend(why(&mail, &reading));
    }
    if mime::left_out(bytes.len()) > 0 {
        let megabytes = bytes.len() / 1024 / 1024;
        reading
            .notes
            .push(format!("The mail has {megabytes} MB; only its first 3 MB and its last one were read."));
    }
    reading.events.truncate(MOST_EVENTS);
    let sent = structured::time(mail.header("date"));
    for event in reading.events.iter_mut().filter(|event| event.time.is_none()) {
        event.time = sent;
    }
    reading.events.iter_mut().for_each(bound);
    reading
}

/// What the first decoder that knows the mail reads out of it.
fn events(mail: &Mail<'_>) -> Vec<MailEvent> {
    let first = |decoders: &[(&'static str, Decoder)]| {
        decoders.iter().find_map(|(format, decode)| {
            let mut events = decode(mail);
            for event in events.iter_mut().filter(|event| event.source.format.is_empty()) {
                (*format).clone_into(&mut event.source.format);
            }
            (!events.is_empty()).then_some(events)
        })
    };
    if let Some(mut events) = first(structured::DECODERS) {
        let report = events.first().is_some_and(|event| event.source.format == structured::RFC3464);
        if report {
            if let Some(prose) = first(texts::DECODERS) {
                complete(&mut events, prose);
            }
            structured::enrich(mail, &mut events);
        }
        return events;
    }
    let person = signs::of(mail).person() && !texts::by_program(mail);
    let prose = if person { None } else { first(texts::DECODERS) };
    prose.or_else(|| first(structured::LAST)).unwrap_or_default()
}

/// Adds to the events of a delivery report what the decoders of prose read in its notice
/// about the same recipients.
fn complete(events: &mut [MailEvent], prose: Vec<MailEvent>) {
    let alone = events.len() == 1 && prose.len() == 1;
    // A report with thousands of recipients says all there is to say.
    for event in events.iter_mut().take(200) {
        let named = |told: &MailEvent| told.recipient.as_ref().map(|r| r.to_lowercase());
        let same = |told: &&MailEvent| alone || (told.recipient.is_some() && named(told) == named(event));
        let Some(told) = prose.iter().find(same).cloned() else { continue };
        event.context.extend(told.context);
        if told.text.is_empty() {
            continue;
        }
        let nothing = structured::says_nothing(&event.text);
        let same = structured::same(&event.text, &told.text);
        if nothing || same {
            event.stage = told.stage.or(event.stage);
            event.reply = event.reply.or(told.reply);
        }
        event.remote_host = event.remote_host.take().or(told.remote_host);
        event.remote_address = event.remote_address.or(told.remote_address);
        let fuller = same && told.text.len() > event.text.len();
        if fuller || (nothing && !structured::says_nothing(&told.text)) {
            event.text = told.text;
            event.status = structured::status(event.status, &event.text);
        } else if !same && !structured::says_nothing(&told.text) {
            event.context.push(told.text);
        }
    }
}

/// Bounces that a person sent on.
fn sent_on(mail: &Mail<'_>, reading: &mut Reading) {
    for message in forward::attached(mail) {
        reading.events.extend(events(&Mail::parse(message.as_bytes())));
    }
    let mut how = "carries one as an attachment";
    if reading.events.is_empty()
        && let Some(message) = forward::quoted(mail)
    {
        reading.events = events(&Mail::parse(message.as_bytes()));
        how = "sends one on in its text";
    }
    if !reading.events.is_empty() {
        reading.notes.push(format!("The mail itself is no bounce: a person {how}, which was read."));
    }
}

/// By what signs a notice in prose was taken for one, in a sentence.
fn why(mail: &Mail<'_>, reading: &Reading) -> Option<String> {
    let format = reading.events.first()?.source.format.as_str();
    let prose = structured::DECODERS.iter().chain(structured::LAST).all(|(name, _)| *name != format);
    let signs = signs::of(mail);
    let told = prose && reading.notes.is_empty() && !signs.seen.is_empty();
    told.then(|| format!("Taken for the notice of a mail system: {}.", signs.seen.join(", ")))
}

/// Why nothing was found, in a sentence.
fn why_not(mail: &Mail<'_>) -> String {
    let signs = signs::of(mail);
    let reason = if mail.parts.iter().any(|part| part.kind == "message/disposition-notification") {
        "it is a receipt that tells what its reader did with a message (RFC 8098)"
    } else if mail.delivery_status().is_some() {
        "it carries a delivery report, but all else says that a person sent it"
    } else if signs.person() {
        "it comes from a person or a mailing list, whatever it quotes"
    } else if signs.seen.is_empty() {
        "nothing in it says that a message was not delivered"
    } else if !signs.system() {
        "nothing but a word or two in its header looks like a mail system's"
    } else {
        "a mail system seems to have written it, but it names no failed delivery that could be read"
    };
    format!("This mail is no bounce: {reason}.")
}

/// Nothing of an event is endless, and nothing acts on a terminal.
fn bound(event: &mut MailEvent) {
    let clean = |text: &mut String| {
        if text.len() > LONGEST_TEXT || text.chars().any(is_harmful) {
            *text = neutralise(text.as_bytes(), LONGEST_TEXT);
        }
    };
    clean(&mut event.text);
    event.context.truncate(20);
    event.context.iter_mut().for_each(clean);
    let names = [
        &mut event.recipient,
        &mut event.original_recipient,
        &mut event.sender,
        &mut event.remote_host,
        &mut event.reporter,
        &mut event.queue_id,
    ];
    names.into_iter().flatten().for_each(clean);
}

/// True for a text that begins with the header of a mail, or with a delivery report alone:
/// transcripts and notes that have a header somewhere are none.
pub(super) fn recognise(head: &[u8]) -> bool {
    let plain = view::plain(head);
    let (first, _) = mime::line(plain.trim_ascii_start());
    let separator = first.starts_with(b"From ") || first.starts_with(b">From ");
    if !separator && mime::field(first).is_none() && !junk_before_trace(&plain) {
        return false;
    }
    let known: [&[u8]; 12] = [
        b"received",
        b"return-path",
        b"from",
        b"to",
        b"subject",
        b"date",
        b"message-id",
        b"mime-version",
        b"content-type",
        b"delivered-to",
        b"reporting-mta",
        b"final-recipient",
    ];
    let (fields, _) = mime::header(&plain);
    let is_known = |field: &&mime::Field<'_>| known.iter().any(|name| field.name.eq_ignore_ascii_case(name));
    mbox::recognise(&plain) || fields.iter().take(60).filter(is_known).count() >= 2
}

/// A few lines that somebody put before a header which begins as those of received mails do.
fn junk_before_trace(text: &[u8]) -> bool {
    let trace: [&[u8]; 5] = [b"received", b"return-path", b"delivered-to", b"envelope-to", b"x-original-to"];
    let first = text.split(|b| *b == b'\n').take(6).find_map(mime::field);
    first.is_some_and(|field| trace.iter().any(|name| field.name.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waxseal_model::mail::Outcome;

    use super::*;

    /// A bounce as Postfix writes it.
    const BOUNCE: &str = "\
Return-Path: <>
Date: Mon, 05 Jan 2026 10:11:12 +0000
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
To: alice@example.com
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=\"B1/mx\"

--B1/mx
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.com.

<bob@example.net>: host mx.example.net[192.0.2.25] said: 550 5.1.1
    <bob@example.net>: no such mailbox (in reply to RCPT TO command)

--B1/mx
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
X-Postfix-Queue-ID: 4ABC
X-Postfix-Sender: rfc822; alice@example.com
Arrival-Date: Mon,  5 Jan 2026 10:11:10 +0000 (UTC)

Final-Recipient: rfc822; bob@example.net
Original-Recipient: rfc822;team@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.net>: no such mailbox

--B1/mx
Content-Type: message/rfc822

Return-Path: <alice@example.com>
From: Alice <alice@example.com>
To: team@example.com
Message-Id: <1@example.com>

Hello
--B1/mx--
";

    fn only(text: &str) -> MailEvent {
        let reading = read(text.as_bytes());
        assert_eq!(reading.events.len(), 1, "{:?}", reading);
        reading.events.into_iter().next().unwrap()
    }

    #[test]
    fn a_bounce_gives_all_that_it_says() {
        let event = only(BOUNCE);
        assert_eq!(event.source.format, "rfc3464");
        assert_eq!(event.outcome, Outcome::Failed);
        assert_eq!(event.recipient.as_deref(), Some("bob@example.net"));
        assert_eq!(event.original_recipient.as_deref(), Some("team@example.com"));
        assert_eq!(event.sender.as_deref(), Some("alice@example.com"));
        assert_eq!(event.status.unwrap().to_string(), "5.1.1");
        assert_eq!(event.stage, Some(waxseal_model::mail::Stage::Rcpt));
        assert_eq!(event.remote_host.as_deref(), Some("mx.example.net"));
        assert_eq!(event.remote_address, Some([192, 0, 2, 25].into()));
        assert_eq!(event.reporter.as_deref(), Some("mx.example.com"));
        assert_eq!(event.queue_id.as_deref(), Some("4ABC"));
        assert_eq!(event.time, Some(1_767_607_872));
        assert!(event.text.contains("no such mailbox"));
    }

    #[test]
    fn line_ends_and_encodings_change_nothing() {
        use base64::Engine as _;
        let expected = only(BOUNCE);
        for end in ["\r\n", "\r"] {
            assert_eq!(only(&BOUNCE.replace('\n', end)), expected);
        }
        let status =
            BOUNCE.split("delivery-status\n\n").nth(1).and_then(|t| t.split("\n--B1").next()).unwrap();
        let coded = base64::engine::general_purpose::STANDARD.encode(status);
        let coded = BOUNCE.replace(status, &coded).replace(
            "message/delivery-status\n",
            "message/delivery-status\nContent-Transfer-Encoding: base64\n",
        );
        assert_eq!(only(&coded), expected);
    }

    #[test]
    fn a_bounce_sent_on_by_a_person_is_read_where_it_is_whole() {
        let inner = BOUNCE.replace("B1/mx", "in");
        let sent_on = format!(
            "From: Alice <alice@example.com>\nTo: help@example.com\nSubject: Fwd: what is this?\n\
             Content-Type: multipart/mixed; boundary=out\n\n--out\n\nPlease help.\n--out\n\
             Content-Type: message/rfc822\n\n{inner}\n--out--\n"
        );
        let reading = read(sent_on.as_bytes());
        assert_eq!(reading.events.len(), 1);
        assert!(reading.notes.iter().any(|note| note.contains("as an attachment")));
        let quoted: String = inner.lines().map(|line| format!("> {line}\n")).collect();
        let in_text = |subject: &str, mark: &str| {
            format!(
                "From: Alice <alice@example.com>\nSubject: {subject}\n\nPlease help.\n\n{mark}\n\n{quoted}"
            )
        };
        let fwd = "Fwd: Undelivered Mail Returned to Sender";
        let reading = read(in_text(fwd, "Begin forwarded message:").as_bytes());
        assert_eq!(reading.events.len(), 1);
        assert_eq!(reading.events[0].recipient.as_deref(), Some("bob@example.net"));
        for (subject, mark) in
            [(fwd, "He wrote:"), ("Re: Undelivered Mail Returned to Sender", "Begin forwarded message:")]
        {
            assert_eq!(read(in_text(subject, mark).as_bytes()).events, []);
        }
        // The report alone, in a mail of a person, is a quotation.
        let quoted = BOUNCE
            .replace("Return-Path: <>\n", "Return-Path: <alice@example.com>\n")
            .replace("MAILER-DAEMON@mx.example.com (Mail Delivery System)", "Alice <alice@example.com>")
            .replace("Auto-Submitted: auto-replied\n", "")
            .replace("multipart/report; report-type=delivery-status", "multipart/mixed");
        for subject in ["Re: Undelivered Mail Returned to Sender", "why?"] {
            let quoted = quoted.replacen("Undelivered Mail Returned to Sender", subject, 1);
            let reading = read(quoted.as_bytes());
            assert_eq!(reading.events, []);
            assert!(
                reading.notes.iter().any(|note| note.contains("a person sent it")),
                "{:?}",
                reading.notes
            );
        }
    }

    #[test]
    fn mails_about_bounces_are_none() {
        let newsletter = "From: Delivery News <news@example.com>\nList-Id: <news.example.com>\n\
             Subject: Undeliverable: what bounces mean\n\nThe following address failed:\n\n\
             <bob@example.net>: 550 5.1.1 user unknown\n";
        let log = "From: Bob <bob@example.net>\nTo: alice@example.com\nSubject: the log\n\n\
             Jan  5 10:11:12 mx postfix/smtp[1]: 4ABC: to=<c@example.org>, status=bounced (550 5.1.1 unknown)\n";
        let receipt = "From: bob@example.net\nSubject: Read: hello\n\
             Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nread\n--b\n\
             Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;bob@example.net\n\
             Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n";
        for mail in [newsletter, log, receipt] {
            let reading = read(mail.as_bytes());
            assert_eq!(reading.events, [], "{mail}");
            assert!(reading.notes.iter().any(|note| note.starts_with("This mail is no bounce:")), "{mail}");
        }
    }

    #[test]
    fn a_mailbox_is_read_mail_by_mail() {
        let separator = "From MAILER-DAEMON Mon Jan  5 10:11:12 2026\n";
        let text = format!("{separator}{BOUNCE}\n{separator}Subject: hi\n\nhello\n\n{separator}{BOUNCE}");
        let reading = read(text.as_bytes());
        assert_eq!(reading.events.len(), 2);
        assert_eq!(reading.events[0].source.line, Some(1));
        assert!(reading.events[1].source.line > Some(40));
        assert_eq!(reading.notes, ["A mailbox of 3 mails, of which 2 tell what became of a message."]);
    }

    #[test]
    fn nothing_is_endless() {
        let groups: String = (0..20_000)
            .map(|i| format!("Final-Recipient: rfc822; u{i}@example.net\nAction: failed\nStatus: 5.1.1\n\n"))
            .collect();
        let many = BOUNCE.replace("Final-Recipient: rfc822; bob@example.net", &groups);
        assert_eq!(read(many.as_bytes()).events.len(), MOST_EVENTS);
        let long = BOUNCE.replace("no such mailbox", &"no such mailbox ".repeat(10_000));
        let event = only(&long);
        assert!(event.text.chars().count() <= LONGEST_TEXT);
    }

    #[test]
    fn a_mail_is_recognised_by_its_header() {
        for text in [
            BOUNCE,
            "From - Mon Jan  5 10:11:12 2026\nX: y\n",
            "\n\nSubject: a\nTo: b\n\nc",
            "the mail:\n\nReturn-Path: <>\nTo: b\n\nc",
        ] {
            assert!(recognise(text.as_bytes()), "{text}");
        }
        assert!(recognise(BOUNCE.replace('\n', "\r").as_bytes()));
        for text in [
            "550 5.1.1 user unknown",
            "Error: 550\nReason: x\n",
            "S: 220 mx\nC: EHLO me\n",
            "354 go\nFrom: a\nTo: b\n\n.\n550 no",
            "",
        ] {
            assert!(!recognise(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
            read(&bytes);
        }

        #[test]
        fn no_mutated_bounce_panics(
            changes in proptest::collection::vec((0..BOUNCE.len(), any::<u8>()), 0..20),
            (from, to) in (0..BOUNCE.len(), 0..BOUNCE.len()),
            cut in 0..BOUNCE.len(),
        ) {
            let mut bytes = BOUNCE.as_bytes().to_vec();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            let piece = bytes.get(from.min(to)..from.max(to)).unwrap().to_vec();
            bytes.splice(cut..cut, piece);
            let reading = read(&bytes);
            prop_assert!(reading.events.len() <= MOST_EVENTS);
            for event in reading.events {
                prop_assert!(event.text.chars().count() <= LONGEST_TEXT);
                prop_assert!(!event.text.chars().any(is_harmful));
            }
            read(bytes.get(..cut).unwrap());
        }
    }
}
