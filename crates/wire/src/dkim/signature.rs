//! The tags of a DKIM-Signature field (RFC 6376 section 3.5).

use thiserror::Error;
use waxseal_model::identity::DkimSignatureFacts;

use crate::{
    tags::{TagError, Tags},
    target::name_to_ascii,
    text::neutralise,
};

/// Why a signature cannot be used by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DkimSignatureError {
    /// Not a tag list.
    #[error("it cannot be read: {0}")]
    Tags(#[from] TagError),
    /// `v=` is not 1.
    #[error("v= must say 1")]
    Version,
    /// A tag that must be there.
    #[error("the tag {name}= is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// `d=` or `s=` is no name.
    #[error("{name}={value} is no name")]
    Name {
        /// The tag.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// `l=` or `x=` is no number.
    #[error("{name}= is no number")]
    Number {
        /// The tag.
        name: &'static str,
    },
    /// The From field is not signed.
    #[error("h= does not name From, which every signature must cover")]
    FromNotSigned,
}

/// Reads a signature field, folded or not.
///
/// # Errors
/// It is malformed, so that receivers ignore it.
pub fn signature(value: &str) -> Result<DkimSignatureFacts, DkimSignatureError> {
    let tags = Tags::parse(value)?;
    let required =
        |name| tags.get(name).filter(|v| !v.is_empty()).ok_or(DkimSignatureError::Missing { name });
    if required("v")? != "1" {
        return Err(DkimSignatureError::Version);
    }
    let algorithm = neutralise(required("a")?.to_ascii_lowercase().as_bytes(), 60);
    required("b")?;
    required("bh")?;
    let name = |name: &'static str| {
        let value = required(name)?;
        let error = || DkimSignatureError::Name { name, value: neutralise(value.as_bytes(), 80) };
        name_to_ascii(value).map_err(|_| error())
    };
    let (domain, selector) = (name("d")?, name("s")?);
    let mut signed = required("h")?.split(':');
    if !signed.any(|field| field.trim().eq_ignore_ascii_case("from")) {
        return Err(DkimSignatureError::FromNotSigned);
    }
    let number = |name: &'static str| match tags.get(name) {
        // Up to 76 digits are allowed, and such a number is beyond every length and date.
        Some(v) if !v.is_empty() && v.len() <= 76 && v.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Some(v.parse().unwrap_or(u64::MAX)))
        }
        Some(_) => Err(DkimSignatureError::Number { name }),
        None => Ok(None),
    };
    Ok(DkimSignatureFacts {
        body_length: number("l")?,
        expires: number("x")?,
        identity: tags.get("i").map(|i| neutralise(i.as_bytes(), 320)),
        domain,
        selector,
        algorithm,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of RFC 6376 appendix A.2.
    const EXAMPLE: &str = " v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n      c=simple/simple; q=dns/txt; \
        i=joe@football.example.com;\r\n      h=Received : From : To : Subject : Date : Message-ID;\r\n      \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n      \
        b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n        4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE;";

    #[test]
    fn the_example_of_the_standard() {
        let facts = signature(EXAMPLE).unwrap();
        assert_eq!((facts.domain.as_str(), facts.selector.as_str()), ("example.com", "brisbane"));
        assert_eq!(facts.algorithm, "rsa-sha256");
        assert_eq!(facts.identity.as_deref(), Some("joe@football.example.com"));
        assert_eq!((facts.body_length, facts.expires), (None, None));
    }

    #[test]
    fn malformed_signatures_say_why() {
        for (from, to, word) in [
            ("v=1", "v=2", "v="),
            ("d=example.com", "d=", "d= is missing"),
            ("s=brisbane", "s=a..b", "s=a..b is no name"),
            ("From : ", "", "From"),
            ("q=dns/txt", "l=12x", "l= is no number"),
            ("bh=", "xh=", "bh= is missing"),
            ("q=dns/txt", "a=x", "twice"),
        ] {
            let error = signature(&EXAMPLE.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(word), "{to}: {error}");
        }
        let long = EXAMPLE.replace("q=dns/txt", &format!("l={}", "9".repeat(70)));
        assert_eq!(signature(&long).unwrap().body_length, Some(u64::MAX));
    }

    proptest! {
        #[test]
        fn any_field_is_read_without_harm(text in "( ?(v|a|b|bh|d|h|s|l|i)=[a-z0-9.:@é -]{0,12};){0,9}") {
            let _ = signature(&text);
        }
    }
}
