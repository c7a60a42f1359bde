//! The tables of the page.

use waxseal_model::{
    LogSummary,
    logs::{LogCause, Traffic},
};

use super::numbers::{count, plural, share};
use crate::{
    page::Page,
    style::Role,
    table::{Row, Table},
    when,
};

/// A cell of plain text.
fn plain(text: impl Into<String>) -> (Role, String) {
    (Role::Plain, text.into())
}

/// How many lines are shown of `all`.
fn shown(all: usize, top: usize) -> usize {
    if top == 0 { all } else { all.min(top) }
}

/// A table, without its last columns on a page that is too narrow for all.
fn write(page: &mut Page, mut table: Table) {
    while table.least_width() > page.width() && table.titles.len() > 2 {
        table.titles.pop();
        table.wraps.pop();
        for row in &mut table.rows {
            let (Row::Cells(cells) | Row::Remark(cells, _)) = row;
            cells.pop();
        }
    }
    table.write(page);
}

/// `and 12 more`
fn more(page: &mut Page, all: usize, top: usize) {
    let rest = all - shown(all, top);
    if rest > 0 {
        page.line(&[(Role::Faint, &format!("and {} more", count(rest as u64)))]);
    }
}

/// Who got mail in clear.
pub(super) fn clear(page: &mut Page, summary: &LogSummary, top: usize) {
    let mut domains: Vec<_> = summary.domains.iter().filter(|d| d.delivered.clear > 0).collect();
    if domains.is_empty() {
        return;
    }
    domains.sort_by(|a, b| b.delivered.clear.cmp(&a.delivered.clear).then_with(|| a.domain.cmp(&b.domain)));
    page.heading("Who got mail in clear");
    let titles = vec!["domain", "in clear", "of all", "host", "the log says before"];
    let mut table = Table { titles, wraps: vec![true, false, false, true, true], ..Table::default() };
    for domain in domains.iter().take(shown(domains.len(), top)) {
        let traffic = &domain.delivered;
        let host = domain.hosts.iter().max_by_key(|h| h.delivered.clear).map_or("", |h| h.host.as_str());
        table.rows.push(Row::Cells(vec![
            (Role::Bad, domain.domain.clone()),
            plain(count(traffic.clear)),
            plain(share(traffic.clear, traffic.known())),
            plain(host),
            plain(domain.why_clear.clone().unwrap_or_default()),
        ]));
    }
    write(page, table);
    more(page, domains.len(), top);
}

/// Why mail was deferred or given up.
pub(super) fn causes(page: &mut Page, summary: &LogSummary, top: usize) {
    if summary.causes.is_empty() {
        return;
    }
    page.heading("Why mail failed");
    list(page, &summary.causes, "deferred", "given up", top);
}

/// Why others were refused.
pub(super) fn rejections(page: &mut Page, summary: &LogSummary, top: usize) {
    if summary.rejections.is_empty() {
        return;
    }
    page.heading("What this server refused");
    list(page, &summary.rejections, "", "refused", top);
}

fn list(page: &mut Page, causes: &[LogCause], deferred: &str, failed: &str, top: usize) {
    for cause in causes.iter().take(shown(causes.len(), top)) {
        let head = format!("{:>8}  ", count(cause.total()));
        page.entry(&[(Role::Strong, &head), (Role::Strong, &cause.cause)], 10, Role::Plain, "");
        page.paragraph(10, Role::Plain, &cause.summary);
        page.paragraph(10, Role::Faint, &told(cause, deferred, failed));
        if let Some(fix) = &cause.fix {
            page.entry(&[(Role::Plain, "          "), (Role::Faint, "fix")], 15, Role::Plain, fix);
        }
        page.entry(&[(Role::Plain, "          "), (Role::Faint, "as in")], 16, Role::Faint, &cause.example);
    }
    more(page, causes.len(), top);
}

/// `3 deferred, 1 given up, from … to …; most to a.example (3)`
fn told(cause: &LogCause, deferred: &str, failed: &str) -> String {
    let mut parts = Vec::new();
    for (n, word) in [(cause.deferred, deferred), (cause.failed, failed)] {
        if n > 0 {
            parts.push(format!("{} {word}", count(n)));
        }
    }
    let when = match (cause.first, cause.last) {
        (Some(first), Some(last)) if first == last => format!(", {}", when::moment(first)),
        (Some(first), Some(last)) => format!(", {} to {}", when::moment(first), when::moment(last)),
        _ => String::new(),
    };
    let struck: Vec<String> =
        cause.struck.iter().map(|s| format!("{} ({})", s.name, count(s.count))).collect();
    let struck = if struck.is_empty() { String::new() } else { format!("; {}", struck.join(", ")) };
    format!("{}{when}{struck}", parts.join(", "))
}

/// What still waits.
pub(super) fn waiting(page: &mut Page, summary: &LogSummary, top: usize) {
    let domains = &summary.waiting.domains;
    if domains.is_empty() {
        return;
    }
    page.heading("Still waiting when the log ends");
    let titles = vec!["domain", "recipients", "oldest since", "why"];
    let mut table = Table { titles, wraps: vec![true, false, false, true], ..Table::default() };
    for domain in domains.iter().take(shown(domains.len(), top)) {
        table.rows.push(Row::Cells(vec![
            plain(&domain.domain),
            plain(count(domain.recipients)),
            plain(domain.oldest.map(when::moment).unwrap_or_default()),
            plain(domain.cause.clone().unwrap_or_default()),
        ]));
    }
    write(page, table);
    more(page, domains.len(), top);
}

/// The domains that mail went to.
pub(super) fn domains(page: &mut Page, summary: &LogSummary, top: usize) {
    let rows: Vec<_> =
        summary.domains.iter().map(|d| (d.domain.as_str(), d.delivered, d.deferred + d.failed)).collect();
    traffic(page, "Where mail went", "domain", &rows, top);
    if summary.others.count > 0 {
        let (n, sent) = (summary.others.count, summary.others.delivered.total());
        let text = format!("{} counted together: {} sent", plural(n, "domain"), count(sent));
        page.line(&[(Role::Faint, &text)]);
    }
}

/// Who runs the hosts that took it.
pub(super) fn sites(page: &mut Page, summary: &LogSummary, top: usize) {
    let rows: Vec<_> = summary.sites.iter().map(|s| (s.site.as_str(), s.delivered, s.undelivered)).collect();
    traffic(page, "Whose servers took it", "MX of", &rows, top);
}

/// From where it went.
pub(super) fn sources(page: &mut Page, summary: &LogSummary, top: usize) {
    if summary.sources.len() < 2 {
        return;
    }
    let rows: Vec<_> = summary.sources.iter().map(|s| (s.source.as_str(), s.delivered, 0)).collect();
    traffic(page, "From where it went", "our side", &rows, top);
}

/// A name, what was sent there, and what failed.
type Line<'a> = (&'a str, Traffic, u64);
/// A title, how to get its number, and its colour.
type Column = (&'static str, fn(&Line<'_>) -> u64, Role);

/// A name, what was sent there, and how. Columns that nothing is in are left out.
fn traffic(page: &mut Page, heading: &str, name: &'static str, rows: &[Line<'_>], top: usize) {
    if rows.is_empty() {
        return;
    }
    let rows_shown = rows.get(..shown(rows.len(), top)).unwrap_or(rows);
    let columns: [Column; 5] = [
        ("in clear", |r| r.1.clear, Role::Bad),
        ("encrypted", |r| r.1.encrypted, Role::Plain),
        ("authenticated", |r| r.1.authenticated, Role::Good),
        ("not known", |r| r.1.unknown, Role::Faint),
        ("failed", |r| r.2, Role::Plain),
    ];
    let mut used = columns.to_vec();
    used.retain(|(_, get, _)| rows_shown.iter().any(|row| get(row) > 0));
    page.heading(heading);
    write(page, table_of(name, &used, rows_shown));
    more(page, rows.len(), top);
}

fn table_of(name: &'static str, columns: &[Column], rows: &[Line<'_>]) -> Table {
    let mut titles = vec![name, "sent"];
    titles.extend(columns.iter().map(|(title, ..)| *title));
    let mut wraps = vec![true];
    wraps.resize(titles.len(), false);
    let mut table = Table { titles, wraps, ..Table::default() };
    for row in rows {
        let name = if row.0.is_empty() { "(none)" } else { row.0 };
        let mut cells = vec![plain(name), plain(count(row.1.total()))];
        for (title, get, role) in columns {
            let n = get(row);
            cells.push(match (*title, n) {
                (_, 0) => plain(""),
                ("failed", n) => plain(count(n)),
                (_, n) => (*role, share(n, row.1.total())),
            });
        }
        table.rows.push(Row::Cells(cells));
    }
    table
}

/// What changed since an earlier run.
pub(super) fn change(page: &mut Page, summary: &LogSummary, top: usize) {
    let Some(change) = &summary.change else { return };
    page.heading("Since the earlier run");
    let (now, before) = (&summary.delivered, &change.earlier);
    let ended =
        change.earlier_last.map(|t| format!(" Its log ended {}.", when::moment(t))).unwrap_or_default();
    let line = format!(
        "In clear: {} now, {} before. Authenticated: {} now, {} before.{ended}",
        share(now.clear, now.known()),
        share(before.clear, before.known()),
        share(now.authenticated, now.known()),
        share(before.authenticated, before.known())
    );
    page.paragraph(2, Role::Plain, &line);
    for (label, causes) in [("New causes", &change.new_causes), ("Gone", &change.gone_causes)] {
        if !causes.is_empty() {
            page.entry(&[(Role::Plain, &format!("  {label}"))], 14, Role::Plain, &causes.join(", "));
        }
    }
    for domain in change.domains.iter().take(shown(change.domains.len(), top)) {
        let (role, word) = if domain.now.clear > 0 {
            (Role::Bad, "in clear now")
        } else {
            (Role::Good, "no longer in clear")
        };
        let text = format!(
            "{word}: {} of {}, before {} of {}",
            count(domain.now.clear),
            count(domain.now.known()),
            count(domain.before.clear),
            count(domain.before.known())
        );
        page.entry(&[(Role::Plain, "  "), (Role::Strong, &domain.domain)], 28, role, &text);
    }
    more(page, change.domains.len(), top);
}
