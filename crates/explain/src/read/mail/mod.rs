//! Bounces, delay notices, complaints and automatic answers.
//!
//! - [`mime`], [`decode`]: a mail taken apart into fields and parts, and these into texts.
//! - [`view`]: a mail as decoders see it: decoded fields, texts with plain line feeds.
//! - [`structured`]: what says in its structure what it is: RFC 3464, ARF, RFC 3834.
//! - [`texts`]: bounces that only people can read, one file a program or provider.
//!
//! Every decoder looks at a [`view::Mail`] and answers with events, or with none where this
//! is not its format. The first that answers with events wins; structure before prose.

mod decode;
mod mime;
mod structured;
mod texts;
mod view;

use super::Reading;
use view::Mail;
use waxseal_model::MailEvent;

/// Reads events out of a mail of its format.
type Decoder = fn(&Mail) -> Vec<MailEvent>;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let plain = view::plain(bytes);
    let mail = Mail::parse(&plain);
    let decoders = texts::DECODERS.iter().chain(structured::DECODERS);
    let mut reading = Reading::default();
    for (format, decode) in decoders {
        let events = decode(&mail);
        if !events.is_empty() {
            reading.events = events;
            for event in &mut reading.events {
                (*format).clone_into(&mut event.source.format);
            }
            break;
        }
    }
    if reading.events.is_empty() {
        reading.notes.push(
            "This is a mail, but no bounce: nothing in it says that a message was not delivered.".into(),
        );
    }
    reading
}

/// True for a text that begins with a header.
pub(super) fn recognise(head: &[u8]) -> bool {
    let mut lines = head.split(|b| *b == b'\n' || *b == b'\r').filter(|line| !line.is_empty()).take(2);
    lines.all(|line| {
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        let field = name.len() < line.len() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
        field || line.starts_with(b"From ") || line.starts_with(b" ") || line.starts_with(b"\t")
    })
}
