//! CSV for spreadsheets and `awk`: one row for each target, then one for each finding, and one
//! for each check that found nothing or could not be answered.
//!
//! The form is that of RFC 4180, with every field in quotes. A field that a spreadsheet would
//! run as a formula (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return) gets an
//! apostrophe before it, which spreadsheets take for "this is text" (OWASP, CSV injection).

use waxseal_model::{Endpoint, Finding, Report, VerdictKind, finding::VerdictEntry};

use crate::guard::harmless;

/// The names of the columns.
const COLUMNS: [&str; 14] = [
    "target",
    "letter",
    "host",
    "address",
    "port",
    "check",
    "verdict",
    "severity",
    "confidence",
    "new",
    "title",
    "detail",
    "fix",
    "retest",
];

/// Reports as one table, with a line of titles.
pub fn csv(reports: &[Report]) -> String {
    let mut out = header();
    reports.iter().for_each(|report| out.push_str(&rows(report)));
    out
}

/// The line of titles.
pub fn header() -> String {
    line(COLUMNS)
}

/// The rows of one report, without titles.
pub fn rows(report: &Report) -> String {
    let letter = report.grade.letter.map_or("", |l| l.label());
    let row = |id: Option<&str>, cells: [&str; 9]| {
        let endpoint = id.and_then(|id| report.endpoints.iter().map(|e| &e.endpoint).find(|e| e.id() == id));
        let [host, address, port] = place(endpoint, id);
        let [check, verdict, severity, confidence, new, title, detail, fix, retest] = cells;
        line([
            &report.target,
            letter,
            &host,
            &address,
            &port,
            check,
            verdict,
            severity,
            confidence,
            new,
            title,
            detail,
            fix,
            retest,
        ])
    };
    let graded = if letter.is_empty() { "undetermined" } else { "graded" };
    let mut out = row(None, ["grade", graded, "", "", "", &report.grade.summary, "", "", ""]);
    for finding in &report.findings {
        let Finding { check, title, detail, fix, retest, .. } = finding;
        let new = match &report.comparison {
            None => "",
            Some(_) if report.is_new(finding) => "yes",
            Some(_) => "no",
        };
        let (severity, confidence) = (finding.severity.word(), finding.confidence.word());
        let cells = [check, "found", severity, confidence, new, title, detail, fix, retest];
        out.push_str(&row(finding.endpoint.as_deref(), cells));
    }
    for kind in [VerdictKind::Undetermined, VerdictKind::Clear] {
        for VerdictEntry { check, endpoint, why, .. } in report.verdicts.iter().filter(|v| v.verdict == kind)
        {
            out.push_str(&row(endpoint.as_deref(), [check, kind.word(), "", "", "", why, "", "", ""]));
        }
    }
    out
}

/// Host, address and port; an endpoint that the report does not know stands as it is called.
fn place(endpoint: Option<&Endpoint>, id: Option<&str>) -> [String; 3] {
    match (endpoint, id) {
        (Some(e), _) => [e.host.clone().unwrap_or_default(), e.address.to_string(), e.port.to_string()],
        (None, id) => [id.unwrap_or_default().to_owned(), String::new(), String::new()],
    }
}

fn line<const N: usize>(cells: [&str; N]) -> String {
    let fields: Vec<String> = cells.iter().map(|cell| field(cell)).collect();
    fields.join(",") + "\r\n"
}

/// One field. Lines of a text stay lines; everything else that acts on a terminal is made
/// visible.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let lines: Vec<String> = text.split('\n').map(|l| harmless(l).replace('"', "\"\"")).collect();
    format!("\"{}{}\"", if formula { "'" } else { "" }, lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_are_text() {
        assert_eq!(field(""), "\"\"");
        assert_eq!(field("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
        assert_eq!(
            field("=HYPERLINK(\"http://example.com\")"),
            "\"'=HYPERLINK(\"\"http://example.com\"\")\""
        );
        for first in ["+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert!(field(first).starts_with("\"'"), "{first:?}");
        }
        assert_eq!(field("a\r\u{1b}[1m"), "\"a\\x0d\\x1b[1m\"");
    }
}
