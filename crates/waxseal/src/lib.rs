//! waxseal: is mail to this domain protected in transit, and what must change?
//!
//! This crate is the command line. Parts:
//!
//! - `cli`: the arguments; `commands/`: one file a command.
//! - `config`: the configuration file, as defaults of the arguments.
//! - `setup`: from arguments to resolver, roots, limits and scanner.
//! - `stored`: evidence of earlier checks, read again.
//! - `targets`: targets from arguments, files and standard input.
//! - `baseline`: the earlier scans that reports are compared with.
//! - `exit`: the exit codes and what leads to them.
//! - `sink`: where reports go, one by one.
//! - `output`: where text goes, colour, width; `progress`: the bar on a terminal.
//!
//! For use as a library, the crates of the floors below are the interface:
//! `waxseal-scan` for whole scans, `waxseal-model` for their results.

mod baseline;
mod cli;
mod commands;
mod config;
mod exit;
mod output;
mod progress;
mod setup;
mod sink;
mod stored;
mod targets;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, FromArgMatches};

use waxseal_render::nagios::State;

use crate::{
    cli::Cli,
    commands::output_args,
    exit::{Exit, Failure},
    output::{Color, Terminal},
};

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let command = match config::apply(Cli::command(), &arguments) {
        Ok(command) => command,
        Err(failure) => {
            // Help is given whatever stands in the configuration.
            if let Err(help) = Cli::command().try_get_matches_from(&arguments)
                && !help.use_stderr()
            {
                let _ = help.print();
                return Exit::Fine.into();
            }
            return fail(&Terminal::new(Color::Auto, None), &failure, &arguments);
        }
    };
    let parsed = command.try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() && output_args::is_plugin(&arguments) {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
                return fail(&Terminal::new(Color::Auto, None), &Failure::usage(first), &arguments);
            }
            // clap chooses stdout for help and stderr for errors, and words both.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Fine };
            let _ = error.print();
            return code.into();
        }
    };
    let terminal = Terminal::new(cli.color, cli.width);
    match commands::run(cli.command, &terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => fail(&terminal, &failure, &arguments),
    }
}

/// Says what went wrong, to a person or, if the run is a plugin's, to monitoring.
fn fail(terminal: &Terminal, failure: &Failure, arguments: &[OsString]) -> ExitCode {
    if output_args::is_plugin(arguments) {
        let sentence = failure.to_string().replace('|', "/").replace('\n', " ");
        // Nobody is left to tell if this fails.
        let _ = terminal.print(&format!("{} - {sentence}", State::Unknown.word()));
        return Exit::Plugin(State::Unknown).into();
    }
    terminal.complain(&failure.to_string());
    failure.exit.into()
}
