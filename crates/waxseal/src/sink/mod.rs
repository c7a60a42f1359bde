//! Where reports go, one by one as they come: printed, to files, evidence to its own. Formats
//! that can be written piece by piece are; of several targets only what the others and the
//! summary need is kept, so that memory does not grow with their evidence.
//!
//! Parts: `pages` (text), `list` (JSON in pieces), `file` (files in the making).

mod file;
mod list;
mod pages;

use std::{collections::BTreeMap, path::Path};

use waxseal_model::{EndpointEvidence, Report, Threshold, evidence::EndpointFacts};
use waxseal_render::{
    HtmlOptions, MarkdownOptions, Style, csv, html, json, jsonl, junit, manual::Manual, markdown, nagios,
    nagios::State, sarif, sarif::Run,
};

use crate::{
    baseline::Baseline,
    commands::{
        as_sender::SenderArgs,
        output_args::{Format, OutputArgs},
    },
    exit::{Exit, Failure},
    output::Terminal,
    targets,
};
use file::OutFile;
use list::List;
use pages::Pages;

/// Takes the reports of one run.
pub(crate) struct Sink<'a> {
    output: &'a OutputArgs,
    threshold: Threshold,
    sender: Option<&'a SenderArgs>,
    baseline: Option<Baseline>,
    terminal: &'a Terminal,
    now: i64,
    /// How many targets there are.
    of: usize,
    /// Each target in a few lines as it comes, instead of a table at the end.
    story: bool,
    channels: Vec<Channel>,
    evidence: Option<(OutFile, List)>,
    /// The list of targets as it was named, and the line of each.
    targets: Option<(String, BTreeMap<String, u32>)>,
    kept: Vec<Report>,
    exit: Exit,
}

/// One report in the making: printed, or written to a file.
struct Channel {
    format: Format,
    /// None is printed.
    file: Option<OutFile>,
    list: List,
}

impl<'a> Sink<'a> {
    /// A sink for the reports of `of` targets. `now` counts the days that certificates
    /// have left.
    ///
    /// # Errors
    /// Arguments that contradict each other, and files that cannot be written.
    pub(crate) fn new(
        output: &'a OutputArgs,
        threshold: Threshold,
        terminal: &'a Terminal,
        now: i64,
        of: usize,
    ) -> Result<Self, Failure> {
        let outputs = output.outputs()?;
        let printed = outputs.printed.map(|format| Channel { format, file: None, list: List::new(of) });
        let mut channels: Vec<Channel> = printed.into_iter().collect();
        for (format, path) in outputs.files {
            let file = Some(OutFile::new(&path, "report")?);
            channels.push(Channel { format, file, list: List::new(of) });
        }
        Ok(Self {
            output,
            threshold,
            sender: None,
            baseline: None,
            terminal,
            now,
            of,
            story: output.story,
            channels,
            evidence: None,
            targets: None,
            kept: Vec::new(),
            exit: Exit::Fine,
        })
    }

    /// Tells each target's story instead of a table of all, if `story` or the arguments
    /// say so.
    pub(crate) fn with_stories(self, story: bool) -> Self {
        Self { story: story || self.story, ..self }
    }

    /// Compares with earlier scans.
    pub(crate) fn with_baseline(self, baseline: Option<Baseline>) -> Self {
        Self { baseline, ..self }
    }

    /// Stores the evidence in a file too.
    ///
    /// # Errors
    /// A file that cannot be written: better known before the scan than after it.
    pub(crate) fn with_evidence(mut self, path: Option<&Path>) -> Result<Self, Failure> {
        let file = path.map(|p| OutFile::new(p, "evidence")).transpose()?;
        self.evidence = file.map(|file| (file, List::new(self.of)));
        Ok(self)
    }

    /// Shows findings at the lines of the list of targets, where a format has places in files.
    pub(crate) fn with_list(self, file: Option<&Path>, port: Option<u16>) -> Self {
        let wanted = file.filter(|_| self.channels.iter().any(|c| c.format == Format::Sarif));
        let named = wanted.map(|path| (path.display().to_string(), targets::lines(wanted, port)));
        Self { targets: named, ..self }
    }

    /// Lets one sender's view decide, if the arguments name one.
    ///
    /// # Errors
    /// If monitoring is to be told: it goes by the threshold.
    pub(crate) fn with_sender(self, sender: &'a SenderArgs) -> Result<Self, Failure> {
        if sender.is_given() && self.is_plugin() {
            return Err(Failure::usage("--format nagios goes by --fail-on and --min-grade; leave --as out"));
        }
        Ok(Self { sender: Some(sender), ..self })
    }

    /// Prints and stores one report.
    ///
    /// # Errors
    /// If an output cannot be written.
    pub(crate) fn take(&mut self, mut report: Report) -> Result<(), Failure> {
        match self.baseline.as_ref().map(|b| b.compare(&report)) {
            None => {}
            Some(Ok(comparison)) => report.comparison = Some(comparison),
            Some(Err(sentence)) => self.terminal.complain(&sentence),
        }
        let style = self.terminal.style();
        let verdict = self.sender.and_then(|s| s.narrow(&mut report, &self.threshold, &style));
        let exit =
            verdict.as_ref().map_or_else(|| self.threshold.standing(&report).into(), |(_, exit)| *exit);
        self.exit = self.exit.max(exit);
        let verdict = verdict.map(|(text, _)| text);
        let mut channels = std::mem::take(&mut self.channels);
        for channel in &mut channels {
            let piece = self.piece(channel, &report, verdict.as_deref())?;
            channel.write(&piece, self.terminal)?;
        }
        self.channels = channels;
        if let Some((file, list)) = &mut self.evidence {
            let json =
                waxseal_render::evidence::to_json(&[report.to_evidence()]).map_err(Failure::internal)?;
            file.write(&format!("{}{}", list.before(), json.trim_end()))?;
        }
        let kept = if self.channels.iter().any(|c| c.format.shows_all()) {
            report
        } else {
            slim(report, self.channels.iter().any(|c| c.format.is_whole()))
        };
        self.kept.push(kept);
        Ok(())
    }

    /// What one report adds to a channel; nothing to formats that need all reports.
    fn piece(
        &self,
        channel: &mut Channel,
        report: &Report,
        verdict: Option<&str>,
    ) -> Result<String, Failure> {
        let one = std::slice::from_ref(report);
        Ok(match channel.format {
            Format::Text => self.pages(channel).one(report, self.kept.is_empty(), verdict),
            Format::Json => {
                let element = json(one).map_err(Failure::internal)?;
                format!("{}{}", channel.list.before(), element.trim_end())
            }
            Format::Jsonl => jsonl(one).map_err(Failure::internal)?,
            Format::Csv if self.kept.is_empty() => csv(one),
            Format::Csv => csv::rows(report),
            Format::Html | Format::Markdown | Format::Junit | Format::Sarif | Format::Nagios => String::new(),
        })
    }

    /// Prints what comes last, and gives the exit code.
    ///
    /// # Errors
    /// If an output cannot be written.
    pub(crate) fn finish(&mut self) -> Result<Exit, Failure> {
        if self.kept.len() < self.of {
            let done = self.kept.len();
            self.terminal.complain(&format!("interrupted: {done} of {} targets were tested", self.of));
            self.exit = Exit::Interrupted;
        }
        let mut channels = std::mem::take(&mut self.channels);
        for channel in &mut channels {
            let piece = self.last(channel)?;
            channel.write(&piece, self.terminal)?;
            channel.file.as_mut().map_or(Ok(()), OutFile::end)?;
        }
        self.channels = channels;
        if let Some((file, list)) = &mut self.evidence {
            file.write(list.end())?;
            file.end()?;
        }
        Ok(self.exit)
    }

    /// What ends a channel: of formats that need all reports, the whole document.
    fn last(&mut self, channel: &Channel) -> Result<String, Failure> {
        Ok(match channel.format {
            Format::Text => self.pages(channel).end(&self.kept),
            Format::Json => channel.list.end().to_owned(),
            Format::Jsonl => String::new(),
            Format::Csv if self.kept.is_empty() => csv::header(),
            Format::Csv => String::new(),
            Format::Html => self.html(),
            Format::Markdown => {
                markdown(&self.kept, &MarkdownOptions { now: self.now, verbose: self.output.verbose })
            }
            Format::Junit => junit(&self.kept, &self.threshold),
            Format::Sarif => self.sarif()?,
            Format::Nagios => {
                let (state, text) = nagios(&self.kept, &self.threshold, self.now);
                if channel.file.is_none() {
                    let interrupted = self.exit == Exit::Interrupted;
                    self.exit = Exit::Plugin(if interrupted { State::Unknown } else { state });
                }
                text
            }
        })
    }

    fn html(&self) -> String {
        let transcripts = self.output.transcript;
        html(&self.kept, &HtmlOptions { now: self.now, manuals: &manuals(), transcripts })
    }

    fn sarif(&self) -> Result<String, Failure> {
        let run = Run {
            version: env!("CARGO_PKG_VERSION"),
            rules: &manuals(),
            exit_code: self.exit.code(),
            list: self.targets.as_ref().map(|(file, lines)| (file.as_str(), lines)),
        };
        sarif(&self.kept, &run).map_err(Failure::internal)
    }

    fn pages(&self, channel: &Channel) -> Pages<'_> {
        let style = self.terminal.style();
        let style = if channel.file.is_some() { Style { color: false, ..style } } else { style };
        Pages { output: self.output, style, of: self.of, story: self.story, now: self.now }
    }

    fn is_plugin(&self) -> bool {
        self.channels.iter().any(|c| c.format == Format::Nagios && c.file.is_none())
    }

    /// The reports that came, without their evidence.
    pub(crate) fn reports(&self) -> &[Report] {
        &self.kept
    }
}

impl Channel {
    fn write(&mut self, piece: &str, terminal: &Terminal) -> Result<(), Failure> {
        match &mut self.file {
            _ if piece.is_empty() => Ok(()),
            Some(file) => file.write(piece),
            None => terminal.write(piece),
        }
    }
}

/// The manual of every check.
fn manuals() -> Vec<Manual<'static>> {
    let checks = waxseal_judge::checks().iter();
    checks.map(|c| Manual { id: c.id, title: c.title, markdown: c.manual }).collect()
}

/// A report without what only pages and JSON show. Formats that are made of all reports at the
/// end need verdicts and certificates.
fn slim(mut report: Report, whole: bool) -> Report {
    report.senders = Vec::new();
    report.clients = Vec::new();
    report.host_addresses = Vec::new();
    if !whole {
        report.verdicts = Vec::new();
    }
    for EndpointEvidence { evidence, .. } in &mut report.endpoints {
        let kept = if whole { std::mem::take(evidence) } else { EndpointFacts::default() };
        *evidence = EndpointFacts { chains: kept.chains, cost: kept.cost, ..EndpointFacts::default() };
    }
    report
}
