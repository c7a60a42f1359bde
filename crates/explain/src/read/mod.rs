//! What was given, and the events in it.
//!
//! - `detect`: what kind of text this is, by its first kilobytes and never by its name.
//! - `reply`: one reply, of one line or several, and the error texts that carry one.
//! - `transcript`: a whole SMTP conversation.
//! - `client`: the error texts of programs and libraries that send mail.
//! - `mail`: bounces, delay notices, complaints, automatic answers.
//! - [`log`]: lines of mail logs.
//! - [`tlsrpt`], [`dmarc`]: reports of other people's servers.

mod client;
mod detect;
pub mod dmarc;
pub mod log;
mod mail;
mod reply;
pub mod tlsrpt;
mod transcript;

use waxseal_model::{DmarcReport, MailEvent, TlsReport};

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
    /// What the text was taken for.
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

/// Reads a whole text. Logs of any size go through [`log`] instead, line by line.
///
/// Takes time and memory in proportion to `bytes`, whatever they are; never fails: a text
/// in which nothing was found gives no events and a note that says why.
pub fn read(bytes: &[u8], given: &Given) -> Reading {
    let kind = detect(bytes);
    let mut reading = match kind {
        InputKind::Mail => mail::read(bytes),
        InputKind::Log(format) => log::read(format, bytes, given),
        InputKind::Transcript => transcript::read(bytes),
        InputKind::ClientError => client::read(bytes),
        InputKind::TlsRpt => tlsrpt::read(bytes),
        InputKind::Dmarc => dmarc::read(bytes),
        InputKind::Reply | InputKind::Unknown => reply::read(bytes),
    };
    for event in &mut reading.events {
        event.source.file.clone_from(&given.file);
        crate::facts::complete(event);
    }
    reading.kind = kind;
    reading
}
