//! `cargo xtask bench`: waxseal beside other scanners on the same real Postfix.
//!
//! - [`mod@check`], [`mod@audit`], [`mod@explain`], [`mod@relay`]: what is measured, and what was promised of it.
//! - `maillog`: a mail log, made for that.
//! - `scanner`: a program and its runs; all are run in turn, over and over, so that a busy
//!   moment of the machine hits each of them.
//! - `delay`: a server seen from far away.
//!
//! Connections are counted in Postfix's own log; processor time and memory are the kernel's
//! account of the program and its children ([`crate::usage`]).

mod audit;
mod check;
mod delay;
mod explain;
mod maillog;
mod process;
mod relay;
mod scanner;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use waxseal_peers::{PeerError, Postfix, postfix};

use crate::steps::{cargo, must_pass, root, target_dir};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// `waxseal check`, sslscan, nmap ssl-enum-ciphers and sslyze on a stock Postfix.
    Check(check::Check),
    /// `waxseal audit`, testssl.sh, sslyze, sslscan and nmap on a stock Postfix, near and far.
    Audit(audit::Audit),
    /// `waxseal logs` and pflogsumm on the same log; bounces; one line from a cold start.
    Explain(explain::Explain),
    /// `waxseal relay` and Postfix between the same source and sink: speed, flushes, memory.
    Relay(relay::Relay),
}

/// Measures and prints a table.
///
/// # Errors
/// Without root or Postfix, or when a run cannot be started.
pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.what {
        What::Check(check) => check::run(check),
        What::Audit(audit) => audit::run(audit),
        What::Explain(explain) => explain::run(explain),
        What::Relay(relay) => relay::run(relay),
    }
}

/// The binary to measure: the one that was named, or a release that is built now.
fn binary(named: Option<&PathBuf>) -> Result<PathBuf> {
    match named {
        Some(binary) => Ok(root().join(binary)),
        None => {
            must_pass(&mut cargo(["build", "--release", "--locked", "--package", "waxseal"]))?;
            Ok(target_dir().join("release/waxseal"))
        }
    }
}

/// An address of our own on loopback: nmap speaks STARTTLS on ports 25 and 587 only.
fn own_address(last: u8) -> SocketAddr {
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, high, low, last), 25))
}

/// A stock Postfix, on port 25 of an address of its own if that can be had.
fn start() -> Result<(Postfix, bool)> {
    let address = own_address(25);
    match Postfix::start(&postfix::Options { address: Some(address), ..Default::default() }) {
        Ok(postfix) => return Ok((postfix, true)),
        Err(PeerError::Unavailable(why)) => bail!("no Postfix to measure on: {why}"),
        Err(PeerError::Failed(why)) => println!("no Postfix on {address}, trying another port: {why}"),
    }
    let postfix = Postfix::start(&postfix::Options::default()).context("no Postfix to measure on")?;
    Ok((postfix, false))
}

/// Where and when it is measured, in one line.
fn headline(postfix: &Postfix, runs: usize) -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "Postfix {} at {}, {} processors, load {}, {runs} runs of each in turn",
        postfix.version().unwrap_or_default(),
        postfix.address(),
        std::thread::available_parallelism().map_or(1, Into::into),
        load.split(' ').next().unwrap_or("unknown"),
    )
}

/// A promise, and whether it is kept.
fn say(text: &str, met: bool) {
    println!("{} {text}", if met { "met:    " } else { "NOT MET:" });
}
