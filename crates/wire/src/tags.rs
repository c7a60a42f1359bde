//! Tag lists, `v=DKIM1; k=rsa; p=…` (RFC 6376 section 3.2), which DKIM and DMARC share.

use thiserror::Error;

/// Tags in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tags<'t>(Vec<(&'t str, &'t str)>);

/// Why a text is no tag list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TagError {
    /// Something between two semicolons without `=`.
    #[error("\"{text}\" is not of the form tag=value")]
    NoEquals {
        /// What stands there.
        text: String,
    },
    /// The name of a tag is letters, digits and `_`, a letter first.
    #[error("\"{name}\" cannot be the name of a tag")]
    BadName {
        /// The name.
        name: String,
    },
    /// A tag may stand there once.
    #[error("the tag {name} stands there twice")]
    Twice {
        /// Its name.
        name: String,
    },
}

/// Tags in a list beyond this number are refused; the longest real lists have some 15.
const MOST_TAGS: usize = 100;

impl<'t> Tags<'t> {
    /// Reads a list. White space around names and values goes; inside of values it stays.
    pub(crate) fn parse(text: &'t str) -> Result<Self, TagError> {
        let mut tags: Vec<(&str, &str)> = Vec::new();
        for part in text.split(';') {
            let part = trim(part);
            if part.is_empty() {
                continue;
            }
            let shown = || crate::text::neutralise(part.as_bytes(), 60);
            let (name, value) = part.split_once('=').ok_or_else(|| TagError::NoEquals { text: shown() })?;
            let (name, value) = (trim(name), trim(value));
            let fine = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !fine || tags.len() >= MOST_TAGS {
                return Err(TagError::BadName { name: crate::text::neutralise(name.as_bytes(), 60) });
            }
            if tags.iter().any(|(n, _)| *n == name) {
                return Err(TagError::Twice { name: name.to_owned() });
            }
            tags.push((name, value));
        }
        Ok(Self(tags))
    }

    /// The value of a tag. Names are case-sensitive.
    pub(crate) fn get(&self, name: &str) -> Option<&'t str> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// The first tag.
    pub(crate) fn first(&self) -> Option<(&'t str, &'t str)> {
        self.0.first().copied()
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'t str> {
        self.0.iter().map(|(name, _)| *name)
    }
}

/// Folding white space, taken off both ends.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// A value without any white space, as base64 is read.
pub(crate) fn solid(value: &str) -> String {
    value.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect()
}

/// The parts of a list with a separator, trimmed; empty ones go.
pub(crate) fn list(value: &str, separator: char) -> impl Iterator<Item = &str> {
    value.split(separator).map(trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_read_with_white_space_around_them() {
        let tags = Tags::parse(" v = DKIM1 ;\r\n\tp= a b\t; n=x=y;;").unwrap();
        assert_eq!(tags.first(), Some(("v", "DKIM1")));
        assert_eq!(solid(tags.get("p").unwrap()), "ab");
        assert_eq!((tags.get("n"), tags.get("V")), (Some("x=y"), None));
    }

    #[test]
    fn what_is_no_list_says_why() {
        for (text, word) in
            [("v=1; x", "tag=value"), ("v=1; v=2", "twice"), ("1a=b", "name of a tag"), ("=b", "name")]
        {
            let error = Tags::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,100}") {
            if let Ok(tags) = Tags::parse(&text) {
                prop_assert!(tags.names().count() <= text.len());
            }
        }
    }
}
