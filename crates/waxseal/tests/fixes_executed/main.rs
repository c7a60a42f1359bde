//! Fixes are executed: a real server is broken, `waxseal check` finds it, the settings of
//! the finding's own fix are given to the server, and the finding must be gone without a
//! new one of weight.
//!
//! `text` reads fixes, `postfix`, `exim` and `opensmtpd` apply them, `table` says which fix
//! is executed on which server and why others are not. What the machine lacks is skipped
//! with a line that says `SKIPPED`.
#![cfg(test)]

mod exim;
mod opensmtpd;
mod postfix;
mod table;
mod text;

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use waxseal_model::{Finding, Report, Severity, VerdictKind};
use waxseal_peers::{
    PeerError,
    flawed::{Authority, Flaw, Served},
    server::Folder,
};

/// Name in the servers' certificates.
const HOST: &str = "mx.example.com";

/// The value, or none after a loud line.
fn or_skip<T>(started: Result<T, PeerError>) -> Option<T> {
    match started {
        Ok(value) => Some(value),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// How often a question that stayed open is put again.
const TRIES: u32 = 3;

/// How the server is questioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    /// As a public MX.
    Relay,
    /// As a server that users send through.
    Submission,
}

/// Certificates for one server.
struct Certificates {
    authority: Authority,
    sound: Served,
    _folder: Folder,
}

impl Certificates {
    fn new() -> Option<Self> {
        let folder = or_skip(Folder::new("fixes"))?;
        let authority = or_skip(Authority::new(folder.path(), HOST))?;
        let sound = or_skip(authority.issue(Flaw::Sound))?;
        Some(Self { authority, sound, _folder: folder })
    }

    fn issue(&self, flaw: Flaw) -> Served {
        self.authority.issue(flaw).unwrap()
    }
}

/// How to question a server.
struct Question<'a> {
    address: SocketAddr,
    root: &'a Path,
    port: Port,
    /// Seconds for one step.
    timeout: &'static str,
}

impl Question<'_> {
    /// The report, with a verdict of this check. OpenSMTPD now and then lets a connection
    /// wait for its greeting for ever, so that a question stays open: it is put again.
    fn report(&self, check: &str) -> Report {
        let open = |report: &Report| {
            report.verdicts.iter().any(|v| v.check == check && v.verdict == VerdictKind::Undetermined)
        };
        let mut report = self.once();
        for _ in 0..TRIES {
            if !open(&report) {
                break;
            }
            report = self.once();
        }
        report
    }

    fn once(&self) -> Report {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waxseal"));
        command.args(["check", &self.address.to_string(), "--json", "--starttls", "--server-name", HOST]);
        command.args(["--timeout", self.timeout, "--ca-file"]).arg(self.root).stdin(Stdio::null());
        if self.port == Port::Submission {
            command.arg("--submission");
        }
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
            let (out, err) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            panic!("{e}: {out}{err}")
        })
    }
}

/// The finding whose fix is to be executed.
fn finding<'a>(report: &'a Report, check: &str) -> Result<&'a Finding, String> {
    report.findings.iter().find(|finding| finding.check == check).ok_or_else(|| {
        let found: Vec<_> = report.findings.iter().map(|f| f.check.as_str()).collect();
        let verdict = report.verdicts.iter().find(|verdict| verdict.check == check);
        format!("{check} is not found on a server broken that way, but {found:?}: {verdict:?}")
    })
}

/// The finding is gone, for good reasons, and nothing of weight came instead.
fn mended(check: &str, before: &Report, after: &Report, applied: &str) -> Result<(), String> {
    let fix = &finding(before, check)?.fix;
    let told = |what: String| Err(format!("{check} {what}\nfix: {fix}\napplied: {applied}"));
    if let Some(left) = after.findings.iter().find(|left| left.check == check) {
        return told(format!("is still there: {} {}", left.title, left.detail));
    }
    let verdict = after.verdicts.iter().find(|v| v.check == check);
    if let Some(open) = verdict.filter(|v| v.verdict == VerdictKind::Undetermined) {
        return told(format!("is not determined any more: {}", open.why));
    }
    let weighty = after.findings.iter().filter(|new| new.severity >= Severity::Medium);
    for new in weighty {
        let known = before.findings.iter().any(|f| f.check == new.check && f.severity >= new.severity);
        if !known && !unanswered(before, &new.check) {
            return told(format!("left, but {} came: {} {}", new.check, new.title, new.detail));
        }
    }
    Ok(())
}

/// Whether a question got no answer in time: what is found later may have been there all along.
fn unanswered(report: &Report, check: &str) -> bool {
    let mut open = report.verdicts.iter().filter(|v| v.verdict == VerdictKind::Undetermined);
    open.any(|v| v.check == check && v.why.contains("no complete reply"))
}

/// What went wrong, with the end of the server's log.
fn with_log(result: Result<(), String>, log: &str) -> Option<String> {
    let last: Vec<&str> = log.lines().rev().take(8).collect();
    Some(format!("{}\nlog: {}", result.err()?, last.into_iter().rev().collect::<Vec<_>>().join("\n     ")))
}

/// Fails with everything that went wrong, so that one run tells all.
fn demand_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Speaks Dovecot's protocol of authentication as far as Postfix needs to offer AUTH.
fn dovecot() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let hello = "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n";
                let _ = stream.write_all(hello.as_bytes());
                for line in BufReader::new(stream).lines() {
                    if line.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}
