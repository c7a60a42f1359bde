//! What to publish: the pages of `waxseal policy generate` and `waxseal dane`.

use waxseal_model::{
    DnssecStatus, Finding,
    policy::TlsaFacts,
    publication::{DaneServer, DaneView, Publication, ZoneRecord},
};

use crate::{
    page::{Page, width},
    style::{Role, Style},
    words::Quality,
};

/// Files and records to copy.
pub fn publication(publication: &Publication, style: &Style) -> String {
    let mut page = Page::new(*style);
    for file in &publication.files {
        page.heading(&format!("Serve as {} ({})", file.url, file.content_type));
        page.verbatim(2, &file.content);
    }
    if !publication.records.is_empty() {
        page.heading("Publish in DNS");
        records(&mut page, &publication.records);
    }
    if !publication.notes.is_empty() {
        page.heading("See to");
        for note in &publication.notes {
            page.entry(&[(Role::Plain, "-")], 2, Role::Plain, note);
        }
    }
    page.finish()
}

fn records(page: &mut Page, records: &[ZoneRecord]) {
    for record in records {
        page.verbatim(2, &record.to_string());
    }
}

/// DANE at a host: each address, its records and what they match, the findings, and the
/// records that would fit.
pub fn dane(title: &str, view: &DaneView, findings: &[Finding], style: &Style) -> String {
    let mut page = Page::new(*style);
    page.line(&[(Role::Strong, title)]);
    for server in &view.servers {
        page.blank();
        dane_server(&mut page, server);
    }
    if !findings.is_empty() {
        page.heading("Found");
        for finding in findings {
            page.entry(
                &[(Role::Plain, "-")],
                2,
                Role::Plain,
                &format!("{}. {}", finding.title, finding.detail),
            );
        }
    }
    if !view.fit_now.is_empty() {
        page.heading("Records that fit what it presents now (the first kind lasts longest)");
        records(&mut page, &view.fit_now);
    }
    if view.fit_next.is_empty() {
        page.heading("For the next key");
        page.paragraph(2, Role::Plain, "Publish its record at least two TTLs before the server uses it:");
        page.verbatim(4, &format!("waxseal dane {title} --next NEXT-KEY-OR-CERTIFICATE.pem"));
    } else {
        page.heading("Publish beside them before the next key is used, and wait two TTLs");
        records(&mut page, &view.fit_next);
    }
    page.finish()
}

fn dane_server(page: &mut Page, server: &DaneServer) {
    let (quality, word) = match server.verdict.as_str() {
        "valid" => (Quality::Good, "valid"),
        "none" => (Quality::Fair, "none"),
        "ignored" => (Quality::Fair, "ignored"),
        "unusable" => (Quality::Fair, "unusable"),
        "mismatch" => (Quality::Bad, "mismatch"),
        "lookup failed" => (Quality::Bad, "lookup failed"),
        _ => (Quality::Unknown, "undetermined"),
    };
    let look = quality.look(word, page.style());
    let text = look.text();
    let room = page.width().saturating_sub(width(&server.endpoint) + width(&text)).max(2);
    page.line(&[(Role::Strong, &server.endpoint), (Role::Plain, &" ".repeat(room)), (look.role, &text)]);
    page.paragraph(2, Role::Plain, &server.why);
    if let (Some(name), Some(status)) = (&server.name, server.status) {
        page.paragraph(2, Role::Plain, &format!("{name} TLSA, {}", status_words(status)));
    }
    for record in &server.records {
        let text = format!("{} {} {} {}", record.usage, record.selector, record.matching_type, record.data);
        page.verbatim(4, &text);
        page.paragraph(6, Role::Faint, &matched(record));
    }
}

fn status_words(status: DnssecStatus) -> String {
    format!("DNSSEC {}", status.word())
}

/// What a record matches, in words.
fn matched(record: &TlsaFacts) -> String {
    if let Some(why) = &record.unusable {
        return format!("not usable: {why}");
    }
    let depth = |d: &Option<u32>| match d {
        Some(0) => "the server's own certificate".to_owned(),
        Some(n) => format!("certificate {n} above it"),
        None => "nothing that is presented now".to_owned(),
    };
    match record.matched.as_slice() {
        [] => "not compared: no certificate was presented".into(),
        [one] => format!("matches {}", depth(one)),
        several => {
            let all: Vec<String> =
                several.iter().enumerate().map(|(i, d)| format!("chain {}: {}", i + 1, depth(d))).collect();
            format!("matches in {}", all.join("; "))
        }
    }
}
