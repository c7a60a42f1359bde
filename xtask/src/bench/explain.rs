//! `cargo xtask bench explain`: mail logs beside pflogsumm, bounces, and a single line.

use std::{
    env, fs,
    io::BufWriter,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{binary, maillog, say};
use crate::{
    steps::{in_path, root, target_dir},
    usage::Usage,
};

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Runs of each program.
    #[arg(short, default_value_t = 5)]
    n: usize,
    /// Measure this binary instead of building a release.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Lines of the log.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// A folder of bounces.
    #[arg(long, default_value = "../shared/corpus/bounces/emails")]
    bounces: PathBuf,
}

/// What issue and README promise, by processor time on one core.
const LINES_A_MINUTE: f64 = 1_000_000.0;
const TIMES_FASTER: f64 = 20.0;
const BOUNCES_A_SECOND: f64 = 5_000.0;
/// How often the folder of bounces is read in one run.
const TIMES_OVER: usize = 10;
const MOST_MS: f64 = 10.0;
/// What is asked again and again.
const LINE: &str = "451 4.7.6 [internal] STARTTLS required but not advertised";
/// Runs for the single line.
const COLD_STARTS: usize = 40;

pub(super) fn run(explain: &Explain) -> Result<()> {
    let binary = binary(explain.binary.as_ref())?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, Into::<usize>::into);
    let load = load.split(' ').next().unwrap_or("unknown");
    println!("\n{processors} processors, load {load}, {} runs of each in turn\n", explain.n);
    logs(explain, &binary)?;
    bounces(explain, &binary)?;
    one_line(&binary)
}

/// The same file, read by both programs in turn.
fn logs(explain: &Explain, binary: &Path) -> Result<()> {
    let path = target_dir().join("bench-mail.log");
    let file = fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let lines = maillog::write(BufWriter::new(file), explain.lines)?;
    let name = path.display().to_string();
    let mib = fs::metadata(&path)?.len() as f64 / 1024.0 / 1024.0;
    println!("a mail log of {lines} lines, {mib:.0} MiB");
    let ours = [binary.display().to_string(), "logs".into(), name.clone()];
    let other = in_path("pflogsumm").map(|program| [program.display().to_string(), name]);
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for _ in 0..explain.n.max(1) {
        // 1: mail went in clear; 3: the log does not say of all.
        own.push(measure(&ours, &[0, 1, 3])?);
        if let Some(other) = &other {
            others.push(measure(other, &[0])?);
        }
    }
    // It is made anew each time; nobody needs it.
    let _ = fs::remove_file(&path);
    let cpu = row("waxseal logs", &own);
    let a_minute = lines as f64 / cpu * 60_000.0;
    let million = a_minute / 1e6;
    say(
        &format!("at least 1 million lines a minute a core ({million:.0} million)"),
        a_minute >= LINES_A_MINUTE,
    );
    if others.is_empty() {
        println!("SKIPPED: pflogsumm: apt-get install pflogsumm");
        return Ok(());
    }
    let times = row("pflogsumm", &others) / cpu;
    say(&format!("at least {TIMES_FASTER} times faster than pflogsumm ({times:.1})"), times >= TIMES_FASTER);
    Ok(())
}

fn bounces(explain: &Explain, binary: &Path) -> Result<()> {
    let folder = root().join(&explain.bounces);
    let files = count(&folder);
    if files == 0 {
        println!("SKIPPED: bounces: there is no {}", folder.display());
        return Ok(());
    }
    let words = [binary.display().to_string(), "explain".into(), "--format".into(), "sisimai".into()];
    // Over and over, as one big folder: the first mail of a kind also pays for its patterns.
    let folders = vec![folder.display().to_string(); TIMES_OVER];
    let command = [words.to_vec(), folders].concat();
    let runs = (0..explain.n.max(1)).map(|_| measure(&command, &[0])).collect::<Result<Vec<_>>>()?;
    let files = files * TIMES_OVER;
    println!("\n{files} bounces");
    let cpu = row("waxseal explain", &runs);
    let a_second = files as f64 / cpu * 1000.0;
    say(
        &format!("at least {BOUNCES_A_SECOND} bounces a second a core ({a_second:.0})"),
        a_second >= BOUNCES_A_SECOND,
    );
    Ok(())
}

fn one_line(binary: &Path) -> Result<()> {
    let command = [binary.display().to_string(), "explain".into(), LINE.into()];
    let runs = (0..COLD_STARTS).map(|_| measure(&command, &[0])).collect::<Result<Vec<_>>>()?;
    println!("\none line, from a cold start");
    row("waxseal explain", &runs);
    let median = median(runs.iter().map(|usage| usage.wall_ms));
    say(&format!("at most {MOST_MS} ms (median of {COLD_STARTS}: {median:.1})"), median <= MOST_MS);
    Ok(())
}

/// Files in a folder and those within.
fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

/// What one run cost.
fn measure(command: &[String], exits: &[i32]) -> Result<Usage> {
    let output = Command::new(env::current_exe()?).arg("usage").arg("--").args(command).output()?;
    if !output.status.success() {
        bail!("{}: {}", command.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    let usage: Usage = serde_json::from_slice(&output.stdout)?;
    if !usage.exit.is_some_and(|exit| exits.contains(&exit)) {
        bail!("{}: exit {:?}", command.join(" "), usage.exit);
    }
    Ok(usage)
}

/// Prints a row, and gives the median of the processor time.
fn row(name: &str, runs: &[Usage]) -> f64 {
    let cpu = median(runs.iter().map(|usage| usage.cpu_ms));
    let wall = median(runs.iter().map(|usage| usage.wall_ms));
    let peak = runs.iter().map(|usage| usage.peak_kib).max().unwrap_or(0) as f64 / 1024.0;
    println!("  {name:<16} CPU {cpu:>8.1} ms   wall {wall:>8.1} ms   peak memory {peak:>6.1} MiB");
    cpu
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert!(median(std::iter::empty()).is_nan());
    }
}
