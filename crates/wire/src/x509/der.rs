//! A reader for single DER elements (X.690), for the few structures that the certificate
//! parser leaves unread or reads too leniently.

use x509_parser::{prelude::FromDer, time::ASN1Time};

/// One element: tag byte and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

/// Tags that are asked for.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;

/// Takes one element off the front. None if it is cut short or in a form that DER
/// forbids (indefinite length) or that nothing here uses (tag numbers above 30).
pub(super) fn take(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (length, rest) = rest.split_at_checked(count)?;
        (length.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Element { tag, content }, rest))
}

/// Takes one element with this tag off the front: its content.
pub(super) fn expect<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (element, rest) = take(bytes)?;
    if element.tag != tag {
        return None;
    }
    *bytes = rest;
    Some(element.content)
}

/// The same where the element need not be there: `Some(None)` if another comes.
pub(super) fn optional<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<Option<&'a [u8]>> {
    match bytes.first() {
        Some(first) if *first == tag => expect(bytes, tag).map(Some),
        _ => Some(None),
    }
}

/// Takes one element with this tag off the front, header included.
pub(super) fn expect_raw<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let whole = *bytes;
    expect(bytes, tag)?;
    whole.get(..whole.len().checked_sub(bytes.len())?)
}

/// The bytes of a BIT STRING that is made of whole ones, from its content.
pub(super) fn whole_bits(content: &[u8]) -> Option<&[u8]> {
    match content.split_first()? {
        (0, bits) => Some(bits),
        _ => None,
    }
}

/// Takes a UTCTime or GeneralizedTime off the front, in seconds since 1970-01-01 UTC.
pub(super) fn time(bytes: &mut &[u8]) -> Option<i64> {
    let whole = *bytes;
    let (element, rest) = take(bytes)?;
    if !matches!(element.tag, UTC_TIME | GENERALIZED_TIME) {
        return None;
    }
    *bytes = rest;
    let (_, time) = ASN1Time::from_der(whole.get(..whole.len().checked_sub(rest.len())?)?).ok()?;
    Some(time.timestamp())
}

/// The elements of a content, to its end. None if any is malformed.
pub(super) fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (element, rest) = take(bytes)?;
        found.push(element);
        bytes = rest;
    }
    Some(found)
}

/// The content of the one element with this tag that the bytes consist of.
pub(super) fn whole(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    match take(bytes)? {
        (element, []) if element.tag == tag => Some(element.content),
        _ => None,
    }
}

/// A small non-negative INTEGER from its content.
pub(super) fn small_integer(content: &[u8]) -> Option<u32> {
    match content {
        [] | [0x80..=0xff, ..] => None,
        _ if content.len() > 4 => None,
        _ => Some(content.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_are_taken_one_by_one() {
        let bytes = [0x02, 1, 5, 0x30, 0x81, 2, 1, 1];
        let (first, rest) = take(&bytes).unwrap();
        assert_eq!((first.tag, first.content), (INTEGER, &[5][..]));
        assert_eq!(whole(rest, SEQUENCE), Some(&[1, 1][..]));
        assert_eq!(elements(&bytes).unwrap().len(), 2);
    }

    #[test]
    fn malformed_elements_are_none() {
        for bytes in [&[][..], &[2], &[2, 5, 0], &[2, 0x80, 0], &[2, 0x85, 0, 0, 0, 0, 1, 0], &[0x1f, 1, 0]] {
            assert_eq!(take(bytes), None, "{bytes:?}");
        }
        assert_eq!(whole(&[2, 1, 5, 0], INTEGER), None, "trailing bytes");
        assert_eq!(small_integer(&[0x80]), None, "negative");
        assert_eq!(small_integer(&[0, 0xff]), Some(255));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(found) = elements(&bytes) {
                prop_assert!(found.iter().map(|e| e.content.len()).sum::<usize>() <= bytes.len());
            }
        }
    }
}
