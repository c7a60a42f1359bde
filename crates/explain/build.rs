//! Compiles `rules/` into static tables, and refuses what is wrong with it.
//!
//! - `knowledge`: the files as they are written, and what must hold for them.
//! - `literals`: the words that a text must contain for a pattern to match at all.
//! - `tables`: the Rust code of the tables.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "that is how a build script talks to cargo and to people"
)]

#[path = "build/knowledge.rs"]
mod knowledge;
#[path = "build/literals.rs"]
mod literals;
#[path = "build/tables.rs"]
mod tables;

use std::{env, error::Error, fs, path::Path, process::ExitCode};

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=rules");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=build.rs");
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), Box<dyn Error>> {
    let knowledge = knowledge::read(Path::new("rules"))?;
    let wrong = knowledge::check(&knowledge);
    if !wrong.is_empty() {
        return Err(format!("{} faults in rules/:\n{}", wrong.len(), wrong.join("\n")).into());
    }
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("knowledge.rs"), tables::write(&knowledge)?)?;
    Ok(())
}
