//! `cargo xtask bench audit`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Result;
use clap::Args;
use waxseal_peers::Postfix;

use super::{
    binary,
    delay::Far,
    headline, own_address, say,
    scanner::{Scanner, print_table, scanners},
    start,
};
use crate::steps::in_path;

#[derive(Debug, Args)]
pub(super) struct Audit {
    /// Runs of each program; testssl.sh, which takes minutes, runs once.
    #[arg(short, default_value_t = 3)]
    n: usize,
    /// Measure this binary instead of building a release.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Round trip of the second measurement, in milliseconds; 0 leaves it out.
    #[arg(long, default_value_t = 50)]
    round_trip: u64,
    /// Leave testssl.sh out.
    #[arg(long)]
    without_testssl: bool,
}

/// What issue and README promise of `waxseal audit` on this server.
const MOST_MS: f64 = 1000.0;
const MOST_CPU_MS: f64 = 60.0;
const MOST_CONNECTIONS: usize = 110;
const TIMES_FASTER: f64 = 3.0;
const TIMES_FASTER_THAN_TESTSSL: f64 = 200.0;
/// Name that stands before the version of the slow one.
const TESTSSL: &str = "testssl.sh";

pub(super) fn run(audit: &Audit) -> Result<()> {
    let binary = binary(audit.binary.as_ref())?;
    let (postfix, on_25) = start()?;
    println!("\n{}\n", headline(&postfix, audit.n));
    let near = measure(audit, &postfix, scanners(&binary, "audit", postfix.address(), on_25), audit.n)?;
    print_table(&near);
    print_promises(&near);
    if audit.round_trip > 0 {
        let far = Far::new(postfix.address(), Duration::from_millis(audit.round_trip), own_address(26))?;
        println!("\nThe same Postfix at a round trip of {} ms, one run of each\n", audit.round_trip);
        let on_25 = far.address.port() == 25;
        let mut programs = scanners(&binary, "audit", far.address, on_25);
        programs.push(parallel(&binary, far.address));
        print_table(&measure(audit, &postfix, programs, 1)?);
    }
    Ok(())
}

fn measure(audit: &Audit, postfix: &Postfix, mut programs: Vec<Scanner>, n: usize) -> Result<Vec<Scanner>> {
    let ours = programs.first().and_then(|p| p.command.last()).cloned().unwrap_or_default();
    for _ in 0..n.max(1) {
        for program in &mut programs {
            program.run_once(postfix)?;
        }
    }
    let testssl = in_path("testssl.sh").or_else(|| in_path("testssl"));
    match testssl.filter(|_| !audit.without_testssl) {
        Some(path) => {
            let arguments =
                ["--warnings", "off", "--openssl-timeout", "10", "--color", "0", "-t", "smtp", &ours];
            let mut slow = Scanner::new(TESTSSL, &path, "--version", &arguments);
            slow.run_once(postfix)?;
            programs.push(slow);
        }
        None => println!("SKIPPED: {TESTSSL}: left out, or: apt-get install testssl.sh"),
    }
    Ok(programs)
}

/// What waxseal does with a server of one's own: several connections at a time.
fn parallel(binary: &std::path::Path, address: SocketAddr) -> Scanner {
    let target = address.to_string();
    let arguments = ["audit", "--parallel", "8", "--starttls", target.as_str()];
    Scanner::new("waxseal, 8 at a time", binary, "--version", &arguments)
}

fn print_promises(programs: &[Scanner]) {
    let Some((waxseal, others)) = programs.split_first() else { return };
    let ours = waxseal.median_ms();
    println!();
    let [_, cpu, _] = waxseal.spread(|(usage, _)| usage.cpu_ms);
    let [_, _, most] = waxseal.spread(|(_, connections)| *connections as f64);
    say(&format!("at most {MOST_MS} ms (median {ours:.0})"), ours <= MOST_MS);
    say(&format!("at most {MOST_CPU_MS} ms of processor time (median {cpu:.0})"), cpu <= MOST_CPU_MS);
    say(&format!("at most {MOST_CONNECTIONS} connections (most {most})"), most <= MOST_CONNECTIONS as f64);
    let is_testssl = |scanner: &&Scanner| scanner.name.starts_with(TESTSSL);
    let fastest =
        others.iter().filter(|s| !is_testssl(s)).min_by(|a, b| a.median_ms().total_cmp(&b.median_ms()));
    let compared = [(others.iter().find(is_testssl), TIMES_FASTER_THAN_TESTSSL), (fastest, TIMES_FASTER)];
    for (other, wanted) in compared {
        match other {
            Some(other) => {
                let times = other.median_ms() / ours;
                say(
                    &format!("at least {wanted} times faster than {} ({times:.1})", other.name),
                    times >= wanted,
                );
            }
            None => println!("SKIPPED: a scanner to compare with is not installed"),
        }
    }
}
