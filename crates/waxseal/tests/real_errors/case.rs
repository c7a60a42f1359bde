//! An error that a server is led into, and what has to be said of it.

use std::{
    env, fs,
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use waxseal_peers::submit::{Message, submit};

/// How long a sender may take for all its messages.
const PATIENCE: Duration = Duration::from_secs(30);

/// An error, and what is right to say of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// What goes wrong.
    pub(crate) what: &'static str,
    /// The recipients' domain without `.lab.test`.
    pub(crate) domain: &'static str,
    /// Causes that are right.
    pub(crate) causes: &'static [&'static str],
    /// Sides that are right.
    pub(crate) sides: &'static [&'static str],
    /// Advice on retries that is right.
    pub(crate) retries: &'static [&'static str],
    /// What is special about the message.
    pub(crate) message: Special,
    /// What `waxseal diagnose` is told beside the lines.
    pub(crate) given: &'static [&'static str],
    /// How it ends: [`CONFIRMED`], [`UNTESTED`], or a cause that it is rather.
    pub(crate) ending: &'static str,
}

/// The tests show what the lines say.
pub(crate) const CONFIRMED: &str = "confirmed";
/// Only a delivery, a password or the message itself could show it.
pub(crate) const UNTESTED: &str = "untested";

/// What is special about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    /// Nothing.
    No,
    /// It has four recipients.
    Many,
    /// It is sent twice.
    Twice,
    /// Five kilobytes.
    Big,
    /// Its subject is one of spam.
    Pills,
    /// Six hosts have handled it.
    Hops,
    /// Its sender's domain does not exist.
    Nowhere,
    /// Its sender's address needs SMTPUTF8.
    International,
}

pub(crate) const fn case(
    what: &'static str,
    domain: &'static str,
    causes: &'static [&'static str],
    sides: &'static [&'static str],
    retries: &'static [&'static str],
) -> Case {
    Case { what, domain, causes, sides, retries, message: Special::No, given: &[], ending: CONFIRMED }
}

impl Case {
    pub(crate) const fn with(self, message: Special) -> Self {
        Self { message, ..self }
    }

    pub(crate) const fn given(self, given: &'static [&'static str]) -> Self {
        Self { given, ..self }
    }

    pub(crate) const fn ends(self, ending: &'static str) -> Self {
        Self { ending, ..self }
    }

    /// Its recipients; one whose message is not delivered is looked at.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let many: &[&str] = match self.message {
            Special::Many => &["anna", "berta", "carl", "dora"],
            Special::Twice => &["berta", "anna"],
            _ => &["anna"],
        };
        many.iter().map(|name| format!("{name}@{}.lab.test", self.domain)).collect()
    }

    fn text(&self) -> String {
        let head = "From: <app@sender.example.com>\nTo: <anna@example.com>\n";
        let hop = "Received: from a.example.com by b.example.com; Mon, 1 Jan 2024 00:00:00 +0000\n";
        match self.message {
            Special::Big => format!("{head}Subject: Big\n\n{}", "0123456789\n".repeat(500)),
            Special::Pills => format!("{head}Subject: Pills\n\nHello\n"),
            Special::Hops => format!("{}{head}Subject: Hello\n\nHello\n", hop.repeat(6)),
            _ => format!("{head}Subject: Hello\n\nHello\n"),
        }
    }

    fn from(&self) -> &'static str {
        match self.message {
            Special::Nowhere => "app@nowhere.lab.test",
            Special::International => "j\u{f6}rg@healthy.lab.test",
            _ => "app@healthy.lab.test",
        }
    }
}

/// What a server wrote of a case.
#[derive(Debug)]
pub(crate) struct Told {
    /// `Postfix`.
    pub(crate) by: &'static str,
    pub(crate) case: Case,
    /// Its own log lines, the one about the recipient last; none where it wrote none.
    pub(crate) lines: Option<String>,
}

/// Hands the messages of all cases to a sender.
pub(crate) fn send(server: SocketAddr, cases: &[Case]) {
    for case in cases {
        let text = case.text();
        let all = case.recipients();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let parameters = if case.message == Special::International { "SMTPUTF8" } else { "" };
        let envelopes: Vec<&[&str]> = match case.message {
            Special::Twice => all.chunks(1).collect(),
            _ => vec![&all],
        };
        let messages: Vec<Message<'_>> = envelopes
            .into_iter()
            .map(|to| Message { from: case.from(), to, parameters, text: &text })
            .collect();
        submit(server, &messages).unwrap_or_else(|e| panic!("{}: {e}", case.what));
    }
}

/// Waits until `lines` finds something about every case.
pub(crate) fn collect(
    by: &'static str,
    cases: &[Case],
    lines: impl Fn(&Case) -> Option<String>,
) -> Vec<Told> {
    let began = Instant::now();
    loop {
        let told: Vec<Told> = cases.iter().map(|case| Told { by, case: *case, lines: lines(case) }).collect();
        if told.iter().all(|told| told.lines.is_some()) || began.elapsed() > PATIENCE {
            return told;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Names a file that takes all lines, for a closer look.
const KEEP: &str = "WAXSEAL_REAL_ERRORS";

/// Explains everything, says what is wrong, and fails if anything is.
pub(crate) fn judge(all: &[Told]) {
    if let Some(file) = env::var_os(KEEP) {
        let lines: Vec<&str> = all.iter().filter_map(|told| told.lines.as_deref()).collect();
        fs::write(file, lines.join("\n\n") + "\n").unwrap();
    }
    let wrong: Vec<String> = all.iter().filter_map(|told| verdict(told).err()).collect();
    eprintln!("{} errors of real servers, {} explained", all.len(), all.len() - wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn verdict(told: &Told) -> Result<(), String> {
    let Told { by, case, lines } = told;
    let what = format!("{by}, {} ({})", case.what, case.domain);
    let Some(lines) = lines else { return Err(format!("{what}: nothing in the log")) };
    let explained = explain(lines);
    let answer = explained.as_array().and_then(|all| all.last()).unwrap_or(&explained);
    let said = |name: &str| answer[name].as_str().unwrap_or("nothing").to_owned();
    let (cause, side, retry) = (said("cause"), said("side"), said("retry"));
    let right = case.causes.contains(&cause.as_str())
        && case.sides.contains(&side.as_str())
        && case.retries.contains(&retry.as_str());
    if right {
        return Ok(());
    }
    Err(format!(
        "{what}: {cause}, {side}, {retry} by {}; wanted {:?}, {:?}, {:?}\n{lines}",
        said("rule"),
        case.causes,
        case.sides,
        case.retries
    ))
}

/// The answer of `waxseal explain` as JSON.
fn explain(lines: &str) -> Value {
    let mut child = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["explain", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}
