//! `cargo xtask dist`: what packagers put beside each other, in one folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use clap::Args;

use crate::steps::{Steps, cargo, must_pass, root, target_dir};

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder to write to [default: dist in cargo's target folder].
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Files that are shipped as they are.
const COPIES: [&str; 5] = ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE"];
/// Shells for which clap writes completions.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Builds a release, and lets it write its own man pages, completions and JSON Schema.
///
/// # Errors
/// When it does not build, or a file cannot be written.
pub(crate) fn run(options: &Options) -> Result<()> {
    let out = options.out.as_ref().map_or_else(|| target_dir().join("dist"), |out| root().join(out));
    let binary = target_dir().join("release/waxseal");
    let mut steps = Steps::new();
    steps.run("release build", || {
        must_pass(&mut cargo(["build", "--release", "--locked", "--package", "waxseal"]))
    })?;
    steps.run("man pages", || {
        create(&out.join("man"))?;
        must_pass(Command::new(&binary).arg("man").arg(out.join("man")))
    })?;
    steps.run("completions and schema", || {
        create(&out.join("completions"))?;
        for shell in SHELLS {
            let file = out.join("completions").join(format!("waxseal.{shell}"));
            print_to(&file, &binary, &["completions", shell])?;
        }
        print_to(&out.join("report.schema.json"), &binary, &["schema"])
    })?;
    steps.run("copies", || {
        copy(&binary, &out.join("waxseal"))?;
        COPIES.iter().try_for_each(|name| copy(&root().join(name), &out.join(name)))
    })?;
    steps.finish("cargo xtask dist");
    println!("  {}", out.display());
    Ok(())
}

fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Runs the binary with its standard output in a file.
fn print_to(file: &Path, binary: &Path, arguments: &[&str]) -> Result<()> {
    let out = fs::File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
    must_pass(Command::new(binary).args(arguments).stdout(out))
}
