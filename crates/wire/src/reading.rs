//! What a parser of published text has to say: a value, or what is wrong, and what is odd.
//!
//! People write records and policy files by hand. The first mistake is rarely the only one, so
//! the parsers of [`crate::sts`], [`crate::tlsrpt`] and [`crate::dane`] go on after it and tell
//! all of them at once.

use crate::text::neutralise;

/// Most errors, and most warnings, that one text gets; then the rest is only counted.
const MAX_NOTES: usize = 50;

/// Longest piece of the text itself that a sentence quotes, in characters.
const MAX_QUOTE: usize = 80;

/// A text, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<T> {
    /// What it says; there exactly if there are no errors.
    pub value: Option<T>,
    /// What makes the text useless to a receiver, one sentence each, safe to print.
    pub errors: Vec<String>,
    /// What a receiver can live with, one sentence each, safe to print.
    pub warnings: Vec<String>,
}

impl<T> Reading<T> {
    /// True if the text can be used.
    pub fn is_valid(&self) -> bool {
        self.value.is_some()
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reading<U> {
        Reading { value: self.value.map(change), errors: self.errors, warnings: self.warnings }
    }
}

/// The one record among all TXT records of a name, if there is one.
///
/// With neither a record nor a problem, nothing of the kind is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection<T> {
    /// The record that holds.
    pub record: Option<T>,
    /// Why there is none although something is published: one sentence, safe to print.
    pub problem: Option<String>,
    /// What is not as it should be, without making the record useless; safe to print.
    pub warnings: Vec<String>,
}

impl<T> Selection<T> {
    /// True if no record of the kind is published, good or bad.
    pub fn is_nothing(&self) -> bool {
        self.record.is_none() && self.problem.is_none()
    }
}

/// Errors and warnings while they are gathered; their number is bounded.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    errors: Vec<String>,
    warnings: Vec<String>,
    more_errors: usize,
    more_warnings: usize,
}

impl Notes {
    pub(crate) fn error(&mut self, sentence: impl Into<String>) {
        match self.errors.len() {
            MAX_NOTES.. => self.more_errors += 1,
            _ => self.errors.push(sentence.into()),
        }
    }

    pub(crate) fn warning(&mut self, sentence: impl Into<String>) {
        match self.warnings.len() {
            MAX_NOTES.. => self.more_warnings += 1,
            _ => self.warnings.push(sentence.into()),
        }
    }

    /// The reading: `value` counts only where there are no errors. A parser that finds
    /// neither a value nor an error has a gap; that is told rather than passed on as valid.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Reading<T> {
        if self.more_errors > 0 {
            self.errors.push(format!("{} more errors of this kind", self.more_errors));
        }
        if self.more_warnings > 0 {
            self.warnings.push(format!("{} more warnings of this kind", self.more_warnings));
        }
        let value = value.filter(|_| self.errors.is_empty());
        if value.is_none() && self.errors.is_empty() {
            self.errors.push("it cannot be read".to_owned());
        }
        Reading { value, errors: self.errors, warnings: self.warnings }
    }
}

/// A piece of foreign text in double quotes, made harmless and cut to a length for sentences.
pub(crate) fn quote(text: impl AsRef<[u8]>) -> String {
    format!("\"{}\"", neutralise(text.as_ref(), MAX_QUOTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_errors_is_none() {
        let mut notes = Notes::default();
        notes.error("wrong");
        let reading = notes.finish(Some(1));
        assert_eq!((reading.is_valid(), reading.errors.len()), (false, 1));
        assert!(Notes::default().finish(Some(1)).is_valid());
        assert_eq!(Notes::default().finish::<u8>(None).errors, ["it cannot be read"]);
    }

    #[test]
    fn the_number_of_sentences_is_bounded() {
        let mut notes = Notes::default();
        for n in 0..1000 {
            notes.error(n.to_string());
            notes.warning(n.to_string());
        }
        let reading = notes.finish(Some(()));
        assert_eq!((reading.errors.len(), reading.warnings.len()), (MAX_NOTES + 1, MAX_NOTES + 1));
        assert_eq!(reading.errors.last().unwrap(), "950 more errors of this kind");
    }

    #[test]
    fn quotes_are_harmless_and_short() {
        assert_eq!(quote("a\u{1b}b"), r#""a\x1bb""#);
        assert!(quote("x".repeat(1000)).chars().count() <= MAX_QUOTE + 2);
    }
}
