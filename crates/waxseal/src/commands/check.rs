//! `waxseal check`

use std::{
    path::{Path, PathBuf},
    pin::pin,
};

use clap::Args;
use futures_util::StreamExt;
use waxseal_judge::{Profile, profile, profile_names};
use waxseal_model::{Evidence, Letter, Report, Severity, Target, TlsStart, Usage};
use waxseal_render::{TextOptions, json, summary, text, transcript};
use waxseal_scan::{ScanOptions, Scanner, many};

use crate::{
    cli::{ConnectionArgs, NameArgs},
    exit::{Exit, Failure, Threshold},
    output::Terminal,
    progress::Progress,
    setup::{self, Surroundings},
    targets,
};

/// Is mail to this domain or server protected? A verdict in under a second.
///
/// Looks up the MX hosts of a domain, or takes a host and port, and says for each address
/// whether TLS is offered, whether it is sound, whether the certificate is right, what is
/// wrong and what to do about it. At most 20 connections to one address and port, one at
/// a time.
#[derive(Debug, Args)]
#[command(after_help = "\
Targets:
  example.com            a mail domain: its MX hosts are tested on port 25
  mx.example.com:587     a host and port; [2001:db8::25]:25 and 192.0.2.25:25 too
  user@example.com       the domain of an address
  -                      a list on standard input, one a line

Port 25, 587 and 2525 are tested with STARTTLS, 465 with implicit TLS.

  waxseal check example.com
  waxseal check mx.example.com:465 --fail-on medium
  waxseal check --targets-file domains.txt --json > reports.json
  waxseal check example.com --evidence scan.json; waxseal judge scan.json
  waxseal check --lab")]
pub(crate) struct CheckArgs {
    /// Domains, hosts with a port, addresses; `-` reads a list from standard input.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// A file with more targets, one a line; `#` begins a comment, of CSV the first field counts.
    #[arg(long, value_name = "FILE")]
    targets_file: Option<PathBuf>,
    /// Check the domains of the built-in lab (all of them, or those named).
    #[cfg(feature = "lab")]
    #[arg(long)]
    lab: bool,
    /// The port to test on MX hosts, instead of 25.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Begin with TLS, whatever the port says.
    #[arg(long, conflicts_with = "starttls")]
    implicit: bool,
    /// Begin in clear and use STARTTLS, whatever the port says.
    #[arg(long)]
    starttls: bool,
    /// Judge as a submission server (users and passwords), whatever the port says.
    #[arg(long)]
    submission: bool,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Also write the evidence to a file, for `waxseal judge`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    evidence: Option<PathBuf>,
}

/// How to judge, and what counts as failure.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Judgement")]
pub(crate) struct RuleArgs {
    /// The rules to grade by: mail, bcp195 or ncsc-2025.
    #[arg(long, value_name = "NAME", default_value = "mail", env = "WAXSEAL_PROFILE")]
    profile: String,
    /// Exit with 1 if a finding is at least this severe.
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = severity)]
    fail_on: Severity,
    /// Exit with 1 if the grade is worse than this.
    #[arg(long, value_name = "LETTER")]
    min_grade: Option<Letter>,
    /// What to make of targets that could not be tested: fail (exit 3) or ok.
    #[arg(long, value_name = "WHAT", default_value = "fail", value_parser = ["fail", "ok"])]
    inconclusive: String,
}

impl RuleArgs {
    /// The rules by their name.
    ///
    /// # Errors
    /// A name that is not known.
    pub(crate) fn profile(&self) -> Result<&'static Profile, Failure> {
        let name = &self.profile;
        profile(name).ok_or_else(|| {
            Failure::usage(format!("there is no profile '{name}'; there are: {}", profile_names().join(", ")))
        })
    }

    /// What counts as failure.
    pub(crate) fn threshold(&self) -> Threshold {
        Threshold {
            fail_on: self.fail_on,
            min_grade: self.min_grade,
            inconclusive_is_fine: self.inconclusive == "ok",
        }
    }
}

/// What to print.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print JSON: an object for one target, an array for several (`waxseal schema`).
    #[arg(long)]
    json: bool,
    /// Print what was said on every connection, with times, after the report.
    #[arg(long, conflicts_with = "json")]
    transcript: bool,
    /// Print every verdict, and with several targets a full page for each.
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::WORST_FIRST
        .into_iter()
        .find(|s| s.word().eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("'{text}' is no severity: use critical, high, medium, low or info"))
}

pub(crate) fn run(args: &CheckArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    #[cfg(feature = "lab")]
    if args.lab {
        return super::lab::check(args, terminal);
    }
    let targets = args.parse_targets()?;
    if targets.is_empty() {
        return Err(Failure::usage(
            "nothing to check: name a domain (waxseal check example.com), or try waxseal check --lab",
        ));
    }
    let runtime = setup::runtime(targets.len() > 1)?;
    let scanned = runtime.block_on(args.scan(targets, &Surroundings::default()))?;
    args.finish(&scanned, terminal)
}

impl CheckArgs {
    /// The targets that were named.
    pub(crate) fn parse_targets(&self) -> Result<Vec<Target>, Failure> {
        targets::all(&self.targets, self.targets_file.as_deref(), self.port)
    }

    /// Scans the targets, with a bar on a terminal.
    pub(crate) async fn scan(&self, targets: Vec<Target>, around: &Surroundings) -> Result<Scanned, Failure> {
        let tls = match (self.implicit, self.starttls) {
            (true, _) => Some(TlsStart::Implicit),
            (_, true) => Some(TlsStart::Starttls),
            (false, false) => None,
        };
        self.evidence_is_writable()?;
        let step = setup::step(&self.connection, around);
        let resolver = setup::resolver(&self.names, around, step)?;
        let prober = setup::prober(&self.connection, around, tls.is_some())?;
        let options = ScanOptions {
            port: self.port,
            tls,
            usage: self.submission.then_some(Usage::Submission),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let scanner = Scanner::new(resolver, prober, options, self.rules.profile()?);
        let of = targets.len();
        let progress = Progress::new(of);
        let events = progress.events();
        let mut stream = pin!(many::reports(&scanner, targets, many::TARGETS_AT_A_TIME, &events));
        let mut interrupt = pin!(tokio::signal::ctrl_c());
        let mut reports = Vec::new();
        loop {
            tokio::select! {
                // First, so that it is listened to before the first connection is made.
                biased;
                _ = &mut interrupt => break,
                report = stream.next() => match report {
                    Some(report) => reports.push(report),
                    None => break,
                },
            }
        }
        Ok(Scanned { reports, of })
    }

    /// Prints reports, writes evidence, and chooses the exit code.
    pub(crate) fn finish(&self, scanned: &Scanned, terminal: &Terminal) -> Result<Exit, Failure> {
        let done = scanned.reports.len();
        if done > 0 || !scanned.interrupted() {
            self.report(&scanned.reports, terminal)?;
        }
        if scanned.interrupted() {
            terminal.complain(&format!("interrupted: {done} of {} targets were tested", scanned.of));
            return Ok(Exit::Interrupted);
        }
        Ok(self.rules.threshold().exit_of_all(&scanned.reports))
    }

    fn report(&self, reports: &[Report], terminal: &Terminal) -> Result<(), Failure> {
        // What was found is shown even if the file turns out not to be writable.
        show(reports, &self.output, waxseal_scan::one::now(), terminal)?;
        let Some(path) = &self.evidence else { return Ok(()) };
        let evidence: Vec<Evidence> = reports.iter().map(Report::to_evidence).collect();
        let json = waxseal_render::evidence::to_json(&evidence).map_err(Failure::internal)?;
        std::fs::write(path, json).map_err(|e| not_writable(path, &e))
    }

    /// Fails before the scan, not after it, where the evidence could not be written.
    fn evidence_is_writable(&self) -> Result<(), Failure> {
        let Some(path) = &self.evidence else { return Ok(()) };
        let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
        opened.map(drop).map_err(|e| not_writable(path, &e))
    }
}

/// What a scan brought: all reports, or those that were complete when it was interrupted.
pub(crate) struct Scanned {
    pub(crate) reports: Vec<Report>,
    /// How many targets there were.
    of: usize,
}

impl Scanned {
    /// True if it ended early, by Ctrl-C.
    pub(crate) fn interrupted(&self) -> bool {
        self.reports.len() < self.of
    }
}

fn not_writable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the evidence {} cannot be written: {error}", path.display()))
}

/// Prints reports as the arguments ask.
pub(crate) fn show(
    reports: &[Report],
    output: &OutputArgs,
    now: i64,
    terminal: &Terminal,
) -> Result<(), Failure> {
    if output.json {
        return terminal.print(&json(reports).map_err(Failure::internal)?);
    }
    let style = terminal.style();
    let options = TextOptions { style, verbose: output.verbose, now };
    let in_full = reports.len() == 1 || output.verbose;
    if in_full {
        let pages: Vec<String> = reports.iter().map(|r| text(r, &options)).collect();
        terminal.print(&pages.join("\n"))?;
    }
    if output.transcript {
        for report in reports {
            terminal.print(&transcript(report, &style))?;
        }
    }
    if reports.len() > 1 {
        terminal.print(&summary(reports, &style))?;
    }
    Ok(())
}
