//! Targets from arguments, files and standard input.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::Path,
};

use waxseal_model::Target;
use waxseal_wire::target;

use crate::exit::Failure;

/// A list of targets may not be longer than this.
const LARGEST_LIST: u64 = 16 * 1024 * 1024;

/// Parses the targets of a command line. A `-` reads standard input, as a file does: one
/// target a line, `#` begins a comment, empty lines and CRLF are fine, of a CSV line the
/// first field counts.
///
/// # Errors
/// The first target that cannot be understood, with its file and line.
///
/// A target that is named twice is there once, however it is spelt.
pub(crate) fn all(
    arguments: &[String],
    file: Option<&Path>,
    port: Option<u16>,
) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for argument in arguments {
        if argument == "-" {
            let mut text = String::new();
            std::io::stdin()
                .take(LARGEST_LIST)
                .read_to_string(&mut text)
                .map_err(|e| Failure::usage(format!("standard input cannot be read as text: {e}")))?;
            list(&text, "standard input", port, &mut targets)?;
        } else {
            targets.push(one(argument, port).map_err(Failure::usage)?);
        }
    }
    if let Some(path) = file {
        let name = path.display();
        let length = std::fs::metadata(path).map(|m| m.len());
        if length.is_ok_and(|l| l > LARGEST_LIST) {
            return Err(Failure::usage(format!("{name} is larger than 16 MiB: that is no list of targets")));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::usage(format!("the list of targets {name} cannot be read: {e}")))?;
        list(&text, &name.to_string(), port, &mut targets)?;
    }
    let mut seen = BTreeSet::new();
    targets.retain(|target| seen.insert(target.argument()));
    Ok(targets)
}

/// The line of each target in a list, by [`Target::argument`]; empty where there is no list, or
/// it cannot be read a second time.
pub(crate) fn lines(file: Option<&Path>, port: Option<u16>) -> BTreeMap<String, u32> {
    let text = file.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let mut lines = BTreeMap::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if let Some(target) = entry(line).and_then(|entry| one(entry, port).ok()) {
            lines.entry(target.argument()).or_insert(number);
        }
    }
    lines
}

/// What a line names, if anything.
fn entry(line: &str) -> Option<&str> {
    let entry = line.split('#').next().unwrap_or_default();
    let entry = entry.split([',', ';']).next().unwrap_or_default().trim().trim_matches('"');
    (!entry.is_empty()).then_some(entry)
}

fn list(text: &str, name: &str, port: Option<u16>, targets: &mut Vec<Target>) -> Result<(), Failure> {
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let Some(entry) = entry(line) else { continue };
        let place = number + 1;
        targets.push(one(entry, port).map_err(|e| Failure::usage(format!("{name}, line {place}: {e}")))?);
    }
    Ok(())
}

/// With `--port`, a host without a port keeps being a mail domain: the port then is that
/// of its MX hosts. An address gets it directly.
fn one(text: &str, port: Option<u16>) -> Result<Target, String> {
    let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
    let port = port.filter(|_| bare.parse::<std::net::IpAddr>().is_ok());
    target::parse(text, port).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_comments_crlf_csv_and_a_byte_order_mark() {
        let mut targets = Vec::new();
        let text =
            "\u{feff}example.com\r\n# none\r\n\r\nmx.example.com:587, our relay # x\n\"example.org\";1\n";
        list(text, "list", None, &mut targets).unwrap();
        let labels: Vec<String> = targets.iter().map(Target::label).collect();
        assert_eq!(labels, ["example.com", "mx.example.com:587", "example.org"]);
    }

    #[test]
    fn a_target_named_twice_is_there_once_as_first_spelt() {
        let names =
            ["Example.COM.", "example.com", "user@example.com", "mx.example.com:25", "mx.example.com:25"];
        let targets = all(&names.map(str::to_owned), None, None).unwrap();
        let labels: Vec<String> = targets.iter().map(Target::label).collect();
        assert_eq!(labels, ["Example.COM", "mx.example.com:25"]);
    }

    #[test]
    fn a_port_leaves_a_domain_a_domain() {
        assert!(matches!(one("example.com", Some(2525)).unwrap(), Target::Domain { .. }));
        assert!(matches!(one("192.0.2.1", Some(2525)).unwrap(), Target::Address { port: 2525, .. }));
        assert!(matches!(one("[2001:db8::1]", Some(465)).unwrap(), Target::Address { port: 465, .. }));
    }

    #[test]
    fn an_error_names_file_and_line() {
        let error = list("example.com\nexa mple\n", "list.txt", None, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("list.txt, line 2: "), "{error}");
    }
}
