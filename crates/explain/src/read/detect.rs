//! What kind of text this is.

use super::{client, dmarc, log, log::LogFormat, mail, tlsrpt, transcript};

/// A kind of input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InputKind {
    /// A reply of a server, or one line that quotes one.
    Reply,
    /// A conversation with a server.
    Transcript,
    /// The error text of a program or library that sends mail, or of a TLS library.
    ClientError,
    /// A mail with a header.
    Mail,
    /// Lines of a log.
    Log(LogFormat),
    /// A TLS report (RFC 8460).
    TlsRpt,
    /// A DMARC aggregate report (RFC 7489 appendix C).
    Dmarc,
    /// Nothing that is known.
    #[default]
    Unknown,
}

/// How much of a text is looked at to recognise it, in bytes.
const HEAD: usize = 8192;

/// Recognises a text by what it says. Each reader knows its own; the most special is asked
/// first.
pub fn detect(bytes: &[u8]) -> InputKind {
    let head = bytes.get(..bytes.len().min(HEAD)).unwrap_or_default();
    if tlsrpt::recognise(head) {
        return InputKind::TlsRpt;
    }
    if dmarc::recognise(head) {
        return InputKind::Dmarc;
    }
    if let Some(format) = log::recognise(head) {
        return InputKind::Log(format);
    }
    if mail::recognise(head) {
        return InputKind::Mail;
    }
    if transcript::recognise(head) {
        return InputKind::Transcript;
    }
    if client::recognise(head) { InputKind::ClientError } else { InputKind::Reply }
}
