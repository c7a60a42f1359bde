//! Where reports go, one by one as they come: pages or JSON to standard output, evidence
//! to its file. Of several targets only what the summary needs is kept, so that memory
//! does not grow with their evidence.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use waxseal_model::{EndpointEvidence, Report};
use waxseal_render::{TextOptions, json, story, summary, summary::totals, text, transcript};

use crate::{
    commands::{as_sender::SenderArgs, check::OutputArgs},
    exit::{Exit, Failure, Threshold},
    output::Terminal,
};

/// Takes the reports of one run.
pub(crate) struct Sink<'a> {
    output: &'a OutputArgs,
    threshold: Threshold,
    sender: Option<&'a SenderArgs>,
    terminal: &'a Terminal,
    now: i64,
    /// How many targets there are.
    of: usize,
    /// Each target in a few lines as it comes, instead of a table at the end.
    story: bool,
    json: List,
    evidence: Option<EvidenceFile>,
    kept: Vec<Report>,
    exit: Exit,
}

impl<'a> Sink<'a> {
    /// A sink for the reports of `of` targets. `now` counts the days that certificates
    /// have left.
    pub(crate) fn new(
        output: &'a OutputArgs,
        threshold: Threshold,
        terminal: &'a Terminal,
        now: i64,
        of: usize,
    ) -> Self {
        let json = List { several: of > 1, done: 0 };
        let exit = Exit::Fine;
        Self {
            output,
            threshold,
            sender: None,
            terminal,
            now,
            of,
            story: output.story,
            json,
            evidence: None,
            kept: Vec::new(),
            exit,
        }
    }

    /// Tells each target's story instead of a table of all, if `story` or the arguments
    /// say so.
    pub(crate) fn with_stories(self, story: bool) -> Self {
        Self { story: story || self.story, ..self }
    }

    /// Stores the evidence in a file too.
    ///
    /// # Errors
    /// A file that cannot be written: better known before the scan than after it.
    pub(crate) fn with_evidence(mut self, path: Option<&Path>) -> Result<Self, Failure> {
        self.evidence = path.map(|p| EvidenceFile::new(p, self.of > 1)).transpose()?;
        Ok(self)
    }

    /// Lets one sender's view decide, if the arguments name one.
    pub(crate) fn with_sender(self, sender: &'a SenderArgs) -> Self {
        Self { sender: Some(sender), ..self }
    }

    /// Prints and stores one report.
    ///
    /// # Errors
    /// If an output cannot be written.
    pub(crate) fn take(&mut self, mut report: Report) -> Result<(), Failure> {
        let style = self.terminal.style();
        let verdict = self.sender.and_then(|s| s.narrow(&mut report, &self.threshold, &style));
        let exit = verdict.as_ref().map_or_else(|| self.threshold.exit(&report), |(_, exit)| *exit);
        self.exit = self.exit.max(exit);
        if self.output.json {
            let element = json(std::slice::from_ref(&report)).map_err(Failure::internal)?;
            self.terminal.write(&format!("{}{}", self.json.before(), element.trim_end()))?;
        } else {
            if let Some((verdict, _)) = &verdict {
                self.terminal.print(&format!("{verdict}\n"))?;
            }
            let options = TextOptions { style, verbose: self.output.verbose, now: self.now };
            if self.story && !self.output.verbose {
                self.terminal.print(&format!("{}\n", story(&report, &options)))?;
            } else if self.of == 1 || self.output.verbose {
                let gap = if self.kept.is_empty() { "" } else { "\n" };
                self.terminal.print(&format!("{gap}{}", text(&report, &options)))?;
            }
            if self.output.transcript {
                self.terminal.print(&transcript(&report, &style))?;
            }
        }
        if let Some(file) = &mut self.evidence {
            file.add(&report)?;
        }
        self.kept.push(slim(report));
        Ok(())
    }

    /// Prints what comes last, and gives the exit code.
    ///
    /// # Errors
    /// If an output cannot be written.
    pub(crate) fn finish(&mut self) -> Result<Exit, Failure> {
        if self.output.json {
            self.terminal.write(self.json.end())?;
        } else if self.of > 1 && !self.kept.is_empty() {
            let gap = if self.output.verbose { "\n" } else { "" };
            let style = self.terminal.style();
            let end = if self.story { totals(&self.kept, &style) } else { summary(&self.kept, &style) };
            self.terminal.print(&format!("{gap}{end}"))?;
        }
        if let Some(file) = &mut self.evidence {
            file.end()?;
        }
        if self.kept.len() < self.of {
            let done = self.kept.len();
            self.terminal.complain(&format!("interrupted: {done} of {} targets were tested", self.of));
            return Ok(Exit::Interrupted);
        }
        Ok(self.exit)
    }

    /// The reports that came, without their evidence.
    pub(crate) fn reports(&self) -> &[Report] {
        &self.kept
    }
}

/// A report without what only pages and JSON show.
fn slim(mut report: Report) -> Report {
    report.verdicts = Vec::new();
    report.senders = Vec::new();
    report.host_addresses = Vec::new();
    for EndpointEvidence { evidence, .. } in &mut report.endpoints {
        *evidence = waxseal_model::evidence::EndpointFacts::default();
    }
    report
}

/// The punctuation of JSON that is written piece by piece: one value, or an array.
struct List {
    several: bool,
    done: usize,
}

impl List {
    /// What stands before the next value.
    fn before(&mut self) -> &'static str {
        self.done += 1;
        match (self.several, self.done) {
            (false, _) => "",
            (true, 1) => "[\n",
            (true, _) => ",\n",
        }
    }

    /// What stands behind the last one.
    fn end(&self) -> &'static str {
        match (self.several, self.done) {
            (false, 0) => "",
            (false, _) => "\n",
            (true, 0) => "[]\n",
            (true, _) => "\n]\n",
        }
    }
}

/// A file of evidence in the making. What was in it before stays until a report comes.
struct EvidenceFile {
    path: PathBuf,
    list: List,
    file: Option<BufWriter<File>>,
}

impl EvidenceFile {
    fn new(path: &Path, several: bool) -> Result<Self, Failure> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        opened.map_err(|e| not_writable(path, &e))?;
        Ok(Self { path: path.to_owned(), list: List { several, done: 0 }, file: None })
    }

    fn add(&mut self, report: &Report) -> Result<(), Failure> {
        let json = waxseal_render::evidence::to_json(&[report.to_evidence()]).map_err(Failure::internal)?;
        let text = format!("{}{}", self.list.before(), json.trim_end());
        self.write(&text)
    }

    fn end(&mut self) -> Result<(), Failure> {
        let end = self.list.end();
        self.write(end)?;
        let flushed = self.file.as_mut().map_or(Ok(()), Write::flush);
        flushed.map_err(|e| not_writable(&self.path, &e))
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        let path = &self.path;
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let created = File::create(path).map_err(|e| not_writable(path, &e))?;
                self.file.insert(BufWriter::new(created))
            }
        };
        file.write_all(text.as_bytes()).map_err(|e| not_writable(path, &e))
    }
}

fn not_writable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the evidence {} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_one_value_or_an_array() {
        for (several, values, expected) in [
            (false, &["1"][..], "1\n"),
            (true, &["1", "2"], "[\n1,\n2\n]\n"),
            (true, &["1"], "[\n1\n]\n"),
            (true, &[], "[]\n"),
        ] {
            let mut list = List { several, done: 0 };
            let mut text: String = values.iter().map(|v| format!("{}{v}", list.before())).collect();
            text.push_str(list.end());
            assert_eq!(text, expected);
        }
    }
}
