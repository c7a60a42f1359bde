//! One file a command: its arguments and one function.

pub(crate) mod as_sender;
mod ask;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod checks;
pub(crate) mod clients;
pub(crate) mod completions;
pub(crate) mod dane;
pub(crate) mod diagnose;
pub(crate) mod dns;
pub(crate) mod explain;
mod identity_args;
pub(crate) mod judge;
#[cfg(feature = "lab")]
pub(crate) mod lab;
pub(crate) mod lint;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod online_args;
pub(crate) mod output_args;
pub(crate) mod policy;
pub(crate) mod relay;
mod schema;
pub(crate) mod senders;

use crate::{
    cli::Command,
    exit::{Exit, Failure},
    output::Terminal,
};

/// Runs a command.
pub(crate) fn run(command: Command, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::run(&args, terminal),
        Command::Audit(args) => audit::run(&args, terminal),
        Command::Judge(args) => judge::run(&args, terminal),
        Command::Checks(args) => checks::run(&args, terminal),
        Command::Dane(args) => dane::run(&args, terminal),
        Command::Policy(args) => policy::run(&args, terminal),
        Command::Senders(args) => senders::run(&args, terminal),
        Command::Clients(args) => clients::run(&args, terminal),
        Command::Dns(args) => dns::run(&args, terminal),
        Command::Diagnose(args) => diagnose::run(&args, terminal),
        #[cfg(feature = "lab")]
        Command::Lab(args) => lab::run(&args, terminal),
        Command::Explain(args) => explain::run(&args, terminal),
        Command::Lint(args) => lint::run(&args, terminal),
        Command::Logs(args) => logs::run(&args, terminal),
        Command::Relay(args) => relay::run(&args, terminal),
        Command::Schema => schema::run(terminal),
        Command::Completions(args) => completions::run(&args, terminal),
        Command::Man(args) => man::run(&args, terminal),
    }
}
