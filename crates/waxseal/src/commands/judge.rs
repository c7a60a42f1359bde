//! `waxseal judge`

use std::path::PathBuf;

use clap::Args;
use waxseal_judge::judge;
use waxseal_model::Report;

use super::{as_sender::SenderArgs, output_args::OutputArgs};
use crate::{
    commands::check::RuleArgs,
    exit::{Exit, Failure},
    output::Terminal,
    sink::Sink,
    stored,
};

/// Judge stored evidence again, without a network.
///
/// The evidence is what `waxseal check --evidence FILE` wrote. Dates are judged as of
/// today, unless --at-scan-time is given.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Judge as of the time of the scan instead of today.
    #[arg(long)]
    at_scan_time: bool,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    sender: SenderArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &JudgeArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let profile = args.rules.profile()?;
    let all = stored::read(&args.file)?;
    let today = waxseal_scan::clock::now();
    let mut sink = Sink::new(&args.output, args.rules.threshold(), terminal, today, all.len())?
        .with_baseline(args.rules.baseline()?)
        .with_sender(&args.sender)?;
    for evidence in all {
        let now = if args.at_scan_time { evidence.started_at } else { today };
        let judgement = judge(&evidence, profile, now);
        sink.take(Report::new(
            evidence,
            judgement.grade,
            judgement.verdicts,
            judgement.findings,
            judgement.senders,
            judgement.clients,
        ))?;
    }
    sink.finish()
}
