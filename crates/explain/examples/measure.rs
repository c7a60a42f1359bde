//! Measures how often each kind of answer is right on a corpus of bounces with known reasons,
//! and prints `rules/confidence.toml`.
//!
//! `measure FOLDER`: the folder holds `expected.jsonl` and `emails/`, as the corpus does whose
//! reasons are Sisimai's. An answer is right where its class in Sisimai's words is the expected
//! one, or one that another published table of Sisimai names.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a tool for development"
)]

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use waxseal_explain::{engine, read, rules, sisimai};

/// Names of one class of old and new.
fn same(reason: &str) -> &str {
    match reason {
        "speeding" | "toomanyconn" => "ratelimited",
        "mesgtoobig" | "exceedlimit" => "emailtoolarge",
        other => other,
    }
}

/// Reasons that say next to nothing: a code alone is not right because it says nothing either.
const CATCH_ALL: [&str; 6] =
    ["onhold", "undefined", "securityerror", "rejected", "policyviolation", "filtered"];

/// Kinds of answers that rest on no words.
const WITHOUT_WORDS: [&str; 5] = ["status", "vague_status", "reply_stage", "outside", "nothing"];

/// Reasons that may be answered for the recipient of that number.
fn expected(mail: &Value, number: usize) -> Vec<String> {
    let first = mail["expected"][number]["reason"].as_str();
    let others = mail["other_tables"].as_array().into_iter().flatten();
    let others = others.filter_map(|table| table["rows"][number][2].as_str());
    first.into_iter().chain(others).map(|reason| same(reason).to_owned()).collect()
}

fn main() {
    let folder = std::env::args().nth(1).unwrap();
    let folder = Path::new(&folder);
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for line in std::fs::read_to_string(folder.join("expected.jsonl")).unwrap().lines() {
        let mail: Value = serde_json::from_str(line).unwrap();
        let file = mail["file"].as_str().unwrap();
        if mail["scored"] != true || mail["is_bounce"] != true || !file.contains("/bsd/") {
            continue;
        }
        let bytes = std::fs::read(folder.join("emails").join(file)).unwrap();
        for event in &read(&bytes, &Default::default()).events {
            let rows = mail["expected"].as_array().unwrap();
            let address = event.recipient.clone().unwrap_or_default().to_lowercase();
            let number =
                rows.iter().position(|row| row["recipient"].as_str().unwrap_or("").to_lowercase() == address);
            let Some(number) = number else { continue };
            let (diagnosis, class) = engine::diagnose_with_class(event);
            let expected = expected(&mail, number);
            let empty = expected.first().is_some_and(|reason| CATCH_ALL.contains(&reason.as_str()));
            if empty && WITHOUT_WORDS.contains(&class) {
                continue;
            }
            let right = expected.iter().any(|reason| reason == same(&sisimai::row(&diagnosis).reason));
            let count = counts.entry(class).or_default();
            count.0 += u32::from(right);
            count.1 += 1;
        }
    }
    println!("# How often answers of each kind were right. Made by the example `measure`.");
    println!("#");
    println!(
        "# Counted: bounces of the open half of the corpus, one for each recipient; right is an answer whose class in"
    );
    println!(
        "# Sisimai's words is the expected one. The rules were written with this half at hand, so the shares are high;"
    );
    println!(
        "# `start` is what was assumed before, and counts for ten answers. Answers by codes alone are not counted"
    );
    println!("# where the expected class is itself a catch-all.");
    for kind in rules::measured() {
        let (right, of) = counts.get(kind.class).copied().unwrap_or_default();
        println!(
            "\n[[confidence]]\nclass = \"{}\"\nstart = {}\nright = {right}\nof = {of}",
            kind.class, kind.start
        );
    }
}
