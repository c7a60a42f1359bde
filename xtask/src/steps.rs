//! Steps of a chore: each is announced, timed, and ends the chore when it fails.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// The steps of one chore as they run, and what was left out.
#[derive(Debug)]
pub(crate) struct Steps {
    began: Instant,
    done: Vec<(String, Duration)>,
    skipped: Vec<(String, String)>,
}

impl Steps {
    /// No step has run yet.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), done: Vec::new(), skipped: Vec::new() }
    }

    /// Runs a step.
    ///
    /// # Errors
    /// The step's own error, with the step's name in front.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n==> {name}");
        let began = Instant::now();
        step().with_context(|| format!("FAILED at \"{name}\""))?;
        let took = began.elapsed();
        println!("    {name}: passed in {:.1} s", took.as_secs_f64());
        self.done.push((name.to_owned(), took));
        Ok(())
    }

    /// Notes a step that could not run, where it would have run and again at the end.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        println!("\n==> {name}\n    SKIPPED: {why}");
        self.skipped.push((name.to_owned(), why.to_owned()));
    }

    /// Prints the sum of it all.
    pub(crate) fn finish(&self, chore: &str) {
        println!("\n{chore}: all steps that ran have passed");
        for (name, took) in &self.done {
            println!("  passed   {:>7.1} s  {name}", took.as_secs_f64());
        }
        for (name, why) in &self.skipped {
            println!("  SKIPPED            {name}: {why}");
        }
        println!("  total    {:>7.1} s", self.began.elapsed().as_secs_f64());
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A program, on the `PATH` or where servers lie for those who are not root.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Cargo, in the workspace's folder, with the environment that a shell would give it.
///
/// `cargo run` describes the package xtask in the environment; some build scripts look
/// at these variables, and would be run again for nothing.
pub(crate) fn cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"].iter().any(|p| text.starts_with(p))
        {
            command.env_remove(&name);
        }
    }
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or does not end with status 0; the message holds the
/// command so that it can be pasted.
pub(crate) fn must_pass(command: &mut Command) -> Result<()> {
    let line = display(command);
    println!("    $ {line}");
    let status = command.status().with_context(|| format!("cannot start: {line}"))?;
    if !status.success() {
        bail!("{status}: {line}");
    }
    Ok(())
}

/// True if the command can be started and ends with status 0; its output is discarded.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command as one would type it, with the variables that were set for it.
fn display(command: &Command) -> String {
    let set =
        command.get_envs().filter_map(|(name, value)| Some(format!("{}={}", name.display(), quoted(value?))));
    let words =
        std::iter::once(command.get_program()).chain(command.get_args()).enumerate().map(|(at, word)| {
            match Path::new(word).file_name() {
                Some(name) if at == 0 => quoted(name),
                _ => quoted(word),
            }
        });
    set.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || "'\"$*;&|<>()".contains(c)) {
        format!("'{}'", text.replace('\'', "'\\''"))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_names_itself_and_the_command() {
        let error = Steps::new()
            .run("demo", || must_pass(Command::new("sh").args(["-c", "exit 3"])))
            .map_err(|e| format!("{e:#}"));
        let text = error.unwrap_err();
        assert!(text.contains("FAILED at \"demo\""), "{text}");
        assert!(text.contains("sh -c 'exit 3'"), "{text}");
    }

    #[test]
    fn a_command_that_does_not_exist_is_an_error_and_does_not_work() {
        assert!(must_pass(&mut Command::new("waxseal-no-such-command")).is_err());
        assert!(!works(&mut Command::new("waxseal-no-such-command")));
    }

    #[test]
    fn quotes_what_a_shell_would_split() {
        assert_eq!(quoted(OsStr::new("a b")), "'a b'");
        assert_eq!(quoted(OsStr::new("it's")), "'it'\\''s'");
        assert_eq!(quoted(OsStr::new("--check")), "--check");
    }
}
