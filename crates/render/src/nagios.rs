//! One line for Nagios, Icinga and all that run their plugins, with the state that is their
//! exit code (Monitoring Plugins guidelines: `OK|WARNING|CRITICAL|UNKNOWN - text | perfdata`).
//!
//! Critical is what fails by the threshold. Findings below it from medium on are a warning.
//! What could not be tested is unknown. Of several targets the worst state counts: critical,
//! warning, unknown, ok.

use waxseal_model::{Finding, Report, Severity, Standing, Threshold};

use crate::{guard::harmless, when};

/// Longest first line without its figures, in characters: Nagios cuts at 4 KiB, pagers earlier.
const LONGEST: usize = 400;
/// Findings that are told on lines of their own.
const MOST_LINES: usize = 20;

/// The state of a service. The order carries meaning: of several the last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing to do.
    Ok,
    /// It could not be tested.
    Unknown,
    /// To be seen to.
    Warning,
    /// It fails by the threshold.
    Critical,
}

impl State {
    /// The exit code of a plugin.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word that the line begins with.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The state of one target.
    pub fn of(report: &Report, threshold: &Threshold) -> Self {
        let to_see_to =
            |f: &Finding| f.severity >= Severity::Medium && (!threshold.only_new || report.is_new(f));
        match threshold.standing(report) {
            Standing::Fails => Self::Critical,
            Standing::Undetermined => Self::Unknown,
            Standing::Passes if report.findings.iter().any(to_see_to) => Self::Warning,
            Standing::Passes => Self::Ok,
        }
    }
}

/// The state over all reports, and what a plugin prints: the line, then the findings worst
/// first. `now` counts the days that certificates have left.
pub fn nagios(reports: &[Report], threshold: &Threshold, now: i64) -> (State, String) {
    let state = reports.iter().map(|r| State::of(r, threshold)).max().unwrap_or(State::Unknown);
    let mut sorted: Vec<&Report> = reports.iter().collect();
    sorted.sort_by_key(|r| std::cmp::Reverse(State::of(r, threshold)));
    let texts: Vec<String> = sorted.iter().map(|r| outline(r)).collect();
    let text = if texts.is_empty() { "nothing was tested".to_owned() } else { texts.join("; ") };
    let mut out = format!("{} - {} | {}\n", state.word(), cut(&plain(&text)), figures(reports, now));
    let mut findings: Vec<(&Report, &Finding)> =
        reports.iter().flat_map(|r| r.findings.iter().map(move |f| (r, f))).collect();
    findings.retain(|(_, f)| f.severity > Severity::Info);
    findings.sort_by_key(|(_, f)| std::cmp::Reverse((f.severity, f.importance)));
    let rest = findings.len().saturating_sub(MOST_LINES);
    for (report, finding) in findings.iter().take(MOST_LINES) {
        let place = finding.endpoint.as_deref().unwrap_or(&report.target);
        let (severity, check, title) = (finding.severity.word(), &finding.check, &finding.title);
        out.push_str(&plain(&format!("{severity} {check} {place}: {title}")));
        out.push('\n');
    }
    if rest > 0 {
        out.push_str(&format!("and {rest} more\n"));
    }
    (state, out)
}

/// `example.com D, high: The certificate is for old.example.com`.
fn outline(report: &Report) -> String {
    let letter = report.grade.letter.map_or("not graded", |l| l.label());
    let worst = report.findings.iter().filter(|f| f.severity >= Severity::Medium);
    let new = report.findings.iter().filter(|f| f.severity > Severity::Info && report.is_new(f)).count();
    let news = if report.comparison.is_some() && new > 0 { format!(", {new} new") } else { String::new() };
    let what = match worst.max_by_key(|f| (f.severity, f.importance)) {
        Some(f) if report.grade.letter.is_some() => format!("{}: {}", f.severity.word(), f.title),
        _ => report.grade.summary.clone(),
    };
    format!("{} {letter}{news}, {what}", report.target)
}

/// Performance data over all targets: findings by severity, checks without an answer, days of
/// the certificate that ends first, connections, seconds.
fn figures(reports: &[Report], now: i64) -> String {
    let of = |severity| reports.iter().flat_map(|r| &r.findings).filter(|f| f.severity == severity).count();
    let mut parts: Vec<String> = Severity::WORST_FIRST
        .into_iter()
        .filter(|s| *s > Severity::Info)
        .map(|s| format!("{}={};;;0", s.word(), of(s)))
        .collect();
    let verdicts = reports.iter().flat_map(|r| &r.verdicts);
    let open = verdicts.filter(|v| v.verdict == waxseal_model::VerdictKind::Undetermined).count();
    parts.push(format!("undetermined={open};;;0"));
    let endpoints = reports.iter().flat_map(|r| &r.endpoints);
    let chains = endpoints.filter_map(|e| e.evidence.chains.get()).flatten();
    if let Some(end) = chains.filter_map(|c| c.leaf()).map(|c| c.not_after).min() {
        parts.push(format!("certificate_days={}", end.saturating_sub(now).div_euclid(86_400)));
    }
    let connections = reports.iter().map(|r| u64::from(r.cost.connections)).sum::<u64>();
    parts.push(format!("connections={connections};;;0"));
    let milliseconds = reports.iter().map(|r| r.cost.milliseconds).fold(0, u64::saturating_add);
    parts.push(format!("time={}s;;;0", when::seconds(milliseconds).trim_end_matches(" s")));
    parts.join(" ")
}

/// One line without the character that begins the figures.
fn plain(text: &str) -> String {
    harmless(text).replace('|', "/")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
