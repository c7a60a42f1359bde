//! `cargo xtask test`: everything that must pass before a change goes in.

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    fuzz,
    steps::{Steps, cargo, in_path, must_pass, works},
};

/// What to run, and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leave out the documentation, the real servers and the fuzz run.
    #[arg(long)]
    quick: bool,
    /// Seconds of fuzzing, shared by all targets.
    #[arg(long, default_value_t = 30)]
    fuzz_seconds: u32,
}

/// Runs the steps, cheapest first, and stops at the first that fails.
///
/// # Errors
/// The first step that failed. What the machine has no means for is skipped and said
/// so, in place and at the end.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new();
    format(&mut steps)?;
    steps.run("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked"];
        must_pass(cargo(arguments).args(["--", "-D", "warnings"]))
    })?;
    let real = if options.quick {
        steps.skip("real servers", "--quick was given");
        false
    } else {
        real_servers(&mut steps)
    };
    say_what_is_missing(&mut steps);
    tests(&mut steps, real)?;
    if options.quick {
        steps.skip("documentation", "--quick was given");
        steps.skip("fuzz", "--quick was given");
    } else {
        steps.run("documentation", || {
            let arguments = ["doc", "--workspace", "--no-deps", "--locked"];
            must_pass(cargo(arguments).env("RUSTDOCFLAGS", "-D warnings"))
        })?;
        fuzz::step(&mut steps, None, options.fuzz_seconds)?;
    }
    steps.finish("cargo xtask test");
    Ok(())
}

fn format(steps: &mut Steps) -> Result<()> {
    if !works(&mut cargo(["fmt", "--version"])) {
        bail!("rustfmt is missing: rustup component add rustfmt clippy");
    }
    steps.run("format", || must_pass(&mut cargo(["fmt", "--all", "--check"])))?;
    steps.run("format of the fuzz targets", || {
        must_pass(&mut cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
    })
}

/// Fetches what the tests against real servers need, and says which cannot be had: the
/// tests themselves run with their output captured, so that a skip in them stays unseen.
fn real_servers(steps: &mut Steps) -> bool {
    let mut any = false;
    for peer in waxseal_peers::Kind::ALL {
        match waxseal_peers::prepare(peer) {
            Ok(what) => {
                println!("\n==> real server: {peer}\n    {what}");
                any = true;
            }
            Err(error) => steps.skip(&format!("real server: {peer}"), &error.to_string()),
        }
    }
    any
}

/// Tests that compare with other programs skip where these are missing. With their output
/// captured that would stay unseen, so it is said here.
fn say_what_is_missing(steps: &mut Steps) {
    for (purpose, programs) in [
        ("DNSSEC compared with unbound", &["named", "unbound", "dnssec-keygen", "dnssec-signzone"][..]),
        ("TLS and certificates compared with OpenSSL", &["openssl"]),
        ("TLS hellos tried on GnuTLS", &["gnutls-serv"]),
        ("the queue's flushes counted, and failing", &["cc"]),
        ("the queue on a full disk", &["unshare", "mount"]),
        ("a damaged queue saved", &["sqlite3"]),
    ] {
        let missing: Vec<&str> = programs.iter().copied().filter(|p| in_path(p).is_none()).collect();
        if !missing.is_empty() {
            steps.skip(purpose, &format!("not found: {}", missing.join(", ")));
        }
    }
}

fn tests(steps: &mut Steps, real_servers: bool) -> Result<()> {
    // A test that finds no server passes at once: without the variable it would fetch
    // packages by itself.
    let peers = if real_servers { "on" } else { "off" };
    steps.run("tests", || {
        let mut command = if works(&mut cargo(["nextest", "--version"])) {
            cargo(["nextest", "run", "--workspace", "--all-features", "--locked", "--no-fail-fast"])
        } else {
            cargo(["test", "--workspace", "--all-features", "--all-targets", "--locked", "--no-fail-fast"])
        };
        must_pass(command.env(waxseal_peers::SWITCH, peers))
    })?;
    steps.run("examples in the documentation", || {
        must_pass(&mut cargo(["test", "--workspace", "--all-features", "--doc", "--locked"]))
    })
}
