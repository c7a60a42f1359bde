//! TLS reports (RFC 8460) and DMARC aggregate reports (RFC 7489) as tables.

use waxseal_model::{
    diagnosis::Explanation,
    dmarc_report::{DmarcReport, DmarcReportRow},
    tls_report::{TlsReport, TlsReportPolicy},
};

use crate::{
    page::Page,
    style::Role,
    table::{Row, Table},
    when,
};

/// Rows that are shown of a report; the rest is counted.
const MOST_ROWS: usize = 20;

/// The reports of an explanation, if there are any.
pub(super) fn write(page: &mut Page, explanation: &Explanation) {
    for report in &explanation.tls_reports {
        tls(page, report);
    }
    for report in &explanation.dmarc_reports {
        dmarc(page, report);
    }
}

fn tls(page: &mut Page, report: &TlsReport) {
    page.blank();
    let (failed, all) = (report.failed(), report.failed().saturating_add(report.successful()));
    let verdict = match (failed, all) {
        (_, 0) => "no session is reported".to_owned(),
        (0, all) => format!("all {all} sessions were encrypted as the policies ask"),
        (failed, all) => format!("{failed} of {all} sessions failed"),
    };
    let head = head("TLS report", report.organization.as_deref(), report.start, report.end);
    page.paragraph(0, Role::Strong, &format!("{head}: {verdict}."));
    let mut table = Table {
        titles: vec!["policy", "domain", "good", "failed"],
        wraps: vec![false, true, false, false],
        ..Table::default()
    };
    for policy in report.policies.iter().take(MOST_ROWS) {
        table.rows.push(Row::Cells(vec![
            (Role::Plain, policy_name(&policy.kind).to_owned()),
            (Role::Plain, policy.domain.clone().unwrap_or_default()),
            (Role::Plain, policy.successful.to_string()),
            (if policy.failed > 0 { Role::Bad } else { Role::Plain }, policy.failed.to_string()),
        ]));
    }
    page.blank();
    table.write(page);
    rest(page, report.policies.len());
    failures(page, &report.policies);
}

fn policy_name(kind: &str) -> &str {
    match kind {
        "sts" => "MTA-STS",
        "tlsa" => "DANE",
        "no-policy-found" => "none",
        other => other,
    }
}

fn failures(page: &mut Page, policies: &[TlsReportPolicy]) {
    let failures: Vec<_> = policies.iter().flat_map(|policy| &policy.failures).collect();
    if failures.is_empty() {
        return;
    }
    let mut table = Table {
        titles: vec!["failure", "sessions", "MX", "sent from"],
        wraps: vec![true, false, true, false],
        ..Table::default()
    };
    for failure in failures.iter().take(MOST_ROWS) {
        let host = failure.receiving_host.clone().or_else(|| failure.receiving_helo.clone());
        let mx = match (host, failure.receiving_address) {
            (Some(host), Some(address)) => format!("{host} [{address}]"),
            (Some(host), None) => host,
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        };
        table.rows.push(Row::Cells(vec![
            (Role::Plain, failure.result.clone()),
            (Role::Plain, failure.sessions.to_string()),
            (Role::Plain, mx),
            (Role::Plain, failure.sending_address.map(|a| a.to_string()).unwrap_or_default()),
        ]));
        if let Some(reason) = failure.reason.as_ref().or(failure.additional.as_ref()) {
            table.rows.push(Row::Remark(vec![(Role::Plain, String::new())], (Role::Faint, reason.clone())));
        }
    }
    page.blank();
    table.write(page);
    rest(page, failures.len());
}

fn dmarc(page: &mut Page, report: &DmarcReport) {
    page.blank();
    let domain = report.policy.domain.as_deref().map(|d| format!(" about {d}")).unwrap_or_default();
    let head = head("DMARC report", report.organization.as_deref(), report.start, report.end);
    let verdict = match (report.failed(), report.messages()) {
        (_, 0) => "no message is reported".to_owned(),
        (0, all) => format!("all {all} messages passed"),
        (failed, all) => format!("{failed} of {all} messages passed neither SPF nor DKIM"),
    };
    page.paragraph(0, Role::Strong, &format!("{head}{domain}: {verdict}."));
    if let Some(policy) = &report.policy.policy {
        page.paragraph(0, Role::Plain, &format!("The domain's policy is p={policy}."));
    }
    for error in &report.errors {
        page.paragraph(0, Role::Plain, &format!("The reporter says: {error}"));
    }
    let mut table = Table {
        titles: vec!["source", "messages", "SPF", "DKIM", "done", "From"],
        wraps: vec![false, false, false, false, false, true],
        ..Table::default()
    };
    let mut rows: Vec<&DmarcReportRow> = report.rows.iter().collect();
    rows.sort_by_key(|row| (row.passes(), std::cmp::Reverse(row.count)));
    for row in rows.iter().take(MOST_ROWS) {
        table.rows.push(Row::Cells(dmarc_cells(row)));
    }
    page.blank();
    table.write(page);
    rest(page, rows.len());
}

fn dmarc_cells(row: &DmarcReportRow) -> Vec<(Role, String)> {
    let result = |result: &Option<String>| {
        let text = result.clone().unwrap_or_else(|| "not said".into());
        (if text == "pass" { Role::Good } else { Role::Warning }, text)
    };
    let done = match row.disposition.as_deref() {
        None | Some("none") => "delivered".to_owned(),
        Some(other) => other.to_owned(),
    };
    vec![
        (Role::Plain, row.source.map(|a| a.to_string()).unwrap_or_default()),
        (Role::Plain, row.count.to_string()),
        result(&row.spf),
        result(&row.dkim),
        (Role::Plain, done),
        (Role::Plain, row.header_from.clone().unwrap_or_default()),
    ]
}

/// `TLS report of google.com, 2026-09-20 to 2026-09-21`.
fn head(kind: &str, organization: Option<&str>, start: Option<i64>, end: Option<i64>) -> String {
    let by = organization.map(|o| format!(" of {o}")).unwrap_or_default();
    let span = match (start.map(when::date), end.map(when::date)) {
        (Some(start), Some(end)) if start != end => format!(", {start} to {end}"),
        (Some(day), _) | (None, Some(day)) => format!(", {day}"),
        (None, None) => String::new(),
    };
    format!("{kind}{by}{span}")
}

fn rest(page: &mut Page, all: usize) {
    if all > MOST_ROWS {
        page.paragraph(0, Role::Faint, &format!("and {} more rows: --json", all - MOST_ROWS));
    }
}
