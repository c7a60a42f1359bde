//! Macro strings (RFC 7208 section 7): parsed once, expanded for each evaluation.

use super::record::SpfSyntaxError;

/// A macro string, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MacroString {
    pub(super) pieces: Vec<Piece>,
    /// As written.
    pub(super) text: String,
}

/// A piece of a macro string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    Expand(Expand),
}

/// `%{d2r-}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expand {
    /// Lower case.
    pub(super) letter: char,
    /// The letter was upper case: the result is URL-escaped.
    escape: bool,
    /// How many parts are kept, from the right; none means all.
    keep: Option<usize>,
    reverse: bool,
    /// What splits; empty means the dot.
    delimiters: String,
}

/// Where a macro string stands decides which letters it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A domain-spec: no `c`, `r`, `t`.
    Domain,
    /// The text of an explanation, spaces included.
    Explanation,
    /// The value of an unknown modifier.
    Unknown,
}

const LETTERS: &str = "slodiphv";
const EXPLANATION_LETTERS: &str = "crt";
const DELIMITERS: &str = ".-+,/_=";

impl MacroString {
    /// Reads a macro string.
    pub(super) fn parse(text: &str, place: Place) -> Result<Self, SpfSyntaxError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c != '%' {
                let space = c == ' ' && place == Place::Explanation;
                if !(c.is_ascii_graphic() || space) {
                    return Err(SpfSyntaxError::NotAscii { text: text.to_owned() });
                }
                literal.push(c);
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let bad = || SpfSyntaxError::Macro { text: text.to_owned() };
            let plain = match rest.as_bytes().get(1) {
                Some(b'%') => "%",
                Some(b'_') => " ",
                Some(b'-') => "%20",
                Some(b'{') => "",
                _ => return Err(bad()),
            };
            if !plain.is_empty() {
                // These count as macros where a domain-spec must end in one.
                flush(&mut literal, &mut pieces);
                pieces.push(Piece::Expand(Expand::fixed(plain)));
                rest = rest.get(2..).unwrap_or_default();
                continue;
            }
            let (inside, after) = rest.get(2..).and_then(|r| r.split_once('}')).ok_or_else(bad)?;
            flush(&mut literal, &mut pieces);
            pieces.push(Piece::Expand(Expand::parse(inside, place).ok_or_else(bad)?));
            rest = after;
        }
        flush(&mut literal, &mut pieces);
        Ok(Self { pieces, text: text.to_owned() })
    }

    /// True if expanding it needs the validated name of the address (`p`).
    pub(super) fn uses_p(&self) -> bool {
        self.pieces.iter().any(|p| matches!(p, Piece::Expand(e) if e.letter == 'p'))
    }

    /// True if it is the same for everybody.
    pub(super) fn is_literal(&self) -> bool {
        self.pieces.iter().all(|p| match p {
            Piece::Literal(_) => true,
            Piece::Expand(e) => e.letter == FIXED,
        })
    }

    /// The text for one set of values; `value` gives what a letter stands for.
    pub(super) fn expand<E>(&self, mut value: impl FnMut(char) -> Result<String, E>) -> Result<String, E> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Expand(e) if e.letter == FIXED => out.push_str(&e.delimiters),
                Piece::Expand(e) => out.push_str(&e.apply(&value(e.letter)?)),
            }
        }
        Ok(out)
    }
}

fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal)));
    }
}

/// The letter of `%%`, `%_` and `%-`, whose text stands in `delimiters`.
const FIXED: char = '%';

impl Expand {
    fn fixed(text: &str) -> Self {
        Self { letter: FIXED, escape: false, keep: None, reverse: false, delimiters: text.to_owned() }
    }

    fn parse(inside: &str, place: Place) -> Option<Self> {
        let mut chars = inside.chars();
        let letter = chars.next()?;
        let lower = letter.to_ascii_lowercase();
        let known =
            LETTERS.contains(lower) || (place != Place::Domain && EXPLANATION_LETTERS.contains(lower));
        if !known {
            return None;
        }
        let rest = chars.as_str();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = rest.split_at_checked(digits)?;
        let keep = match number {
            "" => None,
            // No name has as many parts as do not fit; zero is forbidden (section 7.3).
            n => Some(n.parse::<usize>().unwrap_or(usize::MAX)).filter(|n| *n > 0),
        };
        if !number.is_empty() && keep.is_none() {
            return None;
        }
        let (reverse, delimiters) = match rest.strip_prefix(['r', 'R']) {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let delimiters_known = delimiters.chars().all(|c| DELIMITERS.contains(c));
        delimiters_known.then(|| Self {
            letter: lower,
            escape: letter.is_ascii_uppercase(),
            keep,
            reverse,
            delimiters: delimiters.to_owned(),
        })
    }

    /// Splits, reverses, cuts and joins (section 7.3), then escapes.
    fn apply(&self, value: &str) -> String {
        let splits =
            |c: char| if self.delimiters.is_empty() { c == '.' } else { self.delimiters.contains(c) };
        let mut parts: Vec<&str> = value.split(splits).collect();
        if self.reverse {
            parts.reverse();
        }
        let skip = self.keep.map_or(0, |keep| parts.len().saturating_sub(keep));
        let text = parts.into_iter().skip(skip).collect::<Vec<_>>().join(".");
        if self.escape { escaped(&text) } else { text }
    }
}

/// Everything but the unreserved characters of RFC 3986 section 2.3 as `%XX`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A macro string that stands for a domain name must end in a macro or in a label that
/// can be a top-level one, behind a dot (the grammar of section 7.1).
pub(super) fn domain_spec(text: &str) -> Result<MacroString, SpfSyntaxError> {
    if text.is_empty() {
        return Err(SpfSyntaxError::EmptyDomain);
    }
    let parsed = MacroString::parse(text, Place::Domain)?;
    let ends_well = match parsed.pieces.last() {
        Some(Piece::Expand(_)) => true,
        Some(Piece::Literal(tail)) => {
            let tail = tail.strip_suffix('.').unwrap_or(tail);
            tail.rsplit_once('.').is_some_and(|(_, label)| is_toplabel(label))
        }
        None => false,
    };
    if ends_well { Ok(parsed) } else { Err(SpfSyntaxError::DomainEnd { text: text.to_owned() }) }
}

fn is_toplabel(label: &str) -> bool {
    let alnum = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && alnum(label.chars().next())
        && alnum(label.chars().next_back())
        && !label.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Option<String> {
        // The values of the example in RFC 7208 section 7.4.
        let parsed = MacroString::parse(text, Place::Explanation).ok()?;
        parsed
            .expand(|letter| {
                Ok::<_, ()>(
                    match letter {
                        's' => "strong-bad@email.example.com",
                        'l' => "strong-bad",
                        'o' | 'd' => "email.example.com",
                        'i' => "192.0.2.3",
                        'v' => "in-addr",
                        'h' => "mx.example.org",
                        _ => "?",
                    }
                    .to_owned(),
                )
            })
            .ok()
    }

    #[test]
    fn the_examples_of_the_standard() {
        for (text, expanded) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
            ("%%a%_b%-c", "%a b%20c"),
            ("%{S}", "strong-bad%40email.example.com"),
        ] {
            assert_eq!(expand(text).as_deref(), Some(expanded), "{text}");
        }
    }

    #[test]
    fn malformed_macros_are_refused() {
        for text in ["%", "%a", "%{", "%{}", "%{x}", "%{d0}", "%{d2x}", "%{dr-r}", "%(ir)", "a%.b", "%{d}é"]
        {
            assert!(MacroString::parse(text, Place::Explanation).is_err(), "{text}");
        }
        for text in ["%{c}", "%{r}.example.com", "%{t}", "a b"] {
            assert!(MacroString::parse(text, Place::Domain).is_err(), "{text}");
        }
    }

    #[test]
    fn domains_end_in_a_macro_or_a_top_level_label() {
        for (text, good) in [
            ("example.com", true),
            ("example.com.", true),
            ("foo:bar/baz.example.com", true),
            ("%{d}", true),
            ("a.%{d2}", true),
            ("foo.example.xn--zckzah", true),
            ("%{d}.example.com", true),
            ("mail.example...com", true),
            ("museum", false),
            ("museum.", false),
            ("111.222.33.44", false),
            ("abc.123", false),
            ("example.-com", false),
            ("example.com:8080", false),
            ("%{d}com", false),
            ("", false),
        ] {
            assert_eq!(domain_spec(text).is_ok(), good, "{text}");
        }
    }
}
