//! Records, before they are decrypted (RFC 5246 section 6.2).

use crate::tls::{
    bytes::Cursor,
    flight::{MAX_RECORD, message},
};

/// Record types (IANA "TLS ContentType").
pub mod kind {
    #![allow(missing_docs, reason = "the names are IANA's")]
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
    pub const HEARTBEAT: u8 = 24;
}

/// One record as it is on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// See [`kind`].
    pub kind: u8,
    /// The version in its header.
    pub version: u16,
    /// What it carries, perhaps encrypted.
    pub payload: Vec<u8>,
}

/// Bytes that are no TLS record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no TLS record: it begins with {}", hex(.0))]
pub struct NoRecord(
    /// The first of them, at most five.
    pub Vec<u8>,
);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Cuts a stream into records.
#[derive(Debug, Clone, Default)]
pub struct RecordReader {
    pending: Vec<u8>,
}

impl RecordReader {
    /// Takes bytes as they come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next record that is complete.
    ///
    /// # Errors
    /// What comes next is no record of TLS or SSLv3; it stays so.
    pub fn next_record(&mut self) -> Result<Option<Record>, NoRecord> {
        let mut cursor = Cursor(&self.pending);
        let Some(kind) = cursor.u8() else { return Ok(None) };
        let version = cursor.u16();
        let length = cursor.u16().map(usize::from);
        let is_tls = (20..=24).contains(&kind)
            && version.is_none_or(|v| v >> 8 == 3)
            && length.is_none_or(|l| l <= MAX_RECORD);
        if !is_tls {
            return Err(NoRecord(self.pending.iter().take(5).copied().collect()));
        }
        let (Some(version), Some(length)) = (version, length) else { return Ok(None) };
        let Some(payload) = cursor.take(length) else { return Ok(None) };
        let payload = payload.to_vec();
        self.pending.drain(..5 + length);
        Ok(Some(Record { kind, version, payload }))
    }

    /// Bytes that are no complete record yet.
    pub fn pending(&self) -> &[u8] {
        &self.pending
    }
}

/// A record in clear.
pub fn plain(kind: u8, version: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let mut out = vec![kind];
    out.extend_from_slice(&version.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(payload.iter().take(usize::from(length)));
    out
}

/// A handshake message with its header.
pub(super) fn handshake_message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = vec![kind];
    out.extend(length.into_iter().skip(1));
    out.extend_from_slice(body);
    out
}

/// More handshake bytes than this in one message are refused.
const MAX_MESSAGE: usize = 256 * 1024;

/// Cuts handshake bytes into messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Messages {
    pending: Vec<u8>,
}

impl Messages {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next complete message: its type, and all of it with the header.
    ///
    /// # Errors
    /// It announces more than any message needs: in words.
    pub(super) fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>, String> {
        let mut cursor = Cursor(&self.pending);
        let (Some(kind), Some(length)) = (cursor.u8(), cursor.u24()) else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_MESSAGE {
            return Err(format!("a handshake message of {length} bytes was announced"));
        }
        if cursor.take(length).is_none() {
            return Ok(None);
        }
        Ok(Some((kind, self.pending.drain(..4 + length).collect())))
    }
}

/// The body of a message with its header.
pub(super) fn body(message: &[u8]) -> &[u8] {
    message.get(4..).unwrap_or_default()
}

/// The messages in a run of complete ones.
pub(super) fn messages(transcript: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut reader = Messages { pending: transcript.to_vec() };
    let mut found = Vec::new();
    while let Ok(Some((kind, message))) = reader.next() {
        if kind != message::HELLO_REQUEST {
            found.push((kind, message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_are_read_whole_however_they_come() {
        let mut reader = RecordReader::default();
        let bytes = [plain(22, 0x0301, b"abc"), plain(21, 0x0303, &[])].concat();
        let mut got = Vec::new();
        for byte in bytes {
            reader.push(&[byte]);
            got.extend(reader.next_record().unwrap());
        }
        assert_eq!(got[0], Record { kind: 22, version: 0x0301, payload: b"abc".to_vec() });
        assert_eq!((got.len(), got[1].kind, reader.pending().len()), (2, 21, 0));
    }

    #[test]
    fn text_is_no_record_from_its_first_byte_on() {
        for bytes in [&b"4"[..], b"454 no\r\n", &[22, 2, 0], &[22, 3, 3, 0xff, 0xff]] {
            let mut reader = RecordReader::default();
            reader.push(bytes);
            assert!(reader.next_record().is_err(), "{bytes:?}");
            assert!(reader.next_record().is_err());
        }
    }

    #[test]
    fn messages_are_cut_and_bounded() {
        let mut messages = Messages::default();
        let finished = handshake_message(20, &[7; 12]);
        messages.push(&finished[..9]);
        assert_eq!(messages.next(), Ok(None));
        messages.push(&finished[9..]);
        assert_eq!(messages.next(), Ok(Some((20, finished.clone()))));
        assert_eq!(body(&finished), [7; 12]);
        messages.push(&[11, 0xff, 0xff, 0xff]);
        assert!(messages.next().is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = RecordReader::default();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next_record() {}
            let _ = messages(&bytes);
        }
    }
}
