//! `waxseal policy`

use clap::{Args, Subcommand};
use waxseal_judge::publish::{self, PublishOptions};
use waxseal_model::{Target, policy::StsMode};
use waxseal_scan::{Events, Scanner};
use waxseal_wire::{target, tlsrpt};

use super::ask::AskArgs;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// The records and files to publish, so that nobody can strip the TLS.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal policy generate example.com
  waxseal policy generate example.com --mode enforce --rua mailto:tls@example.com")]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Generate(Box<GenerateArgs>),
}

/// Print the MTA-STS policy, the TXT records and the TLSA records for a domain.
///
/// They are filled in from what its MX hosts present now. Nothing is published: copy it.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// The mail domain; for a host with a port only its TLSA records are printed.
    #[arg(value_name = "DOMAIN")]
    target: String,
    /// Mode of the MTA-STS policy: testing, enforce or none.
    #[arg(long, value_name = "MODE", default_value = "testing", value_parser = mode)]
    mode: StsMode,
    /// Seconds that senders keep the policy [default: a day for testing, two weeks for enforce].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=31_557_600))]
    max_age: Option<u32>,
    /// Where TLS reports go: mailto:… or https:… (tls-reports at the domain unless given).
    #[arg(long, value_name = "URI", value_parser = rua)]
    rua: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    how: AskArgs,
}

fn mode(text: &str) -> Result<StsMode, String> {
    [StsMode::Testing, StsMode::Enforce, StsMode::None]
        .into_iter()
        .find(|m| m.word() == text)
        .ok_or_else(|| format!("'{text}' is no mode: use testing, enforce or none"))
}

/// An address of reports must stand in the record that is printed.
fn rua(text: &str) -> Result<String, String> {
    let reading = tlsrpt::parse(&format!("v=TLSRPTv1; rua={text}"));
    match reading.value {
        Some(_) => Ok(text.to_owned()),
        None => Err(reading.errors.join("; ")),
    }
}

pub(crate) fn run(args: &PolicyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let PolicyCommand::Generate(args) = &args.command;
    let target = target::parse(&args.target, None).map_err(Failure::usage)?;
    args.how.ask(async |scanner: &Scanner| generate(args, scanner, target, terminal).await)
}

async fn generate(
    args: &GenerateArgs,
    scanner: &Scanner,
    target: Target,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let evidence = scanner.evidence(target, &Events::ignored()).await;
    let options = PublishOptions { mode: args.mode, max_age: args.max_age, rua: args.rua.clone() };
    let publication = publish::publication(&evidence, &options, waxseal_scan::clock::now());
    if args.json {
        terminal.print(&waxseal_render::json::any(&publication).map_err(Failure::internal)?)?;
    } else {
        terminal.print(&waxseal_render::publication::publication(&publication, &terminal.style()))?;
    }
    let nothing = publication.records.is_empty() && publication.files.is_empty();
    if nothing && let Some(why) = &evidence.no_endpoint {
        terminal.complain(&why.text);
    }
    Ok(if nothing { Exit::Undetermined } else { Exit::Fine })
}
