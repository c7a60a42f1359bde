//! The arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use crate::output::Color;

/// Is mail to this domain protected in transit, and what must change?
#[derive(Debug, Parser)]
#[command(name = "waxseal", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 nothing at or above the threshold, 1 findings at or above it,
2 wrong usage, 3 could not be determined, 4 internal error, 130 interrupted.

Begin with:   waxseal check example.com
Offline demo: waxseal check --lab")]
pub(crate) struct Cli {
    /// When to colour: auto (on a terminal, unless NO_COLOR is set), always or never.
    #[arg(long, value_enum, default_value = "auto", global = true, value_name = "WHEN")]
    #[arg(hide_possible_values = true, help_heading = "Output")]
    pub(crate) color: Color,
    /// Columns of text [default: 80, or fewer on a narrow terminal].
    #[arg(long, global = true, value_name = "COLUMNS", env = "WAXSEAL_WIDTH", help_heading = "Output")]
    pub(crate) width: Option<usize>,
    /// A file with defaults for `check`: its long options, in TOML
    /// [default: waxseal/config.toml in $XDG_CONFIG_HOME or ~/.config].
    #[arg(long, global = true, value_name = "FILE", env = "WAXSEAL_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do. The arguments' own comments are the help of each command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(Box<crate::commands::check::CheckArgs>),
    Audit(Box<crate::commands::audit::AuditArgs>),
    Explain(crate::commands::explain::ExplainArgs),
    Diagnose(Box<crate::commands::diagnose::DiagnoseArgs>),
    Judge(crate::commands::judge::JudgeArgs),
    Checks(crate::commands::checks::ChecksArgs),
    Dane(Box<crate::commands::dane::DaneArgs>),
    Policy(crate::commands::policy::PolicyArgs),
    Senders(crate::commands::senders::SendersArgs),
    Clients(crate::commands::clients::ClientsArgs),
    Dns(crate::commands::dns::DnsArgs),
    #[cfg(feature = "lab")]
    Lab(crate::commands::lab::LabArgs),
    Lint(crate::commands::lint::LintArgs),
    Logs(Box<crate::commands::logs::LogsArgs>),
    Relay(Box<crate::commands::relay::RelayArgs>),
    /// Print the JSON Schema of `check --json`.
    Schema,
    Completions(crate::commands::completions::CompletionsArgs),
    Man(crate::commands::man::ManArgs),
}

/// How names are looked up.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Names")]
pub(crate) struct NameArgs {
    /// Name server to ask, instead of the system's; may be given several times.
    #[arg(long, value_name = "ADDR[:PORT]", env = "WAXSEAL_DNS", value_delimiter = ',')]
    pub(crate) dns: Vec<String>,
    /// DS or DNSKEY records to trust, in zone-file form, instead of the root's.
    #[arg(long, value_name = "FILE", env = "WAXSEAL_TRUST_ANCHOR")]
    pub(crate) trust_anchor: Option<PathBuf>,
}

/// Limits of connections.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct ConnectionArgs {
    /// Seconds for each step: a connection, a reply, a handshake [default: 20; lab: 2].
    #[arg(long, value_name = "SECONDS", env = "WAXSEAL_TIMEOUT", value_parser = seconds)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// The most connections to one address and port [default: 20; audit: 250].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) budget: Option<u32>,
    /// Name to give in EHLO, instead of our address in brackets.
    #[arg(long, value_name = "NAME", env = "WAXSEAL_HELO")]
    pub(crate) helo: Option<String>,
    /// Name for SNI and for comparing the certificate, instead of the host's.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Root certificates (PEM), instead of the system's.
    #[arg(long, value_name = "FILE", env = "WAXSEAL_CA_FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Connect to port TO wherever mail's rules say FROM (forwarded ports, test servers).
    #[arg(long, value_name = "FROM:TO", env = "WAXSEAL_PORT_MAP", value_delimiter = ',', value_parser = port_pair)]
    pub(crate) port_map: Vec<(u16, u16)>,
    /// Refuse to connect to addresses that are not public.
    #[arg(long)]
    pub(crate) public: bool,
}

/// How long a step may take at the most.
const LONGEST_STEP: f64 = 600.0;

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    match text.trim_end_matches('s').parse::<f64>() {
        Ok(n) if n > 0.0 && n <= LONGEST_STEP => Ok(std::time::Duration::from_secs_f64(n)),
        _ => Err(format!("'{text}' is no time: give seconds between 0.1 and {LONGEST_STEP}, such as 20")),
    }
}

fn port_pair(text: &str) -> Result<(u16, u16), String> {
    let pair = text.split_once(':').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match pair {
        Some((from, to)) if from != 0 && to != 0 => Ok((from, to)),
        _ => Err(format!("'{text}' is no pair of ports: write FROM:TO, such as 25:10025")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_examples_of_the_help_are_understood() {
        let command = Cli::command();
        let helps = std::iter::once(&command).chain(command.get_subcommands());
        let mut examples = 0;
        for help in helps.filter_map(clap::Command::get_after_help) {
            let text = help.to_string();
            for example in text.lines().filter_map(|l| l.split_once("waxseal ")).map(|(_, rest)| rest) {
                let example = example.split([';', '>']).next().unwrap_or_default();
                let words = std::iter::once("waxseal").chain(example.split_whitespace());
                assert!(Cli::try_parse_from(words).is_ok(), "{example}");
                examples += 1;
            }
        }
        assert!(examples > 5);
    }

    #[test]
    fn odd_values_are_refused_with_an_example() {
        assert!(seconds("0").is_err() && seconds("-1").is_err() && seconds("x").is_err());
        assert_eq!(seconds("2.5"), Ok(std::time::Duration::from_millis(2500)));
        assert!(port_pair("25").is_err() && port_pair("25:70000").is_err());
        assert_eq!(port_pair("25:10025"), Ok((25, 10025)));
    }
}
