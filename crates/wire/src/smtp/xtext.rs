//! xtext: text in parameters, with what could be mistaken written as `+` and two digits
//! (RFC 3461 section 4).

/// True for a text that is well-formed xtext: printable ASCII without `=` and blanks, and
/// after every `+` two hexadecimal digits in upper case.
pub fn is_xtext(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'+' => bytes.next().and_then(digit).is_some() && bytes.next().and_then(digit).is_some(),
            b'=' => false,
            _ => byte.is_ascii_graphic(),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// The text behind xtext; none where it is not well-formed or does not stand for UTF-8.
pub fn decode_xtext(text: &str) -> Option<String> {
    if !is_xtext(text) {
        return None;
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'+' {
            let high = bytes.next().and_then(digit)?;
            decoded.push(high << 4 | bytes.next().and_then(digit)?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

/// A text as xtext.
pub fn encode_xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'+' | b'=') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('+');
            for half in [byte >> 4, byte & 15] {
                encoded.push(char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    encoded
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_be_mistaken_is_written_out() {
        assert_eq!(encode_xtext("a+b = c"), "a+2Bb+20+3D+20c");
        assert_eq!(decode_xtext("a+2Bb+20+3D+20c").as_deref(), Some("a+b = c"));
        for bad in ["a=b", "a b", "a+2", "a+", "a+2b", "a+zz", "ä", "a\u{7f}"] {
            assert!(!is_xtext(bad), "{bad}");
            assert_eq!(decode_xtext(bad), None, "{bad}");
        }
        assert_eq!(decode_xtext("+FF"), None, "a lone byte above 127 is no text");
        assert_eq!(decode_xtext(""), Some(String::new()));
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC{0,40}|[ -~\u{0}-\u{20}]{0,40}") {
            let encoded = encode_xtext(&text);
            prop_assert!(is_xtext(&encoded));
            prop_assert_eq!(decode_xtext(&encoded), Some(text));
        }
    }
}
