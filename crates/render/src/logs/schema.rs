//! The JSON Schema of what `waxseal logs --json` prints, made from the types themselves. It is
//! shipped as `docs/schema/logs-v1.json`; a test demands that the file is what this makes.

use schemars::{generate::SchemaSettings, transform::Transform};
use serde_json::{Value, json};
use waxseal_model::LogSummary;

use crate::schema::drop_integer_formats;

/// JSON Schema (draft 2020-12).
pub fn schema() -> Value {
    let mut root = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<LogSummary>();
    schemars::transform::RecursiveTransform(drop_integer_formats).transform(&mut root);
    let mut schema = root.to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".into(), json!("waxseal logs"));
        object.insert(
            "description".into(),
            json!(
                "What waxseal logs --json prints. Readers must ignore members that they do not know: within \
                 schema_version 1 the format changes only by addition."
            ),
        );
    }
    schema
}
