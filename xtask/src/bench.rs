//! `cargo xtask bench check`: waxseal beside other scanners on the same real Postfix.
//!
//! All are run in turn, over and over, so that a busy moment of the machine hits each of
//! them. Connections are counted in Postfix's own log; processor time and memory are the
//! kernel's account of the program and its children ([`crate::usage`]).

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use waxseal_peers::{PeerError, Postfix, postfix};

use crate::{
    steps::{cargo, in_path, must_pass, root, target_dir},
    usage::Usage,
};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// `waxseal check`, sslscan, nmap ssl-enum-ciphers and sslyze on a stock Postfix.
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
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

/// Measures and prints a table.
///
/// # Errors
/// Without root or Postfix, or when a run cannot be started.
pub(crate) fn run(options: &Options) -> Result<()> {
    let What::Check(check) = &options.what;
    let binary = match &check.binary {
        Some(binary) => root().join(binary),
        None => build()?,
    };
    let (postfix, on_25) = start()?;
    let mut programs = scanners(&binary, postfix.address(), on_25);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "\nPostfix {} at {}, {} processors, load {}, {} runs of each in turn\n",
        postfix.version().unwrap_or_default(),
        postfix.address(),
        std::thread::available_parallelism().map_or(1, Into::into),
        load.split(' ').next().unwrap_or("unknown"),
        check.n,
    );
    for _ in 0..check.n.max(1) {
        for program in &mut programs {
            program.run_once(&postfix)?;
        }
    }
    print_table(&programs);
    Ok(())
}

fn build() -> Result<PathBuf> {
    must_pass(&mut cargo(["build", "--release", "--locked", "--package", "waxseal"]))?;
    Ok(target_dir().join("release/waxseal"))
}

/// A stock Postfix, on port 25 of an address of its own if that can be had: nmap speaks
/// STARTTLS on 25 and 587 only.
fn start() -> Result<(Postfix, bool)> {
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    let address = SocketAddr::from((Ipv4Addr::new(127, high, low, 25), 25));
    match Postfix::start(&postfix::Options { address: Some(address), ..Default::default() }) {
        Ok(postfix) => return Ok((postfix, true)),
        Err(PeerError::Unavailable(why)) => bail!("no Postfix to measure on: {why}"),
        Err(PeerError::Failed(why)) => println!("no Postfix on {address}, trying another port: {why}"),
    }
    let postfix = Postfix::start(&postfix::Options::default()).context("no Postfix to measure on")?;
    Ok((postfix, false))
}

/// A program under measurement and its runs so far.
struct Scanner {
    name: String,
    command: Vec<String>,
    runs: Vec<(Usage, usize)>,
}

impl Scanner {
    fn new(name: &str, program: &Path, version: &str, arguments: &[&str]) -> Self {
        let output = Command::new(program).arg(version).output();
        let text = output.map(|o| [o.stdout, o.stderr].concat()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let number = text
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()))
            .find(|word| word.contains('.'))
            .unwrap_or_default();
        let program = program.display().to_string();
        Self {
            name: format!("{name} {number}"),
            command: std::iter::once(program).chain(arguments.iter().map(|&word| word.to_owned())).collect(),
            runs: Vec::new(),
        }
    }

    fn run_once(&mut self, postfix: &Postfix) -> Result<()> {
        let before = postfix.connections();
        let output = Command::new(env::current_exe()?).arg("usage").arg("--").args(&self.command).output()?;
        if !output.status.success() {
            bail!("{}: {}", self.command.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        let usage: Usage = serde_json::from_slice(&output.stdout)?;
        self.runs.push((usage, postfix.connections() - before));
        Ok(())
    }

    /// Smallest, middle and largest of a quantity over all runs.
    fn spread(&self, quantity: impl Fn(&(Usage, usize)) -> f64) -> [f64; 3] {
        let mut values: Vec<f64> = self.runs.iter().map(quantity).collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        [at(0), at(values.len() / 2), at(values.len().saturating_sub(1))]
    }

    fn median_ms(&self) -> f64 {
        self.spread(|(usage, _)| usage.wall_ms)[1]
    }
}

/// Ours first, then those of the others that this machine has.
fn scanners(binary: &Path, address: SocketAddr, on_25: bool) -> Vec<Scanner> {
    let target = address.to_string();
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let mut all =
        vec![Scanner::new("waxseal", binary, "--version", &["check", "--starttls", target.as_str()])];
    let mut add =
        |name: &str, program: Option<PathBuf>, version: &str, arguments: &[&str], get: &str| match program {
            Some(program) => all.push(Scanner::new(name, &program, version, arguments)),
            None => println!("SKIPPED: {name}: {get}"),
        };
    let sslscan = ["--no-colour", "--starttls-smtp", target.as_str()];
    add("sslscan", in_path("sslscan"), "--version", &sslscan, "apt-get install sslscan");
    let nmap = ["-n", "-Pn", "-p", port.as_str(), "--script", "ssl-enum-ciphers", ip.as_str()];
    let program = in_path("nmap").filter(|_| on_25);
    let get = "apt-get install nmap, and port 25 of a loopback address must be free";
    add("nmap", program, "--version", &nmap, get);
    let sslyze = ["--starttls", "smtp", target.as_str()];
    let own = target_dir().join("sslyze");
    let program = in_path("sslyze").or_else(|| Some(own.join("bin/sslyze")).filter(|path| path.is_file()));
    let get = format!("python3 -m venv {0} && {0}/bin/pip install sslyze", own.display());
    add("sslyze", program, "--help", &sslyze, &get);
    all
}

fn print_table(programs: &[Scanner]) {
    let ours = programs.first().map_or(f64::NAN, Scanner::median_ms);
    println!(
        "{:<16} {:>9} {:>9} {:>11} {:>9} {:>11} {:>7} {:>5}",
        "program", "wall min", "median", "connections", "CPU", "peak memory", "ratio", "exit"
    );
    for program in programs {
        let [least, median, _] = program.spread(|(usage, _)| usage.wall_ms);
        let [_, cpu, _] = program.spread(|(usage, _)| usage.cpu_ms);
        let exit = program.runs.last().and_then(|(usage, _)| usage.exit);
        println!(
            "{:<16} {:>7.3} s {:>7.3} s {:>11} {:>7.3} s {:>7.1} MiB {:>6.1}x {:>5}",
            program.name,
            least / 1000.0,
            median / 1000.0,
            connections(program),
            cpu / 1000.0,
            peak_mib(program),
            median / ours,
            exit.map_or_else(|| "signal".into(), |code| code.to_string()),
        );
    }
    print_promises(programs, ours);
}

/// `19`, or `18-19` where runs differ.
fn connections(program: &Scanner) -> String {
    let [least, _, most] = program.spread(|(_, connections)| *connections as f64);
    if least == most { format!("{most}") } else { format!("{least}-{most}") }
}

fn peak_mib(program: &Scanner) -> f64 {
    program.spread(|(usage, _)| usage.peak_kib as f64 / 1024.0)[2]
}

fn print_promises(programs: &[Scanner], ours: f64) {
    let Some((waxseal, others)) = programs.split_first() else { return };
    let [_, _, most] = waxseal.spread(|(_, connections)| *connections as f64);
    println!();
    let say = |text: String, met: bool| println!("{} {text}", if met { "met:    " } else { "NOT MET:" });
    say(format!("at most {MOST_MS} ms (median {ours:.0})"), ours <= MOST_MS);
    let peak = peak_mib(waxseal);
    say(format!("at most {MOST_MIB} MiB (most {peak:.1})"), peak <= MOST_MIB);
    say(format!("at most {MOST_CONNECTIONS} connections (most {most})"), most <= MOST_CONNECTIONS as f64);
    let fastest = others.iter().min_by(|a, b| a.median_ms().total_cmp(&b.median_ms()));
    match fastest {
        Some(other) => {
            let times = other.median_ms() / ours;
            let text = format!("at least {TIMES_FASTER} times faster than {} ({times:.1})", other.name);
            say(text, times >= TIMES_FASTER);
        }
        None => println!("SKIPPED: no other scanner to compare with"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(wall: &[f64], connections: &[usize]) -> Scanner {
        let runs = wall.iter().zip(connections).map(|(&wall_ms, &connections)| {
            (Usage { wall_ms, cpu_ms: 1.0, peak_kib: 2048, exit: Some(0) }, connections)
        });
        Scanner { name: "demo".into(), command: Vec::new(), runs: runs.collect() }
    }

    #[test]
    fn the_median_is_the_middle_of_sorted_runs() {
        let scanner = measured(&[300.0, 100.0, 200.0], &[19, 18, 19]);
        assert_eq!(scanner.spread(|(usage, _)| usage.wall_ms), [100.0, 200.0, 300.0]);
        assert_eq!(connections(&scanner), "18-19");
        assert_eq!(connections(&measured(&[1.0], &[7])), "7");
        assert_eq!(peak_mib(&scanner), 2.0);
    }
}
