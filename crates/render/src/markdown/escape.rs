//! Foreign text in Markdown that means nothing but itself.
//!
//! Backslashes keep CommonMark from reading text as markup, but sites read more into the
//! finished page: `@name` calls people, `#1` links an issue, `:word:` becomes a picture and
//! `https://…` a link. They leave code alone, so words with any of these become code.

use crate::guard::harmless;

/// A sentence: one line, with what would be markup escaped, and words that a site would
/// make something of as code.
pub(super) fn prose(text: &str) -> String {
    let text = harmless(&one_line(text)).into_owned();
    let mut out = String::with_capacity(text.len() + 16);
    for (i, word) in text.split_whitespace().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        if is_live(word) {
            in_code(word, &mut out);
        } else {
            let mark = if i == 0 { opening_mark(word) } else { None };
            for (at, c) in word.char_indices() {
                if mark == Some(at) {
                    out.push('\\');
                }
                escaped(c, &mut out);
            }
        }
    }
    out
}

/// A name, a command, an id: one line as code. Characters that cannot stand in code within
/// a table stand between pieces of it.
pub(super) fn code(text: &str) -> String {
    let text = harmless(&one_line(text)).into_owned();
    let mut out = String::with_capacity(text.len() + 2);
    in_code(&text.split_whitespace().collect::<Vec<_>>().join(" "), &mut out);
    out
}

/// Lines to paste, as a block of code that nothing in them ends. Each line of the block
/// begins with `indent`.
pub(super) fn block(indent: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut out = format!("{indent}{fence}\n");
    for line in text.lines() {
        out.push_str(format!("{indent}{}", harmless(line)).trim_end());
        out.push('\n');
    }
    out.push_str(&format!("{indent}{fence}\n"));
    out
}

/// Line ends are no characters that have to be seen.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// True if a site would make something of the word.
fn is_live(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let reference = word.as_bytes().windows(2).any(|pair| {
        matches!(pair, [mark, next] if b"@#!~%$^&".contains(mark) && (next.is_ascii_alphanumeric() || *next == b'"'))
    });
    let picture = word.split(':').count() > 2 && !word.ends_with("::");
    reference || picture || word.contains('@') || lower.contains("://") || lower.contains("www.")
}

/// The word as code; what cannot stand in code stands between.
fn in_code(text: &str, out: &mut String) {
    let mut piece = String::new();
    for c in text.chars() {
        if matches!(c, '<' | '>' | '&' | '|' | '`') {
            flush(&mut piece, out);
            escaped(c, out);
        } else {
            piece.push(c);
        }
    }
    flush(&mut piece, out);
}

fn flush(piece: &mut String, out: &mut String) {
    if piece.trim().is_empty() {
        out.push_str(piece);
    } else {
        let inner = piece.trim();
        let (before, after) = (piece.starts_with(' '), piece.ends_with(' '));
        out.push_str(&format!("{}`{inner}`{}", pad(before), pad(after)));
    }
    piece.clear();
}

fn pad(on: bool) -> &'static str {
    if on { " " } else { "" }
}

/// A character with nothing to it but itself.
fn escaped(c: char, out: &mut String) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '`' => out.push_str("&#96;"),
        '\\' | '*' | '_' | '[' | ']' | '~' | '|' | '$' => {
            out.push('\\');
            out.push(c);
        }
        c => out.push(c),
    }
}

/// Where the mark stands that would make the first word of a line begin a heading, a list
/// or a rule.
fn opening_mark(word: &str) -> Option<usize> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let at = word.len() - rest.len();
    match rest.chars().next() {
        Some('#' | '+' | '-' | '=') if at == 0 => Some(0),
        Some('.' | ')') if at > 0 && rest.len() == 1 => Some(at),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_stay_readable() {
        assert_eq!(
            prose("TLS 1.0 is accepted, as RFC 8996 forbids."),
            "TLS 1.0 is accepted, as RFC 8996 forbids."
        );
        assert_eq!(prose("a_b *c* [d](e)"), "a\\_b \\*c\\* \\[d\\](e)");
        assert_eq!(prose("x <b> & `y` | z"), "x &lt;b&gt; &amp; &#96;y&#96; \\| z");
    }

    #[test]
    fn words_that_a_site_acts_on_are_code() {
        assert_eq!(prose("ask @octocat in #12"), "ask `@octocat` in `#12`");
        assert_eq!(prose("see https://x.example/a|b"), "see `https://x.example/a`\\|`b`");
        assert_eq!(prose("at 2001:db8::1 or :tada:"), "at `2001:db8::1` or `:tada:`");
        assert_eq!(prose("postmaster@example.com"), "`postmaster@example.com`");
    }

    #[test]
    fn the_beginning_of_a_line_begins_nothing_else() {
        assert_eq!(prose("# x"), "\\# x");
        assert_eq!(prose("- x"), "\\- x");
        assert_eq!(prose("12. x"), "12\\. x");
        assert_eq!(prose("1.3 1.2"), "1.3 1.2");
        assert_eq!(prose("a\n# x"), "a # x");
    }

    #[test]
    fn code_and_blocks_cannot_be_left() {
        assert_eq!(code("a`b|c"), "`a`&#96;`b`\\|`c`");
        assert_eq!(code("a b"), "`a b`");
        assert_eq!(block("  ", "x\n````\ny"), "  `````\n  x\n  ````\n  y\n  `````\n");
    }
}
