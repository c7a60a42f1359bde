//! Bounces, delay notices, complaints and automatic answers.
//!
//! - [`mime`], [`decode`]: a mail taken apart into fields and parts, and these into texts.
//! - [`view`]: a mail as decoders see it: decoded fields, texts with plain line feeds.
//! - [`signs`]: whether a mail system wrote it.
//! - [`structured`]: what says in its structure what it is: RFC 3464, ARF, RFC 3834.
//! - [`texts`]: bounces that only people can read, one file a program or provider.
//!
//! Every decoder looks at a [`view::Mail`] and answers with events, or with none where this
//! is not its format. The first that answers with events wins; structure before prose. What
//! the prose around a delivery report says more than the report is added to its events.

mod decode;
mod mime;
mod signs;
mod structured;
mod texts;
mod view;

use waxseal_model::MailEvent;
use waxseal_wire::text::{is_harmful, neutralise};

use super::Reading;
use view::Mail;

/// Reads events out of a mail of its format.
type Decoder = fn(&Mail) -> Vec<MailEvent>;

/// So many events of one mail are told.
const MOST_EVENTS: usize = 10_000;
/// The longest text of an event, in characters.
const LONGEST_TEXT: usize = 4000;
/// So many attached messages are looked into.
const MOST_ATTACHED: usize = 20;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let plain = view::plain(bytes);
    let mail = Mail::parse(&plain);
    let mut reading = Reading { events: events(&mail), ..Reading::default() };
    if reading.events.is_empty() {
        attached(&mail, &mut reading);
    }
    if reading.events.is_empty() {
        reading.notes.push(why_not(&mail));
    } else if mail.delivery_statuses().nth(1).is_some() {
        reading.notes.push("The mail carries several delivery reports; all were read.".into());
    }
    if mime::left_out(bytes.len()) > 0 {
        let megabytes = bytes.len() / 1024 / 1024;
        reading
            .notes
            .push(format!("The mail has {megabytes} MB; only its first 3 MB and its last one were read."));
    }
    reading.events.truncate(MOST_EVENTS);
    reading.events.iter_mut().for_each(bound);
    reading
}

/// What the first decoder that knows the mail reads out of it.
fn events(mail: &Mail<'_>) -> Vec<MailEvent> {
    let first = |decoders: &[(&'static str, Decoder)]| {
        decoders.iter().find_map(|(format, decode)| {
            let mut events = decode(mail);
            for event in &mut events {
                (*format).clone_into(&mut event.source.format);
            }
            (!events.is_empty()).then_some(events)
        })
    };
    if let Some(mut events) = first(structured::DECODERS) {
        let report = events.first().is_some_and(|event| event.source.format == structured::RFC3464);
        if report && let Some(prose) = first(texts::DECODERS) {
            complete(&mut events, prose);
        }
        return events;
    }
    let prose = if signs::of(mail).person() { None } else { first(texts::DECODERS) };
    prose.or_else(|| first(structured::LAST)).unwrap_or_default()
}

/// Adds to the events of a delivery report what the notice for people says about the same
/// recipients.
fn complete(events: &mut [MailEvent], prose: Vec<MailEvent>) {
    let alone = events.len() == 1 && prose.len() == 1;
    // A report with thousands of recipients says all there is to say.
    for event in events.iter_mut().take(200) {
        let same = |told: &&MailEvent| {
            let named = |told: &MailEvent| told.recipient.as_ref().map(|r| r.to_lowercase());
            alone || (told.recipient.is_some() && named(told) == named(event))
        };
        let Some(told) = prose.iter().find(same).cloned() else { continue };
        event.stage = told.stage.or(event.stage);
        event.remote_host = event.remote_host.take().or(told.remote_host);
        event.remote_address = event.remote_address.or(told.remote_address);
        event.reply = event.reply.or(told.reply);
        let nothing = structured::says_nothing(&event.text);
        if !told.text.is_empty() && (nothing || told.text.contains(&event.text)) {
            if structured::says_nothing(&told.text) && !nothing {
                continue;
            }
            event.context.retain(|words| !words.contains(&told.text));
            event.text = told.text;
            event.status = structured::status(event.status, &event.text);
        } else if !event.text.contains(&told.text) && !event.context.iter().any(|c| c.contains(&told.text)) {
            event.context.push(told.text);
        }
        event.context.extend(told.context);
    }
}

/// Bounces that a person sent on as attachments.
fn attached(mail: &Mail<'_>, reading: &mut Reading) {
    let messages =
        mail.parts.iter().filter(|part| matches!(part.kind.as_str(), "message/rfc822" | "message/global"));
    for part in messages.take(MOST_ATTACHED) {
        let inner = Mail::parse(part.text().as_bytes());
        reading.events.extend(events(&inner));
    }
    if !reading.events.is_empty() {
        reading
            .notes
            .push("The mail itself is no bounce: it carries one as an attachment, which was read.".into());
    }
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

/// True for a text that begins with the header of a mail, or with a delivery report alone.
pub(super) fn recognise(head: &[u8]) -> bool {
    let plain = view::plain(head);
    let (fields, _) = mime::header(&plain);
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
    let is_known = |field: &&mime::Field<'_>| known.iter().any(|name| field.name.eq_ignore_ascii_case(name));
    fields.iter().take(60).filter(is_known).count() >= 2 || plain.starts_with(b"From ")
}
