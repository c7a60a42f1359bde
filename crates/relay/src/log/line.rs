//! A line being written.

use std::{cell::RefCell, fmt::Write as _};

use time::OffsetDateTime;
use waxseal_wire::text::{is_harmful, neutralise};

/// Characters of a text that stand in a line.
const MOST_CHARS: usize = 2000;

thread_local! {
    /// The moment that was last put into words, and the words: many events share a second.
    static LAST: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// A moment by RFC 3339: `2026-11-27T20:32:57Z`.
pub(super) fn moment(at: i64) -> String {
    let Ok(t) = OffsetDateTime::from_unix_timestamp(at) else { return "1970-01-01T00:00:00Z".to_owned() };
    let (date, time) = (t.date(), t.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// A line, in one buffer.
pub(super) struct Line {
    text: String,
    /// The moment of the event.
    pub(super) now: i64,
}

impl Line {
    pub(super) fn new(now: i64) -> Self {
        Self { text: String::with_capacity(512), now }
    }

    /// The line with its end.
    pub(super) fn finish(mut self) -> String {
        self.text.push('\n');
        self.text
    }

    /// Text of ours, as it is.
    pub(super) fn raw(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Something of ours that is displayed.
    pub(super) fn show(&mut self, value: impl std::fmt::Display) -> &mut Self {
        // Writing into a String does not fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// The moment of the event.
    pub(super) fn stamp(&mut self) -> &mut Self {
        let Self { text, now } = self;
        LAST.with_borrow_mut(|(at, words)| {
            if at != now {
                *words = moment(*now);
                *at = *now;
            }
            text.push_str(words);
        });
        self
    }

    /// Text of others, neutralised and cut.
    pub(super) fn safe(&mut self, text: &str) -> &mut Self {
        if is_plain(text) {
            self.text.push_str(text);
        } else {
            self.text.push_str(&neutralise(text.as_bytes(), MOST_CHARS));
        }
        self
    }

    /// Text of others within quotation marks, by the rules of JSON.
    pub(super) fn quoted(&mut self, text: &str) -> &mut Self {
        self.text.push('"');
        let kept;
        let text = if is_plain(text) {
            text
        } else {
            kept = neutralise(text.as_bytes(), MOST_CHARS);
            &kept
        };
        let mut rest = text;
        while let Some(at) = rest.find(['"', '\\']) {
            let (before, from) = rest.split_at(at);
            self.text.push_str(before);
            self.text.push('\\');
            let (mark, after) = from.split_at(1);
            self.text.push_str(mark);
            rest = after;
        }
        self.text.push_str(rest);
        self.text.push('"');
        self
    }
}

/// True for a text that needs no look at its characters.
fn is_plain(text: &str) -> bool {
    let short = text.len() <= MOST_CHARS;
    short && (text.bytes().all(|b| matches!(b, b' '..=b'~')) || !text.chars().any(is_harmful))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_written_as_the_standard_says() {
        assert_eq!(moment(1_795_811_577), "2026-11-27T20:32:57Z");
        assert_eq!(moment(i64::MAX), "1970-01-01T00:00:00Z");
        for now in [1_795_811_577, 1_795_811_577, 0] {
            let mut line = Line::new(now);
            line.stamp();
            assert_eq!(line.finish(), format!("{}\n", moment(now)));
        }
    }

    proptest! {
        #[test]
        fn a_quoted_text_is_json_and_harmless(text in "(\\PC|\"|\\\\|\n|\u{1b}|\u{202e}){0,300}") {
            let mut line = Line::new(0);
            line.quoted(&text);
            let line = line.finish();
            prop_assert!(!line.trim_end().chars().any(is_harmful));
            let read: String = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read, neutralise(text.as_bytes(), MOST_CHARS));
        }
    }
}
