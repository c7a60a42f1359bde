//! Evidence files: written by `--evidence FILE`, read by `waxseal judge FILE`.
//!
//! One target is an object, several are an array. A report (`--json`) holds its evidence
//! and is read too. A file is not trusted: it may be damaged, made by hand, or written by
//! another version.

use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;
use waxseal_model::{Evidence, Report, SCHEMA_VERSION};

use crate::json;

/// Why a file is not evidence that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// There is nothing in it.
    #[error("the file is empty; evidence is written by: waxseal check TARGET --evidence FILE")]
    Empty,
    /// It is not UTF-8.
    #[error("this is no text (byte {0} is not UTF-8); evidence is JSON, written by --evidence FILE")]
    NotText(usize),
    /// It is not JSON, or cut off.
    #[error("this is not JSON, or it was cut off: line {line}, column {column}: {problem}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the parser says, without the place.
        problem: String,
    },
    /// Some entries are reports, others are evidence.
    #[error("the file mixes reports (--json) with evidence (--evidence); judge them apart")]
    Mixed,
    /// JSON, but nothing of ours.
    #[error("entry {entry} has no schema_version: this is JSON, but no evidence of waxseal's")]
    NotEvidence {
        /// From 1.
        entry: usize,
    },
    /// It was written by a newer program.
    #[error(
        "entry {entry} has schema_version {found}; this waxseal reads up to {SCHEMA_VERSION}: \
         judge it with a newer waxseal"
    )]
    Newer {
        /// From 1.
        entry: usize,
        /// What the file says.
        found: u64,
    },
    /// A member is missing or of the wrong kind.
    #[error("the evidence is damaged: line {line}, column {column}: {problem}")]
    Damaged {
        /// From 1; 0 where the parser cannot tell.
        line: usize,
        /// From 1; 0 where the parser cannot tell.
        column: usize,
        /// What the parser says, without the place.
        problem: String,
    },
}

/// Evidence as `--evidence FILE` stores it: one target as an object, any other number as
/// an array.
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn to_json(evidence: &[Evidence]) -> Result<String, serde_json::Error> {
    json::one_or_many(evidence)
}

/// The evidence in a file of evidence or of reports. Members that this version does not know are passed over.
///
/// # Errors
///
/// [`EvidenceError`] says what is wrong with the file, and where.
pub fn from_json(file: &[u8]) -> Result<Vec<Evidence>, EvidenceError> {
    let text = std::str::from_utf8(file).map_err(|e| EvidenceError::NotText(e.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(EvidenceError::Empty);
    }
    let labels: Vec<LabelOrOther> = one_or_many(text)?;
    let labels: Vec<Label> = labels.into_iter().map(LabelOrOther::label).collect();
    for (entry, label) in (1..).zip(&labels) {
        label.check(entry)?;
    }
    match labels.iter().filter(|l| l.verdicts.is_some()).count() {
        0 => one_or_many(text),
        n if n == labels.len() => Ok(one_or_many::<Report>(text)?.iter().map(Report::to_evidence).collect()),
        _ => Err(EvidenceError::Mixed),
    }
}

/// The members that tell evidence and reports from other JSON, and their version.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Label {
    schema_version: Option<serde_json::Value>,
    verdicts: Option<serde::de::IgnoredAny>,
}

/// JSON that is no object has no label.
#[derive(Deserialize)]
#[serde(untagged)]
enum LabelOrOther {
    Label(Label),
    Other(serde::de::IgnoredAny),
}

impl LabelOrOther {
    fn label(self) -> Label {
        match self {
            Self::Label(label) => label,
            Self::Other(_) => Label::default(),
        }
    }
}

impl Label {
    fn check(&self, entry: usize) -> Result<(), EvidenceError> {
        let version = self.schema_version.as_ref().and_then(serde_json::Value::as_u64);
        match version {
            None => Err(EvidenceError::NotEvidence { entry }),
            Some(found) if found > u64::from(SCHEMA_VERSION) => Err(EvidenceError::Newer { entry, found }),
            Some(_) => Ok(()),
        }
    }
}

fn one_or_many<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, EvidenceError> {
    let result = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<T>>(text)
    } else {
        serde_json::from_str::<T>(text).map(|one| vec![one])
    };
    result.map_err(|e| problem(&e))
}

fn problem(error: &serde_json::Error) -> EvidenceError {
    let (line, column) = (error.line(), error.column());
    let place = format!(" at line {line} column {column}");
    let text = error.to_string();
    let problem = crate::harmless(text.strip_suffix(&place).unwrap_or(&text)).into_owned();
    if error.is_data() {
        EvidenceError::Damaged { line, column, problem }
    } else {
        EvidenceError::NotJson { line, column, problem }
    }
}
