//! `waxseal relay probe`

use std::path::Path;

use clap::Args;
use waxseal_relay::control::Request;

use super::desk;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Ask a site now whether its TLS is mended; if so, its mail is delivered.
#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// A recipient domain, or an MX host.
    #[arg(value_name = "DOMAIN")]
    name: String,
}

pub(super) fn run(args: &ProbeArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    desk::done(file, &Request::Probe { name: args.name.clone() }, terminal)
}
