//! JUnit XML for pipelines (GitLab, Jenkins, Azure): each check at each place is a test.
//!
//! A finding at or above the threshold is a failure; one below it passes and is told in the
//! suite's output. What could not be determined is skipped, never passed. The first test of a
//! target is its letter: an error where there is none.
//!
//! Elements and attributes are those that both common schemas take, Ant's and Jenkins'
//! (`junit-10.xsd`), in the order of the former.

use waxseal_model::{Finding, Report, Threshold, VerdictKind, evidence::Cost, finding::VerdictEntry};

use crate::{guard::harmless, when};

/// Reports as one document.
pub fn junit(reports: &[Report], threshold: &Threshold) -> String {
    let suites: Vec<Suite> = reports.iter().flat_map(|report| suites(report, threshold)).collect();
    // Ant's schema takes no sums here; readers count.
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (id, suite) in suites.iter().enumerate() {
        suite.write(id, &mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

/// The tests of one place: the target as a whole, or an endpoint.
struct Suite {
    name: String,
    /// Of the target.
    package: String,
    host: String,
    started_at: i64,
    cost: Cost,
    letter: &'static str,
    cases: Vec<Case>,
    /// Findings below the threshold.
    notes: String,
}

struct Case {
    name: String,
    outcome: Option<Outcome>,
}

/// What kept a test from passing.
struct Outcome {
    kind: Kind,
    /// One line.
    message: String,
    /// Severity.
    class: &'static str,
    body: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failure,
    Error,
    Skipped,
}

fn suites(report: &Report, threshold: &Threshold) -> Vec<Suite> {
    let letter = report.grade.letter.map_or("none", |l| l.label());
    let suite = |name: String, host: String, cost| Suite {
        name,
        package: report.target.clone(),
        host,
        started_at: report.started_at,
        cost,
        letter,
        cases: Vec::new(),
        notes: String::new(),
    };
    let mut whole = suite(report.target.clone(), report.target_parsed.argument(), Cost::default());
    whole.cases.push(Case { name: "grade".to_owned(), outcome: grade(report, threshold) });
    whole.add(report, None, threshold);
    let mut all = vec![whole];
    for e in &report.endpoints {
        let id = e.endpoint.id();
        let host = e.endpoint.host.clone().unwrap_or_else(|| e.endpoint.address.to_string());
        let mut its = suite(format!("{} {id}", report.target), host, e.evidence.cost);
        its.add(report, Some(&id), threshold);
        all.push(its);
    }
    all
}

fn grade(report: &Report, threshold: &Threshold) -> Option<Outcome> {
    let body = report.grade.summary.clone();
    if threshold.grade_fails(report) {
        let letter = report.grade.letter.map_or("none", |l| l.label());
        let least = threshold.min_grade.map_or("", |l| l.label());
        let message = format!("The grade is {letter}, below {least}");
        return Some(Outcome { kind: Kind::Failure, message, class: "grade", body });
    }
    let untested = report.grade.letter.is_none();
    let kind = if threshold.is_undetermined(report) { Kind::Error } else { Kind::Skipped };
    untested.then(|| Outcome { kind, message: "There is no grade".to_owned(), class: "undetermined", body })
}

impl Suite {
    fn add(&mut self, report: &Report, endpoint: Option<&str>, threshold: &Threshold) {
        let here = |v: &&VerdictEntry| v.endpoint.as_deref() == endpoint;
        for verdict in report.verdicts.iter().filter(here) {
            let outcome = match verdict.verdict {
                VerdictKind::Clear => None,
                VerdictKind::Undetermined => Some(Outcome {
                    kind: Kind::Skipped,
                    message: format!("could not be determined: {}", verdict.why),
                    class: "undetermined",
                    body: String::new(),
                }),
                VerdictKind::Found => self.found(report, verdict, threshold),
            };
            self.cases.push(Case { name: verdict.check.clone(), outcome });
        }
    }

    /// The failure of a check, if a finding of it counts; the others are noted.
    fn found(&mut self, report: &Report, verdict: &VerdictEntry, threshold: &Threshold) -> Option<Outcome> {
        let its = |f: &&Finding| f.check == verdict.check && f.endpoint == verdict.endpoint;
        let (counting, others): (Vec<&Finding>, Vec<&Finding>) =
            report.findings.iter().filter(its).partition(|f| threshold.counts(report, f));
        for other in others {
            let (severity, check, title) = (other.severity.word(), &other.check, &other.title);
            self.notes.push_str(&format!("{severity} {check}: {title}\n"));
        }
        let worst = counting.first()?;
        let more = counting.len() - 1;
        let also = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        let bodies: Vec<String> = counting.iter().map(|f| body(f)).collect();
        Some(Outcome {
            kind: Kind::Failure,
            message: format!("{}{also}", worst.title),
            class: worst.severity.word(),
            body: bodies.join("\n"),
        })
    }

    fn count(&self, kind: Kind) -> usize {
        self.cases.iter().filter(|c| c.outcome.as_ref().is_some_and(|o| o.kind == kind)).count()
    }

    fn write(&self, id: usize, out: &mut String) {
        let (name, host, package) = (attribute(&self.name), attribute(&self.host), attribute(&self.package));
        let (tests, failures) = (self.cases.len(), self.count(Kind::Failure));
        let (errors, skipped) = (self.count(Kind::Error), self.count(Kind::Skipped));
        let (time, timestamp) = (seconds(self.cost.milliseconds), when::iso(self.started_at));
        out.push_str(&format!(
            "  <testsuite name=\"{name}\" id=\"{id}\" package=\"{package}\" hostname=\"{host}\" \
             timestamp=\"{timestamp}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
             skipped=\"{skipped}\" time=\"{time}\">\n    <properties>\n      \
             <property name=\"letter\" value=\"{}\"/>\n    </properties>\n",
            self.letter
        ));
        for case in &self.cases {
            let case_name = attribute(&case.name);
            out.push_str(&format!("    <testcase name=\"{case_name}\" classname=\"{name}\" time=\"0\""));
            match &case.outcome {
                None => out.push_str("/>\n"),
                Some(outcome) => outcome.write(out),
            }
        }
        let notes = text(&self.notes);
        out.push_str(&format!(
            "    <system-out>{notes}</system-out>\n    <system-err></system-err>\n  </testsuite>\n"
        ));
    }
}

impl Outcome {
    fn write(&self, out: &mut String) {
        let (message, body) = (attribute(&self.message), text(&self.body));
        let class = self.class;
        let element = match self.kind {
            Kind::Failure => format!("<failure message=\"{message}\" type=\"{class}\">{body}</failure>"),
            Kind::Error => format!("<error message=\"{message}\" type=\"{class}\">{body}</error>"),
            Kind::Skipped => format!("<skipped message=\"{message}\"/>"),
        };
        out.push_str(&format!(">\n      {element}\n    </testcase>\n"));
    }
}

fn body(finding: &Finding) -> String {
    let Finding { title, detail, fix, retest, .. } = finding;
    let fix = if fix.is_empty() { String::new() } else { format!("\n\nFix:\n{fix}") };
    let retest = if retest.is_empty() { String::new() } else { format!("\n\nTest again: {retest}") };
    format!("{title}\n{detail}{fix}{retest}\n")
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// One line, for an attribute in double quotes.
fn attribute(value: &str) -> String {
    escape(&harmless(value))
}

/// Lines between tags.
fn text(value: &str) -> String {
    value.split('\n').map(|line| escape(&harmless(line))).collect::<Vec<_>>().join("\n")
}

/// The five characters with a meaning in XML; what XML 1.0 cannot hold at all (section 2.2) is
/// replaced.
fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_an_element_or_attribute() {
        assert_eq!(attribute("a\"b'<c>&\n\u{0}"), "a&quot;b&apos;&lt;c&gt;&amp;\\x0a\\x00");
        assert_eq!(text("]]>\na\u{ffff}\u{1b}"), "]]&gt;\na\u{fffd}\\x1b");
    }
}
