//! docs/real-servers.md says which fix is executed on which server, and why others are not;
//! here it is held to the truth.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{exim, opensmtpd, postfix};

/// Rows of the document's table: check, then a cell for Postfix, Exim and OpenSMTPD each,
/// then the reason where one is not executed.
fn rows() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/real-servers.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|line| line.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()));
    let mut out = BTreeMap::new();
    for mut row in cells {
        let check = row.next().unwrap().trim_matches('`').to_owned();
        if check.contains('.') {
            assert!(out.insert(check.clone(), row.collect()).is_none(), "{check} is there twice");
        }
    }
    out
}

#[test]
fn the_document_has_a_row_for_every_check_of_a_server() {
    let listed: Vec<String> = rows().into_keys().collect();
    let is_server = |id: &&str| ["smtp.", "tls.", "certificate."].iter().any(|theme| id.starts_with(theme));
    let mut known: Vec<&str> = waxseal_judge::checks().iter().map(|c| c.id).filter(is_server).collect();
    known.sort_unstable();
    assert_eq!(listed, known);
}

#[test]
fn the_document_says_yes_where_a_fix_is_executed_and_why_not_elsewhere() {
    let executed = [postfix::executed(), exim::executed(), opensmtpd::executed()];
    let mut wrong = Vec::new();
    for (check, cells) in rows() {
        for (cell, executed) in cells.iter().zip(&executed) {
            if (cell == "yes") != executed.contains(&check.as_str()) {
                wrong.push(format!("{check}: {cells:?}"));
            }
        }
        let all = cells.iter().take(executed.len()).all(|cell| cell == "yes");
        if cells.len() != executed.len() + 1 || (!all && cells.last().is_none_or(String::is_empty)) {
            wrong.push(format!("{check}: no reason: {cells:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
