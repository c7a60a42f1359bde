//! Addresses and identifications on their way from the envelope into a report.

use crate::compose::escaped;

/// Undoes xtext (RFC 3461 section 4): `+2B` is `+`. What is no valid escape stays. Bytes
/// that are not UTF-8 become replacement characters.
pub fn from_xtext(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| *byte == b'+');
        // "+é" and "+-1" are no escapes.
        let hex = hex.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Undoes `\x{E9}` (RFC 6533 section 3). What is no valid escape stays.
pub fn from_unitext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x{") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let inside = escape.get(3..).unwrap_or_default();
        let decoded = inside.split_once('}').and_then(|(hex, left)| {
            let short = (2..=6).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit());
            let code = u32::from_str_radix(hex, 16).ok().filter(|_| short)?;
            Some((char::from_u32(code)?, left))
        });
        match decoded {
            Some((c, left)) => {
                out.push(c);
                rest = left;
            }
            None => {
                out.push_str("\\x{");
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

/// An address as a report has it, with its type: `rfc822; bob@example.com`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) kind: String,
    pub(super) address: String,
}

impl Typed {
    /// A recipient's address as the envelope has it.
    pub(super) fn of_envelope(address: &str, international: bool) -> Self {
        let kind = if address.is_ascii() { "rfc822" } else { "utf-8" };
        Self::new(kind, address.to_owned(), international)
    }

    /// ORCPT as it was given (RFC 3461 section 4.2): `rfc822;bob+2Btag@example.com`.
    pub(super) fn of_orcpt(orcpt: &str, international: bool) -> Self {
        let (kind, address) = orcpt.split_once(';').unwrap_or(("rfc822", orcpt));
        let is_atom =
            |kind: &&str| !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let Some(kind) = Some(kind).filter(is_atom) else {
            return Self::new("rfc822", from_xtext(orcpt), international);
        };
        // UTF-8 addresses have an encoding of their own, in which "+" is never an escape.
        if kind.eq_ignore_ascii_case("utf-8") {
            return Self::new("utf-8", from_unitext(address), international);
        }
        let address = from_xtext(address);
        let kind = if kind.eq_ignore_ascii_case("rfc822") && !address.is_ascii() { "utf-8" } else { kind };
        Self::new(kind, address, international)
    }

    fn new(kind: &str, address: String, international: bool) -> Self {
        let address = match kind {
            "utf-8" if !international => to_utf8_xtext(&address),
            _ => address,
        };
        Self { kind: kind.to_owned(), address }
    }
}

/// The 7-bit form of a UTF-8 address (`utf-8-addr-xtext`, RFC 6533 section 3).
fn to_utf8_xtext(address: &str) -> String {
    let mut out = String::with_capacity(address.len() + 16);
    for c in address.chars() {
        if c.is_ascii_graphic() && !matches!(c, '\\' | '+' | '=') {
            out.push(c);
        } else if c.is_ascii() {
            out.push_str(&format!("\\x{{{:02X}}}", u32::from(c)));
        } else {
            out.push_str(&escaped(c.encode_utf8(&mut [0; 4])));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_undone_where_they_are_valid() {
        assert_eq!(from_xtext("bob+2Btag+3D@example.com"), "bob+tag=@example.com");
        assert_eq!(from_xtext("a+zz+2"), "a+zz+2");
        assert_eq!(from_xtext("+é"), "+é");
        assert_eq!(from_unitext(r"b\x{FC}cher\x{5C}@x"), r"bücher\@x");
        assert_eq!(from_unitext(r"\x{zz}\x{110000}\x{E9"), r"\x{zz}\x{110000}\x{E9");
    }

    #[test]
    fn addresses_keep_their_type() {
        let typed = |kind: &str, address: &str| Typed { kind: kind.into(), address: address.into() };
        assert_eq!(
            Typed::of_orcpt("rfc822;bob+2Bx@example.com", false),
            typed("rfc822", "bob+x@example.com")
        );
        assert_eq!(Typed::of_orcpt("x400;/c=us", false), typed("x400", "/c=us"));
        assert_eq!(
            Typed::of_orcpt(r"utf-8;b\x{FC}c+h@x.example", false),
            typed("utf-8", r"b\x{FC}c\x{2B}h@x.example")
        );
        assert_eq!(Typed::of_orcpt(r"UTF-8;b\x{FC}c@x.example", true), typed("utf-8", "büc@x.example"));
        assert_eq!(Typed::of_orcpt("no type", false), typed("rfc822", "no type"));
        assert_eq!(Typed::of_orcpt("b d;x", false), typed("rfc822", "b d;x"));
        assert_eq!(Typed::of_envelope("bü@x.example", false), typed("utf-8", r"b\x{FC}@x.example"));
    }

    proptest! {
        #[test]
        fn a_utf8_address_comes_back_whole(address in "\\PC{0,60}") {
            let coded = to_utf8_xtext(&address);
            prop_assert!(coded.bytes().all(|b| b.is_ascii_graphic() && b != b'+' && b != b'='));
            prop_assert_eq!(from_unitext(&coded), address);
        }

        #[test]
        fn no_text_panics(text in "(\\+[0-9A-F]{0,2}|\\\\x\\{[0-9A-F]{0,7}\\}?|é|;|[a-z]){0,30}") {
            let (_, _, _) = (from_xtext(&text), from_unitext(&text), Typed::of_orcpt(&text, false));
        }
    }
}
