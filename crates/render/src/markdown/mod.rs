//! Reports in Markdown, for tickets and pull requests: tables as GitHub and GitLab read
//! them. Foreign text is escaped so that it is neither markup nor acted on by such a site.

mod depth;
mod escape;

use waxseal_model::{Report, Severity};

use self::escape::{block, code, prose};
use crate::{
    paste::{Piece, pieces},
    style::Style,
    summary,
    text::{
        advice, certificate, endpoints, fixes, footer,
        group::{self, Group},
        senders,
        undetermined::blind,
    },
    when, words,
};

/// What the text depends on beside the reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MarkdownOptions {
    /// Seconds since 1970-01-01 UTC, for the days that certificates have left.
    pub now: i64,
    /// Also suites, groups, behaviour, certificates and clients at length.
    pub verbose: bool,
}

/// How words look: without symbols, which tickets do not need.
const STYLE: Style = Style { unicode: false, ..Style::plain() };

/// The reports, worst target first. The text ends with a line feed.
pub fn markdown(reports: &[Report], options: &MarkdownOptions) -> String {
    let sorted = summary::worst_first(reports);
    let mut out = String::new();
    if let [_, _, ..] = sorted.as_slice() {
        out.push_str(&format!("# Mail transport security of {} targets\n\n", sorted.len()));
        overview(&sorted, &mut out);
    }
    for report in sorted {
        target(report, options, &mut out);
    }
    format!("{}\n", out.trim_end())
}

/// A table; cells are escaped already. Nothing without rows.
fn table(titles: &[&str], rows: &[Vec<String>], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(&titles.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()));
    out.push_str(&format!("|{}\n", " --- |".repeat(titles.len())));
    for row in rows {
        out.push_str(&line(row));
    }
    out.push('\n');
}

fn overview(reports: &[&Report], out: &mut String) {
    let row = |r: &&Report| {
        let worst = r.findings.iter().filter(|f| f.severity > Severity::Info);
        let worst = worst.max_by_key(|f| (f.severity, f.importance));
        let what = worst.map_or_else(
            || prose(&r.grade.summary),
            |f| format!("{}: {}", words::severity(f.severity, &STYLE).word, prose(&f.title)),
        );
        vec![letter(r), code(&r.target), what]
    };
    table(&["Grade", "Target", "The worst of it"], &reports.iter().map(row).collect::<Vec<_>>(), out);
}

/// `C`, `C (provisional)`, `not graded`.
fn letter(report: &Report) -> String {
    let note = if report.grade.provisional { " (provisional)" } else { "" };
    report.grade.letter.map_or("not graded".into(), |letter| format!("{}{note}", letter.label()))
}

fn target(report: &Report, options: &MarkdownOptions, out: &mut String) {
    let groups = group::groups(report);
    let first = fixes::choose(&groups);
    out.push_str(&format!("## {}: {}\n\n", code(&report.target), letter(report)));
    grade(report, out);
    do_first(report, &first, out);
    servers(report, options, out);
    who_delivers(report, out);
    findings(report, &groups, &first, out);
    undetermined(report, out);
    depth::write(report, options, out);
    let cost = format!("{} {}", footer::answers(report), footer::cost(report));
    out.push_str(&format!("{} {}\n\n", cost.trim(), prose(&format!("waxseal {}.", report.waxseal_version))));
}

fn grade(report: &Report, out: &mut String) {
    let grade = &report.grade;
    out.push_str(&format!("{}\n\n", prose(&grade.summary)));
    let encryption = words::encryption(grade.encryption, &STYLE).word;
    let authentication = words::authentication(grade.authentication, &STYLE).word;
    out.push_str(&format!("- **Encryption** {encryption}: {}\n", prose(&grade.encryption_why)));
    out.push_str(&format!("- **Authentication** {authentication}: {}\n", prose(&grade.authentication_why)));
    let mut caps: Vec<_> = grade.caps.iter().collect();
    caps.sort_by_key(|c| std::cmp::Reverse(c.letter));
    for cap in caps {
        out.push_str(&format!("- **At most {}** {}\n", cap.letter.label(), prose(&cap.why)));
    }
    if let Some(lift) = &grade.lift {
        out.push_str(&format!("- **For {}** {}\n", lift.letter.label(), prose(&lift.steps.join("; "))));
    }
    out.push('\n');
}

fn do_first(report: &Report, first: &[&Group<'_>], out: &mut String) {
    if let Some(why) = advice::obstacle(report) {
        out.push_str(&format!("{}\n\n", prose(why)));
    }
    if let Some(advice) = advice::advice(report, !first.is_empty()) {
        out.push_str("### What to do\n\n");
        fix("", &advice, out);
    }
    if first.is_empty() {
        return;
    }
    out.push_str("### Do first\n\n");
    for (i, group) in first.iter().enumerate() {
        out.push_str(&format!("{}. **{}**\n\n", i + 1, prose(&group::title(report, group))));
        fix("   ", &group.head.fix, out);
        retest("   ", report, group, out);
    }
}

/// Sentences and blocks to paste, each moved in by `indent`.
fn fix(indent: &str, text: &str, out: &mut String) {
    for piece in pieces(text) {
        match piece {
            Piece::Prose(text) => out.push_str(&format!("{indent}{}\n\n", prose(&text))),
            Piece::Paste(lines) => out.push_str(&format!("{}\n", block(indent, &lines))),
        }
    }
}

fn retest(indent: &str, report: &Report, group: &Group<'_>, out: &mut String) {
    if let Some(command) = fixes::retest(report, group) {
        out.push_str(&format!("{indent}Test: {}\n\n", code(&command)));
    }
}

fn servers(report: &Report, options: &MarkdownOptions, out: &mut String) {
    let row = |e: &waxseal_model::EndpointEvidence| {
        let place = code(&e.endpoint.id());
        if let Some((_, remark)) = endpoints::without_tls(e) {
            return vec![place, prose(&remark), String::new(), String::new()];
        }
        let policy = report.domain.as_ref().map(|d| endpoints::policy(report, d, e).1);
        let certificate = certificate::cell(report, e, options.now).1;
        vec![place, prose(&endpoints::versions(e).1), prose(&certificate), prose(&policy.unwrap_or_default())]
    };
    let rows: Vec<Vec<String>> = report.endpoints.iter().map(row).collect();
    table(&["Server", "TLS", "Certificate", "Policy"], &rows, out);
}

fn who_delivers(report: &Report, out: &mut String) {
    let row = |v: &waxseal_model::sender::SenderView| {
        let today = senders::look(v.outcome, false).1;
        let attacked = senders::look(v.under_attack, v.read_under_attack).1;
        vec![prose(&v.title), today.to_owned(), attacked.to_owned()]
    };
    let rows: Vec<Vec<String>> = report.senders.iter().map(row).collect();
    table(&["Who delivers to you", "Today", "With an attacker on the path"], &rows, out);
}

fn findings(report: &Report, groups: &[Group<'_>], first: &[&Group<'_>], out: &mut String) {
    if groups.is_empty() {
        return;
    }
    out.push_str("### Found, worst first\n\n");
    let row = |group: &Group<'_>| {
        let severity = words::severity(group.head.severity, &STYLE).word;
        let places = group::places(report, &group.endpoints(), 5);
        vec![
            severity.to_owned(),
            code(&group.head.check),
            prose(&group::title(report, group)),
            prose(&places),
        ]
    };
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    table(&["Severity", "Check", "What", "Where"], &rows, out);
    for group in groups.iter().filter(|g| g.head.severity > Severity::Info) {
        let severity = words::severity(group.head.severity, &STYLE).word;
        out.push_str(&format!("#### {severity}: {}\n\n", prose(&group::title(report, group))));
        for (endpoint, detail) in &group.details {
            let place = match endpoint {
                Some(id) if group.details.len() > 1 => format!("{}: ", code(id)),
                _ => String::new(),
            };
            out.push_str(&format!("{place}{}\n\n", prose(detail)));
        }
        match fixes::number(first, group) {
            Some(number) => out.push_str(&format!("Fix: number {number} above.\n\n")),
            None if group.head.fix.trim().is_empty() => {}
            None => {
                out.push_str("Fix:\n\n");
                fix("", &group.head.fix, out);
                retest("", report, group, out);
            }
        }
    }
}

fn undetermined(report: &Report, out: &mut String) {
    let blind = blind(report);
    if blind.is_empty() {
        return;
    }
    out.push_str("### Could not be determined\n\n");
    for spot in blind {
        let places = prose(&group::places(report, &spot.places, 5));
        for gap in &spot.gaps {
            let checks = when::count(gap.checks.len(), "check");
            out.push_str(&format!("- {places}: {checks}: {}\n", prose(gap.why)));
        }
    }
    out.push('\n');
}
