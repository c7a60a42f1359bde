//! The engine against answers that were written by hand: who must act, whether a retry helps,
//! and what to change, for single lines (`labels/lines.toml`) and for bounces of the corpus
//! (`labels/mails.toml`). The corpus is no part of the project: `WAXSEAL_CORPUS` names its
//! folder `bounces`, else it is looked for in `../shared/corpus/bounces` beside the project;
//! without it the bounces are skipped, and a line says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says loudly what it finds"
)]

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use waxseal_explain::{Diagnosis, Given, diagnose, read};
use waxseal_model::diagnosis::{Retry, Side};

/// The share of answers that must agree, in percent.
const ENOUGH: usize = 95;

/// One answer, or several that can be defended.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Either<T> {
    One(T),
    OneOf(Vec<T>),
}

impl<T: PartialEq> Either<T> {
    fn holds(&self, given: &T) -> bool {
        match self {
            Self::One(one) => one == given,
            Self::OneOf(all) => all.contains(given),
        }
    }
}

impl<T: fmt::Debug> fmt::Display for Either<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => write!(f, "{one:?}"),
            Self::OneOf(all) => write!(f, "{all:?}"),
        }
    }
}

/// What a postmaster answers.
#[derive(Debug, Deserialize)]
struct Answer {
    side: Either<Side>,
    retry: Either<Retry>,
    cause: String,
    fix: String,
    fix_about: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Line {
    text: String,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Debug, Deserialize)]
struct Lines {
    line: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Mail {
    file: String,
    recipient: Option<String>,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Debug, Deserialize)]
struct Mails {
    mail: Vec<Mail>,
}

/// How many answers agree.
#[derive(Debug, Default)]
struct Score {
    asked: usize,
    side: usize,
    retry: usize,
    fix: usize,
    cause: usize,
}

impl Score {
    /// Counts one diagnosis, none where nothing was read, and says what differs.
    fn count(&mut self, what: &str, answer: &Answer, given: Option<&Diagnosis>) {
        self.asked += 1;
        let Some(given) = given else {
            eprintln!("{what}\n    nothing was read; wanted {}", answer.cause);
            return;
        };
        let side = answer.side.holds(&given.side);
        let retry = answer.retry.holds(&given.retry);
        let fix = answer.fix_about.contains(&given.cause);
        self.side += usize::from(side);
        self.retry += usize::from(retry);
        self.fix += usize::from(fix);
        self.cause += usize::from(answer.cause == given.cause);
        if side && retry && fix {
            return;
        }
        eprintln!(
            "{what}\n    {} by {}, {:.2}: {}",
            given.cause, given.rule, given.confidence, given.event.text
        );
        if !side {
            eprintln!("    side {:?}, wanted {}", given.side, answer.side);
        }
        if !retry {
            eprintln!("    retry {:?}, wanted {}", given.retry, answer.retry);
        }
        if !fix {
            let told: Vec<&str> = given.fix.iter().map(|fix| fix.text.as_str()).collect();
            eprintln!("    fix {told:?}\n    wanted {:?}, as of {:?}", answer.fix, answer.fix_about);
        }
    }

    fn demand(&self, what: &str) {
        let Self { asked, side, retry, fix, cause } = self;
        eprintln!("{what}: of {asked} agree side {side}, retry {retry}, fix {fix}; the very cause {cause}");
        for (name, right) in [("side", side), ("retry", retry), ("fix", fix)] {
            assert!(right * 100 >= asked * ENOUGH, "{what}: {name} agrees {right} times of {asked}");
        }
    }
}

fn labels<T: DeserializeOwned>(name: &str) -> T {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labels").join(name);
    toml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The corpus, where the machine has it.
fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/bounces");
    let folder = env::var_os("WAXSEAL_CORPUS").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The verdicts on a text, one for each recipient.
fn verdicts(bytes: &[u8]) -> Vec<Diagnosis> {
    read(bytes, &Given::default()).events.iter().map(diagnose).collect()
}

#[test]
fn single_lines_get_the_answers_that_a_postmaster_gives() {
    let lines: Lines = labels("lines.toml");
    assert!(lines.line.len() >= 60, "{} lines", lines.line.len());
    let mut score = Score::default();
    for line in &lines.line {
        let verdicts = verdicts(line.text.as_bytes());
        score.count(&line.text, &line.answer, verdicts.last());
    }
    score.demand("lines");
}

#[test]
fn bounces_get_the_answers_that_a_postmaster_gives() {
    let mails: Mails = labels("mails.toml");
    assert!(mails.mail.len() >= 100, "{} mails", mails.mail.len());
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no corpus of bounces here; WAXSEAL_CORPUS can name its folder");
        return;
    };
    let mut score = Score::default();
    for mail in &mails.mail {
        let file = corpus.join("emails/maildir/bsd").join(&mail.file);
        let verdicts = verdicts(&fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display())));
        let for_recipient = verdicts.iter().find(|verdict| verdict.event.recipient == mail.recipient);
        // Where one recipient alone is told of, another spelling of the address is no matter here.
        let one = if let [only] = verdicts.as_slice() { Some(only) } else { None };
        score.count(&mail.file, &mail.answer, for_recipient.or(one));
    }
    score.demand("bounces");
}

#[test]
fn every_answer_is_about_causes_that_there_are() {
    let (lines, mails): (Lines, Mails) = (labels("lines.toml"), labels("mails.toml"));
    let answers = lines.line.iter().map(|l| &l.answer).chain(mails.mail.iter().map(|m| &m.answer));
    for answer in answers {
        for cause in answer.fix_about.iter().chain([&answer.cause]) {
            assert!(waxseal_explain::rules::cause(cause).is_some(), "there is no cause {cause}");
        }
        assert!(answer.fix_about.contains(&answer.cause), "{answer:?}");
    }
}
