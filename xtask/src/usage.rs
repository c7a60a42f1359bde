//! `cargo xtask usage COMMAND…`: runs one command and prints what it cost.
//!
//! A process of its own for each measurement, because the kernel keeps one account for
//! all children that a process has waited for.

use std::{
    ffi::OsString,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use serde::{Deserialize, Serialize};

/// The command to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Program and arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

/// What one run of a command cost, its children included.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// From start to end, in milliseconds.
    pub(crate) wall_ms: f64,
    /// Processor time in user and kernel mode, in milliseconds.
    pub(crate) cpu_ms: f64,
    /// Largest resident set of any one process of it, in KiB.
    pub(crate) peak_kib: i64,
    /// Exit status; none when a signal ended it.
    pub(crate) exit: Option<i32>,
}

/// Runs the command with its output discarded, and prints one line of JSON.
///
/// # Errors
/// When the command cannot be started, or the kernel does not say what it cost.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (program, arguments) = options.command.split_first().context("no command")?;
    let began = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let wall_ms = began.elapsed().as_secs_f64() * 1000.0;
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (used.user_time() + used.system_time()).num_microseconds();
    let usage = Usage {
        wall_ms,
        cpu_ms: cpu as f64 / 1000.0,
        // Linux counts in KiB.
        peak_kib: used.max_rss(),
        exit: status.code(),
    };
    println!("{}", serde_json::to_string(&usage)?);
    Ok(())
}
