//! waxseal: is mail to this domain protected in transit, and what must change?
//!
//! This crate is the command line. Parts:
//!
//! - `cli`: the arguments; `commands/`: one file a command.
//! - `setup`: from arguments to resolver, roots, limits and scanner.
//! - `targets`: targets from arguments, files and standard input.
//! - `exit`: the exit codes and what leads to them.
//! - `output`: where text goes, colour, width; `progress`: the bar on a terminal.
//!
//! For use as a library, the crates of the floors below are the interface:
//! `waxseal-scan` for whole scans, `waxseal-model` for their results.

mod cli;
mod commands;
mod exit;
mod output;
mod progress;
mod setup;
mod targets;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, exit::Exit, output::Terminal};

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap chooses stdout for help and stderr for errors, and words both.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Fine };
            let _ = error.print();
            return code.into();
        }
    };
    let terminal = Terminal::new(cli.color, cli.width);
    match commands::run(cli.command, &terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.complain(&failure.to_string());
            failure.exit.into()
        }
    }
}
