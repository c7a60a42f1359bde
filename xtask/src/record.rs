//! `cargo xtask record-hello PORT`: what a mail program offers in TLS, written down.
//!
//! The listener itself is an example of `waxseal-probe`, which knows the names of suites and
//! groups. Point a program at `127.0.0.1:PORT`, fill in what its hello cannot tell (id, name,
//! settings, source), and put the result into `crates/judge/clients` and the list in
//! `crates/judge/src/clients/all.rs`.

use anyhow::Result;
use clap::Args;

use crate::steps::{cargo, must_pass};

/// Where to listen, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of 127.0.0.1.
    port: u16,
    /// TLS from the first byte, instead of STARTTLS.
    #[arg(long)]
    implicit: bool,
}

/// Listens until it is ended.
///
/// # Errors
/// When it cannot be built, or the port is taken.
pub(crate) fn run(options: &Options) -> Result<()> {
    let port = options.port.to_string();
    let mut command =
        cargo(["run", "--quiet", "--package", "waxseal-probe", "--example", "record_hello", "--", &port]);
    if options.implicit {
        command.arg("--implicit");
    }
    must_pass(&mut command)
}
