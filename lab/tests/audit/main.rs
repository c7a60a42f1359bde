//! The servers for audits do what they claim, as other programs see it: OpenSSL's client and
//! sslscan where this machine has them, and bytes written by hand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy.toml allows these in tests, but does not know the helpers of one"
)]

#[path = "../common/mod.rs"]
mod common;
mod openssl;
mod raw;
mod smtp;
mod sslscan;

use std::{
    net::SocketAddr,
    process::{Command, Output, Stdio},
};

use waxseal_lab::{Lab, LabOptions};

/// A lab with these cases.
async fn lab(cases: &[&str]) -> Lab {
    let only = cases.iter().map(|c| (*c).to_owned()).collect();
    let mut options = LabOptions::audit();
    options.only = only;
    let lab = Lab::start(options).await.unwrap();
    assert_eq!(lab.domains().len(), cases.len(), "{cases:?}");
    lab
}

fn host(case: &str) -> String {
    format!("mx.{case}.lab.test")
}

fn address(lab: &Lab, case: &str, port: u16) -> SocketAddr {
    SocketAddr::new(lab.address(&host(case)).unwrap(), lab.port_map()[&port])
}

/// Runs a program beside the lab.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output()).await.unwrap().unwrap()
}

/// True if this machine has a program; says so if not.
fn has(program: &str, version: &str) -> bool {
    let found = Command::new(program).arg(version).stdin(Stdio::null()).output().is_ok();
    if !found {
        eprintln!("SKIPPED: no {program} on this machine, the lab was not compared with it");
    }
    found
}
