//! Distinguished names: printed in the form of RFC 4514, and compared as OpenSSL does.

use x509_parser::{
    asn1_rs::{Any, Tag},
    x509::X509Name,
};

use crate::text::is_harmful;

/// Longest name that is printed, in characters.
const MAX_NAME: usize = 1024;

/// Short names of attribute types: RFC 4514 section 3, and those of RFC 4519 and
/// PKCS #9 that occur in certificates.
const TYPES: [(&str, &str); 18] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.12", "title"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "GN"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.97", "organizationIdentifier"),
];

/// The name in the form of RFC 4514: the last RDN first, special and harmful characters
/// escaped. A name of more than 1024 characters is cut with `…`.
pub(super) fn rfc4514(name: &X509Name<'_>) -> String {
    let rdns: Vec<_> = name.iter_rdn().collect();
    let mut out = String::new();
    for rdn in rdns.iter().rev() {
        if !out.is_empty() {
            out.push(',');
        }
        for (at, attribute) in rdn.iter().enumerate() {
            if at > 0 {
                out.push('+');
            }
            let oid = attribute.attr_type().to_id_string();
            let known = TYPES.iter().find(|(known, _)| *known == oid).map(|(_, short)| *short);
            out.push_str(known.unwrap_or(&oid));
            out.push('=');
            match text(attribute.attr_value()) {
                Some(value) => escape_into(&mut out, &value),
                None => {
                    out.push('#');
                    out.extend(attribute.attr_value().data.iter().take(MAX_NAME).map(|b| format!("{b:02x}")));
                }
            }
        }
        if out.len() > MAX_NAME * 4 {
            break;
        }
    }
    if out.chars().count() > MAX_NAME {
        out = out.chars().take(MAX_NAME - 1).collect();
        out.push('…');
    }
    out
}

/// The last common name as text, not yet neutralised.
pub(super) fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().filter_map(|attribute| text(attribute.attr_value())).last()
}

/// Escapes as RFC 4514 section 2.4 demands; characters that would act on a terminal go as
/// hex pairs of their UTF-8 bytes, which the same section provides for.
fn escape_into(out: &mut String, value: &str) {
    let count = value.chars().count();
    for (at, c) in value.chars().enumerate().take(MAX_NAME) {
        let edge_space = c == ' ' && (at == 0 || at + 1 == count);
        if is_harmful(c) {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|b| format!("\\{b:02X}")));
        } else {
            if matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') || edge_space || (c == '#' && at == 0) {
                out.push('\\');
            }
            out.push(c);
        }
    }
}

/// The text of an attribute, by the type of string; none if it is no string. Bytes that
/// are not valid in the type are replaced by U+FFFD.
fn text(value: &Any<'_>) -> Option<String> {
    Some(match value.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::NumericString
        | Tag::Ia5String
        | Tag::VisibleString
        | Tag::GeneralString => String::from_utf8_lossy(value.data).into_owned(),
        // Read as Latin-1 by everyone, whatever T.61 says.
        Tag::T61String => value.data.iter().map(|b| char::from(*b)).collect(),
        Tag::BmpString => {
            let units: Vec<u16> =
                value.data.chunks(2).map(|pair| pair.iter().fold(0, |n, b| n << 8 | u16::from(*b))).collect();
            String::from_utf16_lossy(&units)
        }
        Tag::UniversalString => value
            .data
            .chunks(4)
            .map(|four| {
                char::from_u32(four.iter().fold(0, |n, b| n << 8 | u32::from(*b))).unwrap_or('\u{fffd}')
            })
            .collect(),
        _ => return None,
    })
}

/// A name in a form in which equal names are equal: one entry for each RDN. Strings are
/// compared without regard to letter case (ASCII), type of string and repeated blanks, as
/// OpenSSL's X509_NAME_cmp does; RFC 5280 section 7.1 asks for as much.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CanonicalName(Vec<Vec<u8>>);

impl CanonicalName {
    pub(super) fn new(name: &X509Name<'_>) -> Self {
        let rdn = |rdn: &x509_parser::x509::RelativeDistinguishedName<'_>| {
            let mut attributes: Vec<Vec<u8>> =
                rdn.iter().map(|a| canonical_attribute(a.attr_type().as_bytes(), a.attr_value())).collect();
            attributes.sort_unstable();
            attributes.concat()
        };
        Self(name.iter_rdn().map(rdn).collect())
    }

    /// True for the empty name.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if the name lies in the subtree of `base`: it begins with the same RDNs.
    pub(super) fn is_within(&self, base: &Self) -> bool {
        self.0.starts_with(&base.0)
    }
}

/// Type and value with their lengths in front, so that no two attributes run together.
fn canonical_attribute(oid: &[u8], value: &Any<'_>) -> Vec<u8> {
    let (kind, bytes) = match text(value) {
        Some(text) => {
            let folded = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
            (0, folded.into_bytes())
        }
        None => (value.tag().0, value.data.to_vec()),
    };
    let mut out = Vec::with_capacity(oid.len() + bytes.len() + 20);
    out.extend_from_slice(&oid.len().to_be_bytes());
    out.extend_from_slice(oid);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&bytes.len().to_be_bytes());
    out.extend_from_slice(&bytes);
    out
}
