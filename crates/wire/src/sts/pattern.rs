//! The `mx` patterns of a policy (RFC 8461 sections 3.2 and 4.1).

use thiserror::Error;

use crate::{reading::quote, target};

/// Longest name in the DNS, and longest label (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Why a text is no pattern: one sentence with what to write instead, safe to print.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Nothing.
    #[error("the mx value is empty: write a host name, or *. and a domain")]
    Empty,
    /// An internationalised name in its Unicode form.
    #[error("{given} is not in ASCII: write the A-labels, {instead}")]
    Unicode {
        /// The pattern, quoted.
        given: String,
        /// What to write.
        instead: String,
    },
    /// A star elsewhere than as the whole first label.
    #[error(
        "{given} has a star in the wrong place: it may only be the whole of the first label, as in *.example.com"
    )]
    Star {
        /// The pattern, quoted.
        given: String,
    },
    /// A dot at the end, which the grammar of RFC 5321 does not have.
    #[error("{given} ends with a dot: policies write names without the final dot")]
    FinalDot {
        /// The pattern, quoted.
        given: String,
    },
    /// Several hosts in one line.
    #[error("{given} is more than one name: each mx has a line of its own")]
    Several {
        /// The pattern, quoted.
        given: String,
    },
    /// Not a name of the grammar in RFC 5321 section 4.1.2.
    #[error("{given} is no host name: {why}")]
    Name {
        /// The pattern, quoted.
        given: String,
        /// What is wrong.
        why: String,
    },
}

/// True if a pattern of a policy covers a host: a host name, or `*.` and a suffix, where
/// the star stands for one whole label (RFC 8461 section 4.1). Letter case and trailing dots
/// do not count.
pub fn covers(pattern: &str, host: &str) -> bool {
    let pattern = pattern.trim_end_matches('.');
    let host = host.trim_end_matches('.');
    match pattern.strip_prefix("*.") {
        Some(suffix) => host.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && !suffix.is_empty() && rest.eq_ignore_ascii_case(suffix)
        }),
        None => !pattern.is_empty() && pattern.eq_ignore_ascii_case(host),
    }
}

/// Checks the syntax of a pattern: `["*."] Domain`, the domain in A-labels (RFC 8461
/// section 3.2, RFC 5321 section 4.1.2).
///
/// # Errors
/// It is no pattern; the error says what to write instead.
pub fn validate(pattern: &str) -> Result<(), PatternError> {
    let given = quote(pattern);
    if pattern.is_empty() {
        return Err(PatternError::Empty);
    }
    if pattern.contains([',', ' ', '\t']) {
        return Err(PatternError::Several { given });
    }
    let domain = pattern.strip_prefix("*.").unwrap_or(pattern);
    if !domain.is_ascii() {
        return Err(not_ascii(pattern, domain, given));
    }
    if domain.contains('*') {
        return Err(PatternError::Star { given });
    }
    if domain.len() > 1 && domain.ends_with('.') {
        return Err(PatternError::FinalDot { given });
    }
    match wrong_domain(domain) {
        Some(why) => Err(PatternError::Name { given, why }),
        None => Ok(()),
    }
}

fn not_ascii(pattern: &str, domain: &str, given: String) -> PatternError {
    match target::name_to_ascii(domain) {
        Ok(name) => {
            let star = if pattern.starts_with("*.") { "*." } else { "" };
            PatternError::Unicode { given, instead: format!("{star}{name}") }
        }
        Err(error) => PatternError::Name { given, why: error.to_string() },
    }
}

/// What keeps a text from being a Domain, `sub-domain *("." sub-domain)`.
fn wrong_domain(domain: &str) -> Option<String> {
    if let Some(c) = domain.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.')) {
        return Some(format!(
            "it contains {}, and names consist of letters, digits, hyphens and dots",
            quote(c.encode_utf8(&mut [0; 4]))
        ));
    }
    if domain.len() > MAX_NAME {
        return Some(format!("it is {} characters long, and DNS allows {MAX_NAME}", domain.len()));
    }
    domain.split('.').find_map(|label| match label {
        "" => Some("it has an empty part between dots".to_owned()),
        _ if label.len() > MAX_LABEL => {
            Some(format!("a part of it is {} characters long, and DNS allows {MAX_LABEL}", label.len()))
        }
        _ if label.starts_with('-') || label.ends_with('-') => {
            Some("a part of it begins or ends with a hyphen".to_owned())
        }
        _ => None,
    })
}

/// What is odd about a valid pattern, though the grammar allows it.
pub(super) fn oddity(pattern: &str) -> Option<String> {
    let domain = pattern.strip_prefix("*.").unwrap_or(pattern);
    let last = domain.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Some(format!(
            "{} looks like an address; MX records name hosts, so it covers none",
            quote(pattern)
        ));
    }
    if domain.contains('.') {
        return None;
    }
    Some(match pattern.len() == domain.len() {
        true => format!(
            "{} is a single label; MX hosts have full names, so it probably covers none",
            quote(pattern)
        ),
        false => format!(
            "{} covers every name directly below a top-level domain; that is hardly what is meant",
            quote(pattern)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_stands_for_one_whole_label() {
        for (pattern, host, covered) in [
            ("mx1.example.com", "MX1.example.com", true),
            ("mx1.example.com.", "mx1.example.com", true),
            ("mx1.example.com", "mx1.example.com.", true),
            ("*.example.com", "mx1.example.com", true),
            ("*.EXAMPLE.com", "mx1.example.COM.", true),
            ("*.example.com", "a.mx1.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("mx*.example.com", "mx1.example.com", false),
            (".example.com", "mx1.example.com", false),
            ("example.com", "mx1.example.com", false),
            ("*", "mx1", false),
            ("*.", "mx1.", false),
            ("", "", false),
        ] {
            assert_eq!(covers(pattern, host), covered, "{pattern} for {host}");
        }
    }

    #[test]
    fn patterns_follow_the_grammar() {
        for good in [
            "mx.example.com",
            "*.example.com",
            "xn--mx-fka.example.com",
            "*.xn--bcher-kva.example",
            "MX.Example.Com",
            "a",
            "1.example.com",
            "mx--1.example.com",
        ] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
        for (bad, word) in [
            ("", "empty"),
            ("*", "star"),
            ("*.", "empty part"),
            ("*.*.example", "star"),
            ("**.example", "star"),
            ("mx*.example.com", "star"),
            ("mx.*.com", "star"),
            ("test.example-", "hyphen"),
            ("-mx.example.com", "hyphen"),
            ("mx..example.com", "empty part"),
            (".example.com", "empty part"),
            ("mx.example.com.", "final dot"),
            (".", "empty part"),
            ("mx_1.example.com", "contains \"_\""),
            ("[192.0.2.1]", "contains \"[\""),
            ("mx.example.com:25", "contains \":\""),
            ("a.example.com, b.example.com", "more than one"),
            ("a.example.com b.example.com", "more than one"),
            ("m\u{f8}x.example", "xn--mx-lka.example"),
            ("*.b\u{fc}cher.example", "*.xn--bcher-kva.example"),
        ] {
            let error = validate(bad).unwrap_err().to_string();
            assert!(error.contains(word), "{bad}: {error}");
        }
        assert!(validate(&format!("{}.example.com", "a".repeat(64))).is_err());
        assert!(validate(&vec!["a".repeat(60); 5].join(".")).is_err());
        assert!(validate(&format!("{}.example.com", "a".repeat(63))).is_ok());
    }

    #[test]
    fn odd_patterns_are_noticed() {
        assert!(oddity("192.0.2.1").unwrap().contains("address"));
        assert!(oddity("localhost").unwrap().contains("single label"));
        assert!(oddity("*.com").unwrap().contains("top-level"));
        assert_eq!(oddity("*.example.com"), None);
    }

    proptest! {
        #[test]
        fn a_valid_name_covers_itself(name in "[a-z0-9]{1,10}(\\.[a-z0-9]{1,10}){0,3}", label in "[a-z0-9]{1,10}") {
            prop_assert_eq!(validate(&name), Ok(()));
            prop_assert!(covers(&name, &name.to_ascii_uppercase()));
            let star = format!("*.{name}");
            let below = format!("{label}.{name}");
            prop_assert!(covers(&star, &below));
            prop_assert!(!covers(&star, &name));
        }

        #[test]
        fn any_text_is_judged_without_harm(pattern in "\\PC{0,40}", host in "\\PC{0,40}") {
            let _ = covers(&pattern, &host);
            if validate(&pattern).is_ok() {
                prop_assert!(pattern.is_ascii());
            }
        }
    }
}
