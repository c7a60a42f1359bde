//! What can go wrong on the way to a server and in talk with it: one variant per cause.
//!
//! Each says who erred by its [`Cause`] (us, the network, the peer)
//! and keeps what the server had sent until then, so that a caller can tell what kind of
//! service it met.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use waxseal_model::{Cause, Party, Why};
use waxseal_wire::{
    smtp::ReplyError,
    text::neutralise,
    tls::{alert::alert_name, private::Fault},
};

/// The first bytes of an unfinished answer that an error keeps.
pub const PARTIAL_BYTES: usize = 512;

/// Why a connection or a command failed. `stage` names the step as mail logs do:
/// `greeting`, `EHLO`, `STARTTLS`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The rules of this run forbid the address.
    #[error("{address} was not contacted: it is not a public address ({block})")]
    Forbidden {
        /// The address.
        address: IpAddr,
        /// The special block it lies in.
        block: &'static str,
    },
    /// The connection was refused (TCP RST to our SYN).
    #[error("{address} refused the connection: nothing listens on this port, or a firewall rejects it")]
    Refused {
        /// Where to.
        address: SocketAddr,
    },
    /// No answer to our SYN; `after` is zero where the system's own limit struck first.
    #[error("{address} did not answer{}: the port is filtered, or the host is down", within(.after))]
    ConnectTimeout {
        /// Where to.
        address: SocketAddr,
        /// How long we waited.
        after: Duration,
    },
    /// The network knows no way.
    #[error("there is no route to {address} ({detail})")]
    Unreachable {
        /// Where to.
        address: SocketAddr,
        /// The system's words.
        detail: String,
    },
    /// The connection was reset while it was being made.
    #[error("{address} reset the connection while it was being made")]
    ConnectReset {
        /// Where to.
        address: SocketAddr,
    },
    /// This system does not let us connect.
    #[error("this system does not permit a connection to {address} ({detail}): look at its firewall rules")]
    NotPermitted {
        /// Where to.
        address: SocketAddr,
        /// The system's words.
        detail: String,
    },
    /// This system lacks the means: file descriptors, local ports, an address family.
    #[error("this system could not open a connection to {address} ({detail})")]
    LocalResources {
        /// Where to.
        address: SocketAddr,
        /// The system's words.
        detail: String,
    },
    /// The address was left alone after signs that we are unwelcome.
    #[error("{address} was left alone after {signs} signs that we are unwelcome (421, 454 or a reset)")]
    RateLimited {
        /// The address.
        address: IpAddr,
        /// How many signs there were.
        signs: u32,
    },
    /// The answer was not complete in time.
    #[error("no complete reply at {stage} within {}: {}", seconds(.after), came(.partial, *.received))]
    Timeout {
        /// The step.
        stage: &'static str,
        /// How long we waited.
        after: Duration,
        /// Bytes that came in this step.
        received: u64,
        /// The first of them.
        partial: Vec<u8>,
    },
    /// The server closed the connection before its answer was complete.
    #[error("the server closed the connection at {stage}: {}", came(.partial, *.received))]
    Closed {
        /// The step.
        stage: &'static str,
        /// Bytes that came in this step.
        received: u64,
        /// The first of them.
        partial: Vec<u8>,
    },
    /// The connection was reset before the answer was complete.
    #[error("the connection was reset at {stage}: {}", came(.partial, *.received))]
    Reset {
        /// The step.
        stage: &'static str,
        /// Bytes that came in this step.
        received: u64,
        /// The first of them.
        partial: Vec<u8>,
    },
    /// What came is no SMTP reply, or too much of one.
    #[error("unusable reply at {stage}: {reason}")]
    Reply {
        /// The step.
        stage: &'static str,
        /// What is wrong with it.
        reason: ReplyError,
        /// The first bytes of it.
        partial: Vec<u8>,
    },
    /// The server spoke without having been asked, so that replies can no longer be
    /// matched with commands.
    #[error("before {stage} the server said unasked: {}", quoted(.partial))]
    Unasked {
        /// The step that was about to begin.
        stage: &'static str,
        /// The first bytes of what it said.
        partial: Vec<u8>,
    },
    /// A TLS alert ended the connection after the handshake.
    #[error("the server ended TLS at {stage} with alert {alert} ({})", alert_name(*.alert))]
    Alert {
        /// The step.
        stage: &'static str,
        /// The alert's number (RFC 8446 section 6).
        alert: u8,
    },
    /// TLS broke after the handshake.
    #[error("TLS broke at {stage}: {detail}")]
    Tls {
        /// The step.
        stage: &'static str,
        /// The TLS library's words.
        detail: String,
    },
    /// A command that would have been more than one line was not sent.
    #[error("the command for {stage} was not sent: it contains a line break or another control character")]
    Command {
        /// The step.
        stage: &'static str,
    },
    /// Our side of the connection failed.
    #[error("this system failed to read or write at {stage} ({detail})")]
    Io {
        /// The step.
        stage: &'static str,
        /// The system's words.
        detail: String,
    },
}

impl NetError {
    /// The kind of obstacle.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Forbidden { .. } => Cause::Forbidden,
            Self::Refused { .. } => Cause::Refused,
            Self::ConnectTimeout { .. } | Self::Timeout { .. } => Cause::Timeout,
            Self::Unreachable { .. } => Cause::Unreachable,
            Self::ConnectReset { .. } | Self::Closed { .. } | Self::Reset { .. } => Cause::Closed,
            Self::RateLimited { .. } => Cause::RateLimited,
            Self::Reply { reason, .. } => reply_cause(reason),
            Self::Unasked { .. } | Self::Tls { .. } => Cause::Protocol,
            Self::Alert { .. } => Cause::Declined,
            Self::NotPermitted { .. }
            | Self::LocalResources { .. }
            | Self::Command { .. }
            | Self::Io { .. } => Cause::Internal,
        }
    }

    /// The reason in the words of evidence.
    pub fn why(&self) -> Why {
        Why::new(self.cause(), self.to_string())
    }

    /// Who erred.
    pub fn party(&self) -> Party {
        self.cause().party()
    }

    /// What the server had sent in this step before it failed: its first
    /// [`PARTIAL_BYTES`] bytes, for `waxseal_wire::smtp::identify`.
    pub fn partial(&self) -> &[u8] {
        match self {
            Self::Timeout { partial, .. }
            | Self::Closed { partial, .. }
            | Self::Reset { partial, .. }
            | Self::Reply { partial, .. }
            | Self::Unasked { partial, .. } => partial,
            _ => &[],
        }
    }

    /// True if the connection was reset, which counts as a sign that we are unwelcome.
    pub fn is_reset(&self) -> bool {
        matches!(self, Self::ConnectReset { .. } | Self::Reset { .. })
    }

    /// The error of a read or write in a step, after `received` bytes had come in it.
    pub(crate) fn from_io(error: &io::Error, stage: &'static str, received: u64, partial: &[u8]) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return match tls {
                rustls::Error::AlertReceived(alert) => Self::Alert { stage, alert: u8::from(*alert) },
                other => Self::Tls { stage, detail: other.to_string() },
            };
        }
        if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
            return match fault {
                Fault::Alert { description, .. } => Self::Alert { stage, alert: *description },
                other => Self::Tls { stage, detail: other.to_string() },
            };
        }
        let partial = partial.to_vec();
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero => {
                Self::Closed { stage, received, partial }
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                Self::Reset { stage, received, partial }
            }
            _ => Self::Io { stage, detail: error.to_string() },
        }
    }
}

impl From<NetError> for Why {
    fn from(error: NetError) -> Self {
        error.why()
    }
}

fn reply_cause(reason: &ReplyError) -> Cause {
    match reason {
        ReplyError::TooLong { .. } | ReplyError::TooManyLines { .. } | ReplyError::TooLarge { .. } => {
            Cause::TooLarge
        }
        ReplyError::NotSmtp { .. }
        | ReplyError::Malformed { .. }
        | ReplyError::MixedCodes { .. }
        | ReplyError::Unfinished { .. } => Cause::Protocol,
    }
}

/// Seconds with a digit after the point where it matters: `15 s`, `0.3 s`.
pub(crate) fn seconds(duration: &Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    if tenths.is_multiple_of(10) {
        format!("{} s", tenths / 10)
    } else {
        format!("{}.{} s", tenths / 10, tenths % 10)
    }
}

fn within(after: &Duration) -> String {
    if after.is_zero() { String::new() } else { format!(" within {}", seconds(after)) }
}

/// What had come before a failure, in words.
fn came(partial: &[u8], received: u64) -> String {
    match received {
        0 => "it sent nothing".into(),
        1 => format!("only 1 byte came: {}", quoted(partial)),
        n => format!("{n} bytes came: {}", quoted(partial)),
    }
}

/// The first line of what a server sent, harmless and short, in quotes.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    format!("\"{}\"", neutralise(line, 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_says_how_many_bytes_came_and_makes_them_harmless() {
        let error = NetError::Timeout {
            stage: "greeting",
            after: Duration::from_secs(10),
            received: 7,
            partial: b"220 \x1b[2".to_vec(),
        };
        let text = error.to_string();
        assert!(text.contains("within 10 s: 7 bytes came"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
        assert_eq!(error.why().cause, Cause::Timeout);
    }

    #[test]
    fn every_kind_of_failure_names_who_erred() {
        let address: SocketAddr = "192.0.2.1:25".parse().unwrap();
        for (error, party) in [
            (NetError::Forbidden { address: address.ip(), block: "loopback" }, Party::Us),
            (NetError::LocalResources { address, detail: "too many open files".into() }, Party::Us),
            (NetError::Command { stage: "EHLO" }, Party::Us),
            (NetError::Unreachable { address, detail: "no route".into() }, Party::Network),
            (NetError::ConnectTimeout { address, after: Duration::ZERO }, Party::Network),
            (NetError::Refused { address }, Party::Peer),
            (NetError::Closed { stage: "EHLO", received: 0, partial: vec![] }, Party::Peer),
            (NetError::Alert { stage: "EHLO", alert: 40 }, Party::Peer),
            (NetError::RateLimited { address: address.ip(), signs: 4 }, Party::Peer),
        ] {
            assert_eq!(error.party(), party, "{error}");
        }
    }

    #[test]
    fn durations_are_short_and_exact_to_a_tenth() {
        assert_eq!(seconds(&Duration::from_secs(15)), "15 s");
        assert_eq!(seconds(&Duration::from_millis(250)), "0.3 s");
        assert_eq!(within(&Duration::ZERO), "");
    }
}
