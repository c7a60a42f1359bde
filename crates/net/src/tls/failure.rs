//! How a TLS handshake fails, and what that says about the server.

use std::{io, time::Duration};

use rustls::{Error, InvalidMessage, PeerIncompatible};
use waxseal_model::{Cause, Why, tls::TlsVersion};
use waxseal_wire::{smtp::identify, tls::alert::alert_name, x509::SignatureError};

use super::tap::Seen;
use crate::error::{quoted, seconds};

/// A handshake that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct TlsFailure {
    /// What happened.
    pub kind: TlsFailureKind,
    /// The version of the ServerHello, if one came; TLS 1.3 shows as TLS 1.2 here.
    pub server_hello: Option<TlsVersion>,
    /// The chain, if the handshake came that far. Nothing proves that the server owns it.
    pub chain: Vec<Vec<u8>>,
    /// Milliseconds from the ClientHello to the failure.
    pub milliseconds: u32,
}

/// What ended the handshake: one variant per cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailureKind {
    /// The server ended it with an alert.
    #[error("the server ended the handshake with alert {alert} ({})", alert_name(*.alert))]
    AlertReceived {
        /// The alert's number (RFC 8446 section 6).
        alert: u8,
    },
    /// The server asked for a client certificate, which mail servers do not have for each
    /// other, and ended the handshake without.
    #[error(
        "the server asked for a client certificate, got none, and ended the handshake with alert {alert} ({})",
        alert_name(*.alert)
    )]
    ClientCertificate {
        /// The alert's number.
        alert: u8,
    },
    /// The server wants what we do not offer: an older version, another suite.
    #[error("the server and waxseal have no common ground in TLS: {detail}")]
    NothingInCommon {
        /// What is missing.
        detail: String,
    },
    /// The server broke the TLS protocol.
    #[error("the server broke the TLS protocol: {detail}")]
    Protocol {
        /// The TLS library's words.
        detail: String,
    },
    /// The signature of the handshake is wrong: the server did not prove that it owns
    /// the certificate.
    #[error("the server did not prove that it owns its certificate: {detail}")]
    BadSignature {
        /// What is wrong with it.
        detail: String,
    },
    /// The signature of the handshake could not be checked, so nothing is known about
    /// the owner of the certificate.
    #[error("whether the server owns its certificate could not be checked: {detail}")]
    UncheckedSignature {
        /// What hinders the check.
        detail: String,
    },
    /// What came is not TLS.
    #[error("the answer to the TLS handshake is not TLS: {}", looks_like(.first))]
    NotTls {
        /// Its first bytes.
        first: Vec<u8>,
    },
    /// A message was larger than any sound handshake needs.
    #[error("the server's handshake is too large: {detail}")]
    TooLarge {
        /// Which limit it exceeds.
        detail: String,
    },
    /// The server closed the connection.
    #[error("the server closed the connection during the TLS handshake, after {received} bytes")]
    Closed {
        /// Bytes that had come.
        received: u64,
    },
    /// The connection was reset.
    #[error("the connection was reset during the TLS handshake, after {received} bytes")]
    Reset {
        /// Bytes that had come.
        received: u64,
    },
    /// Time was up.
    #[error("the TLS handshake was not complete within {}: {received} bytes came", seconds(.after))]
    Timeout {
        /// How long we waited.
        after: Duration,
        /// Bytes that had come.
        received: u64,
    },
    /// Our side failed.
    #[error("waxseal could not do the TLS handshake: {detail}")]
    Internal {
        /// The library's or the system's words.
        detail: String,
    },
}

impl TlsFailure {
    /// The reason in the words of evidence.
    pub fn why(&self) -> Why {
        let cause = match &self.kind {
            TlsFailureKind::AlertReceived { .. } | TlsFailureKind::ClientCertificate { .. } => {
                Cause::Declined
            }
            // That we do not speak old TLS in full is our limit, not the server's fault.
            TlsFailureKind::NothingInCommon { .. } | TlsFailureKind::UncheckedSignature { .. } => {
                Cause::Unsupported
            }
            TlsFailureKind::Protocol { .. }
            | TlsFailureKind::BadSignature { .. }
            | TlsFailureKind::NotTls { .. } => Cause::Protocol,
            TlsFailureKind::TooLarge { .. } => Cause::TooLarge,
            TlsFailureKind::Closed { .. } | TlsFailureKind::Reset { .. } => Cause::Closed,
            TlsFailureKind::Timeout { .. } => Cause::Timeout,
            TlsFailureKind::Internal { .. } => Cause::Internal,
        };
        Why::new(cause, self.to_string())
    }

    /// The alert that the server sent.
    pub fn alert(&self) -> Option<u8> {
        match self.kind {
            TlsFailureKind::AlertReceived { alert } | TlsFailureKind::ClientCertificate { alert } => {
                Some(alert)
            }
            _ => None,
        }
    }

    /// What speaks there, in words, if it is not TLS.
    pub fn not_tls(&self) -> Option<String> {
        match &self.kind {
            TlsFailureKind::NotTls { first } => Some(looks_like(first)),
            _ => None,
        }
    }

    /// True if the server may speak only versions or suites that the library does not
    /// know (TLS 1.1 and older, CBC, RSA key exchange), so that hand-made hellos are worth
    /// a try: it answered with such a version, or declined our hello without more ado.
    ///
    /// protocol_version (70) is the answer of the standard; handshake_failure (40) and
    /// insufficient_security (71) come where no suite fits. internal_error (80) is
    /// OpenSSL's answer below its security level, and some old servers just close.
    pub fn old_tls_possible(&self) -> bool {
        match &self.kind {
            TlsFailureKind::AlertReceived { alert } => {
                self.chain.is_empty() && matches!(alert, 40 | 47 | 70 | 71 | 80)
            }
            TlsFailureKind::NothingInCommon { .. } => true,
            TlsFailureKind::Closed { received } | TlsFailureKind::Reset { received } => *received == 0,
            _ => self.server_hello.is_some_and(|version| version < TlsVersion::Tls12),
        }
    }
}

/// The failure that the library reported while `seen` had come.
pub(crate) fn from_io(error: &io::Error, seen: &Seen) -> TlsFailureKind {
    if is_not_tls(&seen.first) {
        return TlsFailureKind::NotTls { first: seen.first.clone() };
    }
    let received = seen.received;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(tls) => from_tls(tls, seen),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero => {
                TlsFailureKind::Closed { received }
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                TlsFailureKind::Reset { received }
            }
            _ => TlsFailureKind::Internal { detail: error.to_string() },
        },
    }
}

fn from_tls(error: &Error, seen: &Seen) -> TlsFailureKind {
    let detail = error.to_string();
    match error {
        Error::AlertReceived(alert) => TlsFailureKind::AlertReceived { alert: u8::from(*alert) },
        Error::PeerIncompatible(reason) => {
            TlsFailureKind::NothingInCommon { detail: incompatible(reason, server_hello(&seen.first)) }
        }
        Error::InvalidCertificate(_) => TlsFailureKind::BadSignature { detail },
        Error::Other(other) => match other.0.downcast_ref::<SignatureError>() {
            Some(error) => signature_failure(error),
            None => TlsFailureKind::Internal { detail },
        },
        Error::PeerSentOversizedRecord
        | Error::InvalidMessage(
            InvalidMessage::CertificatePayloadTooLarge
            | InvalidMessage::HandshakePayloadTooLarge
            | InvalidMessage::MessageTooLarge,
        ) => TlsFailureKind::TooLarge { detail: "a message is larger than 64 kB".into() },
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::InvalidMessage(_)
        | Error::NoCertificatesPresented
        | Error::DecryptError
        | Error::PeerMisbehaved(_) => TlsFailureKind::Protocol { detail },
        _ => TlsFailureKind::Internal { detail },
    }
}

fn signature_failure(error: &SignatureError) -> TlsFailureKind {
    let detail = error.to_string();
    match error {
        SignatureError::Wrong | SignatureError::KeyMismatch { .. } => TlsFailureKind::BadSignature { detail },
        SignatureError::Unsupported { .. } | SignatureError::BadKey => {
            TlsFailureKind::UncheckedSignature { detail }
        }
    }
}

fn incompatible(reason: &PeerIncompatible, version: Option<TlsVersion>) -> String {
    match version.filter(|v| *v < TlsVersion::Tls12) {
        Some(version) => format!("it answered with {}", version.label()),
        None => format!("{reason:?}"),
    }
}

/// The version of a ServerHello at the start of these bytes: record header, handshake
/// header, legacy_version (RFC 5246 section 7.4.1.3).
pub(crate) fn server_hello(first: &[u8]) -> Option<TlsVersion> {
    match first {
        [0x16, 3, _, _, _, 2, _, _, _, major, minor, ..] => {
            TlsVersion::from_code(u16::from_be_bytes([*major, *minor]))
        }
        _ => None,
    }
}

/// True if something came, and it does not begin like a TLS record: a content type of 20
/// to 24 and major version 3.
pub(crate) fn is_not_tls(first: &[u8]) -> bool {
    match first {
        [] => false,
        [kind] => !(20..=24).contains(kind),
        [kind, major, ..] => !(20..=24).contains(kind) || *major != 3,
    }
}

fn looks_like(first: &[u8]) -> String {
    identify(first).unwrap_or_else(|| quoted(first))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    fn failure(kind: TlsFailureKind) -> TlsFailure {
        TlsFailure { kind, server_hello: None, chain: vec![], milliseconds: 1 }
    }

    #[test]
    fn a_protocol_version_alert_leaves_old_tls_open_and_bad_record_mac_does_not() {
        let of = |alert| failure(TlsFailureKind::AlertReceived { alert });
        assert!(of(70).old_tls_possible());
        assert!(of(80).old_tls_possible());
        assert!(!of(20).old_tls_possible());
        assert!(of(70).to_string().contains("protocol_version"));
        assert_eq!(of(70).why().cause, Cause::Declined);
        assert_eq!(of(70).alert(), Some(70));
    }

    #[test]
    fn a_connection_closed_in_the_middle_says_nothing_about_old_tls() {
        assert!(failure(TlsFailureKind::Closed { received: 0 }).old_tls_possible());
        assert!(!failure(TlsFailureKind::Closed { received: 700 }).old_tls_possible());
    }

    #[test]
    fn a_signature_that_could_not_be_checked_is_not_called_wrong() {
        let of =
            |error: SignatureError| from_tls(&Error::Other(OtherError(Arc::new(error))), &Seen::default());
        assert!(matches!(of(SignatureError::Wrong), TlsFailureKind::BadSignature { .. }));
        let unchecked = of(SignatureError::Unsupported { what: "the curve P-224".into() });
        assert_eq!(failure(unchecked).why().cause, Cause::Unsupported);
    }

    #[test]
    fn server_hello_version_is_read_from_the_record() {
        let tls10 = [0x16, 3, 1, 0, 50, 2, 0, 0, 46, 3, 1, 9];
        assert_eq!(server_hello(&tls10), Some(TlsVersion::Tls10));
        assert_eq!(server_hello(&tls10[..10]), None);
        assert_eq!(server_hello(b"220 mx.example ESMTP"), None);
    }

    #[test]
    fn text_is_not_tls_and_an_alert_record_is() {
        assert!(is_not_tls(b"220 mx.example ESMTP\r\n"));
        assert!(is_not_tls(b"2"));
        assert!(!is_not_tls(&[0x15, 3, 1, 0, 2, 2, 70]));
        assert!(!is_not_tls(b""));
    }
}
