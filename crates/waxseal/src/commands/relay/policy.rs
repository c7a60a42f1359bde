//! `waxseal relay policy`

use std::path::Path;

use clap::Args;
use waxseal_relay::control::{Answer, Request};

use super::desk;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// What mail to a domain needs, at each of its MX hosts, and why.
///
/// The running relay answers, with the policies that it has learnt; names are looked up anew
/// where what it knows is too old.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// The recipient domain.
    #[arg(value_name = "DOMAIN")]
    domain: String,
    /// For mail from this address.
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    sender: String,
    /// Forget the MTA-STS policy that is kept for the domain; it is fetched anew.
    #[arg(long)]
    forget_sts: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PolicyArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let domain = waxseal_wire::target::name_to_ascii(&args.domain).map_err(Failure::usage)?;
    if args.forget_sts {
        desk::done(file, &Request::ForgetSts { domain: domain.clone() }, terminal)?;
    }
    match desk::ask(file, &Request::Policy { domain, sender: args.sender.clone() })? {
        Answer::Policy { policy, text } => {
            let text = if args.json {
                waxseal_render::queue::json(&policy).map_err(Failure::internal)?
            } else {
                text
            };
            terminal.print(&text)?;
        }
        other => return Err(desk::unexpected(&other)),
    }
    Ok(Exit::Fine)
}
