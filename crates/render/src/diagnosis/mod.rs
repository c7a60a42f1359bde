//! What `waxseal explain` answers.
//!
//! - `text`: for people: the sentence first, then who acts, then what to change.
//! - `digest`: many of them, by cause.
//! - `said`: the words for sides, retries and scopes.

mod digest;
mod said;
mod text;

use serde::Serialize;
use waxseal_model::diagnosis::{Diagnosis, Explanation};

pub use digest::digest;
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

/// Explanations as JSON: an object for a single diagnosis, otherwise an array with an object
/// for each. An input in which nothing was found gives no object.
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn json(explanations: &[Explanation]) -> Result<String, serde_json::Error> {
    one_or_many(&explanations.iter().flat_map(flat).collect::<Vec<_>>())
}

/// The diagnoses of one explanation as JSON Lines, with the members of [`json`].
///
/// # Errors
///
/// As for [`json`].
pub fn jsonl(explanation: &Explanation) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for diagnosis in flat(explanation) {
        out.push_str(&crate::json::line(&diagnosis)?);
    }
    Ok(out)
}

fn flat(explanation: &Explanation) -> impl Iterator<Item = Flat<'_>> {
    explanation.diagnoses.iter().map(|diagnosis| Flat {
        schema_version: explanation.schema_version,
        file: &explanation.file,
        input: &explanation.input,
        notes: &explanation.notes,
        diagnosis,
    })
}
