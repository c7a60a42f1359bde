//! Vectors as TLS has them (RFC 5246 section 4.3).

/// Cuts `length` bytes off the front.
pub(super) fn split<'a>(from: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (front, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(front)
}

/// A vector with a byte of length before it.
pub(super) fn vector8<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = *split(from, 1)?.first()?;
    split(from, length.into())
}

/// A vector with two bytes of length before it.
pub(super) fn vector16<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(*split(from, 2)?.first_chunk()?);
    split(from, length.into())
}

/// Codes of two bytes.
pub(super) fn pairs(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks_exact(2).filter_map(|p| Some(u16::from_be_bytes(*p.first_chunk()?)))
}

/// Content with a byte of length before it.
pub(super) fn length8(content: &[u8]) -> Vec<u8> {
    with_length(content, 1)
}

/// Content with two bytes of length before it.
pub(super) fn length16(content: &[u8]) -> Vec<u8> {
    with_length(content, 2)
}

/// Content with three bytes of length before it.
pub(super) fn length24(content: &[u8]) -> Vec<u8> {
    with_length(content, 3)
}

fn with_length(content: &[u8], width: usize) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let skipped = length.len() - width;
    length.into_iter().skip(skipped).chain(content.iter().copied()).collect()
}

/// A handshake message with its header (section 7.4).
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &length24(body)].concat()
}
