//! `cargo xtask fuzz`: builds the fuzz targets and runs each for a bounded time.
//!
//! The targets are an ordinary `cargo fuzz` folder. This chore does by itself the little
//! that a short run needs of `cargo fuzz`: instrument for coverage, start the binary. So
//! it needs neither a nightly toolchain nor a tool to install, only a C++ compiler for
//! libFuzzer. For long runs with the address sanitizer: `cargo +nightly fuzz run TARGET`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::steps::{Steps, cargo, must_pass, root, target_dir, works};

/// Which targets, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One target only (its file name in fuzz/fuzz_targets).
    target: Option<String>,
    /// Seconds, shared by all targets that run.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// The flags by which `cargo fuzz` asks LLVM for coverage counters and compared values.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 --cfg fuzzing";

/// Builds and runs.
///
/// # Errors
/// When a target does not build, or finds an input that crashes, hangs or takes too much
/// memory: libFuzzer leaves the input in fuzz/artifacts.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new();
    step(&mut steps, options.target.as_deref(), options.seconds)?;
    steps.finish("cargo xtask fuzz");
    Ok(())
}

/// The same as steps of another chore; skipped where there is no C++ compiler.
///
/// # Errors
/// As [`run`].
pub(crate) fn step(steps: &mut Steps, only: Option<&str>, seconds: u32) -> Result<()> {
    let mut targets = targets()?;
    if let Some(only) = only {
        targets.retain(|target| target == only);
        if targets.is_empty() {
            bail!("no fuzz target {only}: see fuzz/fuzz_targets");
        }
    }
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if !works(Command::new(&compiler).arg("--version")) {
        steps.skip("fuzz", &format!("no C++ compiler ({}), which libFuzzer needs", compiler.display()));
        return Ok(());
    }
    let host = host()?;
    let folder = target_dir().join("fuzz");
    steps.run("fuzz: build", || {
        // Not --locked: the targets have a lock file of their own, which a new dependency
        // of a crate under test may extend.
        let mut command = cargo(["build", "--release", "--bins"]);
        command.args(["--manifest-path", "fuzz/Cargo.toml", "--target", &host]);
        // With --target, build scripts and macros are left without the instruments.
        command.env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", COVERAGE);
        must_pass(&mut command)
    })?;
    let share = (seconds / u32::try_from(targets.len()).unwrap_or(u32::MAX).max(1)).max(1);
    let binaries = folder.join(&host).join("release");
    for target in &targets {
        steps.run(&format!("fuzz: {target}"), || must_pass(&mut one(&binaries, target, share)?))?;
    }
    Ok(())
}

/// One target for some seconds. Inputs that widened the coverage stay in fuzz/corpus and
/// are where the next run begins; fuzz/seeds holds real examples.
fn one(binaries: &Path, target: &str, seconds: u32) -> Result<Command> {
    let fuzz = root().join("fuzz");
    let corpus = fuzz.join("corpus").join(target);
    let artifacts = fuzz.join("artifacts").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot create {}", corpus.display()))?;
    fs::create_dir_all(&artifacts).with_context(|| format!("cannot create {}", artifacts.display()))?;
    let mut command = Command::new(binaries.join(target));
    command
        .current_dir(&fuzz)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=10", "-rss_limit_mb=1024", "-verbosity=0", "-print_final_stats=1"])
        .arg(&corpus);
    let seeds = fuzz.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    Ok(command)
}

/// The targets by name: one file each.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path: PathBuf = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// The triple of this machine, as rustc names it.
fn host() -> Result<String> {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("-vV")
        .output()
        .context("cannot start rustc")?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc -vV names no host")
}
