//! `waxseal logs`

use std::{
    fs::{self, File},
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;
use serde::{Deserialize, de::IgnoredAny};
use waxseal_explain::{
    InputKind,
    logs::{Filter, LogRun, change, filter, filter::Destination, input, input::HEAD, policy, summary, zone},
    read::detect,
};
use waxseal_model::{LogSummary, SCHEMA_VERSION};
use waxseal_render::logs::{LogOptions, json, svg, text};

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
    progress::ReadProgress,
};

/// Lines of the tables.
const TOP: usize = 10;
/// Domains in the JSON.
const JSON_TOP: usize = 1000;
/// A summary of an earlier run is not larger than this, in bytes.
const LARGEST_BASELINE: u64 = 256 * 1024 * 1024;

/// Mail logs: who got mail in clear, what failed and why, what still waits.
///
/// Reads logs of Postfix, Exim, Sendmail, OpenSMTPD, qmail and Exchange, of any size, plain, gzip
/// or Zstandard, mixed and in any order. Exits with 0 only if mail was delivered and all of it
/// encrypted, every file is a log that was read to its end, and it says how mail was protected
/// (but for one in a hundred); with 1 if some went in clear or TLS kept some from being delivered,
/// whatever else; with 3 otherwise.
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
    /// Tell what changed since an earlier run: what `waxseal logs --json` printed then.
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
    /// Write a picture of how mail was protected over time (SVG); `-` prints it instead of the page.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Zone of times that name none, `+01:00` [default: this machine's, as it was when a file was
    /// last written].
    #[arg(long, value_name = "OFFSET", value_parser = offset, allow_hyphen_values = true)]
    utc_offset: Option<i32>,
}

pub(crate) fn run(args: &LogsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    one_output(args)?;
    let now = waxseal_scan::clock::now();
    let zone = Zone::of(args);
    let earlier = args.baseline.as_deref().map(baseline).transpose()?;
    let since = args.since.as_deref().map(|text| {
        // The offset is that of the time itself.
        let about = filter::since(text, now, zone.offset_at(now));
        let exact = about.and_then(|about| filter::since(text, now, zone.offset_at(about)));
        exact.ok_or_else(|| Failure::usage(format!("'{text}' is no time: write 24h, 7d or 2026-01-31 14:00")))
    });
    let filter = Filter { since: since.transpose()?, to: args.to.as_deref().map(Destination::new) };
    let mut inputs =
        args.files.iter().map(|path| Input::open(path, now, &zone)).collect::<Result<Vec<_>, _>>()?;
    // Those without a time stay behind the others, in their order.
    inputs.sort_by_key(|input| input.begins.unwrap_or(i64::MAX));
    let progress = ReadProgress::new(inputs.iter().map(|input| input.size).sum());
    let mut run = LogRun::new(filter);
    let mut wrong = Vec::new();
    for input in inputs {
        let (name, head, until) = (input.name.clone(), input.head.clone(), input.until);
        let file = run.file(&name, progress.counted(input.bytes()?), until, zone.offset_at(until));
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

/// Standard output holds one thing, so that another program can read it.
fn one_output(args: &LogsArgs) -> Result<(), Failure> {
    let is_stdout = |path: &&Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let printed = [&args.domains, &args.policy_maps, &args.plot].iter().copied().filter(is_stdout).count();
    if printed + usize::from(args.json) > 1 {
        return Err(Failure::usage(
            "only one of --json, --domains -, --policy-maps - and --plot - can be printed: name files for the others",
        ));
    }
    Ok(())
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
    rest: Rest,
    /// Its beginning.
    head: Vec<u8>,
    /// When its first line was written.
    begins: Option<i64>,
    /// No line of it was written after this.
    until: i64,
    size: u64,
}

/// Where the bytes are that follow the beginning.
enum Rest {
    /// In a file, which is opened anew: there may be more of them than can be open at once.
    File(PathBuf),
    /// In a stream, from which the beginning is gone: standard input, pipes.
    Stream(Box<dyn Read>),
}

impl Input {
    fn open(path: &Path, now: i64, zone: &Zone) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let cannot = |e: io::Error| Failure::usage(format!("{name} cannot be read: {e}"));
        let stdin = path.as_os_str() == "-";
        let about = if stdin { None } else { Some(fs::metadata(path).map_err(cannot)?) };
        if about.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(Failure::usage(format!(
                "{name} is a folder: name the files in it, such as {name}/mail.log*"
            )));
        }
        let (mut head, mut until, mut size) = (Vec::new(), now, 0);
        let mut rest: Box<dyn Read> =
            if stdin { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(cannot)?) };
        rest.by_ref().take(HEAD).read_to_end(&mut head).map_err(cannot)?;
        let mut rest = Rest::Stream(rest);
        if let Some(about) = about.filter(fs::Metadata::is_file) {
            size = about.len();
            // An old file ends when it was written last, which tells the year of its times.
            let written = about.modified().map_err(cannot)?;
            let written = written.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            until = i64::try_from(written.as_secs()).unwrap_or(now).min(now);
            rest = Rest::File(path.to_owned());
        }
        let begins = input::begins(head.as_slice(), until, zone.offset_at(until));
        Ok(Self { name, rest, head, begins, until, size })
    }

    fn bytes(self) -> Result<Box<dyn Read>, Failure> {
        match self.rest {
            Rest::Stream(rest) => Ok(Box::new(Cursor::new(self.head).chain(rest))),
            Rest::File(path) => match File::open(&path) {
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
    // A summary lacks nothing that it needs to be one; other JSON of ours has a version too.
    let marks: Marks = serde_json::from_slice(&bytes).unwrap_or_default();
    let is_summary = marks.programs.is_some() && marks.delivered.is_some() && marks.causes.is_some();
    match summary {
        Ok(summary) if is_summary && (1..=SCHEMA_VERSION).contains(&summary.schema_version) => Ok(summary),
        Ok(_) => Err(Failure::usage(format!("{name} is JSON, but not of: waxseal logs --json"))),
        Err(error) => Err(Failure::usage(format!("{name} is not what waxseal logs --json prints: {error}"))),
    }
}

/// Fields by which a summary is known.
#[derive(Default, Deserialize)]
struct Marks {
    programs: Option<IgnoredAny>,
    delivered: Option<IgnoredAny>,
    causes: Option<IgnoredAny>,
}

/// `+01:00`, `-0500`, `Z`
fn offset(text: &str) -> Result<i32, String> {
    zone::offset(text).ok_or_else(|| format!("'{text}' is no offset: write +01:00 or -0500"))
}

/// The zone of times that name none.
enum Zone {
    /// Always so many seconds east of UTC.
    Fixed(i32),
    /// This machine's, as its file has it; UTC where there is none.
    Own(Vec<u8>),
}

impl Zone {
    fn of(args: &LogsArgs) -> Self {
        if let Some(offset) = args.utc_offset {
            return Self::Fixed(offset);
        }
        let name = std::env::var("TZ").unwrap_or_default();
        let path = match name.trim_start_matches(':') {
            "" => PathBuf::from("/etc/localtime"),
            name => Path::new("/usr/share/zoneinfo").join(name),
        };
        Self::Own(fs::read(path).unwrap_or_default())
    }

    /// Seconds east of UTC at a time.
    fn offset_at(&self, time: i64) -> i32 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Own(file) => zone::offset_at(file, time).unwrap_or(0),
        }
    }
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
