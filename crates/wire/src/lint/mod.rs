//! Texts that are about to be published, read as their receivers will read them.
//!
//! One function for each kind. They take texts in the forms in which people keep them: as they
//! go into the DNS, quoted as in a zone file, or as a whole line of one.

mod sts;
mod tlsa;
mod txt;

pub use sts::sts;
pub use tlsa::tlsa;
pub use txt::{sts_record, tlsrpt_record};

use waxseal_model::lint::{Lint, LintKind, LintParsed};

use crate::{reading::Reading, text::neutralise};

/// Longest name of an input that is kept, in characters.
const MAX_INPUT: usize = 300;

fn lint(kind: LintKind, input: &str, reading: Reading<LintParsed>) -> Lint {
    Lint {
        kind,
        input: neutralise(input.as_bytes(), MAX_INPUT),
        valid: reading.is_valid(),
        errors: reading.errors,
        warnings: reading.warnings,
        parsed: reading.value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_linted_without_harm(text in "\\PC{0,80}|[vSTLA\"();=\\\\\\n 0-9a-f]{0,80}") {
            for found in [
                sts("x", text.as_bytes(), &["mx.example.com".into()]),
                sts_record("x", &text),
                tlsrpt_record("x", &text),
                tlsa("x", &text),
            ] {
                prop_assert_eq!(found.valid, found.errors.is_empty());
                prop_assert_eq!(found.valid, found.parsed.is_some());
            }
        }
    }
}
