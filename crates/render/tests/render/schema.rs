//! The schema that is shipped, and what must agree with it.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

use serde_json::{Value, json};
use waxseal_model::dns::{DnsRecord, RecordData};
use waxseal_render::{json, schema::report_schema};

use crate::samples;

fn shipped() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/report-v1.json")
}

#[test]
fn the_shipped_file_is_the_schema_of_the_types() {
    let mut made = serde_json::to_string_pretty(&report_schema()).unwrap();
    made.push('\n');
    if std::env::var_os("WAXSEAL_WRITE_SCHEMA").is_some() {
        fs::create_dir_all(shipped().parent().unwrap()).unwrap();
        fs::write(shipped(), &made).unwrap();
    }
    let file = fs::read_to_string(shipped()).unwrap();
    assert!(
        file.replace("\r\n", "\n") == made,
        "docs/schema/report-v1.json is not the schema of the types; write it anew by: \
         WAXSEAL_WRITE_SCHEMA=1 cargo test -p waxseal-render --test render schema"
    );
}

#[test]
fn every_sample_is_valid_alone_and_in_an_array() {
    let validator = jsonschema::validator_for(&report_schema()).unwrap();
    let mut all = Vec::new();
    for (name, report) in samples::all() {
        let value: Value = serde_json::from_str(&json(std::slice::from_ref(&report)).unwrap()).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        all.push(report);
    }
    let array: Value = serde_json::from_str(&json(&all).unwrap()).unwrap();
    assert!(validator.is_valid(&array));
}

#[test]
fn records_of_every_type_are_valid() {
    let record = |data| DnsRecord { name: "example.com".into(), ttl: 1, data };
    let mut report = samples::null_mx();
    report.domain.as_mut().unwrap().mx_answer.records = vec![
        record(RecordData::A { address: Ipv4Addr::LOCALHOST }),
        record(RecordData::Aaaa { address: Ipv6Addr::LOCALHOST }),
        record(RecordData::Mx { preference: 0, exchange: String::new() }),
        record(RecordData::Cname { target: "a".into() }),
        record(RecordData::Ptr { target: "a".into() }),
        record(RecordData::Txt { text: "a".into() }),
        record(RecordData::Tlsa { usage: 3, selector: 1, matching_type: 1, data: "00".into() }),
        record(RecordData::Caa { flags: 128, tag: "issue".into(), value: "a".into() }),
        record(RecordData::Other { rtype: "SOA".into(), data: "a. b. 1 2 3 4 5".into() }),
    ];
    let value: Value = serde_json::from_str(&json(&[report]).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&report_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| format!("{e:?}")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn what_is_no_report_is_not_valid() {
    let validator = jsonschema::validator_for(&report_schema()).unwrap();
    let good: Value = serde_json::from_str(&json(&[samples::healthy()]).unwrap()).unwrap();
    for (member, value) in [
        ("schema_version", json!("1")),
        ("grade", json!({"letter": "Z"})),
        ("verdicts", json!([{"check": "x", "endpoint": null, "verdict": "fine", "why": ""}])),
        ("findings", Value::Null),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        assert!(!validator.is_valid(&bad), "{member}");
    }
    assert!(!validator.is_valid(&json!("report")));
}
