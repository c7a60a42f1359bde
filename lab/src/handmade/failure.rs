//! Why a connection ends, and what the client is told.

use std::io::{Error, ErrorKind};

use super::{behaviour::Reaction, cipher::Bad};
use crate::servers::breakdown::How;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the client closed during the handshake")]
    Closed,
    #[error("unexpected or malformed message")]
    Message,
    #[error("no version in common")]
    Version,
    #[error("no suite in common")]
    Suite,
    #[error("the client's Finished is wrong")]
    Finished,
    #[error("the server's key does not work")]
    Key,
    #[error("a record: {0}")]
    Record(#[from] Bad),
    #[error("the client falls back without need")]
    Fallback,
    #[error("another host's name")]
    Name,
    #[error("no protocol in common")]
    Protocol,
    #[error("wrong padding, and the client is told so")]
    Padding,
    #[error("no client certificate")]
    NoCertificate,
    #[error("renegotiation is not taken, or not as it was asked for")]
    Renegotiation(u8),
    #[error("the hello is not borne")]
    NotBorne(Reaction),
    #[error("ended without a word")]
    Silent,
    #[error("broke down: {0:?}")]
    Broken(How),
    #[error(transparent)]
    Stream(#[from] Error),
}

/// What the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A fatal alert (RFC 5246 section 7.2), then the end.
    Alert(u8),
    /// The end of a server that broke down.
    Broken(How),
}

impl Failure {
    pub(super) fn end(&self) -> End {
        End::Alert(match self {
            Self::Closed | Self::Message | Self::Stream(_) => 10,
            Self::Record(Bad::Mac) => 20,
            Self::Record(Bad::Length) => 21,
            Self::Suite | Self::NoCertificate => 40,
            Self::Finished | Self::Padding => 51,
            Self::Version => 70,
            Self::Key | Self::Record(Bad::Key) => 80,
            Self::Fallback => 86,
            Self::Name => 112,
            Self::Protocol => 120,
            Self::Renegotiation(code) | Self::NotBorne(Reaction::Alert(code)) => *code,
            Self::NotBorne(Reaction::Close) | Self::Silent => return End::Broken(How::Close),
            Self::NotBorne(Reaction::Hang) => return End::Broken(How::Hang),
            Self::Broken(how) => return End::Broken(*how),
        })
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        Self::Stream(kind.into())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Stream(e) => e,
            other => Self::new(ErrorKind::InvalidData, other),
        }
    }
}
