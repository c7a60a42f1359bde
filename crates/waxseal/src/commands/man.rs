//! `waxseal man`

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::{
    cli::Cli,
    exit::{Exit, Failure},
    output::Terminal,
};

/// Write the manual pages into a folder.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder; it is made where it is missing.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(crate) fn run(args: &ManArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let folder = &args.folder;
    let refused = |e: std::io::Error| Failure::usage(format!("{} cannot be written: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(refused)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(refused)?;
    terminal
        .say(&format!("manual pages are in {}; read one with: man -l {0}/waxseal-check.1", folder.display()));
    Ok(Exit::Fine)
}
