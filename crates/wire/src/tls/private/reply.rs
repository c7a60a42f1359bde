//! The first thing that a server says to an attack, in a form that can be compared.

use std::fmt;

use super::record::{Record, RecordReader, kind};
use crate::tls::alert::alert_name;

/// The first record after an attack, or how the connection ended without one. What follows
/// the first record is not looked at: mail servers are known to go on in plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reply {
    /// An alert.
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// See [`alert_name`].
        description: u8,
    },
    /// A record of another type (or an alert that is encrypted).
    Record {
        /// See [`kind`].
        kind: u8,
    },
    /// Bytes that are no TLS.
    NotTls,
    /// The server closed the connection in order.
    Closed,
    /// The connection was reset.
    Reset,
    /// Nothing came in time.
    Timeout,
}

impl Reply {
    /// The reply in the bytes that have come, once it is clear.
    pub fn read(reader: &mut RecordReader) -> Option<Self> {
        match reader.next_record() {
            Ok(Some(record)) => Some(Self::of(&record)),
            Ok(None) => None,
            Err(_) => Some(Self::NotTls),
        }
    }

    fn of(record: &Record) -> Self {
        match (record.kind, record.payload.as_slice()) {
            (kind::ALERT, &[level, description]) => Self::Alert { level, description },
            (kind, _) => Self::Record { kind },
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert { description, .. } => write!(f, "alert {description} {}", alert_name(*description)),
            Self::Record { kind } => write!(f, "a TLS record of type {kind}"),
            Self::NotTls => f.write_str("something else than TLS"),
            Self::Closed => f.write_str("closed"),
            Self::Reset => f.write_str("reset"),
            Self::Timeout => f.write_str("no answer in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_record_counts() {
        let mut reader = RecordReader::default();
        for byte in [0x15, 3, 3, 0, 2, 2] {
            reader.push(&[byte]);
            assert_eq!(Reply::read(&mut reader), None);
        }
        reader.push(b"\x14454 TLS not available\r\n");
        let reply = Reply::read(&mut reader).unwrap();
        assert_eq!(reply, Reply::Alert { level: 2, description: 20 });
        assert_eq!(reply.to_string(), "alert 20 bad_record_mac");
        assert_eq!(Reply::read(&mut reader), Some(Reply::NotTls));
    }
}
