//! `waxseal checks`

use clap::Args;
use waxseal_render::manual;

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// The manual of every check, or of one.
#[derive(Debug, Args)]
pub(crate) struct ChecksArgs {
    /// Id of a check (`certificate.expired`), or the beginning of some (`tls.`).
    #[arg(value_name = "ID")]
    id: Option<String>,
}

pub(crate) fn run(args: &ChecksArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let checks = waxseal_judge::checks();
    let style = terminal.style();
    let Some(id) = &args.id else {
        let rows: Vec<(&str, &str)> = checks.iter().map(|c| (c.id, c.title)).collect();
        terminal.print(&manual::list(&rows, &style))?;
        return Ok(Exit::Fine);
    };
    if let Some(check) = checks.iter().find(|c| c.id == id) {
        terminal.print(&manual::page(check.id, check.title, check.manual, &style))?;
        return Ok(Exit::Fine);
    }
    let rows: Vec<(&str, &str)> =
        checks.iter().filter(|c| c.id.starts_with(id.as_str())).map(|c| (c.id, c.title)).collect();
    if rows.is_empty() {
        return Err(Failure::usage(format!("there is no check '{id}'; `waxseal checks` lists all")));
    }
    terminal.print(&manual::list(&rows, &style))?;
    Ok(Exit::Fine)
}
