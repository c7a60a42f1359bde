//! `waxseal judge`

use std::path::PathBuf;

use clap::Args;
use waxseal_judge::judge;
use waxseal_model::Report;
use waxseal_render::evidence;

use crate::{
    commands::check::{OutputArgs, RuleArgs},
    exit::{Exit, Failure},
    output::Terminal,
    sink::Sink,
};

/// Larger files are no evidence.
const LARGEST_FILE: u64 = 1 << 30;

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
    output: OutputArgs,
}

pub(crate) fn run(args: &JudgeArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let profile = args.rules.profile()?;
    let bytes = read(&args.file)?;
    let name = args.file.display();
    let all = evidence::from_json(&bytes).map_err(|e| Failure::usage(format!("{name}: {e}")))?;
    if all.is_empty() {
        return Err(Failure::usage(format!("{name}: an empty list: there is nothing to judge")));
    }
    let today = waxseal_scan::one::now();
    let mut sink = Sink::new(&args.output, args.rules.threshold(), terminal, today, all.len());
    for evidence in all {
        let now = if args.at_scan_time { evidence.started_at } else { today };
        let judgement = judge(&evidence, profile, now);
        sink.take(Report::new(evidence, judgement.grade, judgement.verdicts, judgement.findings, judgement.senders))?;
    }
    sink.finish()
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let mut bytes = Vec::new();
    // Evidence of thousands of domains fits; a disk image given by mistake does not.
    let limit = LARGEST_FILE;
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|f| f.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|e| Failure::usage(format!("the evidence {} cannot be read: {e}", path.display())))?;
    Ok(bytes)
}
