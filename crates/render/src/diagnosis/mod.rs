//! What `waxseal explain` answers.
//!
//! - `text`: for people: the sentence first, then who acts, then what to change.
//! - `digest`: many of them, by cause.
//! - `confirmation`: a diagnosis with what tests said of it, for `waxseal diagnose`.
//! - `reference`: what is known of a code, a cause, a rule or a provider.
//! - `reports`: TLS and DMARC reports, above what follows from them.
//! - `said`: the words for sides, retries and scopes.

mod confirmation;
mod digest;
mod reference;
mod reports;
mod said;
mod text;

use serde::Serialize;
use waxseal_model::diagnosis::{Diagnosis, Explanation};

pub use confirmation::{confirmation, confirmations_json};
pub use digest::digest;
pub use reference::{entry, list};
pub use text::{one, text};

use crate::json::one_or_many;

/// An explanation as `--json` prints it: a single diagnosis of a single input with its own
/// members at the top.
#[derive(Serialize)]
struct Flat<'a> {
    schema_version: u32,
    file: &'a Option<String>,
    input: &'a str,
    notes: &'a [String],
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

/// What stands in the JSON for one input.
#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    /// One of its diagnoses.
    Diagnosis(Flat<'a>),
    /// All of it: a report, which says more than its failures.
    Report(&'a Explanation),
}

/// Explanations as JSON: an object for a single diagnosis, otherwise an array with an object
/// for each. An input in which nothing was found gives no object; a TLS or DMARC report one
/// with `tls_reports` or `dmarc_reports`, and what follows from them as `diagnoses`.
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn json(explanations: &[Explanation]) -> Result<String, serde_json::Error> {
    one_or_many(&explanations.iter().flat_map(items).collect::<Vec<_>>())
}

/// One explanation as JSON Lines, with the members of [`json`].
///
/// # Errors
///
/// As for [`json`].
pub fn jsonl(explanation: &Explanation) -> Result<String, serde_json::Error> {
    items(explanation).iter().map(crate::json::line).collect()
}

fn items(explanation: &Explanation) -> Vec<Item<'_>> {
    if !explanation.tls_reports.is_empty() || !explanation.dmarc_reports.is_empty() {
        return vec![Item::Report(explanation)];
    }
    let flat = |diagnosis| Flat {
        schema_version: explanation.schema_version,
        file: &explanation.file,
        input: &explanation.input,
        notes: &explanation.notes,
        diagnosis,
    };
    explanation.diagnoses.iter().map(|diagnosis| Item::Diagnosis(flat(diagnosis))).collect()
}
