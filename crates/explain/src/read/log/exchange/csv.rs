//! Comma-separated values, quoted where need be (RFC 4180).

use std::borrow::Cow;

/// The most values of a line.
const MOST: usize = 64;

/// The values of a line. A quote that is never closed ends with the line.
pub(super) fn values(line: &str) -> Vec<Cow<'_, str>> {
    let mut values = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        if values.len() == MOST {
            break;
        }
        let value;
        (value, rest) = match text.strip_prefix('"') {
            Some(inside) => quoted(inside),
            None => match text.split_once(',') {
                Some((value, rest)) => (Cow::Borrowed(value), Some(rest)),
                None => (Cow::Borrowed(text), None),
            },
        };
        values.push(value);
    }
    values
}

/// The value up to the closing quote; two quotes are one that belongs to it.
fn quoted(text: &str) -> (Cow<'_, str>, Option<&str>) {
    let mut from = 0;
    let mut doubled = false;
    while let Some(at) = text.get(from..).and_then(|t| t.find('"')).map(|at| from + at) {
        let after = text.get(at + 1..).unwrap_or_default();
        if after.starts_with('"') {
            doubled = true;
            from = at + 2;
            continue;
        }
        let value = text.get(..at).unwrap_or_default();
        return (unescaped(value, doubled), after.split_once(',').map(|(_, rest)| rest));
    }
    (unescaped(text, doubled), None)
}

fn unescaped(text: &str, doubled: bool) -> Cow<'_, str> {
    if doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_keep_commas_and_quotes() {
        assert_eq!(values("a,,\"b,c\",\"d\"\"e\",f"), ["a", "", "b,c", "d\"e", "f"]);
        assert_eq!(values(""), [""]);
        assert_eq!(values("a,"), ["a", ""]);
        assert_eq!(values("\"open, never closed"), ["open, never closed"]);
    }

    proptest! {
        #[test]
        fn no_line_panics_or_yields_too_much(text in "[a\",é]{0,200}") {
            prop_assert!(values(&text).len() <= MOST);
        }
    }
}
