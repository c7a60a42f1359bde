//! `waxseal schema`

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

pub(crate) fn run(terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.print(&format!("{:#}", waxseal_render::schema::report_schema()))?;
    Ok(Exit::Fine)
}
