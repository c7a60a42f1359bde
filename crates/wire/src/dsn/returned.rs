//! What comes back of the message (RFC 3461 section 6.2, RFC 6522 section 3).

use crate::{
    compose::{BodyLines, Header, base64_lines, lines_of, quoted_printable},
    message,
};

/// A header that comes back is cut here, in bytes.
const MOST_HEADER: usize = 64 * 1024;

/// What comes back.
#[derive(Debug, Clone, Copy)]
pub enum Returned<'a> {
    /// Nothing.
    Nothing,
    /// Its header, without the empty line: see [`header_of`] and [`redacted`].
    Header(&'a [u8]),
    /// All of it. It may come in parts; lines end in CRLF.
    Message(&'a [&'a [u8]]),
}

impl Returned<'_> {
    /// The third part: its head with the empty line, and its content.
    pub(super) fn part(&self, international: bool) -> Option<(String, Vec<u8>)> {
        let (kind, encoding, content) = match self {
            Self::Nothing => return None,
            Self::Header(header) => header_part(header, international),
            Self::Message(parts) => message_part(parts, international),
        };
        Some((format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"), content))
    }
}

/// The type, the encoding and the content of a header that comes back.
fn header_part(header: &[u8], international: bool) -> (&'static str, &'static str, Vec<u8>) {
    let utf8 = !header.is_ascii() && std::str::from_utf8(header).is_ok();
    match lines_of(&[header]) {
        BodyLines::SevenBit => ("text/rfc822-headers; charset=us-ascii", "7bit", header.to_vec()),
        BodyLines::EightBit if international && utf8 => ("message/global-headers", "8bit", header.to_vec()),
        // A header in UTF-8 (RFC 6532), which RFC 6533 lets be encoded where 8 bits do not pass.
        _ if utf8 => ("message/global-headers", "base64", base64_lines(header).into_bytes()),
        _ => {
            let content = quoted_printable(header).into_bytes();
            ("text/rfc822-headers; charset=unknown-8bit", "quoted-printable", content)
        }
    }
}

/// The same of a whole message. `message/rfc822` must not be encoded (RFC 2046 section
/// 5.2.1), `message/global` may be (RFC 6532 section 3.7).
fn message_part(parts: &[&[u8]], international: bool) -> (&'static str, &'static str, Vec<u8>) {
    match lines_of(parts) {
        BodyLines::SevenBit => ("message/rfc822", "7bit", parts.concat()),
        BodyLines::EightBit if international => ("message/global", "8bit", parts.concat()),
        _ => ("message/global", "base64", base64_lines(&parts.concat()).into_bytes()),
    }
}

/// The header of a message that may come in parts, up to the empty line, with the end of its
/// last line; cut behind the last whole line within 64 KiB.
pub fn header_of(parts: &[&[u8]]) -> Vec<u8> {
    let mut head: Vec<u8> = parts.iter().copied().flatten().copied().take(MOST_HEADER).collect();
    if head.starts_with(b"\r\n") {
        return Vec::new();
    }
    let end = head.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 2);
    let last_line = || head.windows(2).rposition(|window| window == b"\r\n").map(|at| at + 2);
    if let Some(end) = end.or_else(|| last_line().filter(|_| head.len() == MOST_HEADER)) {
        head.truncate(end);
    }
    head
}

/// Of a header what says which message this is, and nothing of what it says: for messages
/// with REQUIRETLS, whose notices may meet a server without it (RFC 8689 section 5).
pub fn redacted(header: &[u8]) -> Vec<u8> {
    let mut out = Header::ascii();
    for name in ["Date", "Message-ID", "From"] {
        let fields = message::fields(header);
        if let Some(field) = fields.into_iter().find(|field| field.name.eq_ignore_ascii_case(name)) {
            out.whole(name, [field.value.trim()]);
        }
    }
    out.finish().as_bytes().to_vec()
}
