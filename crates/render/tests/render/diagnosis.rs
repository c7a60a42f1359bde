//! What `waxseal explain` prints.

use waxseal_model::{
    Diagnosis, MailEvent, SCHEMA_VERSION,
    diagnosis::{
        CauseCount, EvidenceKind, EvidenceSpan, Explanation, Fix, Retry, RunnerUp, Scope, Side, Who,
    },
    dmarc_report::{DmarcReport, DmarcReportPolicy, DmarcReportRow},
    mail::{EnhancedStatus, Outcome, Source, Stage},
    tls_report::{TlsReport, TlsReportFailure, TlsReportPolicy},
};
use waxseal_render::{Style, diagnosis};

const TEXT: &str = "451 4.7.6 [internal] STARTTLS required but not advertised";

fn event(recipient: &str) -> MailEvent {
    MailEvent {
        source: Source { format: "postfix_log".into(), file: Some("mail.log".into()), line: Some(12) },
        outcome: Outcome::Deferred,
        time: Some(1_790_000_000),
        recipient: Some(recipient.into()),
        reply: Some(451),
        status: EnhancedStatus::parse("4.7.6"),
        stage: Some(Stage::Starttls),
        text: TEXT.into(),
        remote_host: Some("mx.partner.example".into()),
        remote_address: Some("192.0.2.7".parse().unwrap()),
        ..MailEvent::default()
    }
}

fn diagnosed(recipient: &str) -> Diagnosis {
    let words = EvidenceSpan {
        kind: EvidenceKind::Words,
        text: "STARTTLS required but not advertised".into(),
        start: Some(21),
        end: Some(57),
    };
    let code = EvidenceSpan { kind: EvidenceKind::Status, text: "4.7.6".into(), start: None, end: None };
    let fix = |at: &str, text: &str, paste: Option<&str>| Fix {
        at: at.into(),
        text: text.into(),
        paste: paste.map(str::to_owned),
    };
    Diagnosis {
        cause: "starttls_missing".into(),
        family: "tls".into(),
        summary:
            "The recipient's server does not offer TLS, and the sending system refuses to go on without."
                .into(),
        meaning: None,
        side: Side::RecipientServer,
        who: Who::RecipientServer,
        retry: Retry::Later,
        scope: Scope::RecipientDomain,
        confidence: 0.96,
        evidence: vec![words, code],
        fix: vec![
            fix(
                "Postfix",
                "Offer STARTTLS with a certificate.",
                Some("postconf -e smtpd_tls_security_level=may\npostfix reload"),
            ),
            fix(
                "a firewall on the way",
                "Switch off SMTP inspection: nothing may rewrite the answer to EHLO.",
                None,
            ),
        ],
        next: vec![format!("waxseal diagnose '{TEXT}' --to partner.example")],
        runner_up: Some(RunnerUp {
            cause: "tls_unavailable".into(),
            summary: "The server offers TLS and cannot do it for now.".into(),
            confidence: 0.2,
            rule: "generic.tls-unavailable".into(),
        }),
        rule: "generic.starttls-missing".into(),
        source: "RFC 3207".into(),
        provider: None,
        sisimai: "failedstarttls".into(),
        event: event(recipient),
    }
}

fn explanation(diagnoses: Vec<Diagnosis>) -> Explanation {
    Explanation {
        schema_version: SCHEMA_VERSION,
        file: Some("mail.log".into()),
        input: "lines of a mail log".into(),
        notes: vec!["The last line was cut off.".into()],
        diagnoses,
        tls_reports: Vec::new(),
        dmarc_reports: Vec::new(),
    }
}

#[test]
fn one_diagnosis_begins_with_its_sentence() {
    let text = diagnosis::text(&[explanation(vec![diagnosed("bob@partner.example")])], &Style::plain());
    assert!(
        text.lines().all(|line| line.chars().count() <= 80 || line.contains("waxseal diagnose")),
        "{text}"
    );
    insta::assert_snapshot!("diagnosis_one", text);
}

#[test]
fn below_one_half_two_are_offered() {
    let mut unsure = diagnosed("bob@partner.example");
    unsure.confidence = 0.4;
    let several = vec![unsure, diagnosed("eve@partner.example")];
    insta::assert_snapshot!("diagnosis_unsure", diagnosis::text(&[explanation(several)], &Style::plain()));
}

#[test]
fn many_are_counted_by_cause() {
    let counts = [CauseCount { count: 1200, files: 3, example: diagnosed("bob@partner.example") }];
    insta::assert_snapshot!("diagnosis_digest", diagnosis::digest(&counts, 4, 1, &Style::plain()));
}

#[test]
fn json_of_a_single_one_has_its_members_at_the_top() {
    let json = diagnosis::json(&[explanation(vec![diagnosed("bob@partner.example")])]).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    for member in [
        "cause",
        "family",
        "side",
        "retry",
        "scope",
        "confidence",
        "evidence",
        "fix",
        "next",
        "runner_up",
        "schema_version",
    ] {
        assert!(value.get(member).is_some(), "{member}: {json}");
    }
    assert_eq!(value["side"], "recipient_server");
    assert_eq!(value["event"]["status"], "4.7.6");
    let none = diagnosis::json(&[explanation(Vec::new())]).unwrap();
    assert_eq!(none.trim(), "[]");
    let lines =
        diagnosis::jsonl(&explanation(vec![diagnosed("a@x.example"), diagnosed("b@x.example")])).unwrap();
    assert_eq!(lines.lines().count(), 2);
}

#[test]
fn words_of_strangers_cannot_act_on_a_terminal() {
    let mut hostile = diagnosed("bob@partner.example");
    hostile.event.text = "550 \u{1b}[2J\u{202e}gone".into();
    hostile.event.recipient = Some("a\u{1b}]0;x\u{7}@b".into());
    let several = vec![hostile.clone(), hostile];
    let text = diagnosis::text(&[explanation(several)], &Style::plain());
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn reports_stand_above_what_follows_from_them() {
    let failure = TlsReportFailure {
        result: "certificate-expired".into(),
        sending_address: Some("192.0.2.9".parse().unwrap()),
        receiving_host: Some("mx.partner.example".into()),
        receiving_address: Some("192.0.2.7".parse().unwrap()),
        sessions: 12,
        reason: Some("certificate has expired".into()),
        ..TlsReportFailure::default()
    };
    let policy = TlsReportPolicy {
        kind: "sts".into(),
        domain: Some("partner.example".into()),
        successful: 1188,
        failed: 12,
        failures: vec![failure],
        ..TlsReportPolicy::default()
    };
    let tls = TlsReport {
        organization: Some("Sender Inc.".into()),
        start: Some(1_790_000_000),
        end: Some(1_790_086_399),
        policies: vec![policy],
        ..TlsReport::default()
    };
    let row = |source: &str, count, dkim: &str| DmarcReportRow {
        source: Some(source.parse().unwrap()),
        count,
        disposition: Some("none".into()),
        dkim: Some(dkim.into()),
        spf: Some("fail".into()),
        header_from: Some("partner.example".into()),
        ..DmarcReportRow::default()
    };
    let dmarc = DmarcReport {
        organization: Some("Receiver Ltd.".into()),
        policy: DmarcReportPolicy {
            domain: Some("partner.example".into()),
            policy: Some("reject".into()),
            ..Default::default()
        },
        rows: vec![row("192.0.2.1", 100, "pass"), row("2001:db8::1", 3, "fail")],
        ..DmarcReport::default()
    };
    let mut both = explanation(Vec::new());
    (both.tls_reports, both.dmarc_reports) = (vec![tls], vec![dmarc]);
    insta::assert_snapshot!("diagnosis_reports", diagnosis::text(&[both], &Style::plain()));
}
