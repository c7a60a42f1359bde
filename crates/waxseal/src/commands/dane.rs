//! `waxseal dane`

use std::{io::Read, path::PathBuf};

use clap::Args;
use serde::Serialize;
use waxseal_judge::publish;
use waxseal_model::{Finding, Report, Target, publication::DaneView};
use waxseal_scan::{Events, Scanner};
use waxseal_wire::{dane, target};

use super::ask::AskArgs;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// The port between mail servers.
const SMTP: u16 = 25;
/// A key or certificate is never larger.
const LARGEST_KEY: u64 = 1 << 20;

/// The TLSA records of a host: what is published, whether it fits, and what would.
///
/// Prints for each address the records, their DNSSEC status and what they match; then the
/// records that fit what the server presents now, and those of its next key. Exits with 0
/// if DANE authenticates the host at every address, with 1 if it does not, and with 3 if
/// that could not be determined.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal dane mx.example.com
  waxseal dane mx.example.com --next next-key.pem
  waxseal dane mx.example.com:465 --json")]
pub(crate) struct DaneArgs {
    /// The host, as the MX record names it; with a port if it is not 25.
    #[arg(value_name = "HOST[:PORT]")]
    host: String,
    /// A certificate or public key that the server will use next (PEM or DER).
    #[arg(long, value_name = "FILE")]
    next: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    how: AskArgs,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Output<'a> {
    schema_version: u32,
    host: String,
    #[serde(flatten)]
    view: &'a DaneView,
    findings: &'a [Finding],
}

pub(crate) fn run(args: &DaneArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let target = host(&args.host)?;
    let next = args.next.iter().map(next_record).collect::<Result<Vec<_>, _>>()?;
    args.how.ask(async |scanner: &Scanner| look(args, scanner, target, &next, terminal).await)
}

/// A host with its port; what has no port is meant as an MX host.
fn host(text: &str) -> Result<Target, Failure> {
    match target::parse(text, None).map_err(Failure::usage)? {
        Target::Domain { name, given, mailbox: false } => Ok(Target::Host { name, given, port: SMTP }),
        Target::Domain { given, .. } => {
            Err(Failure::usage(format!("{given} is a mail address: name the host, such as its MX host")))
        }
        Target::Address { .. } => Err(Failure::usage(format!(
            "{text} is an address: TLSA records belong to names, so name the host"
        ))),
        host @ Target::Host { .. } => Ok(host),
    }
}

/// The record of a key to come.
fn next_record(path: &PathBuf) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let name = path.display();
    std::fs::File::open(path)
        .and_then(|f| f.take(LARGEST_KEY).read_to_end(&mut bytes))
        .map_err(|e| Failure::usage(format!("{name} cannot be read: {e}")))?;
    let record = dane::record_for_file(&bytes).map_err(|e| Failure::usage(format!("{name}: {e}")))?;
    Ok(record.to_string())
}

async fn look(
    args: &DaneArgs,
    scanner: &Scanner,
    target: Target,
    next: &[String],
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let title = match &target {
        Target::Host { given, port: SMTP, .. } => given.clone(),
        other => other.label(),
    };
    let report = scanner.report(target, &Events::ignored()).await;
    let view = publish::dane_view(&report.to_evidence(), next, waxseal_scan::clock::now());
    let findings = about_dane(&report);
    if args.json {
        let schema_version = waxseal_model::SCHEMA_VERSION;
        let output = Output { schema_version, host: title, view: &view, findings: &findings };
        terminal.print(&waxseal_render::json::any(&output).map_err(Failure::internal)?)?;
    } else {
        let page = waxseal_render::publication::dane(&title, &view, &findings, &terminal.style());
        terminal.print(&page)?;
    }
    if let Some(why) = &report.no_endpoint {
        terminal.complain(&why.text);
    }
    Ok(exit(&view))
}

/// What was found about DANE, each once.
fn about_dane(report: &Report) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for finding in report.findings.iter().filter(|f| f.check.starts_with("dane.")) {
        if !findings.iter().any(|f| f.title == finding.title) {
            findings.push(finding.clone());
        }
    }
    findings
}

fn exit(view: &DaneView) -> Exit {
    let is = |word: &str| view.servers.iter().any(|s| s.verdict == word);
    if view.servers.is_empty() || (is("undetermined") && !is("mismatch") && !is("lookup failed")) {
        Exit::Undetermined
    } else if view.servers.iter().all(|s| s.verdict == "valid") {
        Exit::Fine
    } else {
        Exit::Findings
    }
}
