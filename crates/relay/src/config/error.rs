//! A mistake in the configuration, with its place.

use std::{fmt, ops::Range};

/// One mistake: file, line and column, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as it was named.
    pub file: String,
    /// Line and column from 1, where the mistake has a place.
    pub place: Option<(usize, usize)>,
    /// What is wrong, on one line.
    pub message: String,
}

impl ConfigError {
    /// A mistake at these bytes of the text.
    pub(super) fn at(file: &str, text: &str, span: Option<Range<usize>>, message: &str) -> Self {
        let place = span.map(|span| place(text, span.start));
        let message = message.split('\n').map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>();
        Self { file: file.to_owned(), place, message: message.join("; ") }
    }
}

/// Line and column, in characters.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ConfigError {}
