//! What is printed and written: `--format` and `--output` of all commands that make reports.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::exit::Failure;

/// What to print.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// The format of the report: text, html, markdown, json, jsonl, csv, junit,
    /// sarif or nagios [default: text].
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true, conflicts_with = "json")]
    format: Option<Format>,
    /// Write the report to a file instead of printing it; without --format, by its ending.
    /// As FORMAT=FILE besides what is printed, also several times.
    #[arg(long, short, value_name = "[FORMAT=]FILE")]
    output: Vec<OsString>,
    /// Print JSON: an object for one target, an array for several (`waxseal schema`).
    #[arg(long)]
    json: bool,
    /// Print what was said on every connection, with times, after the report.
    #[arg(long, conflicts_with = "json")]
    pub(crate) transcript: bool,
    /// Tell each target in a few lines: letter, why, who is exposed, what to paste.
    #[arg(long, conflicts_with_all = ["json", "verbose"])]
    pub(crate) story: bool,
    /// Print every verdict, and with several targets a full page for each.
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) verbose: bool,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A page for people.
    Text,
    /// One file for browsers, paper and screen readers.
    Html,
    /// For tickets and pull requests.
    Markdown,
    /// One object, or an array.
    Json,
    /// One object a line.
    Jsonl,
    /// A table.
    Csv,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// A line and an exit code for monitoring.
    Nagios,
}

impl Format {
    fn named(name: &str) -> Option<Self> {
        Self::value_variants()
            .iter()
            .copied()
            .find(|f| f.to_possible_value().is_some_and(|v| v.get_name().eq_ignore_ascii_case(name)))
    }

    /// True if it shows all that is in a report.
    pub(crate) fn shows_all(self) -> bool {
        matches!(self, Self::Html | Self::Markdown)
    }

    /// True if it is made of all reports at once, at the end.
    pub(crate) fn is_whole(self) -> bool {
        match self {
            Self::Text | Self::Json | Self::Jsonl | Self::Csv => false,
            Self::Html | Self::Markdown | Self::Junit | Self::Sarif | Self::Nagios => true,
        }
    }

    /// The format that the ending of a file's name stands for.
    fn of_ending(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Text),
            "html" | "htm" => Some(Self::Html),
            "md" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "xml" => Some(Self::Junit),
            "sarif" => Some(Self::Sarif),
            _ => None,
        }
    }
}

/// Where the reports of a run go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outputs {
    /// What is printed, if anything.
    pub(crate) printed: Option<Format>,
    /// What is written.
    pub(crate) files: Vec<(Format, PathBuf)>,
}

impl OutputArgs {
    /// What goes where.
    ///
    /// # Errors
    /// Arguments that contradict each other.
    pub(crate) fn outputs(&self) -> Result<Outputs, Failure> {
        let format = self.format.or(self.json.then_some(Format::Json));
        let mut outputs = Outputs { printed: Some(format.unwrap_or(Format::Text)), files: Vec::new() };
        let mut instead = None;
        for word in &self.output {
            match with_format(word) {
                Some((format, path)) => outputs.files.push((format, path)),
                None if instead.is_some() => {
                    return Err(Failure::usage(
                        "--output names two files for one report: say which is which, as in \
                         -o sarif=FILE -o junit=FILE",
                    ));
                }
                None => instead = Some(PathBuf::from(word)),
            }
        }
        if let Some(path) = instead.filter(|path| path.as_os_str() != "-") {
            let format = format.or_else(|| Format::of_ending(&path)).unwrap_or(Format::Text);
            outputs.printed = None;
            outputs.files.insert(0, (format, path));
        }
        self.consistent(&outputs)?;
        Ok(outputs)
    }

    fn consistent(&self, outputs: &Outputs) -> Result<(), Failure> {
        for (at, (_, path)) in outputs.files.iter().enumerate() {
            if path.as_os_str().is_empty() || path.as_os_str() == "-" {
                let sentence = "--output FORMAT=FILE needs a file; what is printed is chosen by --format";
                return Err(Failure::usage(sentence));
            }
            if outputs.files.iter().skip(at + 1).any(|(_, other)| other == path) {
                return Err(Failure::usage(format!("--output names {} twice", path.display())));
            }
        }
        let formats = || outputs.printed.into_iter().chain(outputs.files.iter().map(|(format, _)| *format));
        if self.story && !formats().any(|f| f == Format::Text) {
            return Err(Failure::usage("--story is for reports as text"));
        }
        if (self.transcript || self.verbose) && !formats().any(|f| f == Format::Text || f.shows_all()) {
            return Err(Failure::usage(
                "--verbose and --transcript are for reports as text, HTML and Markdown",
            ));
        }
        Ok(())
    }
}

/// `sarif=FILE` taken apart; a name whose beginning is no format is a file's.
fn with_format(word: &OsStr) -> Option<(Format, PathBuf)> {
    let (name, path) = word.to_str()?.split_once('=')?;
    Some((Format::named(name)?, path.into()))
}

/// True if the command line makes the run a plugin of Nagios: then errors too have its form.
pub(crate) fn is_plugin(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().take_while(|a| *a != OsStr::new("--")).peekable();
    while let Some(word) = words.next() {
        let value = match word.to_str() {
            Some("--format") => words.peek().and_then(|next| next.to_str()),
            Some(other) => other.strip_prefix("--format="),
            None => None,
        };
        if value == Some("nagios") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        output: OutputArgs,
    }

    fn outputs(line: &str) -> Result<Outputs, String> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|e| e.to_string())?;
        line.output.outputs().map_err(|e| e.to_string())
    }

    fn told(line: &str) -> String {
        match outputs(line) {
            Ok(Outputs { printed, files }) => {
                let files: Vec<String> =
                    files.iter().map(|(f, p)| format!("{f:?}={}", p.display())).collect();
                format!("{} {}", printed.map_or("-".into(), |f| format!("{f:?}")), files.join(" "))
            }
            Err(error) => error,
        }
    }

    #[test]
    fn a_file_takes_the_place_of_what_is_printed_and_others_come_besides() {
        for (line, expected) in [
            ("", "Text "),
            ("--json", "Json "),
            ("--format csv", "Csv "),
            ("--format sarif --output a", "- Sarif=a"),
            ("-o a.sarif", "- Sarif=a.sarif"),
            ("-o a.XML", "- Junit=a.XML"),
            ("-o report", "- Text=report"),
            ("-o -", "Text "),
            ("-o sarif=a -o junit=b", "Text Sarif=a Junit=b"),
            ("--json -o sarif=a.json", "Json Sarif=a.json"),
            ("-o x=y.csv -o jsonl=z", "- Csv=x=y.csv Jsonl=z"),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (line, expected) in [
            ("-o a -o b", "two files for one report"),
            ("-o sarif=a -o csv=a", "names a twice"),
            ("-o sarif=", "needs a file"),
            ("-o sarif=-", "needs a file"),
            ("--format csv -v", "are for reports as text"),
            ("--json --format csv", "cannot be used with"),
            ("--format pdf", "invalid value"),
        ] {
            assert!(told(line).contains(expected), "{line}: {}", told(line));
        }
        assert_eq!(told("-v -o csv=a"), "Text Csv=a");
    }

    #[test]
    fn a_plugin_is_told_by_its_format() {
        let words = |line: &str| line.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        assert!(is_plugin(&words("waxseal check x --format nagios")));
        assert!(is_plugin(&words("waxseal check --format=nagios x")));
        assert!(!is_plugin(&words("waxseal check -o nagios=FILE x")));
        assert!(!is_plugin(&words("waxseal check -- --format nagios")));
    }
}
