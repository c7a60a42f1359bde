//! `waxseal logs`

use std::{
    fs::{self, File},
    io::{Cursor, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;
use waxseal_explain::{
    InputKind,
    logs::{Filter, LogRun, change, filter, filter::Destination, input, policy, summary, zone},
    read::detect,
};
use waxseal_model::LogSummary;
use waxseal_render::logs::{LogOptions, json, svg, text};

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
    progress::ReadProgress,
};

/// How much of a file is looked at before it is read, in bytes.
const HEAD: u64 = 64 * 1024;
/// Lines of the tables.
const TOP: usize = 10;
/// Domains in the JSON.
const JSON_TOP: usize = 1000;
/// A summary of an earlier run is not larger than this, in bytes.
const LARGEST_BASELINE: u64 = 256 * 1024 * 1024;

/// Mail logs: who got mail in clear, what failed and why, what still waits.
///
/// Reads logs of Postfix, Exim, Sendmail, OpenSMTPD, qmail and Exchange, of any size, plain, gzip
/// or Zstandard, mixed and in any order. Exits with 0 if mail went out encrypted, with 1 if some
/// went in clear or TLS kept some from being delivered, and with 3 if there is no log or if it
/// does not say how mail went (of more than one in a hundred).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal logs /var/log/mail.log
  waxseal logs /var/log/mail.log /var/log/mail.log.1.gz --since 7d
  waxseal logs /var/log/exim4/mainlog --to gmail.com
  waxseal logs mail.log --domains domains.txt; waxseal check --targets-file domains.txt
  waxseal logs mail.log --policy-maps tls_policy --plot tls.svg
  waxseal logs mail.log --json --baseline last-week.json")]
pub(crate) struct LogsArgs {
    /// The logs; `-` is standard input. Rotated files may be named in any order.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only what happened since then: a time (`2026-01-31 14:00`) or how long before now (`24h`,
    /// `7d`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only mail to this domain, or to a provider's servers: `gmail.com` is also mail to other
    /// domains that Google hosts.
    #[arg(long, value_name = "DOMAIN")]
    to: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Lines of each table, domains in the JSON; 0 is all [default: 10, JSON: 1000].
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Tell what changed since an earlier run: its --json output.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the domains that mail went to, one a line, those in clear first; `-` prints them
    /// instead of the page.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    domains: Option<PathBuf>,
    /// Write a table for Postfix's smtp_tls_policy_maps of domains that may be held to TLS; `-`
    /// prints it instead of the page.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    policy_maps: Option<PathBuf>,
    /// Deliveries that a domain needs to be in that table.
    #[arg(long, value_name = "N", default_value_t = policy::LEAST_DELIVERIES)]
    least: u64,
    /// Write a picture of how mail was protected over time (SVG).
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Zone of times that name none, `+01:00` [default: this machine's].
    #[arg(long, value_name = "OFFSET", value_parser = offset, allow_hyphen_values = true)]
    utc_offset: Option<i32>,
}

pub(crate) fn run(args: &LogsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let now = waxseal_scan::clock::now();
    let utc_offset = args.utc_offset.unwrap_or_else(|| own_offset(now));
    let earlier = args.baseline.as_deref().map(baseline).transpose()?;
    let since = args.since.as_deref().map(|text| {
        filter::since(text, now, utc_offset)
            .ok_or_else(|| Failure::usage(format!("'{text}' is no time: write 24h, 7d or 2026-01-31 14:00")))
    });
    let filter = Filter { since: since.transpose()?, to: args.to.as_deref().map(Destination::new) };
    let mut inputs =
        args.files.iter().map(|path| Input::open(path, now, utc_offset)).collect::<Result<Vec<_>, _>>()?;
    // Those without a time stay behind the others, in their order.
    inputs.sort_by_key(|input| input.begins.unwrap_or(i64::MAX));
    let progress = ReadProgress::new(inputs.iter().map(|input| input.size).sum());
    let mut run = LogRun::new(filter, utc_offset);
    let mut wrong = Vec::new();
    for input in inputs {
        let (name, head, until) = (input.name.clone(), input.head.clone(), input.until);
        let file = run.file(&name, progress.counted(input.bytes()?), until);
        if file.recognised == 0 {
            wrong.push(no_log(&file.name, &head, file.lines));
        }
    }
    drop(progress);
    let mut found = run.finish();
    wrong.iter().for_each(|sentence| terminal.complain(sentence));
    if found.programs.is_empty() {
        return Ok(Exit::Undetermined);
    }
    found.change = earlier.map(|earlier| change::compare(&earlier, &found));
    answer(args, &found, terminal)?;
    Ok(exit(&found))
}

fn answer(args: &LogsArgs, found: &LogSummary, terminal: &Terminal) -> Result<(), Failure> {
    let mut printed = false;
    let mut write = |path: &Option<PathBuf>, what: &str, content: &dyn Fn() -> String| match path {
        None => Ok(()),
        Some(path) if path.as_os_str() == "-" => {
            printed = true;
            terminal.write(&content())
        }
        Some(path) => fs::write(path, content())
            .map_err(|e| Failure::usage(format!("the {what} {} cannot be written: {e}", path.display()))),
    };
    write(&args.domains, "list of domains", &|| policy::domains(found))?;
    write(&args.policy_maps, "table", &|| policy::policy_maps(found, args.least))?;
    write(&args.plot, "picture", &|| svg(found))?;
    if args.json {
        let json = json(found, args.top.unwrap_or(JSON_TOP)).map_err(Failure::internal)?;
        return terminal.print(&json);
    }
    if printed {
        return Ok(());
    }
    terminal.print(&text(found, &LogOptions { style: terminal.style(), top: args.top.unwrap_or(TOP) }))
}

/// Mail in clear and TLS that kept mail back are findings; what the log does not say is not
/// determined.
fn exit(found: &LogSummary) -> Exit {
    if summary::is_exposed(found) {
        Exit::Findings
    } else if summary::is_known(found) {
        Exit::Fine
    } else {
        Exit::Undetermined
    }
}

/// A file that is going to be read.
struct Input {
    name: String,
    /// None is standard input.
    path: Option<PathBuf>,
    /// Its beginning; of standard input these bytes are gone from it.
    head: Vec<u8>,
    /// When its first line was written.
    begins: Option<i64>,
    /// No line of it was written after this.
    until: i64,
    size: u64,
}

impl Input {
    fn open(path: &Path, now: i64, utc_offset: i32) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let mut head = Vec::new();
        let (mut until, mut size) = (now, 0);
        let stdin = path.as_os_str() == "-";
        let read = if stdin {
            std::io::stdin().take(HEAD).read_to_end(&mut head)
        } else if path.is_dir() {
            return Err(Failure::usage(format!(
                "{name} is a folder: name the files in it, such as {name}/mail.log*"
            )));
        } else {
            File::open(path).and_then(|file| {
                let about = file.metadata()?;
                size = about.len();
                // An old file ends when it was written last, which tells the year of its times.
                let written = about.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                until = i64::try_from(written.as_secs()).unwrap_or(now).min(now);
                file.take(HEAD).read_to_end(&mut head)
            })
        };
        read.map_err(|e| Failure::usage(format!("{name} cannot be read: {e}")))?;
        let begins = input::begins(head.as_slice(), until, utc_offset);
        Ok(Self { name, path: (!stdin).then(|| path.to_owned()), head, begins, until, size })
    }

    fn bytes(self) -> Result<Box<dyn Read>, Failure> {
        match self.path {
            None => Ok(Box::new(Cursor::new(self.head).chain(std::io::stdin()))),
            Some(path) => match File::open(&path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(Failure::usage(format!("{} cannot be read: {error}", path.display()))),
            },
        }
    }
}

/// What a file is that is no log, and what to do with it.
fn no_log(name: &str, head: &[u8], lines: u64) -> String {
    let hint = match head {
        [] => return format!("{name} is empty"),
        [b'L', b'P', b'K', b'S', b'H', b'H', b'R', b'H', ..] => {
            "it is a journal of systemd. Try: journalctl -u postfix -o short-iso | waxseal logs -".into()
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            format!("it is packed by xz. Try: xz -dc {name} | waxseal logs -")
        }
        [b'B', b'Z', b'h', ..] => format!("it is packed by bzip2. Try: bzip2 -dc {name} | waxseal logs -"),
        _ => looks_like(name, head),
    };
    let what =
        if lines == 1 { "its line is none".to_owned() } else { format!("none of its {lines} lines is one") };
    format!("{name} is no mail log that is known ({what}): {hint}")
}

fn looks_like(name: &str, head: &[u8]) -> String {
    let mut plain = Vec::new();
    // What cannot be unpacked is looked at as far as it can.
    let _ = input::unpacked(head).map(|bytes| bytes.take(HEAD).read_to_end(&mut plain));
    let what = match detect(&plain) {
        InputKind::Mail => "a mail",
        InputKind::Transcript => "a transcript of an SMTP session",
        InputKind::ClientError => "the error of a program",
        InputKind::TlsRpt => "a TLS report",
        InputKind::Dmarc => "a DMARC report",
        InputKind::Log(_) | InputKind::Reply | InputKind::Unknown => {
            return "waxseal reads those of Postfix, Exim, Sendmail, OpenSMTPD, qmail and Exchange. For an error \
                    text: waxseal explain"
                .into();
        }
    };
    format!("it looks like {what}. Try: waxseal explain {name}")
}

/// The summary of an earlier run.
fn baseline(path: &Path) -> Result<LogSummary, Failure> {
    let name = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_BASELINE).read_to_end(&mut bytes))
        .map_err(|e| Failure::usage(format!("the earlier run {name} cannot be read: {e}")))?;
    let summary: Result<LogSummary, _> = serde_json::from_slice(&bytes);
    match summary {
        Ok(summary) if (1..=waxseal_model::SCHEMA_VERSION).contains(&summary.schema_version) => Ok(summary),
        Ok(_) => Err(Failure::usage(format!("{name} is JSON, but not of: waxseal logs --json"))),
        Err(error) => Err(Failure::usage(format!("{name} is not what waxseal logs --json prints: {error}"))),
    }
}

/// `+01:00`, `-0500`, `Z`
fn offset(text: &str) -> Result<i32, String> {
    if matches!(text, "Z" | "UTC") {
        return Ok(0);
    }
    let parse = || {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_at_checked(2)?;
        let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
        let number = |digits: &str| {
            (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()))
                .then(|| digits.parse::<i32>().ok())?
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    };
    parse().ok_or_else(|| format!("'{text}' is no offset: write +01:00 or -0500"))
}

/// How far this machine's zone is from UTC now; none of it is known without a zone file.
fn own_offset(now: i64) -> i32 {
    let name = std::env::var("TZ").unwrap_or_default();
    let name = name.trim_start_matches(':');
    let path = match name {
        "" => PathBuf::from("/etc/localtime"),
        name => Path::new("/usr/share/zoneinfo").join(name),
    };
    let bytes = fs::read(path).unwrap_or_default();
    zone::offset_at(&bytes, now).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_hours_and_minutes() {
        assert_eq!((offset("+01:00"), offset("-0530"), offset("Z")), (Ok(3600), Ok(-19_800), Ok(0)));
        for wrong in ["", "1", "+1", "01:00", "+99:00", "CET"] {
            assert!(offset(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_log_is_named_with_the_command_for_it() {
        let mail =
            b"From: MAILER-DAEMON@a.example\nTo: b@a.example\nSubject: Undelivered Mail\nDate: x\n\nSorry.\n";
        assert!(no_log("x.eml", mail, 6).ends_with("it looks like a mail. Try: waxseal explain x.eml"));
        assert!(no_log("x", b"LPKSHHRH...", 1).contains("journalctl"));
        assert!(no_log("x.xz", &[0xfd, b'7', b'z', b'X', b'Z', 0], 1).contains("xz -dc x.xz"));
        assert!(no_log("x", b"hello\n", 1).contains("its line is none"));
        assert_eq!(no_log("x", b"", 0), "x is empty");
    }
}
