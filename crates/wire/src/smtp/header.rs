//! What a relay looks for in the header of a message that it takes.

use memchr::memchr;

/// What was found in a header (RFC 5322 section 2.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeaderFacts {
    /// `Received` fields: how many servers the message passed (RFC 5321 section 6.3).
    pub received: usize,
    /// There is a Date.
    pub date: bool,
    /// There is a Message-ID.
    pub message_id: bool,
    /// There is `TLS-Required: No` (RFC 8689 section 5).
    pub tls_required_no: bool,
    /// The message begins with a field, with the empty line that ends a header, or is
    /// empty: fields can be put before it. False where the body begins with the first line.
    pub begins_with_field: bool,
    /// The header has ended, by an empty line or by a line that is no field.
    pub ended: bool,
}

/// Looks through the header at the beginning of a message, as far as its bytes are there.
/// Lines end in CR LF.
pub fn header_facts(bytes: &[u8]) -> HeaderFacts {
    let mut facts = HeaderFacts { begins_with_field: true, ..HeaderFacts::default() };
    let (mut rest, mut first) = (bytes, true);
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let folded = matches!(line, [b' ' | b'\t', ..]);
        if line == b"\r\n" || (folded && first) || !(folded || is_field(line)) {
            facts.begins_with_field = !first || line == b"\r\n";
            facts.ended = true;
            break;
        }
        if !folded {
            field(&mut facts, line, behind);
        }
        (rest, first) = (behind, false);
    }
    facts
}

/// A name of printable characters, blanks perhaps, and a colon.
fn is_field(line: &[u8]) -> bool {
    name(line).is_some()
}

fn name(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some((name, value.get(1..)?))
}

fn field(facts: &mut HeaderFacts, line: &[u8], behind: &[u8]) {
    // Most fields are told by their first letter.
    if !matches!(line.first(), Some(b'R' | b'r' | b'D' | b'd' | b'M' | b'm' | b'T' | b't')) {
        return;
    }
    let Some((name, value)) = name(line) else { return };
    let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
    if is(b"Received") {
        facts.received += 1;
    } else if is(b"Date") {
        facts.date = true;
    } else if is(b"Message-ID") {
        facts.message_id = true;
    } else if is(b"TLS-Required") && is_no(value, behind) {
        facts.tls_required_no = true;
    }
}

/// Whether a value is `No`, which may stand on the next line.
fn is_no(value: &[u8], behind: &[u8]) -> bool {
    let value = value.trim_ascii();
    if !value.is_empty() {
        return value.eq_ignore_ascii_case(b"no");
    }
    let next = behind.get(..memchr(b'\n', behind).unwrap_or(behind.len())).unwrap_or_default();
    matches!(next, [b' ' | b'\t', ..]) && next.trim_ascii().eq_ignore_ascii_case(b"no")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_found_up_to_the_end_of_the_header() {
        let facts = header_facts(
            b"Received: from a\r\n\tby b\r\nreceived : x\r\nDate: today\r\nMESSAGE-ID: <1@a>\r\n\
              TLS-Required:\r\n no\r\nSubject: Received: no\r\n\r\nReceived: in the body\r\n",
        );
        assert_eq!(
            facts,
            HeaderFacts {
                received: 2,
                date: true,
                message_id: true,
                tls_required_no: true,
                begins_with_field: true,
                ended: true
            }
        );
        assert!(!header_facts(b"TLS-Required: Not\r\n\r\n").tls_required_no);
        assert!(!header_facts(b"X: y\r\n\r\nTLS-Required: No\r\n").tls_required_no);
        assert!(!header_facts(b"Subject: a\r\n TLS-Required: No\r\n").tls_required_no);
    }

    #[test]
    fn a_message_without_a_header_is_told_from_one_with() {
        for (message, begins, ended) in [
            (&b""[..], true, false),
            (b"\r\nbody\r\n", true, true),
            (b"hello\r\n", false, true),
            (b" folded: x\r\n", false, true),
            (b"a b: c\r\n", false, true),
            (b": c\r\n", false, true),
            (b"Subject: a\r\nhello\r\n", true, true),
            (b"Subject: a\r\n", true, false),
        ] {
            let facts = header_facts(message);
            assert_eq!((facts.begins_with_field, facts.ended), (begins, ended), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let facts = header_facts(&bytes);
            prop_assert!(facts.received <= bytes.len() / 9);
        }
    }
}
