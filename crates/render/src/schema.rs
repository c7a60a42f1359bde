//! The JSON Schema of what `--json` prints, made from the types themselves.
//!
//! It is shipped as `docs/schema/report-v1.json`; a test demands that the file is what
//! this function makes. To write the file anew after an addition to the model:
//!
//! ```text
//! WAXSEAL_WRITE_SCHEMA=1 cargo test -p waxseal-render --test render schema
//! ```

use schemars::{generate::SchemaSettings, transform::Transform};
use serde_json::{Value, json};
use waxseal_model::Report;

/// JSON Schema (draft 2020-12): an object for one target, an array for several.
pub fn report_schema() -> Value {
    let mut root = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Report>();
    schemars::transform::RecursiveTransform(drop_integer_formats).transform(&mut root);
    let mut report = root.to_value();
    let definitions = match report.as_object_mut() {
        Some(object) => {
            object.remove("$schema");
            object.remove("$defs").unwrap_or_else(|| json!({}))
        }
        None => json!({}),
    };
    let mut definitions = definitions;
    if let Some(definitions) = definitions.as_object_mut() {
        definitions.insert("Report".into(), report);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "waxseal report",
        "description": "What waxseal check --json prints: an object for one target, an array for several. \
                        Readers must ignore members that they do not know: within schema_version 1 the \
                        format changes only by addition.",
        "oneOf": [
            { "$ref": "#/$defs/Report" },
            { "type": "array", "items": { "$ref": "#/$defs/Report" } }
        ],
        "$defs": definitions
    })
}

/// `format: uint32` and the like are no formats of JSON Schema; bounds say the same.
pub(crate) fn drop_integer_formats(schema: &mut schemars::Schema) {
    let foreign = |v: &Value| v.as_str().is_some_and(|f| f.starts_with("int") || f.starts_with("uint"));
    if schema.get("format").is_some_and(foreign) {
        schema.remove("format");
    }
}
