//! Foreign text, made harmless for a terminal.
//!
//! What a server said is neutralised where it enters (`waxseal_wire::text`). Evidence
//! files may be made by hand, so each text is guarded again on its way out.

use std::borrow::Cow;

/// One line of text without anything that moves the cursor, hides, or turns the
/// direction of writing.
///
/// Control characters (C0, DEL, C1), line and paragraph separators, bidirectional
/// controls and invisible characters become `\xNN` or `\u{NNNN}`; a tab becomes a space.
/// Text that is already harmless comes back as it is, so the function may be applied
/// twice.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            c if !is_harmful(c) => out.push(c),
            c if u32::from(c) <= 0xff => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push_str(&format!("\\u{{{:04x}}}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

/// True for characters that a terminal acts on, or that a reader cannot see.
///
/// Beyond Unicode's `Cc`, this is the part of `Cf`, `Zl` and `Zp` that is known from
/// spoofing: Unicode Technical Report 36, section 2, and "Trojan Source" (CVE-2021-42574).
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00ad                      // soft hyphen
            | 0x034f                    // combining grapheme joiner
            | 0x061c                    // Arabic letter mark
            | 0x115f | 0x1160 | 0x3164 | 0xffa0 // Hangul fillers
            | 0x17b4 | 0x17b5           // Khmer inherent vowels
            | 0x180b..=0x180f           // Mongolian selectors, vowel separator
            | 0x200b..=0x200f           // zero width space, joiners, LRM, RLM
            | 0x2028..=0x202e           // separators, bidi embeddings and overrides
            | 0x2060..=0x206f           // word joiner, bidi isolates, deprecated controls
            | 0xfe00..=0xfe0f           // variation selectors
            | 0xfeff                    // byte order mark
            | 0xfff0..=0xfffb           // unassigned, interlinear annotation
            | 0x1d173..=0x1d17a         // musical formatting
            | 0xe0000..=0xe0fff         // tags, variation selectors supplement
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_left_as_it_is() {
        for text in ["", "250 mx.example.com", "postmaster@büro.example", "日本語", "½ – “so”"] {
            assert!(matches!(harmless(text), Cow::Borrowed(t) if t == text), "{text}");
        }
    }

    #[test]
    fn escapes_and_direction_marks_become_visible() {
        assert_eq!(harmless("a\u{1b}[31mb"), "a\\x1b[31mb");
        assert_eq!(harmless("a\r\nb\tc"), "a\\x0d\\x0ab c");
        assert_eq!(harmless("\u{9b}31m"), "\\x9b31m");
        assert_eq!(harmless("moc\u{202e}x"), "moc\\u{202e}x");
        assert_eq!(harmless("a\u{200b}b\u{e0041}"), "a\\u{200b}b\\u{e0041}");
    }

    #[test]
    fn guarding_twice_changes_nothing() {
        let once = harmless("x\u{7f}\u{2066}y").into_owned();
        assert_eq!(harmless(&once), once);
    }
}
