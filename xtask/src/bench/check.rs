//! `cargo xtask bench check`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{
    binary, headline, say,
    scanner::{Scanner, peak_mib, print_table, scanners},
    start,
};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Runs of each program.
    #[arg(short, default_value_t = 5)]
    n: usize,
    /// Measure this binary instead of building a release.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// What issue and README promise of `waxseal check` on this server.
const MOST_MS: f64 = 150.0;
const MOST_MIB: f64 = 40.0;
const MOST_CONNECTIONS: usize = 20;
const TIMES_FASTER: f64 = 5.0;

pub(super) fn run(check: &Check) -> Result<()> {
    let binary = binary(check.binary.as_ref())?;
    let (postfix, on_25) = start()?;
    let mut programs = scanners(&binary, "check", postfix.address(), on_25);
    println!("\n{}\n", headline(&postfix, check.n));
    for _ in 0..check.n.max(1) {
        for program in &mut programs {
            program.run_once(&postfix)?;
        }
    }
    print_table(&programs);
    print_promises(&programs);
    Ok(())
}

fn print_promises(programs: &[Scanner]) {
    let Some((waxseal, others)) = programs.split_first() else { return };
    let ours = waxseal.median_ms();
    let [_, _, most] = waxseal.spread(|(_, connections)| *connections as f64);
    println!();
    say(&format!("at most {MOST_MS} ms (median {ours:.0})"), ours <= MOST_MS);
    let peak = peak_mib(waxseal);
    say(&format!("at most {MOST_MIB} MiB (most {peak:.1})"), peak <= MOST_MIB);
    say(&format!("at most {MOST_CONNECTIONS} connections (most {most})"), most <= MOST_CONNECTIONS as f64);
    let fastest = others.iter().min_by(|a, b| a.median_ms().total_cmp(&b.median_ms()));
    match fastest {
        Some(other) => {
            let times = other.median_ms() / ours;
            let text = format!("at least {TIMES_FASTER} times faster than {} ({times:.1})", other.name);
            say(&text, times >= TIMES_FASTER);
        }
        None => println!("SKIPPED: no other scanner to compare with"),
    }
}
