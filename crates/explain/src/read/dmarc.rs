//! DMARC aggregate reports (RFC 7489 appendix C, and those of its successor): XML, read by
//! the names of its elements, wherever reporters put them.
//!
//! Entities that a document defines are never expanded, and nesting and sizes are bounded.

use std::net::IpAddr;

use quick_xml::{Reader, escape::resolve_xml_entity, events::Event};
use waxseal_model::{
    DmarcReport, MailEvent,
    dmarc_report::{DmarcAuthResult, DmarcReportRow},
    mail::{Outcome, Source, Stage},
};
use waxseal_wire::text::neutralise;

use super::{Reading, tlsrpt::moment};

/// Rows that are read.
const MOST_ROWS: usize = 100_000;
/// Results of one row that are read.
const MOST_RESULTS: usize = 100;
/// Elements within elements.
const MOST_DEPTH: usize = 32;
/// Bytes of a text that are read, and characters of it that are kept.
const MOST_TEXT: usize = 500;

/// Reads a report. Each row of which neither SPF nor DKIM passed in alignment becomes an
/// event; what is wrong with the XML becomes a note that says where.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(bytes);
    let mut reading = Reading::default();
    let mut xml = Reader::from_str(&text);
    // Reporters forget to close elements; what the names mean does not depend on it.
    xml.config_mut().check_end_names = false;
    xml.config_mut().allow_unmatched_ends = true;
    let mut walk = Walk::default();
    loop {
        match xml.read_event() {
            Ok(Event::Start(start)) => {
                if !walk.open(&String::from_utf8_lossy(start.local_name().as_ref())) {
                    reading.notes.push("The report's elements are nested too deeply to be read.".into());
                    break;
                }
            }
            Ok(Event::End(_)) => walk.close(),
            Ok(Event::Text(piece)) => walk.text(&String::from_utf8_lossy(&piece)),
            Ok(Event::CData(piece)) => walk.text(&String::from_utf8_lossy(&piece)),
            Ok(Event::GeneralRef(name)) => {
                let name_text = String::from_utf8_lossy(&name);
                match name.resolve_char_ref() {
                    Ok(Some(c)) => walk.text(c.encode_utf8(&mut [0; 4])),
                    _ => walk.text(resolve_xml_entity(&name_text).unwrap_or_default()),
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(e) => {
                let line = text
                    .get(..usize::try_from(xml.error_position()).unwrap_or(0))
                    .map_or(1, |t| t.lines().count().max(1));
                reading.notes.push(format!(
                    "The report's XML is broken at line {line}: {}.",
                    neutralise(e.to_string().as_bytes(), 200)
                ));
                break;
            }
        }
    }
    if !walk.path.is_empty() && reading.notes.is_empty() {
        reading.notes.push("The report is cut off: its XML ends before it is complete.".into());
    }
    finish(walk, reading)
}

fn finish(mut walk: Walk, mut reading: Reading) -> Reading {
    walk.end_row();
    let (report, left_out) = (walk.report, walk.left_out);
    if left_out > 0 {
        reading.notes.push(format!("{left_out} rows of the report were left out; {MOST_ROWS} were read."));
    }
    if report.rows.is_empty() && report.organization.is_none() && report.policy.domain.is_none() {
        reading.notes.push("This is XML, but no DMARC report: it has neither rows nor a policy.".into());
        return reading;
    }
    reading.events = report.rows.iter().filter(|row| !row.passes()).map(|row| event(&report, row)).collect();
    if reading.events.is_empty() {
        reading.notes.push(format!("All {} messages in this report passed DMARC.", report.messages()));
    }
    reading.dmarc_reports.push(report);
    reading
}

/// True for the beginning of such a text.
pub(super) fn recognise(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let has = |mark: &str| memchr::memmem::find(head, mark.as_bytes()).is_some();
    head.starts_with(b"<")
        && (has("<feedback") || has(":feedback"))
        && ["report_metadata", "policy_published", "policy_evaluated", "source_ip"]
            .iter()
            .any(|mark| has(mark))
}

/// The walk through a document: where it is and what it has found.
#[derive(Default)]
struct Walk {
    path: Vec<String>,
    content: String,
    report: DmarcReport,
    row: Option<DmarcReportRow>,
    result: DmarcAuthResult,
    reason: (String, String),
    left_out: u64,
}

impl Walk {
    /// False where the document is nested too deeply.
    fn open(&mut self, name: &str) -> bool {
        if name == "record" {
            self.end_row();
            self.row = Some(DmarcReportRow { count: 1, ..DmarcReportRow::default() });
        }
        self.content.clear();
        self.path.push(name.chars().take(64).collect());
        self.path.len() <= MOST_DEPTH
    }

    fn text(&mut self, piece: &str) {
        let room = MOST_TEXT.saturating_sub(self.content.len());
        self.content.extend(piece.chars().take(room));
    }

    fn close(&mut self) {
        let Some(name) = self.path.pop() else { return };
        let value = neutralise(std::mem::take(&mut self.content).trim().as_bytes(), MOST_TEXT);
        let parent = self.path.last().cloned().unwrap_or_default();
        match (&mut self.row, name.as_str()) {
            (Some(_), "record") => self.end_row(),
            (Some(row), "reason") => {
                let (kind, comment) = std::mem::take(&mut self.reason);
                if row.overrides.len() < MOST_RESULTS && !(kind.is_empty() && comment.is_empty()) {
                    let colon = if comment.is_empty() { "" } else { ": " };
                    row.overrides.push(format!("{kind}{colon}{comment}"));
                }
            }
            (Some(row), "dkim" | "spf") if parent == "auth_results" => {
                let result = std::mem::take(&mut self.result);
                let list = if name == "dkim" { &mut row.dkim_results } else { &mut row.spf_results };
                if list.len() < MOST_RESULTS && (!result.result.is_empty() || result.domain.is_some()) {
                    list.push(result);
                }
            }
            _ if value.is_empty() => {}
            (Some(_), _) => self.row_value(&parent, &name, value),
            (None, _) => self.report_value(&name, value),
        }
    }

    fn row_value(&mut self, parent: &str, name: &str, value: String) {
        let Some(row) = &mut self.row else { return };
        match (parent, name) {
            ("reason", "type") => self.reason.0 = value,
            ("reason", "comment") => self.reason.1 = value,
            ("dkim" | "spf", "domain") => self.result.domain = Some(value),
            ("dkim", "selector") | ("spf", "scope") => self.result.part = Some(value),
            ("dkim" | "spf", "result") => self.result.result = value.to_ascii_lowercase(),
            ("dkim" | "spf", "human_result") => self.result.comment = Some(value),
            (_, "source_ip") => row.source = address(&value),
            (_, "count") => row.count = value.parse().unwrap_or(row.count),
            (_, "disposition") => row.disposition = Some(value.to_ascii_lowercase()),
            (_, "dkim") => row.dkim = Some(value.to_ascii_lowercase()),
            (_, "spf") => row.spf = Some(value.to_ascii_lowercase()),
            (_, "header_from") => row.header_from = Some(value),
            (_, "envelope_from") => row.envelope_from = Some(value),
            (_, "envelope_to") => row.envelope_to = Some(value),
            _ => {}
        }
    }

    fn report_value(&mut self, name: &str, value: String) {
        let report = &mut self.report;
        let policy = &mut report.policy;
        match name {
            "org_name" => report.organization = Some(value),
            "email" => report.contact = Some(value),
            "report_id" => report.report_id = Some(value),
            "begin" => report.start = moment(&value),
            "end" => report.end = moment(&value),
            "error" if report.errors.len() < MOST_RESULTS => report.errors.push(value),
            "domain" => policy.domain = Some(value),
            "p" => policy.policy = Some(value.to_ascii_lowercase()),
            "sp" => policy.subdomain_policy = Some(value.to_ascii_lowercase()),
            "np" => policy.nonexistent_policy = Some(value.to_ascii_lowercase()),
            "adkim" => policy.dkim_alignment = Some(value.to_ascii_lowercase()),
            "aspf" => policy.spf_alignment = Some(value.to_ascii_lowercase()),
            "pct" => policy.percent = value.parse().ok(),
            _ => {}
        }
    }

    fn end_row(&mut self) {
        self.result = DmarcAuthResult::default();
        self.reason = Default::default();
        if let Some(row) = self.row.take() {
            if self.report.rows.len() < MOST_ROWS {
                self.report.rows.push(row);
            } else {
                self.left_out += 1;
            }
        }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    Some(address.to_canonical())
}

/// A row that failed. Its text says how, in words of our own: a report has none.
fn event(report: &DmarcReport, row: &DmarcReportRow) -> MailEvent {
    let from = row.header_from.as_ref().or(report.policy.domain.as_ref());
    let disposition = row.disposition.as_deref().unwrap_or("none");
    let mut context: Vec<String> =
        row.overrides.iter().map(|reason| format!("policy override: {reason}")).collect();
    context.extend(results("SPF", &row.spf_results));
    context.extend(results("DKIM", &row.dkim_results));
    MailEvent {
        source: Source { format: "dmarc".into(), ..Source::default() },
        outcome: if disposition == "reject" { Outcome::Failed } else { Outcome::Unknown },
        time: report.start,
        sender: from.map(|domain| format!("@{domain}")),
        recipient: row.envelope_to.as_ref().map(|domain| format!("@{domain}")),
        stage: Some(Stage::EndOfData),
        text: format!("DMARC report: {}; disposition {disposition}", how(row)),
        reporter: report.organization.clone(),
        client_address: row.source,
        context,
        count: Some(row.count),
        ..MailEvent::default()
    }
}

fn results<'a>(what: &'a str, results: &'a [DmarcAuthResult]) -> impl Iterator<Item = String> + 'a {
    results.iter().take(8).map(move |result| {
        let domain = result.domain.as_deref().unwrap_or("an unnamed domain");
        format!("{what} {} for {domain}", result.result)
    })
}

/// Why neither passed in alignment, the most telling first.
fn how(row: &DmarcReportRow) -> &'static str {
    let spf = |wanted: &[&str]| row.spf_results.iter().any(|r| wanted.contains(&r.result.as_str()));
    let dkim = |wanted: &[&str]| row.dkim_results.iter().any(|r| wanted.contains(&r.result.as_str()));
    let signed = row.dkim_results.iter().any(|r| r.result != "none");
    match () {
        () if row.overrides.iter().any(|r| r.starts_with("forwarded") || r.starts_with("mailing_list")) => {
            "not aligned after forwarding"
        }
        () if spf(&["pass"]) && dkim(&["pass"]) => {
            "SPF and DKIM passed, but for other domains than the From field's"
        }
        () if dkim(&["pass"]) => "DKIM passed, but for another domain than the From field's",
        () if dkim(&["fail", "policy", "neutral"]) => {
            "DKIM signature did not verify and SPF did not pass in alignment"
        }
        () if dkim(&["permerror", "temperror"]) => {
            "DKIM key could not be used and SPF did not pass in alignment"
        }
        () if spf(&["permerror"]) => "SPF record broken and no DKIM signature that verifies",
        () if spf(&["temperror"]) => "SPF could not be looked up and no DKIM signature that verifies",
        () if spf(&["fail", "softfail"]) && !signed => "SPF failed and no DKIM signature",
        () if spf(&["pass"]) => "SPF passed for another domain than the From field's and no DKIM signature",
        () if !signed => "neither SPF nor DKIM",
        () => "SPF failed and DKIM did not verify",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<feedback xmlns="http://dmarc.org/dmarc-xml/0.1">
  <version>1.0</version>
  <report_metadata>
    <org_name>Receiver &amp; Sons</org_name><email>dmarc@receiver.example</email>
    <report_id>12345</report_id><date_range><begin>1767571200</begin><end>1767657599</end></date_range>
  </report_metadata>
  <policy_published><domain>example.com</domain><adkim>r</adkim><aspf>r</aspf><p>reject</p><sp>none</sp><pct>100</pct></policy_published>
  <record>
    <row><source_ip>192.0.2.1</source_ip><count>12</count>
      <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
    <identifiers><header_from>example.com</header_from></identifiers>
    <auth_results><dkim><domain>example.com</domain><selector>s1</selector><result>pass</result></dkim>
      <spf><domain>other.example</domain><result>softfail</result></spf></auth_results>
  </record>
  <record>
    <row><source_ip>2001:db8::7</source_ip><count>3</count>
      <policy_evaluated><disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf>
        <reason><type>local_policy</type><comment>arc=fail</comment></reason></policy_evaluated></row>
    <identifiers><envelope_to>receiver.example</envelope_to><envelope_from>b.example.net</envelope_from><header_from>example.com</header_from></identifiers>
    <auth_results><dkim><domain>example.net</domain><result>pass</result></dkim>
      <spf><domain>b.example.net</domain><scope>mfrom</scope><result>pass</result></spf></auth_results>
  </record>
</feedback>
"#;

    #[test]
    fn a_report_gives_its_rows_and_an_event_for_each_that_failed() {
        assert!(recognise(REPORT.as_bytes()));
        let reading = read(REPORT.as_bytes());
        let [report] = reading.dmarc_reports.as_slice() else { panic!("{reading:?}") };
        assert_eq!(report.organization.as_deref(), Some("Receiver & Sons"));
        assert_eq!((report.start, report.messages(), report.failed()), (Some(1_767_571_200), 15, 3));
        assert_eq!(report.policy.policy.as_deref(), Some("reject"));
        assert_eq!(report.rows[0].dkim_results[0].part.as_deref(), Some("s1"));
        assert_eq!(report.rows[0].spf_results[0].result, "softfail");
        assert_eq!(report.rows[1].overrides, ["local_policy: arc=fail"]);
        let [event] = reading.events.as_slice() else { panic!("{reading:?}") };
        assert_eq!(
            event.text,
            "DMARC report: SPF and DKIM passed, but for other domains than the From field's; disposition reject"
        );
        assert_eq!((event.count, event.outcome), (Some(3), Outcome::Failed));
        assert_eq!(event.client_address, "2001:db8::7".parse().ok());
        assert_eq!(event.sender.as_deref(), Some("@example.com"));
        assert!(event.context.contains(&"SPF pass for b.example.net".to_owned()), "{:?}", event.context);
        assert!(reading.notes.is_empty(), "{:?}", reading.notes);
    }

    #[test]
    fn entities_of_the_document_are_not_expanded() {
        let bomb = r#"<!DOCTYPE f [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
            <feedback><report_metadata><org_name>x&b;&#x41;&lt;</org_name></report_metadata></feedback>"#;
        let reading = read(bomb.as_bytes());
        assert_eq!(reading.dmarc_reports[0].organization.as_deref(), Some("xA<"));
    }

    #[test]
    fn a_cut_or_broken_report_keeps_what_came_before() {
        let at = REPORT.find("<identifiers><envelope_to>").unwrap();
        let reading = read(&REPORT.as_bytes()[..at]);
        assert_eq!(reading.dmarc_reports[0].rows.len(), 2);
        assert_eq!(reading.notes, ["The report is cut off: its XML ends before it is complete."]);
        let broken = REPORT.replacen("<count>3", "<count <3", 1);
        let reading = read(broken.as_bytes());
        assert_eq!(reading.dmarc_reports.len(), 1);
        assert!(read(b"<feedback><a>").notes.iter().any(|n| n.contains("no DMARC report")));
    }

    #[test]
    fn deep_nesting_ends_the_reading() {
        let deep = format!("<feedback>{}", "<a>".repeat(10_000));
        assert!(read(deep.as_bytes()).notes[0].contains("nested too deeply"));
    }

    #[test]
    fn every_way_to_fail_has_words() {
        let row = |spf: &[&str], dkim: &[&str]| {
            let list = |results: &[&str]| {
                results
                    .iter()
                    .map(|r| DmarcAuthResult { result: (*r).into(), ..Default::default() })
                    .collect()
            };
            how(&DmarcReportRow { spf_results: list(spf), dkim_results: list(dkim), ..Default::default() })
        };
        assert_eq!(row(&["softfail"], &[]), "SPF failed and no DKIM signature");
        assert_eq!(row(&["softfail"], &["none"]), "SPF failed and no DKIM signature");
        assert_eq!(row(&["permerror"], &[]), "SPF record broken and no DKIM signature that verifies");
        assert_eq!(
            row(&["pass"], &["fail"]),
            "DKIM signature did not verify and SPF did not pass in alignment"
        );
        assert_eq!(
            row(&["pass"], &[]),
            "SPF passed for another domain than the From field's and no DKIM signature"
        );
        assert_eq!(row(&[], &[]), "neither SPF nor DKIM");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (recognise(&bytes), read(&bytes));
        }

        #[test]
        fn no_damaged_report_panics(at in 0..REPORT.len(), byte in any::<u8>()) {
            let mut bytes = REPORT.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
