//! `waxseal dns NAME TYPE`: one answer, its DNSSEC status, and why.

use waxseal_model::{
    DnsAnswer, DnssecStatus,
    dns::{DnsOutcome, DnsRecord, RecordData},
};

use crate::{
    guard::harmless,
    json::pretty,
    page::{Page, width},
    style::{Role, Style},
    table::{Row, Table},
    words::{Look, Quality},
};

/// An answer as JSON: `name`, `type`, `status`, `reason`, `records` and the rest of
/// [`DnsAnswer`].
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn json(answer: &DnsAnswer) -> Result<String, serde_json::Error> {
    pretty(answer)
}

/// An answer as text.
pub fn text(answer: &DnsAnswer, style: &Style) -> String {
    let mut page = Page::new(*style);
    title(&mut page, answer);
    page.paragraph(0, Role::Plain, &answer.reason);
    page.blank();
    if let Some(sentence) = nothing(answer) {
        page.paragraph(0, Role::Plain, &sentence);
    }
    if let Some(canonical) = &answer.canonical_name {
        page.paragraph(0, Role::Plain, &format!("{} is an alias of {canonical}", answer.name));
        page.blank();
    }
    records(answer).write(&mut page);
    page.finish()
}

fn title(page: &mut Page, answer: &DnsAnswer) {
    let asked = format!("{} {}", answer.name, answer.rtype);
    let asked = harmless(&asked);
    let look = status(answer.status, page.style());
    let text = look.text();
    let room = page.width().saturating_sub(width(&asked) + width(&text)).max(2);
    page.line(&[(Role::Strong, &asked), (Role::Plain, &" ".repeat(room)), (look.role, &text)]);
}

fn status(status: DnssecStatus, style: &Style) -> Look {
    match status {
        DnssecStatus::Secure => Quality::Good.look("secure", style),
        DnssecStatus::Insecure => Quality::Fair.look("insecure", style),
        DnssecStatus::Bogus => Quality::Bad.look("bogus", style),
        DnssecStatus::Indeterminate => Quality::Unknown.look("indeterminate", style),
    }
}

/// What it means that no record of the type came.
fn nothing(answer: &DnsAnswer) -> Option<String> {
    let (name, rtype) = (&answer.name, &answer.rtype);
    match answer.outcome {
        DnsOutcome::Records => None,
        DnsOutcome::NoData => Some(format!("{name} exists, and has no {rtype} record.")),
        DnsOutcome::NxDomain => Some(format!("{name} does not exist (NXDOMAIN).")),
        DnsOutcome::ServerError => Some("The name servers answered with an error, not with records.".into()),
        DnsOutcome::Timeout => Some("No name server answered in time.".into()),
        DnsOutcome::Unusable => Some("An answer came, but it could not be used.".into()),
    }
}

fn records(answer: &DnsAnswer) -> Table {
    let mut table =
        Table { titles: vec!["", "", "", ""], wraps: vec![false, false, false, true], ..Table::default() };
    for record in &answer.records {
        let (rtype, data) = content(record);
        table.rows.push(Row::Cells(vec![
            (Role::Plain, record.name.clone()),
            (Role::Faint, record.ttl.to_string()),
            (Role::Plain, rtype.to_owned()),
            (Role::Command, data),
        ]));
    }
    table
}

/// Type and data of a record in presentation form; names without the final dot.
fn content(record: &DnsRecord) -> (&str, String) {
    match &record.data {
        RecordData::A { address } => ("A", address.to_string()),
        RecordData::Aaaa { address } => ("AAAA", address.to_string()),
        RecordData::Mx { preference, exchange } if exchange.is_empty() => {
            ("MX", format!("{preference} .  (null MX: no mail is accepted)"))
        }
        RecordData::Mx { preference, exchange } => ("MX", format!("{preference} {exchange}")),
        RecordData::Cname { target } => ("CNAME", target.clone()),
        RecordData::Ptr { target } => ("PTR", target.clone()),
        RecordData::Txt { text } => ("TXT", format!("\"{text}\"")),
        RecordData::Tlsa { usage, selector, matching_type, data } => {
            ("TLSA", format!("{usage} {selector} {matching_type} {data}"))
        }
        RecordData::Caa { flags, tag, value } => ("CAA", format!("{flags} {tag} \"{value}\"")),
        RecordData::Other { rtype, data } => (rtype, data.clone()),
    }
}
