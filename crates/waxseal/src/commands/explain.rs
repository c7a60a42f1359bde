//! `waxseal explain`

use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, Read},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use waxseal_explain::{
    Given, InputKind, Reading,
    digest::Digest,
    read::mbox::{self, Mails},
    reference, sisimai,
};
use waxseal_model::{MailEvent, diagnosis::Explanation, mail::Outcome};
use waxseal_render::Style;
use waxseal_scan::clock::now;

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Longest input that is read, in bytes; of more the beginning counts.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Of a mail in a mailbox so much is kept, in bytes.
const LARGEST_MAIL: usize = 4 * 1024 * 1024;
/// So much of a file tells what it is, in bytes.
const HEAD: usize = 64 * 1024;
/// Verdicts that are told one by one; more are counted by cause.
const MOST_TOLD: usize = 5;
/// Folders within folders are followed this far.
const DEEPEST: usize = 16;

/// What an SMTP error means: the cause, who must act, whether to retry, the fix.
///
/// Takes what you have: a reply, a log line, the error of a program, a transcript, a bounce
/// mail, a Maildir or mbox, a TLS or DMARC report. Of a code, a cause or a provider it tells
/// all that is known. Works offline; `waxseal diagnose` goes and checks. Exits with 0 if
/// there is an answer, and with 3 if there is none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal explain '451 4.7.6 STARTTLS required but not advertised'
  waxseal explain 4.7.29
  waxseal explain bounce.eml
  waxseal explain ~/Maildir/.bounces --json
  grep status=bounced /var/log/mail.log | waxseal explain -
  waxseal explain --list")]
pub(crate) struct ExplainArgs {
    /// The text, or the name of a file or folder with it; `-` is standard input. Of a code
    /// (`4.7.29`, `550`), a cause or a provider: what is known of it.
    #[arg(value_name = "TEXT|FILE|-")]
    inputs: Vec<String>,
    /// List all causes, by family.
    #[arg(long, conflicts_with = "inputs")]
    list: bool,
    /// Print JSON: an object, of several events an array.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// How to print.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Tell every event by itself, however many there are, instead of counting them by cause.
    #[arg(long)]
    each: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// As `--json`.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// One line for each recipient, in Sisimai's words.
    Sisimai,
}

pub(crate) fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    if args.inputs.is_empty() && !args.list && std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nothing to explain: give the error text in quotes, a file, or - for standard input",
        ));
    }
    let format = if args.json { Format::Json } else { args.format };
    if args.list {
        return book(reference::list().as_slice(), waxseal_render::diagnosis::list, format, terminal);
    }
    if let [word] = args.inputs.as_slice()
        && !Path::new(word).exists()
        && let Some(entry) = reference::lookup(word)
    {
        return book(&entry, waxseal_render::diagnosis::entry, format, terminal);
    }
    let mut answers = Answers::new(terminal, format, args.each);
    for input in inputs(&args.inputs) {
        answers.input(&input)?;
    }
    answers.finish()
}

/// Prints what the reference says.
fn book<T: serde::Serialize + ?Sized>(
    found: &T,
    text: impl Fn(&T, &Style) -> String,
    format: Format,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    match format {
        Format::Text => terminal.print(&text(found, &terminal.style()))?,
        Format::Json | Format::Jsonl => {
            terminal.print(&waxseal_render::json::any(&found).map_err(Failure::internal)?)?;
        }
        Format::Sisimai => {
            return Err(Failure::usage("--format sisimai is for mails; a look-up has text and json"));
        }
    }
    Ok(Exit::Fine)
}

/// Where a text comes from.
#[derive(Debug)]
enum Input {
    /// The argument itself.
    Text(String),
    /// A file or folder.
    Path(PathBuf),
    Stdin,
}

/// Words that name no file make one text: a shell has taken it apart.
fn inputs(arguments: &[String]) -> Vec<Input> {
    let names = |text: &String| text == "-" || Path::new(text).exists();
    if arguments.is_empty() {
        return vec![Input::Stdin];
    }
    if arguments.len() > 1 && !arguments.iter().any(names) {
        return vec![Input::Text(arguments.join(" "))];
    }
    let one = |text: &String| match text.as_str() {
        "-" => Input::Stdin,
        _ if Path::new(text).exists() => Input::Path(text.into()),
        _ => Input::Text(text.clone()),
    };
    arguments.iter().map(one).collect()
}

/// What was answered so far.
struct Answers<'t> {
    format: Format,
    each: bool,
    terminal: &'t Terminal,
    /// Kept as long as they are few enough to be told one by one.
    told: Vec<Explanation>,
    digest: Digest,
    events: usize,
    files: u64,
    silent: u64,
    given: Given,
}

impl<'t> Answers<'t> {
    fn new(terminal: &'t Terminal, format: Format, each: bool) -> Self {
        Self {
            format,
            each,
            terminal,
            told: Vec::new(),
            digest: Digest::default(),
            events: 0,
            files: 0,
            silent: 0,
            given: Given { file: None, now: now(), utc_offset: 0 },
        }
    }

    fn input(&mut self, input: &Input) -> Result<(), Failure> {
        match input {
            Input::Text(text) => {
                if text.trim().is_empty() {
                    return Err(Failure::usage("the text is empty: give the words of the error, in quotes"));
                }
                let before = self.events;
                self.bytes(text.as_bytes(), None)?;
                match self.events == before && !text.trim().contains(char::is_whitespace) {
                    true => Err(nothing_named(text.trim())),
                    false => Ok(()),
                }
            }
            Input::Stdin => {
                let mut bytes = Vec::new();
                let read = std::io::stdin().take(LARGEST).read_to_end(&mut bytes);
                read.map_err(|e| Failure::usage(format!("standard input cannot be read: {e}")))?;
                self.bytes(&bytes, None)
            }
            Input::Path(path) => self.path(path, 0),
        }
    }

    fn path(&mut self, path: &Path, depth: usize) -> Result<(), Failure> {
        let cannot = |e: std::io::Error| Failure::usage(format!("{} cannot be read: {e}", path.display()));
        if !path.is_dir() {
            let mut input = BufReader::with_capacity(HEAD, File::open(path).map_err(cannot)?);
            if mbox::recognise(input.fill_buf().map_err(cannot)?) {
                return self.mailbox(input, path);
            }
            let mut bytes = Vec::new();
            input.take(LARGEST).read_to_end(&mut bytes).map_err(cannot)?;
            return self.bytes(&bytes, Some(path));
        }
        if depth == DEEPEST {
            return Ok(());
        }
        let entries = std::fs::read_dir(path).map_err(cannot)?;
        let mut entries =
            entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(cannot)?;
        entries.sort();
        // What is still being delivered into a Maildir is nobody's yet.
        let maildir = path.join("cur").is_dir() && path.join("new").is_dir();
        for entry in entries.iter().filter(|e| !(maildir && e.ends_with("tmp"))) {
            self.path(entry, depth + 1)?;
        }
        Ok(())
    }

    /// A mailbox of any size, mail by mail.
    fn mailbox(&mut self, input: BufReader<File>, path: &Path) -> Result<(), Failure> {
        self.files += 1;
        let file = path.display().to_string();
        let given = Given { file: Some(file.clone()), ..self.given.clone() };
        let mut bounces = 0;
        for mail in Mails::new(input, LARGEST_MAIL) {
            let mail = mail.map_err(|e| Failure::usage(format!("{file} cannot be read: {e}")))?;
            let mut reading = waxseal_explain::read(&mail.bytes, &given);
            if reading.events.is_empty() {
                continue;
            }
            bounces += 1;
            reading.events.iter_mut().for_each(|event| event.source.line = Some(mail.line));
            self.answer(explanation(reading, Some(file.clone())))?;
        }
        self.silent += u64::from(bounces == 0);
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8], file: Option<&Path>) -> Result<(), Failure> {
        self.files += 1;
        let file = file.map(|f| f.display().to_string());
        let given = Given { file: file.clone(), ..self.given.clone() };
        let mut reading = waxseal_explain::read(bytes, &given);
        if bytes.len() as u64 == LARGEST {
            reading.notes.push("Only the first 64 MiB were read; for logs use waxseal logs.".into());
        }
        without_successes(&mut reading);
        self.silent += u64::from(reading.events.is_empty());
        self.answer(explanation(reading, file))
    }

    fn answer(&mut self, explanation: Explanation) -> Result<(), Failure> {
        self.events += explanation.diagnoses.len();
        match self.format {
            Format::Sisimai => {
                let mut out = String::new();
                for diagnosis in &explanation.diagnoses {
                    out.push_str(&sisimai::line(diagnosis));
                }
                self.terminal.write(&out)
            }
            Format::Jsonl => {
                let lines = waxseal_render::diagnosis::jsonl(&explanation).map_err(Failure::internal)?;
                self.terminal.write(&lines)
            }
            Format::Json => {
                self.told.push(explanation);
                Ok(())
            }
            Format::Text => {
                explanation.diagnoses.iter().for_each(|d| self.digest.add(d));
                if self.each || self.events <= MOST_TOLD {
                    self.told.push(explanation);
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Exit, Failure> {
        let style = self.terminal.style();
        match self.format {
            Format::Json => {
                let json = waxseal_render::diagnosis::json(&self.told).map_err(Failure::internal)?;
                self.terminal.print(&json)?;
            }
            Format::Text if self.each || self.events <= MOST_TOLD => {
                self.terminal.print(&waxseal_render::diagnosis::text(&self.told, &style))?;
            }
            Format::Text => {
                let counts = self.digest.counts();
                let text = waxseal_render::diagnosis::digest(&counts, self.files, self.silent, &style);
                self.terminal.print(&text)?;
            }
            Format::Jsonl | Format::Sisimai => {}
        }
        Ok(if self.events > 0 { Exit::Fine } else { Exit::Undetermined })
    }
}

/// A single word that is no error: a file that is not there, or a name with a typing error.
fn nothing_named(word: &str) -> Failure {
    let like = reference::suggestions(word);
    let hint = match like.as_slice() {
        [] => "waxseal explain --list shows all causes".to_owned(),
        names => format!("like it are {}", names.join(", ")),
    };
    Failure::usage(format!(
        "'{word}' is neither a file, nor an error, nor a code, cause or provider that is known; {hint}"
    ))
}

/// Of a log only what went wrong is told, unless nothing did.
fn without_successes(reading: &mut Reading) {
    let success = |event: &MailEvent| matches!(event.outcome, Outcome::Delivered | Outcome::Relayed);
    let all = reading.events.len();
    if !matches!(reading.kind, InputKind::Log(_)) || reading.events.iter().all(success) {
        return;
    }
    reading.events.retain(|event| !success(event));
    if reading.events.len() < all {
        let good = all - reading.events.len();
        reading
            .notes
            .push(format!("{good} deliveries that succeeded are not shown; waxseal logs counts them."));
    }
}

fn explanation(reading: Reading, file: Option<String>) -> Explanation {
    Explanation {
        schema_version: waxseal_model::SCHEMA_VERSION,
        file,
        input: kind(reading.kind).to_owned(),
        notes: reading.notes,
        diagnoses: reading.events.iter().map(waxseal_explain::diagnose).collect(),
        tls_reports: reading.tls_reports,
        dmarc_reports: reading.dmarc_reports,
    }
}

fn kind(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Reply => "a reply or a line of text",
        InputKind::Transcript => "an SMTP transcript",
        InputKind::ClientError => "a program's error text",
        InputKind::Mail => "a mail",
        InputKind::Log(_) => "lines of a mail log",
        InputKind::TlsRpt => "a TLS report",
        InputKind::Dmarc => "a DMARC aggregate report",
        InputKind::Unknown => "nothing that is known",
    }
}
