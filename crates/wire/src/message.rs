//! The header of a message (RFC 5322 section 2.2), as far as it tells who sent it.

use waxseal_model::{Cause, Observed, identity::MessageFacts};

use crate::{dkim, target::name_to_ascii, text::neutralise};

/// A header is read this far, in bytes.
pub const MAX_HEADER: usize = 256 * 1024;
/// Signatures that are looked at.
const MOST_SIGNATURES: usize = 64;
/// Problems that are told.
const MOST_PROBLEMS: usize = 20;

/// One header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'m> {
    /// As written.
    pub name: &'m str,
    /// What stands behind the colon, with the line breaks of folding taken out.
    pub value: String,
}

/// The fields of a header, up to the empty line, the end or [`MAX_HEADER`]. Lines that
/// are no field are left out; lines may end with CR LF or LF.
pub fn fields(message: &[u8]) -> Vec<Field<'_>> {
    let head = message.get(..MAX_HEADER.min(message.len())).unwrap_or_default();
    let mut found: Vec<Field<'_>> = Vec::new();
    // Whether the last line was a field: a folded line goes on with nothing else.
    let mut open = false;
    for line in head.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some(field) = found.last_mut().filter(|_| open) {
                field.value.push_str(&String::from_utf8_lossy(line));
            }
            continue;
        }
        open = false;
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        let name = name.trim_ascii_end();
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            continue;
        }
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default()).into_owned();
        found.push(Field { name, value });
        open = true;
    }
    found
}

/// Who a message says it is from: From, Return-Path and the signatures. Alignment is not
/// decided here.
pub fn facts(message: &[u8]) -> MessageFacts {
    let fields = fields(message);
    let named = |name: &'static str| fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name));
    let mut problems = Vec::new();
    let froms: Vec<&Field<'_>> = named("From").collect();
    let from = match froms.as_slice() {
        [one] => domain_of(&one.value).unwrap_or_else(|why| {
            problems.push(format!("From: {why}"));
            None
        }),
        [] => {
            problems.push("there is no From field".into());
            None
        }
        several => {
            problems.push(format!("there are {} From fields, and one is allowed", several.len()));
            None
        }
    };
    // The last server writes it on top.
    let return_path = match named("Return-Path").next().map(|f| domain_of(&f.value)) {
        Some(Ok(domain)) => domain,
        Some(Err(why)) => {
            problems.push(format!("Return-Path: {why}"));
            None
        }
        None => None,
    };
    let mut signatures = Vec::new();
    for (number, field) in named("DKIM-Signature").enumerate() {
        if number >= MOST_SIGNATURES {
            problems.push(format!("more than {MOST_SIGNATURES} DKIM signatures: the rest is left out"));
            break;
        }
        match dkim::signature(&field.value) {
            Ok(signature) => signatures.push(signature),
            Err(e) => problems.push(format!("DKIM signature {}: {e}", number + 1)),
        }
    }
    problems.truncate(MOST_PROBLEMS);
    let alignment = Observed::not_tried(Cause::Prerequisite, "alignment was not looked at");
    MessageFacts { from, return_path, signatures, problems, alignment }
}

/// The domain of the one address in a field; none for the empty one (`<>`).
///
/// # Errors
/// There are several addresses, or none: in words.
fn domain_of(value: &str) -> Result<Option<String>, String> {
    let address = one_address(value)?;
    if address.is_empty() {
        return Ok(None);
    }
    let shown = || neutralise(address.as_bytes(), 80);
    let (_, domain) = address.rsplit_once('@').ok_or_else(|| format!("\"{}\" is no address", shown()))?;
    name_to_ascii(domain.trim()).map(Some).map_err(|_| format!("the domain of \"{}\" is no name", shown()))
}

/// The address in a field: what is in angle brackets, or all of it.
fn one_address(value: &str) -> Result<String, String> {
    let several = || "there are several addresses, or a group".to_owned();
    let chars = without_comments(value);
    let is = |(c, special): &(char, bool), wanted: char| *special && *c == wanted;
    let ends_address = |c: &&(char, bool)| [',', ';', ':', '<'].iter().any(|w| is(c, *w));
    let text = |chars: &[(char, bool)]| chars.iter().map(|(c, _)| *c).collect::<String>().trim().to_owned();
    let Some(open) = chars.iter().position(|c| is(c, '<')) else {
        return if chars.iter().any(|c| ends_address(&c)) { Err(several()) } else { Ok(text(&chars)) };
    };
    let (before, inside) = chars.split_at_checked(open).unwrap_or_default();
    let inside = inside.get(1..).unwrap_or_default();
    let close = inside.iter().position(|c| is(c, '>')).ok_or("an angle bracket is not closed")?;
    let (inside, after) = inside.split_at_checked(close).unwrap_or_default();
    if before.iter().chain(after).any(|c| ends_address(&c)) {
        return Err(several());
    }
    Ok(text(inside))
}

/// The characters of a field without its comments, each with whether it stands outside of
/// quotes, where brackets and commas mean something (RFC 5322 section 3.2).
fn without_comments(value: &str) -> Vec<(char, bool)> {
    let mut out = Vec::new();
    let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
    for c in value.chars() {
        let inside = quoted || depth > 0;
        if escaped {
            escaped = false;
        } else if c == '\\' && inside {
            escaped = true;
        } else if c == '"' && depth == 0 {
            quoted = !quoted;
        } else if c == '(' && !quoted {
            depth += 1;
        } else if c == ')' && depth > 0 {
            depth -= 1;
            continue;
        }
        if depth == 0 {
            out.push((c, !inside));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_found_in_what_surrounds_them() {
        for (value, domain) in [
            (" user@example.com", Ok(Some("example.com"))),
            (" Joe <joe@Example.COM>", Ok(Some("example.com"))),
            (" \"Doe, Joe <x@evil.example>\" <joe@example.com>", Ok(Some("example.com"))),
            (" joe@example.com (Joe, (not x@evil.example))", Ok(Some("example.com"))),
            (" <\"a@b\"@example.com>", Ok(Some("example.com"))),
            (" <>", Ok(None)),
            (" 名前 <u@bücher.example>", Ok(Some("xn--bcher-kva.example"))),
            (" a@example.com, b@example.net", Err(())),
            (" A <a@example.com>, B <b@example.net>", Err(())),
            (" undisclosed:;", Err(())),
            (" nobody", Err(())),
            (" <joe@ex ample.com>", Err(())),
        ] {
            let found = domain_of(value).map_err(|_| ());
            assert_eq!(found.as_ref().map(Option::as_deref), domain.as_ref().map(|d| *d), "{value}");
        }
    }

    const MESSAGE: &str = "From alice Thu Jan  1 00:00:00 1970\nReturn-Path: <bounce@mail.example.net>\r\n\
        DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1;\r\n\th=from:to; bh=AAAA;\r\n b=BBBB\r\n\
        dkim-signature : v=1; a=rsa-sha256; d=; s=s2; h=from; bh=A; b=B\r\n\
        FROM: =?utf-8?q?A?=\r\n <alice@example.com>\r\nno field here\r\n continued\r\n\r\nFrom: not@the.header\r\n";

    #[test]
    fn the_header_ends_at_the_empty_line_and_is_unfolded() {
        let facts = facts(MESSAGE.as_bytes());
        assert_eq!(facts.from.as_deref(), Some("example.com"));
        assert_eq!(facts.return_path.as_deref(), Some("mail.example.net"));
        assert_eq!(facts.signatures.len(), 1);
        assert_eq!(facts.signatures[0].selector, "s1");
        assert_eq!(facts.problems, ["DKIM signature 2: the tag d= is missing"]);
    }

    #[test]
    fn a_message_without_or_with_two_from_fields_has_no_author() {
        assert!(facts(b"Subject: x\n\n").problems[0].contains("no From"));
        assert!(facts(b"From: a@b.c\nFrom: d@e.f\n").problems[0].contains("2 From"));
    }

    #[test]
    fn endless_headers_are_cut() {
        let mut message = b"From: a@example.com\n".to_vec();
        for _ in 0..200 {
            message.extend_from_slice(b"DKIM-Signature: v=1; a=x; d=example.com; s=s; h=from; bh=A; b=B\n");
        }
        let facts = facts(&message);
        assert_eq!((facts.signatures.len(), facts.problems.len()), (64, 1));
        let long = [vec![b'a'; MAX_HEADER], b"\nFrom: a@example.com\n".to_vec()].concat();
        assert_eq!(super::facts(&long).from, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = facts(&bytes);
        }

        #[test]
        fn any_header_is_read_without_harm(text in "((From|Return-Path|DKIM-Signature)?:?[ \t]?[<>@,;()\"\\\\a-z.=é]{0,20}\r?\n){0,8}") {
            let facts = facts(text.as_bytes());
            prop_assert!(facts.signatures.len() <= 64 && facts.problems.len() <= 20);
        }
    }
}
