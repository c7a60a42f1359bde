//! A DER writer for the few types that a certificate needs (X.690 section 8).

/// SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
/// SET.
pub(crate) const SET: u8 = 0x31;
/// INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// BIT STRING; its content starts with the number of unused bits.
pub(crate) const BIT_STRING: u8 = 0x03;
/// OBJECT IDENTIFIER.
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
/// UTF8String.
pub(crate) const UTF8_STRING: u8 = 0x0c;
/// GeneralizedTime.
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
/// OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// ENUMERATED.
pub(crate) const ENUMERATED: u8 = 0x0a;

/// A value with tag and length.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|b| *b == 0).collect();
    match (content.len(), u8::try_from(content.len()), u8::try_from(significant.len())) {
        (0..128, Ok(short), _) => out.push(short),
        (_, _, Ok(count)) => {
            out.push(0x80 | count);
            out.extend(significant);
        }
        // A length has at most eight bytes.
        _ => {}
    }
    out.extend_from_slice(content);
    out
}

/// Several values in a row under one tag.
pub(crate) fn group(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    value(tag, &parts.concat())
}

/// A non-negative INTEGER from big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
    if content.first().is_none_or(|b| b & 0x80 != 0) {
        content.insert(0, 0);
    }
    value(INTEGER, &content)
}

/// A BIT STRING of whole bytes.
pub(crate) fn bits(bytes: &[u8]) -> Vec<u8> {
    let mut content = vec![0];
    content.extend_from_slice(bytes);
    value(BIT_STRING, &content)
}

/// A GeneralizedTime, to the second.
pub(crate) fn moment(at: time::OffsetDateTime) -> Vec<u8> {
    let at = at.to_offset(time::UtcOffset::UTC);
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    value(GENERALIZED_TIME, text.as_bytes())
}

/// A value that was read.
pub(crate) struct Read<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Header included.
    pub(crate) whole: &'a [u8],
    /// What follows.
    pub(crate) rest: &'a [u8],
}

/// Reads the value at the front, of up to 64 KiB.
pub(crate) fn read(bytes: &[u8]) -> Option<Read<'_>> {
    let (&tag, after) = bytes.split_first()?;
    let (&first, after) = after.split_first()?;
    let (length, after) = match first {
        0..=0x7f => (usize::from(first), after),
        0x81 => after.split_first().map(|(length, after)| (usize::from(*length), after))?,
        0x82 => {
            let (length, after) = after.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), after)
        }
        _ => return None,
    };
    let (content, rest) = after.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
    Some(Read { tag, content, whole, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_short_form_below_128_and_the_fewest_bytes_above() {
        assert_eq!(value(SEQUENCE, &[]), [0x30, 0]);
        assert_eq!(value(SEQUENCE, &[1; 127])[..2], [0x30, 127]);
        assert_eq!(value(SEQUENCE, &[1; 128])[..3], [0x30, 0x81, 128]);
        assert_eq!(value(SEQUENCE, &[1; 300])[..4], [0x30, 0x82, 1, 44]);
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 127, 128, 300] {
            let mut bytes = value(OCTET_STRING, &vec![7; length]);
            bytes.push(9);
            let found = read(&bytes).unwrap();
            assert_eq!((found.tag, found.content.len(), found.rest), (OCTET_STRING, length, &[9][..]));
            assert_eq!(found.whole, value(OCTET_STRING, &vec![7; length]));
        }
        assert!(read(&[0x30, 5, 1]).is_none() && read(&[]).is_none());
    }

    #[test]
    fn integers_are_minimal_and_never_negative() {
        assert_eq!(unsigned(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }
}
