//! Accuracy on real bounces whose answers are known, where they are at hand: in the folder
//! that `WAXSEAL_CORPUS` names, or in `../shared/corpus/bounces` beside the workspace.
//!
//! Scored are the mails with Unix line ends; their copies with other line ends must give the
//! same answers. The corpus is no part of the project.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use base64::Engine as _;
use serde::Deserialize;
use waxseal_explain::{
    Given, diagnose, read,
    sisimai::{self, Row},
};

/// A line of `expected.jsonl`.
#[derive(Deserialize)]
struct Expected {
    file: String,
    #[serde(default)]
    scored: bool,
    is_bounce: Option<bool>,
    #[serde(default)]
    expected: Vec<Answer>,
}

/// What is expected of one recipient.
#[derive(Deserialize)]
struct Answer {
    reason: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    status_synthetic: bool,
    #[serde(default)]
    recipient: Option<String>,
}

/// The corpus, or none with the reason printed.
fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("WAXSEAL_CORPUS").map(PathBuf::from);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // A second working tree lies one folder deeper.
    let beside = ["../shared/corpus/bounces", "../../shared/corpus/bounces"].map(|path| workspace.join(path));
    let found = named.into_iter().chain(beside).find(|folder| folder.join("expected.jsonl").is_file());
    if found.is_none() {
        println!("SKIPPED: there is no corpus of bounces; WAXSEAL_CORPUS names none");
    }
    found
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    let reading = read(bytes, &Given::default());
    reading.events.iter().map(|event| sisimai::row(&diagnose(event))).collect()
}

fn expected(folder: &Path) -> Vec<Expected> {
    let lines = fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn mails(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mails = files.filter(|path| path.extension().is_some_and(|e| e == "eml"));
    mails
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// Reasons that newer tables join.
fn alias(reason: &str) -> &str {
    match reason {
        "toomanyconn" | "speeding" => "ratelimited",
        "mesgtoobig" | "exceedlimit" => "emailtoolarge",
        other => other,
    }
}

/// The rows in the order of the answers: by recipient, then what is left.
fn paired<'a>(answers: &[Answer], rows: &'a [Row]) -> Vec<Option<&'a Row>> {
    let mut left: Vec<&Row> = rows.iter().collect();
    let mut found: Vec<Option<&Row>> = Vec::new();
    for answer in answers {
        let same =
            |row: &&Row| answer.recipient.as_ref().is_some_and(|r| r.eq_ignore_ascii_case(&row.recipient));
        found.push(left.iter().position(same).map(|at| left.remove(at)));
    }
    for slot in found.iter_mut().filter(|slot| slot.is_none()) {
        *slot = (!left.is_empty()).then(|| left.remove(0));
    }
    found
}

/// How many were right, of how many, and which were not.
#[derive(Default)]
struct Score {
    right: usize,
    all: usize,
    wrong: Vec<String>,
}

impl Score {
    fn count(&mut self, file: &str, wanted: &str, got: &str) {
        self.all += 1;
        self.right += usize::from(wanted.eq_ignore_ascii_case(got));
        if !wanted.eq_ignore_ascii_case(got) {
            self.wrong.push(format!("{file}: {wanted}, not {got}"));
        }
    }

    fn demand(&self, what: &str, percent: f64) {
        let share = 100.0 * self.right as f64 / self.all as f64;
        println!("{what}: {share:.1} % ({}/{})", self.right, self.all);
        assert!(share >= percent, "{what}: {share:.1} %, not {percent} %\n{}", self.wrong.join("\n"));
    }
}

#[test]
fn answers_are_right() {
    let Some(folder) = corpus() else { return };
    let (mut reason, mut status, mut recipient) = (Score::default(), Score::default(), Score::default());
    let scored = |mail: &&Expected| {
        mail.scored && mail.is_bounce != Some(false) && mail.file.starts_with("maildir/bsd/")
    };
    for mail in expected(&folder).iter().filter(scored) {
        let rows = rows(&fs::read(folder.join("emails").join(&mail.file)).unwrap());
        for (answer, row) in mail.expected.iter().zip(paired(&mail.expected, &rows)) {
            let (got_reason, got_status, got_recipient) =
                row.map_or(("nothing", "", ""), |r| (&r.reason, &r.status, &r.recipient));
            reason.count(&mail.file, alias(&answer.reason), alias(got_reason));
            if !answer.status.is_empty() && !answer.status_synthetic {
                status.count(&mail.file, &answer.status, got_status);
            }
            if let Some(wanted) = answer.recipient.as_ref().filter(|r| !r.is_empty()) {
                recipient.count(&mail.file, wanted, got_recipient);
            }
        }
    }
    recipient.demand("recipient", 98.0);
    status.demand("status", 97.0);
    reason.demand("reason", 95.0);
}

#[test]
fn ordinary_mails_are_no_bounces() {
    let Some(folder) = corpus() else { return };
    let mut wrong = Vec::new();
    for folder in [folder.join("negatives"), folder.join("emails/maildir/not")] {
        for (file, bytes) in mails(&folder) {
            let rows = rows(&bytes);
            if !rows.is_empty() {
                wrong.push(format!("{file}: {rows:?}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn line_ends_change_nothing() {
    let Some(folder) = corpus() else { return };
    let of = |name: &str| mails(&folder.join("emails/maildir").join(name));
    let unix: BTreeMap<_, _> = of("bsd").into_iter().map(|(file, bytes)| (file, rows(&bytes))).collect();
    let mut wrong = Vec::new();
    for other in ["dos", "mac"] {
        for (file, bytes) in of(other) {
            let rows = rows(&bytes);
            if unix.get(&file).is_some_and(|unix| *unix != rows) {
                wrong.push(format!("{other}/{file}: {rows:?}\n    not {:?}", unix[&file]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The copies that the corpus lacks are made here. What was cut off or coded anew may read
/// differently, but never ends the program.
#[test]
fn no_variant_panics() {
    let Some(folder) = corpus() else { return };
    let mut folders = vec![folder.join("emails/to-be-debugged-because/something-is-wrong")];
    folders.extend(["bsd", "err", "tmp", "not"].map(|name| folder.join("emails/maildir").join(name)));
    for (file, bytes) in folders.iter().filter(|f| f.is_dir()).flat_map(|folder| mails(folder)) {
        if !bytes.contains(&b'\r') {
            let dos = bytes.iter().flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] });
            assert_eq!(rows(&dos.collect::<Vec<u8>>()), rows(&bytes), "{file} with CR LF");
        }
        for share in [1, 3, 5, 8] {
            rows(&bytes[..bytes.len() * share / 10]);
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some((header, body)) = text.split_once("\n\n") {
            let coded = base64::engine::general_purpose::STANDARD.encode(body);
            rows(format!("{header}\nContent-Transfer-Encoding: base64\n\n{coded}\n").as_bytes());
        }
        rows(&bytes.iter().rev().copied().collect::<Vec<u8>>());
    }
}
