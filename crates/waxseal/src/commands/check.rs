//! `waxseal check`

use std::{path::PathBuf, pin::pin};

use clap::Args;
use futures_util::StreamExt;
use waxseal_judge::{Profile, profile, profile_names};
use waxseal_model::{Letter, Severity, Target, Threshold, TlsStart, Usage};
use waxseal_scan::{ScanOptions, Scanner, many};

use super::{as_sender::SenderArgs, audit::Audit, output_args::OutputArgs};
use crate::{
    baseline::Baseline,
    cli::{ConnectionArgs, NameArgs},
    exit::{Exit, Failure},
    output::Terminal,
    progress::Progress,
    setup::{self, Surroundings},
    sink::Sink,
    stored, targets,
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
  waxseal check example.com --baseline scan.json --only-new
  waxseal check --targets-file domains.txt -o sarif=mail.sarif -o junit=mail.xml
  waxseal check example.com --as exchange-online --under-attack
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
    pub(super) lab: bool,
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
    identity: super::identity_args::IdentityArgs,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    sender: SenderArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Evidence of an earlier check of the same domains: finds policies that changed without
    /// a new id, or that vanished while senders still keep to them.
    #[arg(long, value_name = "FILE")]
    earlier: Option<PathBuf>,
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
    /// An earlier `--json` or `--evidence` file of the same targets: tells what changed since,
    /// worse first.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Let only findings count for --fail-on that are new, or worse, since the baseline.
    #[arg(long, requires = "baseline")]
    only_new: bool,
}

/// The rules that hold where none are chosen.
///
/// # Errors
/// None that can be met: the default profile is part of the program.
pub(crate) fn default_profile() -> Result<&'static Profile, Failure> {
    let name = profile_names().first().copied().unwrap_or_default();
    profile(name).ok_or_else(|| Failure::internal("there is no default profile"))
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
            only_new: self.only_new,
        }
    }

    /// The earlier scans to compare with.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no evidence.
    pub(crate) fn baseline(&self) -> Result<Option<Baseline>, Failure> {
        let Some(path) = &self.baseline else { return Ok(None) };
        Ok(Some(Baseline::new(path, self.profile()?)?))
    }
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
        return super::lab::check(args, None, terminal);
    }
    let targets = args.parse_targets()?;
    if targets.is_empty() {
        return Err(Failure::usage(
            "nothing to check: name a domain (waxseal check example.com), or try waxseal check --lab",
        ));
    }
    let runtime = setup::runtime(targets.len() > 1)?;
    runtime.block_on(args.scan(targets, &Surroundings::default(), None, terminal))?.finish()
}

impl CheckArgs {
    /// The targets that were named.
    pub(crate) fn parse_targets(&self) -> Result<Vec<Target>, Failure> {
        targets::all(&self.targets, self.targets_file.as_deref(), self.port)
    }

    /// Scans the targets, with a bar on a terminal, and hands every report to the sink that
    /// it gives back.
    pub(crate) async fn scan<'a>(
        &'a self,
        targets: Vec<Target>,
        around: &Surroundings,
        audit: Option<Audit>,
        terminal: &'a Terminal,
    ) -> Result<Sink<'a>, Failure> {
        let tls = match (self.implicit, self.starttls) {
            (true, _) => Some(TlsStart::Implicit),
            (_, true) => Some(TlsStart::Starttls),
            (false, false) => None,
        };
        let step = setup::step(&self.connection, around);
        let resolver = setup::resolver(&self.names, around, step)?;
        let (audit, lookups) = audit.map(|a| (a.probing, a.lookups)).unzip();
        let prober = setup::prober(&self.connection, around, tls.is_some(), audit)?;
        let options = ScanOptions {
            port: self.port,
            tls,
            usage: self.submission.then_some(Usage::Submission),
            identity: self.identity.options(&targets)?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            earlier: stored::policies(self.earlier.as_deref())?,
            audit: lookups,
        };
        let scanner = Scanner::new(resolver, prober, options, self.rules.profile()?);
        let now = waxseal_scan::clock::now();
        let mut sink = Sink::new(&self.output, self.rules.threshold(), terminal, now, targets.len())?
            .with_baseline(self.rules.baseline()?)
            .with_evidence(self.evidence.as_deref())?
            .with_sender(&self.sender)?
            .with_list(self.targets_file.as_deref(), self.port)
            .with_stories(around.story);
        let progress = Progress::new(targets.len());
        let events = progress.events();
        let mut stream = pin!(many::reports(&scanner, targets, many::TARGETS_AT_A_TIME, &events));
        let mut interrupt = pin!(tokio::signal::ctrl_c());
        loop {
            tokio::select! {
                // First, so that it is listened to before the first connection is made.
                biased;
                _ = &mut interrupt => break,
                report = stream.next() => match report {
                    Some(report) => progress.aside(|| sink.take(report))?,
                    None => break,
                },
            }
        }
        Ok(sink)
    }
}
