//! TLS reports (RFC 8460), read as reporters write them: numbers as texts, one text where a
//! list belongs, underscores for hyphens, fields left out.

use std::net::IpAddr;

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use waxseal_model::{
    MailEvent, TlsReport,
    mail::{Outcome, Source, Stage},
    tls_report::{TlsReportFailure, TlsReportPolicy},
};
use waxseal_wire::text::neutralise;

use super::Reading;

/// Reports, and policies and failures of one report, that are read.
const MOST: usize = 10_000;
/// Characters of a text that are kept.
const MOST_CHARS: usize = 500;

/// Reads one report or several, in a list or one after the other. Each failure becomes an
/// event; broken JSON becomes a note that says where.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().take(MOST) {
        match value {
            Ok(Value::Array(values)) => {
                reading.tls_reports.extend(values.iter().take(MOST).filter_map(report));
            }
            Ok(value) => reading.tls_reports.extend(report(&value)),
            Err(e) => {
                reading.notes.push(broken(&e));
                break;
            }
        }
    }
    for report in &reading.tls_reports {
        let before = reading.events.len();
        reading.events.extend(report.policies.iter().flat_map(|policy| events(report, policy)));
        let told: u64 = reading.events.iter().skip(before).filter_map(|event| event.count).sum();
        if report.failed() > told {
            reading.notes.push(format!(
                "{} of {} failed sessions are counted without a reason.",
                report.failed() - told,
                report.failed()
            ));
        }
    }
    if reading.tls_reports.is_empty() && reading.notes.is_empty() {
        reading.notes.push("This is JSON, but no TLS report: it has no policies.".into());
    }
    if reading.events.is_empty() && reading.tls_reports.iter().any(|report| report.successful() > 0) {
        reading.notes.push("No session failed in the time that this report covers.".into());
    }
    reading
}

fn broken(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.is_eof() {
        return format!("The TLS report is cut off: its JSON ends at {place} before it is complete.");
    }
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    format!("The TLS report is broken: {what} at {place}.")
}

/// True for the beginning of such a text.
pub(super) fn recognise(head: &[u8]) -> bool {
    const MARKS: [&str; 10] = [
        "\"organization-name\"",
        "\"organization_name\"",
        "\"failure-details\"",
        "\"policy-type\"",
        "\"policy_type\"",
        "\"total-successful-session-count\"",
        "\"total-failure-session-count\"",
        "\"sending-mta-ip\"",
        "\"start-datetime\"",
        "\"policy-domain\"",
    ];
    let head = head.trim_ascii_start();
    if !head.starts_with(b"{") && !head.starts_with(b"[") {
        return false;
    }
    MARKS.iter().any(|mark| memchr::memmem::find(head, mark.as_bytes()).is_some())
}

/// A field by its name in the standard, with hyphens or with underscores.
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.get(&name.replace('-', "_"))).filter(|value| !value.is_null())
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match field(object, name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| neutralise(text.as_bytes(), MOST_CHARS))
}

fn number(object: &Map<String, Value>, name: &str) -> Option<u64> {
    match field(object, name)? {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|f| f.max(0.0) as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn address(object: &Map<String, Value>, name: &str) -> Option<IpAddr> {
    let text = text(object, name)?;
    text.trim_start_matches('[').trim_end_matches(']').trim_start_matches("IPv6:").parse().ok()
}

/// The texts of a list, or the one text in its place.
fn texts(object: &Map<String, Value>, name: &str) -> Vec<String> {
    let texts: Vec<&str> = match field(object, name) {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => text.lines().collect(),
        _ => Vec::new(),
    };
    let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
    texts.take(100).map(|text| neutralise(text.as_bytes(), MOST_CHARS)).collect()
}

/// The objects of a list, or the one object in its place.
fn objects<'a>(object: &'a Map<String, Value>, name: &str) -> Vec<&'a Map<String, Value>> {
    match field(object, name) {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_object).take(MOST).collect(),
        Some(Value::Object(object)) => vec![object],
        _ => Vec::new(),
    }
}

/// Seconds since 1970 of a moment that a reporter wrote: RFC 3339, the same without a zone,
/// a day alone, or the seconds themselves.
pub(super) fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds);
    }
    let mut whole = text.replacen(' ', "T", 1);
    if whole.len() == 10 {
        whole.push_str("T00:00:00");
    }
    let zoned = whole.ends_with(['Z', 'z']) || whole.get(10..).is_some_and(|time| time.contains(['+', '-']));
    if !zoned {
        whole.push('Z');
    }
    OffsetDateTime::parse(&whole, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

fn report(value: &Value) -> Option<TlsReport> {
    let object = value.as_object()?;
    let range = field(object, "date-range").and_then(Value::as_object);
    let at = |name: &str| range.and_then(|range| text(range, name)).and_then(|text| moment(&text));
    let policies: Vec<TlsReportPolicy> = objects(object, "policies").into_iter().map(policy).collect();
    let report = TlsReport {
        organization: text(object, "organization-name"),
        contact: text(object, "contact-info"),
        report_id: text(object, "report-id"),
        start: at("start-datetime"),
        end: at("end-datetime"),
        policies,
    };
    let said = !report.policies.is_empty() || report.organization.is_some() || report.start.is_some();
    said.then_some(report)
}

/// An entry of `policies`; some reporters leave out the object `policy` around the policy.
fn policy(entry: &Map<String, Value>) -> TlsReportPolicy {
    let policy = field(entry, "policy").and_then(Value::as_object).unwrap_or(entry);
    let summary = field(entry, "summary").and_then(Value::as_object).unwrap_or(entry);
    let mut details = objects(entry, "failure-details");
    if details.is_empty() {
        details = objects(policy, "failure-details");
    }
    let failures: Vec<TlsReportFailure> = details.into_iter().map(failure).collect();
    let told = failures.iter().fold(0_u64, |sum, failure| sum.saturating_add(failure.sessions));
    let mut mx_hosts = texts(policy, "mx-host");
    if mx_hosts.is_empty() {
        mx_hosts = texts(policy, "mx-host-pattern");
    }
    TlsReportPolicy {
        kind: text(policy, "policy-type").unwrap_or_default().to_ascii_lowercase(),
        domain: text(policy, "policy-domain"),
        lines: texts(policy, "policy-string"),
        mx_hosts,
        successful: number(summary, "total-successful-session-count").unwrap_or(0),
        failed: number(summary, "total-failure-session-count").unwrap_or(told),
        failures,
    }
}

fn failure(detail: &Map<String, Value>) -> TlsReportFailure {
    TlsReportFailure {
        result: text(detail, "result-type").unwrap_or_default().to_ascii_lowercase().replace(['_', ' '], "-"),
        sending_address: address(detail, "sending-mta-ip"),
        receiving_host: text(detail, "receiving-mx-hostname"),
        receiving_helo: text(detail, "receiving-mx-helo"),
        receiving_address: address(detail, "receiving-ip"),
        sessions: number(detail, "failed-session-count").unwrap_or(1),
        additional: text(detail, "additional-information").or_else(|| text(detail, "additional-info-uri")),
        reason: text(detail, "failure-reason-code").or_else(|| text(detail, "failure-error-code")),
    }
}

fn events<'a>(report: &'a TlsReport, policy: &'a TlsReportPolicy) -> impl Iterator<Item = MailEvent> + 'a {
    policy.failures.iter().map(move |failure| {
        let words = match failure.result.as_str() {
            "" => "without a result type",
            result => result,
        };
        let more: Vec<&str> =
            [&failure.reason, &failure.additional].into_iter().flatten().map(String::as_str).collect();
        let colon = if more.is_empty() { "" } else { ": " };
        let mut context = Vec::new();
        if !policy.kind.is_empty() {
            context.push(format!("policy type {}", policy.kind));
        }
        MailEvent {
            source: Source { format: "tlsrpt".into(), ..Source::default() },
            outcome: Outcome::Unknown,
            time: report.start,
            recipient: policy.domain.as_ref().map(|domain| format!("@{domain}")),
            stage: Some(stage(&failure.result)),
            text: format!("TLS-RPT {words}{colon}{}", more.join("; ")),
            remote_host: failure.receiving_host.clone(),
            remote_address: failure.receiving_address,
            reporter: report.organization.clone(),
            client_address: failure.sending_address,
            context,
            count: Some(failure.sessions),
            ..MailEvent::default()
        }
    })
}

/// When in a delivery a failure of that kind shows.
fn stage(result: &str) -> Stage {
    match result {
        "starttls-not-supported" => Stage::Starttls,
        "tlsa-invalid"
        | "dnssec-invalid"
        | "dane-required"
        | "sts-policy-fetch-error"
        | "sts-policy-invalid"
        | "sts-webpki-invalid" => Stage::Dns,
        _ => Stage::Tls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REPORT: &str = r#"{
      "organization-name": "Sender Inc.",
      "date-range": {"start-datetime": "2026-01-05T00:00:00Z", "end-datetime": "2026-01-05T23:59:59Z"},
      "contact-info": "tls-reports@sender.example",
      "report-id": "2026-01-05-example.com",
      "policies": [
        {"policy": {"policy-type": "sts", "policy-string": ["version: STSv1", "mode: enforce"],
                    "policy-domain": "example.com", "mx-host": ["mx1.example.com"]},
         "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
         "failure-details": [
           {"result-type": "certificate-expired", "sending-mta-ip": "2001:db8::25",
            "receiving-mx-hostname": "mx1.example.com", "receiving-ip": "192.0.2.25",
            "failed-session-count": 100},
           {"result-type": "starttls-not-supported", "sending-mta-ip": "192.0.2.1",
            "receiving-mx-hostname": "mx2.example.com", "failed-session-count": 200,
            "additional-information": "https://reports.example/1"},
           {"result-type": "validation-failure", "sending-mta-ip": "", "failed-session-count": 3,
            "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"}]}]}"#;

    #[test]
    fn a_report_gives_its_figures_and_an_event_for_each_kind_of_failure() {
        let reading = read(REPORT.as_bytes());
        assert!(recognise(REPORT.as_bytes()));
        let [report] = reading.tls_reports.as_slice() else { panic!("{reading:?}") };
        assert_eq!((report.successful(), report.failed()), (5326, 303));
        assert_eq!(report.start, Some(1_767_571_200));
        assert_eq!(report.policies[0].mx_hosts, ["mx1.example.com"]);
        let [expired, starttls, other] = reading.events.as_slice() else { panic!("{reading:?}") };
        assert_eq!((expired.text.as_str(), expired.count), ("TLS-RPT certificate-expired", Some(100)));
        assert_eq!(expired.remote_host.as_deref(), Some("mx1.example.com"));
        assert_eq!(expired.recipient.as_deref(), Some("@example.com"));
        assert_eq!(starttls.stage, Some(Stage::Starttls));
        assert_eq!(starttls.text, "TLS-RPT starttls-not-supported: https://reports.example/1");
        assert_eq!(other.text, "TLS-RPT validation-failure: X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED");
        assert_eq!(other.client_address, None);
        assert!(reading.notes.is_empty(), "{:?}", reading.notes);
    }

    #[test]
    fn what_reporters_write_otherwise_is_understood() {
        let text = r#"[{"organization_name":"S","date_range":{"start_datetime":"2026-01-05","end_datetime":"2026-01-05 23:59:59"},
          "policies":{"policy-type":"tlsa","policy-string":"3 1 1 ab","policy-domain":"example.com",
            "summary":{"total-successful-session-count":"7","total-failure-session-count":"9"},
            "failure-details":{"result-type":"TLSA_INVALID","failed-session-count":"4","receiving-ip":"[IPv6:2001:db8::1]"}}}]"#;
        let reading = read(text.as_bytes());
        assert_eq!(reading.tls_reports[0].end, Some(1_767_657_599));
        assert_eq!(reading.tls_reports[0].policies[0].lines, ["3 1 1 ab"]);
        assert_eq!(reading.events[0].text, "TLS-RPT tlsa-invalid");
        assert_eq!(reading.events[0].remote_address, "2001:db8::1".parse().ok());
        assert_eq!(reading.notes, ["5 of 9 failed sessions are counted without a reason."]);
    }

    #[test]
    fn broken_json_is_said_with_its_place_and_what_came_before_it_stays() {
        let cut = &REPORT[..400];
        assert!(
            read(cut.as_bytes()).notes[0].contains("is cut off: its JSON ends at line 8, column 39"),
            "{:?}",
            read(cut.as_bytes())
        );
        let wrong = REPORT.replace("\"report-id\":", "\"report-id\"");
        assert!(
            read(wrong.as_bytes()).notes[0].starts_with("The TLS report is broken: expected `:` at line 5")
        );
        let two = format!("{REPORT}\n{REPORT}\n{{");
        let reading = read(two.as_bytes());
        assert_eq!((reading.tls_reports.len(), reading.events.len(), reading.notes.len()), (2, 6, 1));
    }

    #[test]
    fn a_report_without_failures_says_so() {
        let text = r#"{"organization-name":"S","policies":[{"policy":{"policy-type":"no-policy-found"},
          "summary":{"total-successful-session-count":1,"total-failure-session-count":0}}]}"#;
        let reading = read(text.as_bytes());
        assert!(reading.events.is_empty());
        assert_eq!(reading.notes, ["No session failed in the time that this report covers."]);
    }

    #[test]
    fn other_json_is_no_report() {
        assert!(!recognise(br#"{"name": "waxseal", "version": "1"}"#));
        assert!(!recognise(br#""organization-name" and so on"#));
        assert!(read(b"{}").notes[0].contains("no TLS report"));
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
