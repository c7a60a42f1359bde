//! `waxseal lint`

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use waxseal_model::lint::Lint;
use waxseal_wire::{dane::MAX_ZONE_TEXT, lint, target};

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Longest file that is read, in bytes; the parsers refuse less.
const LARGEST_FILE: u64 = MAX_ZONE_TEXT as u64 + 1;

/// Check texts before they are published: MTA-STS, TLS-RPT, TLSA.
///
/// Reads a policy file or DNS record as senders will read it. Works offline. Exits with 0 if
/// every text is valid, with 1 if one is not, and with 2 if one cannot be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal lint sts mta-sts.txt --mx mx1.example.com --mx mx2.example.com
  waxseal lint sts-record 'v=STSv1; id=20260101T000000;'
  waxseal lint tlsrpt-record 'v=TLSRPTv1; rua=mailto:tls-reports@example.com'
  waxseal lint tlsa example.com.zone --json
  curl -s https://mta-sts.example.com/.well-known/mta-sts.txt | waxseal lint sts -")]
pub(crate) struct LintArgs {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    Sts(StsArgs),
    StsRecord(StsRecordArgs),
    TlsrptRecord(TlsrptRecordArgs),
    Tlsa(TlsaArgs),
}

/// An MTA-STS policy file, served by mta-sts.DOMAIN as /.well-known/mta-sts.txt.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal lint sts mta-sts.txt
  waxseal lint sts mta-sts.txt --mx mx1.example.com --mx mx2.example.com
  waxseal lint sts policies/one.txt policies/two.txt --json")]
struct StsArgs {
    /// The file; `-` is standard input. Several files are linted one by one.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// An MX host that the policy must cover; may be given several times.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    mx: Vec<String>,
    /// Print JSON: an object, of several texts an array.
    #[arg(long)]
    json: bool,
}

/// The TXT record at _mta-sts.DOMAIN.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal lint sts-record 'v=STSv1; id=20260101T000000;'
  waxseal lint sts-record '_mta-sts.example.com. IN TXT \"v=STSv1; id=1;\"'
  waxseal lint sts-record example.com.zone")]
struct StsRecordArgs {
    #[command(flatten)]
    texts: TextArgs,
}

/// The TXT record at _smtp._tls.DOMAIN.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal lint tlsrpt-record 'v=TLSRPTv1; rua=mailto:tls-reports@example.com'
  waxseal lint tlsrpt-record example.com.zone")]
struct TlsrptRecordArgs {
    #[command(flatten)]
    texts: TextArgs,
}

/// TLSA records, for example those at _25._tcp.HOST.
///
/// A record as `3 1 1 0123…` (quoted or not), or lines of a zone file. Records of other types in
/// a zone file are left aside.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal lint tlsa '_25._tcp.mx.example.com. IN TLSA 3 1 1 0123…'
  waxseal lint tlsa example.com.zone
  dig +short TLSA _25._tcp.mx.example.com | waxseal lint tlsa -")]
struct TlsaArgs {
    #[command(flatten)]
    texts: TextArgs,
}

#[derive(Debug, Args)]
struct TextArgs {
    /// The text as it goes into the DNS, or in quotes or as a line as it stands in a zone file;
    /// or the name of a file with it; `-` is standard input. Several are linted one by one.
    #[arg(value_name = "TEXT|FILE", required = true)]
    texts: Vec<String>,
    /// Print JSON: an object, of several texts an array.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &LintArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let (lints, json) = match &args.kind {
        Kind::Sts(args) => (policies(args)?, args.json),
        Kind::StsRecord(StsRecordArgs { texts }) => (each(texts, lint::sts_record)?, texts.json),
        Kind::TlsrptRecord(TlsrptRecordArgs { texts }) => (each(texts, lint::tlsrpt_record)?, texts.json),
        Kind::Tlsa(TlsaArgs { texts }) => (tlsa(texts)?, texts.json),
    };
    if json {
        terminal.print(&waxseal_render::lint::json(&lints).map_err(Failure::internal)?)?;
    } else {
        terminal.print(&waxseal_render::lint::text(&lints, &terminal.style()))?;
    }
    Ok(if lints.iter().all(|lint| lint.valid) { Exit::Fine } else { Exit::Findings })
}

fn policies(args: &StsArgs) -> Result<Vec<Lint>, Failure> {
    let host = |host: &String| target::name_to_ascii(host).map_err(|e| Failure::usage(format!("--mx: {e}")));
    let hosts = args.mx.iter().map(host).collect::<Result<Vec<_>, _>>()?;
    let lint = |file: &PathBuf| Ok(lint::sts(&file.display().to_string(), &read(file)?, &hosts));
    args.files.iter().map(lint).collect()
}

fn each(args: &TextArgs, lint: fn(&str, &str) -> Lint) -> Result<Vec<Lint>, Failure> {
    args.texts.iter().map(|given| Ok(lint(given, &text(given)?))).collect()
}

/// Words that are no files make one record: a shell has taken it apart.
fn tlsa(args: &TextArgs) -> Result<Vec<Lint>, Failure> {
    let word =
        |text: &String| text != "-" && !text.contains(char::is_whitespace) && !Path::new(text).exists();
    if args.texts.len() > 1 && args.texts.iter().all(word) {
        let joined = args.texts.join(" ");
        return Ok(vec![lint::tlsa(&joined, &joined)]);
    }
    each(args, lint::tlsa)
}

/// The text itself, or that of the file which it names.
fn text(given: &str) -> Result<String, Failure> {
    let path = Path::new(given);
    // No record is a single word with a dot or slash and without "=".
    let is_name = !given.contains('=') && !given.contains(char::is_whitespace) && given.contains(['.', '/']);
    if given != "-" && !path.is_file() && !is_name {
        return Ok(given.to_owned());
    }
    // What is not UTF-8 becomes a character that no record contains.
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(LARGEST_FILE).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(error) if path.as_os_str() == "-" => {
            Err(Failure::usage(format!("standard input cannot be read: {error}")))
        }
        Err(error) => Err(Failure::usage(format!("{} cannot be read: {error}", path.display()))),
    }
}
