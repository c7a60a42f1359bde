//! A program under measurement.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use waxseal_peers::Postfix;

use crate::{
    steps::{in_path, target_dir},
    usage::Usage,
};

/// A program under measurement and its runs so far.
pub(super) struct Scanner {
    pub(super) name: String,
    pub(super) command: Vec<String>,
    pub(super) runs: Vec<(Usage, usize)>,
}

impl Scanner {
    pub(super) fn new(name: &str, program: &Path, version: &str, arguments: &[&str]) -> Self {
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

    pub(super) fn run_once(&mut self, postfix: &Postfix) -> Result<()> {
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
    pub(super) fn spread(&self, quantity: impl Fn(&(Usage, usize)) -> f64) -> [f64; 3] {
        let mut values: Vec<f64> = self.runs.iter().map(quantity).collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        [at(0), at(values.len() / 2), at(values.len().saturating_sub(1))]
    }

    pub(super) fn median_ms(&self) -> f64 {
        self.spread(|(usage, _)| usage.wall_ms)[1]
    }
}

/// Ours first, then those of the others that this machine has.
///
/// `command` is what waxseal is to do.
pub(super) fn scanners(binary: &Path, command: &str, address: SocketAddr, on_25: bool) -> Vec<Scanner> {
    let target = address.to_string();
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let mut all =
        vec![Scanner::new("waxseal", binary, "--version", &[command, "--starttls", target.as_str()])];
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

pub(super) fn print_table(programs: &[Scanner]) {
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
}

/// `19`, or `18-19` where runs differ.
fn connections(program: &Scanner) -> String {
    let [least, _, most] = program.spread(|(_, connections)| *connections as f64);
    if least == most { format!("{most}") } else { format!("{least}-{most}") }
}

pub(super) fn peak_mib(program: &Scanner) -> f64 {
    program.spread(|(usage, _)| usage.peak_kib as f64 / 1024.0)[2]
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
