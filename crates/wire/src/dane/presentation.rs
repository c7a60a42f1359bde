//! TLSA records as people write them (RFC 6698 section 2.2, RFC 7218, RFC 3597 section 5).

use thiserror::Error;

use super::record::{TlsaRecord, from_hex};
use crate::{
    reading::quote,
    zone::{self, Entry, Word},
};

/// Longest text that is read, in bytes.
pub const MAX_ZONE_TEXT: usize = 4 << 20;

/// Type number of TLSA, in the generic form of RFC 3597.
const GENERIC: &str = "TYPE52";

/// Why a text is no TLSA record: one sentence with what to write instead, safe to print.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlsaTextError {
    /// No record.
    #[error("it contains no TLSA record: write usage, selector, matching type and data, such as 3 1 1 0123…")]
    Nothing,
    /// More than one record, where one is asked for.
    #[error("it contains {count} records, and one is asked for")]
    Several {
        /// How many.
        count: usize,
    },
    /// More than [`MAX_ZONE_TEXT`] bytes.
    #[error("it is {size} bytes long; waxseal reads up to {MAX_ZONE_TEXT}")]
    TooLong {
        /// Bytes.
        size: usize,
    },
    /// Parentheses or quotes that are not paired.
    #[error("{what}")]
    Unpaired {
        /// Which.
        what: String,
    },
    /// Another type of record.
    #[error("it is a record of type {rtype}, and not of type TLSA")]
    OtherType {
        /// The type.
        rtype: String,
    },
    /// Neither a type nor a number where one has to be.
    #[error("{given} is no TLSA record: write usage, selector, matching type and data, such as 3 1 1 0123…")]
    NotARecord {
        /// The beginning of the text, quoted.
        given: String,
    },
    /// One of the three numbers is missing or none.
    #[error("{field} is {given}: write a number from 0 to 255; mail uses 3 1 1")]
    Number {
        /// Which of the three.
        field: &'static str,
        /// What stands there, quoted.
        given: String,
    },
    /// No data.
    #[error("there is no association data behind the three numbers")]
    NoData,
    /// A character in the data that is no hexadecimal digit.
    #[error("the data contain {given}, which is no hexadecimal digit")]
    Hex {
        /// The character, quoted.
        given: String,
    },
    /// An odd number of digits.
    #[error("the data have {digits} hexadecimal digits, an odd number: one is missing or too much")]
    OddDigits {
        /// How many.
        digits: usize,
    },
    /// The generic form says another length than it has.
    #[error("\\# says {said} and {had} bytes follow")]
    Length {
        /// What stands behind `\#`, quoted.
        said: String,
        /// Bytes that follow.
        had: usize,
    },
}

/// One entry of a text, and the TLSA record in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneLine {
    /// Where it begins, counted from 1.
    pub line: usize,
    /// The owner name as written, if the line has one.
    pub owner: Option<String>,
    /// The class as written, upper case, if the line has one.
    pub class: Option<String>,
    /// The record, or what is wrong.
    pub record: Result<TlsaRecord, TlsaTextError>,
}

/// Reads one record: `3 1 1 0123…`, or a line of a zone file,
/// `_25._tcp.mx.example.com. 3600 IN TLSA 3 1 1 ( 0123 4567 )`.
///
/// Owner, TTL and class are optional. The data may come in several pieces and in either case;
/// usage, selector and matching type also by the acronyms of RFC 7218 (`DANE-EE SPKI SHA2-256`).
/// The generic form of RFC 3597 (`TYPE52 \# 35 0301…`) is read as well.
///
/// # Errors
/// It is not exactly one TLSA record.
pub fn parse_presentation(text: &str) -> Result<TlsaRecord, TlsaTextError> {
    let mut lines = parse_zone(text);
    match (lines.pop(), lines.len()) {
        (None, _) => Err(TlsaTextError::Nothing),
        (Some(only), 0) => only.record,
        (Some(_), before) => Err(TlsaTextError::Several { count: before + 1 }),
    }
}

/// Reads all records of a text, one a line, as in a zone file: comments, directives and empty
/// lines are left out, parentheses join lines. Records of other types come with
/// [`TlsaTextError::OtherType`].
pub fn parse_zone(text: &str) -> Vec<ZoneLine> {
    if text.len() > MAX_ZONE_TEXT {
        let record = Err(TlsaTextError::TooLong { size: text.len() });
        return vec![ZoneLine { line: 1, owner: None, class: None, record }];
    }
    zone::entries(text).iter().map(line).collect()
}

fn line(entry: &Entry<'_>) -> ZoneLine {
    let bare = |record| ZoneLine { line: entry.line, owner: None, class: None, record };
    if let Some(what) = &entry.error {
        return bare(Err(TlsaTextError::Unpaired { what: what.clone() }));
    }
    let found = entry.record().filter(|_| !begins_with_numbers(&entry.words));
    let Some(found) = found else { return bare(without_type(&entry.words)) };
    let record = match found.rtype.as_str() {
        "TLSA" | GENERIC => data(found.data),
        other => Err(TlsaTextError::OtherType { rtype: other.to_owned() }),
    };
    ZoneLine { line: entry.line, owner: found.owner.map(str::to_owned), class: found.class, record }
}

/// True if the three numbers come first: "CERT" may be a selector or a type of record.
fn begins_with_numbers(words: &[Word<'_>]) -> bool {
    let number = |at: usize, acronyms| words.get(at).is_some_and(|word| number(word.raw, acronyms).is_some());
    number(0, &USAGES) && number(1, &SELECTORS) && number(2, &MATCHING_TYPES)
}

/// Data alone, as `dig +short` and most tools print it.
fn without_type(words: &[Word<'_>]) -> Result<TlsaRecord, TlsaTextError> {
    let first = words.first().map(|word| word.raw).unwrap_or_default();
    if first == "\\#" || number(first, &USAGES).is_some() || first.bytes().all(|b| b.is_ascii_digit()) {
        return data(words);
    }
    Err(TlsaTextError::NotARecord { given: quote(words.iter().map(|w| w.raw).collect::<Vec<_>>().join(" ")) })
}

/// Acronyms of RFC 7218 section 2.
const USAGES: [(&str, u8); 5] =
    [("PKIX-TA", 0), ("PKIX-EE", 1), ("DANE-TA", 2), ("DANE-EE", 3), ("PrivCert", 255)];
const SELECTORS: [(&str, u8); 3] = [("Cert", 0), ("SPKI", 1), ("PrivSel", 255)];
const MATCHING_TYPES: [(&str, u8); 4] = [("Full", 0), ("SHA2-256", 1), ("SHA2-512", 2), ("PrivMatch", 255)];

fn number(text: &str, acronyms: &[(&str, u8)]) -> Option<u8> {
    let named = acronyms.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    // parse() would also take a sign.
    named.or_else(|| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())))
}

fn data(words: &[Word<'_>]) -> Result<TlsaRecord, TlsaTextError> {
    if let [mark, rest @ ..] = words
        && mark.raw == "\\#"
    {
        return generic(rest);
    }
    let mut words = words.iter();
    let mut take = |field, acronyms: &[(&str, u8)]| {
        let given = words.next().map(|word| word.raw);
        let value = given.and_then(|given| number(given, acronyms));
        value.ok_or_else(|| TlsaTextError::Number { field, given: given.map_or("missing".to_owned(), quote) })
    };
    let usage = take("the usage", &USAGES)?;
    let selector = take("the selector", &SELECTORS)?;
    let matching_type = take("the matching type", &MATCHING_TYPES)?;
    let data = hex(words.as_slice())?;
    if data.is_empty() {
        return Err(TlsaTextError::NoData);
    }
    Ok(TlsaRecord { usage, selector, matching_type, data })
}

/// `\# LENGTH HEX` (RFC 3597 section 5).
fn generic(words: &[Word<'_>]) -> Result<TlsaRecord, TlsaTextError> {
    let (said, rest) = words.split_first().map_or(("", words), |(said, rest)| (said.raw, rest));
    let bytes = hex(rest)?;
    let digits = said.bytes().all(|b| b.is_ascii_digit());
    if !digits || said.parse() != Ok(bytes.len()) {
        return Err(TlsaTextError::Length { said: quote(said), had: bytes.len() });
    }
    match bytes.as_slice() {
        [_, _, _] => Err(TlsaTextError::NoData),
        [usage, selector, matching_type, data @ ..] => Ok(TlsaRecord {
            usage: *usage,
            selector: *selector,
            matching_type: *matching_type,
            data: data.to_vec(),
        }),
        short => Err(TlsaTextError::Length { said: quote(said), had: short.len() }),
    }
}

fn hex(words: &[Word<'_>]) -> Result<Vec<u8>, TlsaTextError> {
    let digits: String = words.iter().map(|word| word.raw).collect();
    if let Some(c) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(TlsaTextError::Hex { given: quote(c.encode_utf8(&mut [0; 4])) });
    }
    from_hex(&digits).ok_or(TlsaTextError::OddDigits { digits: digits.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(usage: u8, selector: u8, matching_type: u8, data: &[u8]) -> TlsaRecord {
        TlsaRecord { usage, selector, matching_type, data: data.to_vec() }
    }

    #[test]
    fn records_are_read_in_every_form() {
        let expected = record(3, 1, 1, &[0xab, 0xcd, 0xef, 0x01]);
        for text in [
            "3 1 1 abcdef01",
            "3 1 1 ABCDEF01",
            "3 1 1 ab cdEF\t01",
            "  3   1 1 abcdef01  ",
            "3 1 1 (abcd ef01)",
            "3 1 1 ( ; a remark\n  abcd ; another\n  ef01\n)\n",
            "003 001 1 abcdef01",
            "DANE-EE SPKI SHA2-256 abcdef01",
            "dane-ee 1 sha2-256 abcdef01",
            "3 SPKI 1 abcdef01",
            "TLSA 3 1 1 abcdef01",
            "IN TLSA 3 1 1 abcdef01",
            "_25._tcp.mx.example.com. TLSA 3 1 1 abcdef01",
            "_25._tcp.mx.example.com. 3600 IN TLSA 3 1 1 ( ab cd ef 01 )",
            "_25._tcp.mx.example.com.\tIN\t1h\ttlsa\t3 1 1 abcdef01 ; rolled in March",
            "_25._tcp.mx.example.com. IN TYPE52 \\# 7 030101 abcdef01",
            "_25._tcp.mx.example.com. IN TLSA \\# 7 ( 030101ABCDEF01 )",
            "\\# 7 030101abcdef01",
            "; a comment first\n$TTL 3600\n\n_25._tcp.mx IN TLSA 3 1 1 abcdef01\n",
        ] {
            assert_eq!(parse_presentation(text), Ok(expected.clone()), "{text}");
        }
        assert_eq!(parse_presentation("PKIX-TA Cert Full 00"), Ok(record(0, 0, 0, &[0])));
        assert_eq!(parse_presentation("PrivCert PrivSel PrivMatch 00"), Ok(record(255, 255, 255, &[0])));
        assert_eq!(parse_presentation("3 1 1 000"), Err(TlsaTextError::OddDigits { digits: 3 }));
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        for (text, word) in [
            ("", "no TLSA record"),
            ("; nothing but a comment", "no TLSA record"),
            ("hello world", "\"hello world\" is no TLSA record"),
            ("3 1 1", "no association data"),
            ("3 1", "the matching type is missing"),
            ("TLSA", "the usage is missing"),
            ("256 1 1 ab", "the usage is \"256\""),
            ("3 -1 1 ab", "the selector is \"-1\""),
            ("3 1 +1 ab", "the matching type is \"+1\""),
            ("3 1 x ab", "the matching type is \"x\""),
            ("SPKI 1 1 ab", "no TLSA record"),
            ("3 1 1 abc", "odd number"),
            ("3 1 1 abcg", "\"g\""),
            ("3 1 1 0xab", "\"x\""),
            ("3 1 1 ab:cd", "\":\""),
            ("3 1 1 ( abcd", "never closed"),
            ("3 1 1 abcd )", "too much"),
            ("3 1 1 \"abcd", "never closed"),
            ("mx.example.com. IN A 192.0.2.1", "type A"),
            ("_25._tcp.mx TLSA TLSA 3 1 1 ab", "the usage is \"TLSA\""),
            ("TYPE52 \\# 8 030101abcdef01", "7 bytes follow"),
            ("TYPE52 \\# 2 0301", "2 bytes follow"),
            ("TYPE52 \\# 3 030101", "no association data"),
            ("TYPE52 \\#", "says \"\""),
            ("3 1 1 ab\n3 1 1 cd", "2 records"),
        ] {
            let error = parse_presentation(text).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|e| e.contains(word)), "{text}: {error:?}");
        }
        let long = "0".repeat(MAX_ZONE_TEXT + 1);
        assert!(matches!(parse_presentation(&long), Err(TlsaTextError::TooLong { .. })));
    }

    #[test]
    fn a_zone_file_gives_each_record_with_its_line() {
        let text = "$ORIGIN example.com.\n@ IN MX 10 mx\n_25._tcp.mx IN TLSA 3 1 1 ab\n\n  IN TLSA 2 0 1 (\n cd )\nx\n";
        let lines = parse_zone(text);
        assert_eq!(lines.iter().map(|l| l.line).collect::<Vec<_>>(), [2, 3, 5, 7]);
        assert_eq!(lines[0].record, Err(TlsaTextError::OtherType { rtype: "MX".into() }));
        assert_eq!(lines[1].owner.as_deref(), Some("_25._tcp.mx"));
        assert_eq!(lines[2].record, Ok(record(2, 0, 1, &[0xcd])));
        assert!(matches!(lines[3].record, Err(TlsaTextError::NotARecord { .. })));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(
            usage: u8, selector: u8, matching_type: u8, data in prop::collection::vec(any::<u8>(), 1..100)
        ) {
            let record = TlsaRecord { usage, selector, matching_type, data };
            prop_assert_eq!(parse_presentation(&record.to_string()), Ok(record.clone()));
            let zone = format!("_25._tcp.mx 60 IN TLSA {record}");
            prop_assert_eq!(parse_presentation(&zone), Ok(record.clone()));
            prop_assert_eq!(
                TlsaRecord::from_hex(record.usage, record.selector, record.matching_type, &record.hex()),
                Some(record)
            );
        }

        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,60}|[TLSA\"();#\\\\\\n 0-9a-f]{0,60}") {
            for line in parse_zone(&text) {
                if let Ok(record) = line.record {
                    prop_assert!(!record.data.is_empty());
                }
            }
        }
    }
}
