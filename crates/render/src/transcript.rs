//! `--transcript`: what was said, line by line, with times.

use waxseal_model::{
    Report,
    evidence::{EndpointEvidence, EndpointFacts},
    smtp::{Speaker, TranscriptLine},
};

use crate::{
    page::Page,
    style::{Role, Style},
    when,
};

/// Where the text of a line begins.
const COLUMN: usize = 25;

/// The conversations with every endpoint of a target. Arrows are those of swaks: `->`
/// from waxseal, `<-` from the server, with `~` inside TLS; `**` marks remarks. Times are
/// milliseconds since the endpoint was first called, and since the line before.
pub fn transcript(report: &Report, style: &Style) -> String {
    let mut page = Page::new(*style);
    page.line(&[(Role::Strong, &report.target), (Role::Plain, "  "), (Role::Plain, "transcript")]);
    page.line(&[(Role::Faint, &when::moment(report.started_at))]);
    let legend = "-> waxseal, <- server, ~> and <~ inside TLS, ** remark; \
                  milliseconds since the first connection, and since the line before";
    page.paragraph(0, Role::Faint, legend);
    for endpoint in &report.endpoints {
        conversation(&mut page, endpoint);
    }
    page.finish()
}

fn conversation(page: &mut Page, endpoint: &EndpointEvidence) {
    page.heading(&endpoint.endpoint.id());
    let facts = &endpoint.evidence;
    if facts.transcript.is_empty() {
        let why = facts.smtp.connected.why().map_or("nothing was recorded", |w| w.text.as_str());
        page.paragraph(2, Role::Notice, why);
    }
    if let Some(stages) = stages(facts) {
        page.paragraph(0, Role::Faint, &stages);
    }
    let mut connection = None;
    let mut before = None;
    for said in &facts.transcript {
        if connection != Some(said.connection) {
            connection = Some(said.connection);
            page.line(&[(Role::Faint, &format!("connection {}", said.connection))]);
        }
        line(page, said, before);
        before = Some(said.at_us);
    }
}

/// How long the stages took, as far as they were reached.
fn stages(facts: &EndpointFacts) -> Option<String> {
    let connected = facts.smtp.connected.get().map(|ms| format!("connected in {ms} ms"));
    let greeting = facts.smtp.greeting.get().map(|g| format!("greeting after {} ms", g.milliseconds));
    let handshake = facts.tls.handshake.get().map(|h| format!("TLS handshake in {} ms", h.milliseconds));
    let stages: Vec<String> = [connected, greeting, handshake].into_iter().flatten().collect();
    (!stages.is_empty()).then(|| stages.join(", "))
}

fn line(page: &mut Page, said: &TranscriptLine, before: Option<u64>) {
    let (arrow, role) = match (said.from, said.tls) {
        (Speaker::Client, false) => ("->", Role::Notice),
        (Speaker::Client, true) => ("~>", Role::Notice),
        (Speaker::Server, false) => ("<-", Role::Plain),
        (Speaker::Server, true) => ("<~", Role::Plain),
        (Speaker::Note, _) => ("**", Role::Faint),
    };
    let since = before.map_or(String::new(), |b| format!("+{}", milliseconds(said.at_us.saturating_sub(b))));
    let times = format!("{:>10} {since:>9}", milliseconds(said.at_us));
    page.entry(&[(Role::Faint, &times), (role, &format!("  {arrow}"))], COLUMN, role, &said.text);
}

fn milliseconds(us: u64) -> String {
    format!("{}.{}", us / 1000, us % 1000 / 100)
}
