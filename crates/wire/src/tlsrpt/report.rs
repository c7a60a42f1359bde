//! Reports written (RFC 8460 sections 4 and 5): the JSON, and the mail that carries it.

use std::net::IpAddr;

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use waxseal_model::tls_report::{TlsReport, TlsReportFailure, TlsReportPolicy};

use crate::compose::{BodyLines, Boundary, Header, base64_lines, date, lines_of, quoted_printable};

/// The media type of the JSON as it is.
pub const JSON_TYPE: &str = "application/tlsrpt+json";
/// The media type of the JSON in gzip.
pub const GZIP_TYPE: &str = "application/tlsrpt+gzip";

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Json<'a> {
    organization_name: &'a str,
    date_range: Range,
    contact_info: &'a str,
    report_id: &'a str,
    policies: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Range {
    start_datetime: String,
    end_datetime: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'a> {
    policy: Policy<'a>,
    summary: Summary,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failure_details: Vec<Failure<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Policy<'a> {
    policy_type: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    policy_string: &'a [String],
    policy_domain: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    mx_host: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Summary {
    total_successful_session_count: u64,
    total_failure_session_count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Failure<'a> {
    result_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sending_mta_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_mx_hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_mx_helo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_ip: Option<IpAddr>,
    failed_session_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_information: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason_code: Option<&'a str>,
}

/// The report as RFC 8460 section 4.4 has it. What is not known is left out, except the
/// fields that every report has: those are empty then.
pub fn to_json(report: &TlsReport) -> String {
    let json = Json {
        organization_name: report.organization.as_deref().unwrap_or_default(),
        date_range: Range {
            start_datetime: moment(report.start.unwrap_or_default()),
            end_datetime: moment(report.end.unwrap_or_default()),
        },
        contact_info: report.contact.as_deref().unwrap_or_default(),
        report_id: report.report_id.as_deref().unwrap_or_default(),
        policies: report.policies.iter().map(entry).collect(),
    };
    // Texts and numbers under fixed names: there is nothing that could fail.
    serde_json::to_string(&json).unwrap_or_default()
}

fn entry(policy: &TlsReportPolicy) -> Entry<'_> {
    Entry {
        policy: Policy {
            policy_type: &policy.kind,
            policy_string: &policy.lines,
            policy_domain: policy.domain.as_deref().unwrap_or_default(),
            mx_host: &policy.mx_hosts,
        },
        summary: Summary {
            total_successful_session_count: policy.successful,
            total_failure_session_count: policy.failed,
        },
        failure_details: policy.failures.iter().map(failure).collect(),
    }
}

fn failure(failure: &TlsReportFailure) -> Failure<'_> {
    Failure {
        result_type: &failure.result,
        sending_mta_ip: failure.sending_address,
        receiving_mx_hostname: failure.receiving_host.as_deref(),
        receiving_mx_helo: failure.receiving_helo.as_deref(),
        receiving_ip: failure.receiving_address,
        failed_session_count: failure.sessions,
        additional_information: failure.additional.as_deref(),
        failure_reason_code: failure.reason.as_deref(),
    }
}

/// A moment by RFC 3339: `2026-11-27T00:00:00Z`.
fn moment(at: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// The file's name (RFC 8460 section 5.1): `sender!receiver!begin!end!id.json.gz`. Of the id
/// only letters and digits are used.
pub fn file_name(submitter: &str, domain: &str, (start, end): (i64, i64), id: &str) -> String {
    let safe = |name: &str| -> String {
        name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).collect()
    };
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("{}!{}!{start}!{end}!{id}.json.gz", safe(submitter), safe(domain))
}

/// The mail that carries a report (RFC 8460 section 5.3).
#[derive(Debug, Clone)]
pub struct ReportMail<'a> {
    /// Our address, without angle brackets.
    pub from: &'a str,
    /// The name beside it.
    pub from_name: &'a str,
    /// Where the report goes, without angle brackets.
    pub to: &'a str,
    /// The domain that it is about.
    pub domain: &'a str,
    /// The domain that reports: that of the contact.
    pub submitter: &'a str,
    /// The report's id, `…@…`: Message-ID and subject have it.
    pub report_id: &'a str,
    /// When, seconds since 1970-01-01 UTC.
    pub date: i64,
    /// What it says, for people: lines that end in LF.
    pub text: &'a str,
    /// The attachment's name, see [`file_name`].
    pub file_name: &'a str,
    /// The JSON in gzip.
    pub gzip: &'a [u8],
}

impl ReportMail<'_> {
    /// The message, unsigned, lines ending in CRLF, all of it ASCII.
    pub fn write(&self) -> Vec<u8> {
        let crlf = self.text.replace("\r\n", "\n").replace('\n', "\r\n");
        let (charset, encoding, text) = match lines_of(&[crlf.as_bytes()]) {
            BodyLines::SevenBit => ("us-ascii", "7bit", crlf),
            _ => ("utf-8", "quoted-printable", quoted_printable(self.text.as_bytes())),
        };
        let attachment = base64_lines(self.gzip);
        let mut part = Header::ascii();
        part.field("Content-Type", GZIP_TYPE).field("Content-Transfer-Encoding", "base64");
        part.whole("Content-Disposition", ["attachment;", &format!("filename=\"{}\"", self.file_name)]);
        let boundary = Boundary::outside_of(self.report_id, &[text.as_bytes(), attachment.as_bytes()]);
        let line = boundary.as_str();
        let mut out = self.header(&boundary);
        out.push_str(&format!(
            "\r\n--{line}\r\nContent-Type: text/plain; charset={charset}\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\r\n{text}\r\n--{line}\r\n{}\r\n{attachment}\r\n--{line}--\r\n",
            part.finish()
        ));
        out.into_bytes()
    }

    fn header(&self, boundary: &Boundary) -> String {
        let mut header = Header::ascii();
        header.field("Date", &date(self.date)).mailbox("From", self.from_name, self.from);
        header.mailbox("To", "", self.to);
        let subject = format!(
            "Report Domain: {} Submitter: {} Report-ID: <{}>",
            self.domain, self.submitter, self.report_id
        );
        header.unstructured("Subject", &subject);
        header.whole("Message-ID", [format!("<{}>", self.report_id).as_str()]);
        header.field("TLS-Report-Domain", self.domain).field("TLS-Report-Submitter", self.submitter);
        // Reports of broken TLS have to arrive although it is broken (RFC 8460 section 3).
        header.field("TLS-Required", "No").field("Auto-Submitted", "auto-generated");
        header.field("MIME-Version", "1.0");
        let boundary = format!("boundary=\"{}\"", boundary.as_str());
        header.whole("Content-Type", ["multipart/report;", "report-type=\"tlsrpt\";", &boundary]);
        header.finish().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_json_has_the_names_of_the_standard() {
        let report = TlsReport {
            organization: Some("Example".into()),
            contact: Some("postmaster@example.com".into()),
            report_id: Some("1@example.com".into()),
            start: Some(1_795_737_600),
            end: Some(1_795_823_999),
            policies: vec![
                TlsReportPolicy {
                    kind: "sts".into(),
                    domain: Some("example.net".into()),
                    lines: vec!["version: STSv1".into()],
                    mx_hosts: vec!["*.example.net".into()],
                    successful: 3,
                    failed: 2,
                    failures: vec![TlsReportFailure {
                        result: "certificate-expired".into(),
                        sending_address: Some([192, 0, 2, 1].into()),
                        receiving_host: Some("mx.example.net".into()),
                        receiving_helo: Some("mx".into()),
                        receiving_address: Some("2001:db8::1".parse().unwrap()),
                        sessions: 2,
                        additional: Some("https://example.com/".into()),
                        reason: Some("expired".into()),
                    }],
                },
                TlsReportPolicy {
                    kind: "no-policy-found".into(),
                    successful: 1,
                    ..TlsReportPolicy::default()
                },
            ],
        };
        let expected = r#"{"organization-name":"Example","date-range":{"start-datetime":"2026-11-27T00:00:00Z","end-datetime":"2026-11-27T23:59:59Z"},"contact-info":"postmaster@example.com","report-id":"1@example.com","policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1"],"policy-domain":"example.net","mx-host":["*.example.net"]},"summary":{"total-successful-session-count":3,"total-failure-session-count":2},"failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"192.0.2.1","receiving-mx-hostname":"mx.example.net","receiving-mx-helo":"mx","receiving-ip":"2001:db8::1","failed-session-count":2,"additional-information":"https://example.com/","failure-reason-code":"expired"}]},{"policy":{"policy-type":"no-policy-found","policy-domain":""},"summary":{"total-successful-session-count":1,"total-failure-session-count":0}}]}"#;
        assert_eq!(to_json(&report), expected);
    }

    fn mail() -> ReportMail<'static> {
        ReportMail {
            from: "tlsrpt@relay.example.com",
            from_name: "TLS reports",
            to: "reports@example.net",
            domain: "example.net",
            submitter: "example.com",
            report_id: "1795737600.1@relay.example.com",
            date: 1_795_824_000,
            text: "A report.\n",
            file_name: "example.com!example.net!1795737600!1795823999!1.json.gz",
            gzip: b"\x1f\x8b gzip",
        }
    }

    #[test]
    fn the_mail_is_written_as_the_standard_says() {
        let written = String::from_utf8(mail().write()).unwrap();
        let expected = "Date: Sat, 28 Nov 2026 00:00:00 +0000\r
From: \"TLS reports\" <tlsrpt@relay.example.com>\r
To: <reports@example.net>\r
Subject: Report Domain: example.net Submitter: example.com Report-ID:\r
 <1795737600.1@relay.example.com>\r
Message-ID: <1795737600.1@relay.example.com>\r
TLS-Report-Domain: example.net\r
TLS-Report-Submitter: example.com\r
TLS-Required: No\r
Auto-Submitted: auto-generated\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=\"tlsrpt\";\r
 boundary=\"=_0_17957376001relayexamplecom\"\r
\r
--=_0_17957376001relayexamplecom\r
Content-Type: text/plain; charset=us-ascii\r
Content-Transfer-Encoding: 7bit\r
\r
A report.\r
\r
--=_0_17957376001relayexamplecom\r
Content-Type: application/tlsrpt+gzip\r
Content-Transfer-Encoding: base64\r
Content-Disposition: attachment;\r
 filename=\"example.com!example.net!1795737600!1795823999!1.json.gz\"\r
\r
H4sgZ3ppcA==\r
\r
--=_0_17957376001relayexamplecom--\r
";
        assert_eq!(written, expected);
        assert_eq!(
            file_name("example.com", "exa\"mple.net", (1, 2), "1.x@y"),
            "example.com!example.net!1!2!1xy.json.gz"
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_handed_in_changes_the_shape_of_the_mail(
            odd in "([a-z]|@|\"|<|>|;|\r\n|\n|é|\u{1b}|--|=_0_){1,60}", gzip in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mail = ReportMail { to: &odd, domain: &odd, text: &odd, from_name: &odd, gzip: &gzip, ..mail() };
            let written = mail.write();
            prop_assert!(lines_of(&[&written]) == BodyLines::SevenBit);
            let parsed = MessageParser::default().parse(&written).unwrap();
            prop_assert_eq!((parsed.headers().len(), parsed.parts.len()), (11, 3));
            prop_assert_eq!(parsed.parts[2].contents(), gzip.as_slice());
            prop_assert_eq!(parsed.parts[2].attachment_name(), Some(mail.file_name));
        }
    }
}
