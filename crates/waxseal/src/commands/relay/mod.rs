//! `waxseal relay`: the relay and its queue.

mod check_config;
mod desk;
mod password;
mod policy;
mod probe;
mod queue;
mod run;
mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use waxseal_relay::config::Config;

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Where the configuration lies unless something else is said.
const FILE: &str = "/etc/waxseal/relay.toml";

/// Deliver mail under enforced TLS: a smart host that loses nothing.
///
/// Takes mail from your servers and applications, keeps it on disk before it says 250, delivers
/// it with the TLS that your rules, DANE and MTA-STS demand, waits where TLS is missing, delivers
/// at once when it is back, and tells the sender when time is up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal relay check-config
  waxseal relay run
  waxseal relay queue list --reason tls
  waxseal relay queue show 4f1c9a
  waxseal relay policy example.com")]
pub(crate) struct RelayArgs {
    /// The configuration.
    #[arg(long, short, global = true, value_name = "FILE", env = "WAXSEAL_RELAY", default_value = FILE)]
    file: PathBuf,
    #[command(subcommand)]
    command: RelayCommand,
}

#[derive(Debug, Subcommand)]
enum RelayCommand {
    Run(run::RunArgs),
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    Policy(policy::PolicyArgs),
    Status(status::StatusArgs),
    Probe(probe::ProbeArgs),
    CheckConfig(check_config::CheckConfigArgs),
    Password(password::PasswordArgs),
    /// Read the configuration and the certificates anew, without a restart.
    Reload,
}

pub(crate) fn run(args: &RelayArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let file = args.file.as_path();
    match &args.command {
        RelayCommand::Run(run_args) => run::run(run_args, file, terminal),
        RelayCommand::Queue(command) => queue::run(command, file, terminal),
        RelayCommand::Policy(policy_args) => policy::run(policy_args, file, terminal),
        RelayCommand::Status(status_args) => status::run(status_args, file, terminal),
        RelayCommand::Probe(probe_args) => probe::run(probe_args, file, terminal),
        RelayCommand::CheckConfig(check_args) => check_config::run(check_args, file, terminal),
        RelayCommand::Password(password_args) => password::run(password_args, terminal),
        RelayCommand::Reload => desk::done(file, &waxseal_relay::control::Request::Reload, terminal),
    }
}

/// Longest configuration, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The configuration in a file.
///
/// # Errors
/// It cannot be read, or has a mistake: with line and column.
fn config(file: &std::path::Path) -> Result<Config, Failure> {
    let name = file.display().to_string();
    let unread = |e: std::io::Error| {
        Failure::usage(format!("the configuration {name} cannot be read: {e}; name another one with --file"))
    };
    if std::fs::metadata(file).map_err(unread)?.len() > LARGEST {
        return Err(Failure::usage(format!("{name} is larger than 4 MiB: that is no configuration")));
    }
    let text = std::fs::read_to_string(file).map_err(unread)?;
    Config::parse(&name, &text).map_err(Failure::usage)
}
