//! Why a handshake or a session of the private client ended.

use waxseal_model::{Cause, Why};

use super::record::NoRecord;
use crate::{
    text::neutralise,
    tls::{alert::alert_name, flight::Answer},
};

/// The end of a handshake or a session, by who or what ended it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The private client lacks the means.
    #[error("the private TLS client does not know {0}")]
    Unsupported(String),
    /// The server sent a fatal alert, or a warning that it closes.
    #[error("the server sent alert {description} ({})", alert_name(*.description))]
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// See [`alert_name`].
        description: u8,
    },
    /// The server did not go on from its hello as it should have.
    #[error("{0}")]
    Protocol(String),
    /// It answered something else than TLS.
    #[error("the server answered TLS with \"{0}\"")]
    NotTls(String),
}

impl Fault {
    /// Bytes where a record should be.
    pub(super) fn no_record(error: &NoRecord, pending: &[u8]) -> Self {
        if pending.first().is_some_and(u8::is_ascii_graphic) {
            let line = pending.split(|byte| *byte == b'\n').next().unwrap_or(pending);
            return Self::NotTls(neutralise(line.get(..200).unwrap_or(line), 200));
        }
        Self::Protocol(format!("the server sent {error}"))
    }

    /// An answer to a hello with which no handshake goes on.
    pub(super) fn of_answer(answer: Answer) -> Self {
        match answer {
            Answer::Alert { level, description } => Self::Alert { level, description },
            Answer::Hello(flight) => match flight.alert {
                Some((level, description)) => Self::Alert { level, description },
                None => {
                    let problem =
                        flight.problems.first().map_or("its flight is not complete", String::as_str);
                    Self::Protocol(format!("the server began a handshake and broke off: {problem}"))
                }
            },
            Answer::HelloRetry { .. } => {
                Self::Protocol("the server asked for another hello where it must not".into())
            }
            Answer::Ssl2(_) | Answer::Ssl2Error(_) => Self::Protocol("the server answered in SSLv2".into()),
            Answer::NotTls(text) => Self::NotTls(text),
            Answer::Nothing => Self::Protocol("the server ended the connection without an answer".into()),
            Answer::Malformed(what) => Self::Protocol(format!("the server's records are malformed: {what}")),
            Answer::TooLarge => Self::Protocol("the server sent more than any handshake needs".into()),
        }
    }

    /// The reason in the words of evidence.
    pub fn why(&self) -> Why {
        let cause = match self {
            Self::Unsupported(_) => Cause::Unsupported,
            Self::Alert { .. } => Cause::Declined,
            Self::Protocol(_) | Self::NotTls(_) => Cause::Protocol,
        };
        Why::new(cause, self.to_string())
    }
}
