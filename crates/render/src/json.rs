//! JSON for programs: what `--json` prints.

use serde::Serialize;
use waxseal_model::Report;

use crate::guard::is_harmful;

/// Reports as `--json` prints them: one target as an object, any other number of targets
/// as an array, indented, with a line feed at the end. The format is that of
/// [`crate::schema`].
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn json(reports: &[Report]) -> Result<String, serde_json::Error> {
    one_or_many(reports)
}

/// Reports as JSON Lines: one object a line, without indentation. The members are those of
/// [`json`].
///
/// # Errors
///
/// As for [`json`].
pub fn jsonl(reports: &[Report]) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for report in reports {
        out.push_str(&line(report)?);
    }
    Ok(out)
}

/// Any value as one line.
pub(crate) fn line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    escape(&serde_json::to_string(value)?, &mut out);
    out.push('\n');
    Ok(out)
}

/// Any value of the model that a command prints, as one object.
///
/// # Errors
///
/// As for [`json`].
pub fn any<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    pretty(value)
}

/// A single value as itself, others as an array.
pub(crate) fn one_or_many<T: Serialize>(values: &[T]) -> Result<String, serde_json::Error> {
    match values {
        [one] => pretty(one),
        many => pretty(many),
    }
}

/// Indented JSON.
pub(crate) fn pretty<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string_pretty(value)?;
    let mut out = String::with_capacity(json.len() + 1);
    escape(&json, &mut out);
    out.push('\n');
    Ok(out)
}

/// JSON whose characters that a terminal would act on are written as `\uNNNN`, which means the
/// same to every reader of JSON.
fn escape(json: &str, out: &mut String) {
    for c in json.chars() {
        if is_harmful(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
}
