//! The configuration file: TOML whose keys are the long options of `waxseal check`, without
//! the dashes; they hold for `waxseal audit` too. Options on the command line come before `WAXSEAL_*`, and these before it.
//!
//! ```toml
//! timeout = 10
//! dns = ["192.0.2.53", "192.0.2.54"]
//! fail-on = "medium"
//! public = true
//! ```

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use clap::Command;
use toml::{Spanned, Value};

use crate::exit::Failure;

/// The command whose options the file may set.
const COMMAND: &str = "check";
/// The command that has all options of that one.
const SUPERSET: &str = "audit";
/// Options that make no sense in a file.
const NOT_HERE: [&str; 3] = ["config", "help", "version"];
/// A longer file is no configuration.
const LARGEST: u64 = 1024 * 1024;

/// The command line with the values of the file as defaults: the file that `--config` or
/// `WAXSEAL_CONFIG` names, or the user's own one, if there is one.
///
/// # Errors
/// A file that cannot be read; a key or value that is not understood, with its line.
pub(crate) fn apply(command: Command, arguments: &[OsString]) -> Result<Command, Failure> {
    let (path, text) = match named(arguments) {
        Some(path) => {
            let text = read(&path).map_err(|e| {
                Failure::usage(format!("the configuration {} cannot be read: {e}", path.display()))
            })?;
            (path, text)
        }
        None => match users_own().and_then(|path| read(&path).ok().map(|text| (path, text))) {
            Some(found) => found,
            None => return Ok(command),
        },
    };
    with_defaults(command, &path.display().to_string(), &text)
}

/// The file that the command line or the environment names.
fn named(arguments: &[OsString]) -> Option<PathBuf> {
    let mut words = arguments.iter().take_while(|a| *a != OsStr::new("--"));
    while let Some(word) = words.next() {
        if word == "--config" {
            return words.next().map(PathBuf::from);
        }
        if let Some(path) = word.to_str().and_then(|w| w.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    std::env::var_os("WAXSEAL_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// `waxseal/config.toml` beneath the folder for configurations.
fn users_own() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("waxseal").join("config.toml"))
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > LARGEST {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    std::fs::read_to_string(path)
}

fn with_defaults(command: Command, file: &str, text: &str) -> Result<Command, Failure> {
    let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let entries: BTreeMap<Spanned<String>, Value> = toml::from_str(text).map_err(|e| {
        let place = e.span().map_or_else(String::new, |s| format!(", line {}", line(s.start)));
        Failure::usage(format!("{file}{place}: {}", e.message()))
    })?;
    let mut command = command;
    for (key, value) in entries {
        let place = format!("{file}, line {}", line(key.span().start));
        let key = key.into_inner();
        let values = words(&value).ok_or_else(|| {
            Failure::usage(format!("{place}: '{key}' takes text, a number, true, false or a list"))
        })?;
        command =
            with_default(command, &key, &values).map_err(|e| Failure::usage(format!("{place}: {e}")))?;
    }
    Ok(command)
}

/// The words that a value stands for on a command line.
fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Integer(n) => Some(vec![n.to_string()]),
        Value::Float(n) => Some(vec![n.to_string()]),
        Value::Boolean(yes) => Some(vec![yes.to_string()]),
        Value::Array(values) => {
            let parts: Option<Vec<Vec<String>>> = values.iter().map(words).collect();
            parts.map(|p| p.concat())
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

fn with_default(command: Command, key: &str, values: &[String]) -> Result<Command, String> {
    let global = command.get_arguments().find(|a| a.get_long() == Some(key)).map(|a| a.get_id().clone());
    let own = command.find_subcommand(COMMAND).and_then(|c| {
        let argument = c.get_arguments().find(|a| a.get_long() == Some(key) && !NOT_HERE.contains(&key))?;
        Some((argument.get_id().clone(), argument.get_action().takes_values()))
    });
    let (id, takes_values) = match (own, &global) {
        (Some((id, takes_values)), _) => (id, takes_values),
        (None, Some(id)) if !NOT_HERE.contains(&key) => (id.clone(), true),
        _ => {
            return Err(format!(
                "there is no option '{key}'; the keys are the long options of `waxseal {COMMAND}`"
            ));
        }
    };
    understood(&command, key, takes_values, values)?;
    let values = values.to_vec();
    Ok(match global {
        Some(_) => command.mut_arg(id, |a| a.default_values(values)),
        None => [COMMAND, SUPERSET].into_iter().fold(command, |command, name| {
            let values = values.clone();
            command.mut_subcommand(name, |c| c.mut_arg(&id, |a| a.default_values(values)))
        }),
    })
}

/// Ok if the command line would take the values too.
fn understood(command: &Command, key: &str, takes_values: bool, values: &[String]) -> Result<(), String> {
    if !takes_values {
        return match values {
            [word] if word == "true" || word == "false" => Ok(()),
            _ => Err(format!("'{key}' takes true or false")),
        };
    }
    for value in values {
        let trial = ["waxseal", COMMAND].map(str::to_owned).into_iter().chain([format!("--{key}={value}")]);
        command.clone().try_get_matches_from(trial).map_err(|e| {
            let text = e.to_string();
            let first = text.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::cli::Cli;

    fn parsed(file: &str, line: &[&str]) -> Result<String, String> {
        parsed_for("check", file, line)
    }

    fn parsed_for(name: &str, file: &str, line: &[&str]) -> Result<String, String> {
        let command = with_defaults(Cli::command(), "config.toml", file).map_err(|e| e.to_string())?;
        let words = ["waxseal", name].into_iter().chain(line.iter().copied());
        let matches = command.try_get_matches_from(words).map_err(|e| e.to_string())?;
        Cli::from_arg_matches(&matches).map(|cli| format!("{cli:?}")).map_err(|e| e.to_string())
    }

    #[test]
    fn the_file_gives_what_the_command_line_leaves_out() {
        let file = "timeout = 7\ndns = [\"192.0.2.1\", \"192.0.2.2\"]\npublic = true\nwidth = 100\n";
        let cli = parsed(file, &["example.com"]).unwrap();
        for part in ["timeout: Some(7s)", "\"192.0.2.1\", \"192.0.2.2\"", "public: true", "width: Some(100)"]
        {
            assert!(cli.contains(part), "{part}: {cli}");
        }
        let cli = parsed(file, &["example.com", "--timeout", "3", "--dns", "192.0.2.9"]).unwrap();
        assert!(cli.contains("timeout: Some(3s)") && !cli.contains("192.0.2.1"), "{cli}");
        assert!(parsed("public = false", &["example.com"]).unwrap().contains("public: false"));
        assert!(parsed_for("audit", file, &["example.com"]).unwrap().contains("timeout: Some(7s)"));
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        for (file, expected) in [
            ("timeout = 5\nnonsense = 1\n", "config.toml, line 2: there is no option 'nonsense'"),
            ("\n\ntimeout = \"soon\"\n", "config.toml, line 3: invalid value 'soon'"),
            ("public = 3\n", "config.toml, line 1: 'public' takes true or false"),
            ("[check]\ntimeout = 5\n", "config.toml, line 1: "),
            ("help = true\n", "there is no option 'help'"),
            ("timeout = \n", "config.toml, line 1: "),
        ] {
            let error = parsed(file, &["example.com"]).unwrap_err();
            assert!(error.contains(expected) && !error.contains('\n'), "{file}: {error}");
        }
    }

    #[test]
    fn the_command_line_names_the_file_in_two_ways() {
        let words = |line: &[&str]| line.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(named(&words(&["waxseal", "--config", "a.toml"])), Some("a.toml".into()));
        assert_eq!(named(&words(&["waxseal", "check", "--config=b.toml"])), Some("b.toml".into()));
    }
}
