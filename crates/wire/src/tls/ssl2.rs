//! SSL 2.0: its hello and the server's answer (draft-hickman-netscape-ssl-00, forbidden
//! by RFC 6176).

use super::{bytes::Cursor, suites};

/// What a server answered in SSLv2. No kinds at all mean that every cipher is disabled,
/// which did not stop OpenSSL from using them (CVE-2015-3197).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssl2Hello {
    /// Version of the protocol, 0x0002.
    pub version: u16,
    /// 1 for X.509; 0 where there is no certificate.
    pub certificate_type: u8,
    /// The certificate in DER.
    pub certificate: Vec<u8>,
    /// The kinds of cipher that both sides know, as three-byte codes.
    pub kinds: Vec<u32>,
    /// The server's random bytes.
    pub connection_id: Vec<u8>,
}

/// Message types.
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 4;
const ERROR: u8 = 0;

/// A complete SSLv2 record that offers all seven kinds.
pub fn sslv2_client_hello(challenge: [u8; 16]) -> Vec<u8> {
    let kinds: Vec<u8> =
        suites::ssl2_kinds().iter().flat_map(|k| k.to_be_bytes().into_iter().skip(1)).collect();
    let mut message = vec![CLIENT_HELLO, 0x00, 0x02];
    for length in [kinds.len(), 0, challenge.len()] {
        message.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    }
    message.extend_from_slice(&kinds);
    message.extend_from_slice(&challenge);
    // Two-byte header: the top bit set, no padding.
    let [high, low] = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut record = vec![high | 0x80, low];
    record.append(&mut message);
    record
}

/// What an SSLv2 record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Hello(Ssl2Hello),
    Error(u16),
    Unreadable,
}

/// Whether three bytes look like the start of a server's SSLv2 record.
pub(super) fn is_start(first: [u8; 3]) -> bool {
    let [high, _, kind] = first;
    high & 0x80 != 0 && (kind == SERVER_HELLO || kind == ERROR)
}

/// Length of the record with its header, once that is there.
pub(super) fn record_length(bytes: &[u8]) -> Option<usize> {
    let [high, low] = *bytes.first_chunk::<2>()?;
    Some(2 + usize::from(u16::from_be_bytes([high & 0x7f, low])))
}

/// Reads one complete record.
pub(super) fn parse(record: &[u8]) -> Message {
    read(record).unwrap_or(Message::Unreadable)
}

fn read(record: &[u8]) -> Option<Message> {
    let mut cursor = Cursor(record);
    cursor.take(2)?;
    match cursor.u8()? {
        ERROR => Some(Message::Error(cursor.u16()?)),
        SERVER_HELLO => {
            let _session_id_hit = cursor.u8()?;
            let certificate_type = cursor.u8()?;
            let version = cursor.u16()?;
            let [certificate, kinds, connection_id] =
                [cursor.u16()?, cursor.u16()?, cursor.u16()?].map(usize::from);
            let certificate = cursor.take(certificate)?.to_vec();
            let mut list = Cursor(cursor.take(kinds)?);
            let mut kinds = Vec::new();
            while let Some(kind) = list.u24() {
                kinds.push(kind);
            }
            let connection_id = cursor.take(connection_id)?.to_vec();
            Some(Message::Hello(Ssl2Hello { version, certificate_type, certificate, kinds, connection_id }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hello_has_the_lengths_that_it_says() {
        let hello = sslv2_client_hello([0x5a; 16]);
        assert_eq!(hello[..5], [0x80, 46, 1, 0, 2]);
        assert_eq!(hello[5..11], [0, 21, 0, 0, 0, 16]);
        assert_eq!(record_length(&hello), Some(hello.len()));
        assert_eq!(hello[11..14], [0x01, 0x00, 0x80]);
    }

    #[test]
    fn a_server_hello_is_read() {
        let mut message = vec![SERVER_HELLO, 0, 1, 0, 2, 0, 3, 0, 6, 0, 2];
        message.extend_from_slice(b"DER");
        message.extend_from_slice(&[1, 0, 0x80, 7, 0, 0xc0]);
        message.extend_from_slice(b"id");
        let mut record = vec![0x80, u8::try_from(message.len()).unwrap()];
        record.append(&mut message);
        assert!(is_start([record[0], record[1], record[2]]));
        let Message::Hello(hello) = parse(&record) else { panic!("no hello") };
        assert_eq!(hello.kinds, [0x01_0080, 0x07_00c0]);
        assert_eq!((hello.version, hello.certificate.as_slice()), (2, &b"DER"[..]));
        assert_eq!(hello.connection_id, b"id");
        for cut in 2..record.len() {
            assert_eq!(parse(&record[..cut]), Message::Unreadable, "{cut}");
        }
    }

    #[test]
    fn an_error_is_read() {
        assert_eq!(parse(&[0x80, 3, ERROR, 0, 1]), Message::Error(1));
    }
}
