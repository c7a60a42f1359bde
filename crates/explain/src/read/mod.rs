//! What was given, and the events in it.
//!
//! - `detect`: what kind of text this is, by its first kilobytes and never by its name.
//! - `unpack`, `paste`: packed files opened, and undone what happens to a text on its way.
//! - `reply`: one reply, of one line or several, and the error texts that carry one;
//!   `words` finds the facts in them, `doubt` tells them from what is no error.
//! - `transcript`: a whole SMTP conversation.
//! - `client`: the error texts of programs and libraries that send mail.
//! - `mail`: bounces, delay notices, complaints, automatic answers.
//! - [`mbox`]: mailboxes in one file, split into their mails.
//! - [`log`]: lines of mail logs.
//! - [`tlsrpt`], [`dmarc`]: reports of other people's servers.

mod client;
mod detect;
pub mod dmarc;
mod doubt;
pub mod log;
mod mail;
pub mod mbox;
mod paste;
mod problem;
mod reply;
pub mod tlsrpt;
mod transcript;
mod unpack;
mod words;

use waxseal_model::{DmarcReport, MailEvent, TlsReport, diagnosis::EvidenceKind};

use reply::Doubt;

pub use detect::{InputKind, detect};

/// What the caller knows about a text.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The file it stands in.
    pub file: Option<String>,
    /// The time of day, seconds since 1970-01-01 UTC: logs without a year are of the year
    /// before it.
    pub now: i64,
    /// Seconds east of UTC for logs that name no zone.
    pub utc_offset: i32,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What the text was taken for; [`InputKind::Unknown`] for what is no error, bounce,
    /// log or report.
    pub kind: InputKind,
    /// What became of whom, in the order of the text.
    pub events: Vec<MailEvent>,
    /// What a person should know about the reading: why nothing was found, what was cut off,
    /// what was not understood. One sentence each.
    pub notes: Vec<String>,
    /// The TLS reports in it, whole.
    pub tls_reports: Vec<TlsReport>,
    /// The DMARC aggregate reports in it, whole.
    pub dmarc_reports: Vec<DmarcReport>,
}

/// Packed files within packed files that are opened.
const MOST_LAYERS: u8 = 2;

/// Reads a whole text. Logs of any size go through [`log`] instead, line by line.
///
/// Takes time and memory in proportion to `bytes` (packed ones up to a fixed size), whatever
/// they are; never fails: a text in which nothing was found gives no events and a note that
/// says why.
pub fn read(bytes: &[u8], given: &Given) -> Reading {
    let mut reading = layer(bytes, given, 0);
    for event in &mut reading.events {
        event.source.file.clone_from(&given.file);
        crate::facts::complete(event);
    }
    reading
}

fn layer(bytes: &[u8], given: &Given, depth: u8) -> Reading {
    let Some(packing) = unpack::packing(bytes).filter(|_| depth < MOST_LAYERS) else {
        return plain(bytes, given);
    };
    let unpacked = unpack::unpack(packing, bytes);
    let mut reading = Reading::default();
    for file in &unpacked.files {
        unpack::merge(&mut reading, layer(file, given, depth + 1));
    }
    reading.notes.extend(unpacked.notes);
    reading
}

fn plain(bytes: &[u8], given: &Given) -> Reading {
    let (kind, text) = detect::recognise(bytes);
    let mut reading = match kind {
        InputKind::Mail => match unpack::report_in_mail(&text) {
            Some(report) => return report,
            None => mail::read(&text),
        },
        InputKind::Log(format) => match log::read(format, &text, given) {
            reading if reading.events.is_empty() => remarks(reading, log::remarks::read(format, &text)),
            reading => reading,
        },
        InputKind::Transcript => transcript::read(&text),
        InputKind::TlsRpt => tlsrpt::read(&text),
        InputKind::Dmarc => dmarc::read(&text),
        InputKind::ClientError => return believed(kind, client::read(&text)),
        InputKind::Reply | InputKind::Unknown => return believed(kind, reply::read(&text)),
    };
    reading.kind = kind;
    reading
}

/// What lines of a log say that tell of no delivery; where that is nothing, as before.
fn remarks(nothing: Reading, remarks: (Reading, Vec<(usize, Doubt)>)) -> Reading {
    let found = believed(InputKind::Unknown, remarks);
    if found.events.is_empty() { nothing } else { found }
}

/// Without the events whose words no rule knows: they are no errors of mail. Where nothing is
/// left, a note says so.
fn believed(kind: InputKind, (mut reading, doubted): (Reading, Vec<(usize, Doubt)>)) -> Reading {
    let mut at = 0;
    reading.events.retain(|event| {
        let doubt = doubted.iter().find(|(place, _)| *place == at).map(|(_, doubt)| *doubt);
        at += 1;
        doubt.is_none_or(|doubt| is_known(event, doubt))
    });
    reading.kind = if reading.events.is_empty() { InputKind::Unknown } else { kind };
    if reading.events.is_empty() && reading.notes.is_empty() {
        reading.notes.push(doubt::UNKNOWN_WORDS.into());
    }
    reading
}

/// True where a rule fits the words of an event without a code; where not even they are those
/// of an error, a rule for the very words of some program.
fn is_known(event: &MailEvent, doubt: Doubt) -> bool {
    let mut event = event.clone();
    crate::facts::complete(&mut event);
    let diagnosis = crate::diagnose(&event);
    let by_words = diagnosis.evidence.iter().any(|span| span.kind == EvidenceKind::Words);
    let by_program = diagnosis.provider.is_some() && diagnosis.confidence >= 0.8;
    by_words && diagnosis.cause != "unspecified" && (doubt == Doubt::Words || by_program)
}
