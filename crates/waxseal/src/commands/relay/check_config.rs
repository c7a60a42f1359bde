//! `waxseal relay check-config`

use std::path::Path;

use clap::Args;

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Read the configuration and everything it names, and say the first mistake.
#[derive(Debug, Args)]
pub(crate) struct CheckConfigArgs {}

pub(super) fn run(_: &CheckConfigArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let config = super::config(file)?;
    let remarks =
        waxseal_relay::run::check(&config).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    for remark in &remarks {
        terminal.say(&format!("note: {remark}"));
    }
    terminal.print(&format!("{}: no mistake found", file.display()))?;
    Ok(Exit::Fine)
}
