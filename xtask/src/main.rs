//! The project's own chores, run as `cargo xtask CHORE`.
//!
//! - [`mod@test`]: everything that must pass before a change goes in.
//! - [`fuzz`]: the fuzz targets, each for a bounded time.
//! - [`mod@bench`]: waxseal beside other scanners on one real server.
//! - [`record`]: the ClientHello of a real mail program, as a file for `crates/judge/clients`.
//! - [`dist`]: man pages and completions for packagers.
//! - [`steps`]: how a chore runs commands, times them and says what it left out.
//!
//! Nothing here is part of the product, and nothing here may be needed to use it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

mod bench;
mod dist;
mod fuzz;
mod record;
mod steps;
mod test;
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Format, lints, tests, documentation, real servers, a short fuzz run.
    Test(test::Options),
    /// Build the fuzz targets and run each for a bounded time.
    Fuzz(fuzz::Options),
    /// Measure waxseal and other scanners on one real server.
    Bench(bench::Options),
    /// Wait on loopback for mail programs, and write down the ClientHello of each.
    RecordHello(record::Options),
    /// Write man pages and shell completions.
    Dist(dist::Options),
    /// Run a command and print what it cost as JSON (used by `bench`).
    #[command(hide = true)]
    Usage(usage::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Test(options) => test::run(&options),
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::RecordHello(options) => record::run(&options),
        Chore::Dist(options) => dist::run(&options),
        Chore::Usage(options) => usage::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
