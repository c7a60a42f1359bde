//! Reading and writing of the length-prefixed fields that TLS is made of (RFC 8446
//! section 3).

/// Bytes that are taken from the front; every step fails softly at the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Option<u32> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// A field with a one-byte length before it.
    pub(super) fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// A field with a two-byte length before it.
    pub(super) fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// A field with a three-byte length before it.
    pub(super) fn vector24(&mut self) -> Option<&'a [u8]> {
        let length = self.u24()?;
        self.take(usize::try_from(length).ok()?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends codes, each in two bytes.
pub(super) fn put_codes(out: &mut Vec<u8>, codes: &[u16]) {
    for code in codes {
        out.extend_from_slice(&code.to_be_bytes());
    }
}

/// Appends a field with a one-byte length before it; what does not fit is cut off.
pub(super) fn put_vector8(out: &mut Vec<u8>, field: &[u8]) {
    let length = u8::try_from(field.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend(field.iter().take(usize::from(length)));
}

/// Appends a field with a two-byte length before it; what does not fit is cut off.
pub(super) fn put_vector16(out: &mut Vec<u8>, field: &[u8]) {
    let length = u16::try_from(field.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(field.iter().take(usize::from(length)));
}

/// Appends a field with a three-byte length before it; what does not fit is cut off.
pub(super) fn put_vector24(out: &mut Vec<u8>, field: &[u8]) {
    const MOST: usize = (1 << 24) - 1;
    let field = field.get(..MOST).unwrap_or(field);
    let length = u32::try_from(field.len()).unwrap_or_default().to_be_bytes();
    out.extend(length.into_iter().skip(1));
    out.extend_from_slice(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_again() {
        let mut out = Vec::new();
        put_vector8(&mut out, b"ab");
        put_vector16(&mut out, b"cde");
        put_codes(&mut out, &[0x1301]);
        let mut cursor = Cursor(&out);
        assert_eq!(cursor.vector8(), Some(&b"ab"[..]));
        assert_eq!(cursor.vector16(), Some(&b"cde"[..]));
        assert_eq!(cursor.u16(), Some(0x1301));
        assert!(cursor.is_empty());
        assert_eq!(cursor.u8(), None);
    }

    #[test]
    fn a_length_beyond_the_end_is_refused_and_one_too_large_is_cut() {
        assert_eq!(Cursor(&[3, 1, 2]).vector8(), None);
        assert_eq!(Cursor(&[0, 0, 2, 1]).vector24(), None);
        let mut out = Vec::new();
        put_vector8(&mut out, &[7; 300]);
        assert_eq!((out.len(), out[0]), (256, 255));
    }
}
