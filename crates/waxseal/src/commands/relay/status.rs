//! `waxseal relay status`

use std::path::Path;

use clap::Args;
use waxseal_relay::control::{Answer, Request};
use waxseal_scan::clock::now;

use super::desk;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Is mail accepted, how much waits, which sites are watched?
///
/// Exits with 0 if the relay runs and accepts mail, with 1 if it does not.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatusArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let status = match desk::ask(file, &Request::Status)? {
        Answer::Status { status } => status,
        other => return Err(desk::unexpected(&other)),
    };
    let text = match args.json {
        true => waxseal_render::queue::json(&status).map_err(Failure::internal)?,
        false => waxseal_render::queue::status(&status, now(), &terminal.style()),
    };
    terminal.print(&text)?;
    let well = status.process.is_some() && status.refusal.is_none();
    Ok(if well { Exit::Fine } else { Exit::Findings })
}
