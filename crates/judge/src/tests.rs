//! The judgement as a whole: order, choice of fixes, and evidence of any kind.

use proptest::prelude::*;
use serde_json::Value;
use waxseal_model::{Confidence, tls::TlsVersion};

use super::*;
use crate::fixtures::{self, NOW};

fn mail() -> &'static Profile {
    profile("mail").unwrap()
}

#[test]
fn findings_come_worst_first() {
    let mut evidence = fixtures::healthy();
    fixtures::version(&mut evidence, TlsVersion::Tls10, true);
    fixtures::own_certificate(&mut evidence).not_after = NOW - 1;
    fixtures::tls(&mut evidence).post_quantum = waxseal_model::Observed::seen(false);
    let order: Vec<_> = judge(&evidence, mail(), NOW).findings.iter().map(|f| f.severity).collect();
    assert!(order.is_sorted_by(|a, b| a >= b), "{order:?}");
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    assert!(all.iter().all(|s| order.contains(s)), "{order:?}");
}

#[test]
fn a_finding_about_the_domain_is_not_repeated_for_each_server() {
    let mut evidence = fixtures::healthy();
    evidence.endpoints.push(evidence.endpoints[0].clone());
    fixtures::mx(&mut evidence).cname = Some("other.example".into());
    let judgement = judge(&evidence, mail(), NOW);
    assert_eq!(judgement.findings.iter().filter(|f| f.check == "dns.mx_is_cname").count(), 1);
}

#[test]
fn a_question_that_makes_no_sense_at_a_server_gives_no_verdict() {
    let mut evidence = fixtures::healthy();
    fixtures::smtp(&mut evidence).mail_in_clear =
        waxseal_model::Observed::not_tried(waxseal_model::Cause::NotApplicable, "STARTTLS is offered");
    let judgement = judge(&evidence, mail(), NOW);
    assert!(judgement.verdicts.iter().all(|v| v.check != "smtp.requires_tls"));
}

#[test]
fn a_host_target_gets_no_verdicts_about_a_domain() {
    let mut evidence = fixtures::healthy();
    evidence.domain = None;
    let judgement = judge(&evidence, mail(), NOW);
    assert!(judgement.verdicts.iter().all(|v| v.endpoint.is_some()));
}

#[test]
fn the_retest_command_names_mode_and_name_where_they_are_not_the_default() {
    let mut evidence = fixtures::healthy();
    fixtures::own_certificate(&mut evidence).not_after = NOW - 1;
    let endpoint = &mut evidence.endpoints[0].endpoint;
    endpoint.host = None;
    endpoint.port = 2465;
    endpoint.tls = waxseal_model::TlsStart::Implicit;
    let judgement = judge(&evidence, mail(), NOW);
    let finding = judgement.findings.iter().find(|f| f.check == "certificate.expired").unwrap();
    assert_eq!(finding.retest, "waxseal check 198.51.101.25:2465 --implicit --server-name mx1.example.com");
}

fn finding(check: &str, endpoint: &str, importance: u8, fix: &str) -> Finding {
    Finding {
        check: check.into(),
        severity: if importance < 10 { Severity::Info } else { Severity::High },
        confidence: Confidence::High,
        endpoint: Some(endpoint.into()),
        title: String::new(),
        detail: String::new(),
        fix: fix.into(),
        retest: String::new(),
        importance,
    }
}

#[test]
fn top_fixes_are_distinct_and_most_important_first() {
    let findings = [
        finding("tls.tls10", "mx1.example.com[192.0.2.1]:25", 25, "protocols of mx1"),
        finding("tls.tls11", "mx1.example.com[192.0.2.1]:25", 24, "protocols of mx1"),
        finding("certificate.expired", "mx1.example.com[192.0.2.1]:25", 75, "renew mx1"),
        finding("certificate.expired", "mx1.example.com[2001:db8::1]:25", 75, "renew mx1 too"),
        finding("certificate.expired", "mx2.example.com[192.0.2.2]:25", 74, "renew mx2"),
        finding("tls.tls13", "mx1.example.com[192.0.2.1]:25", 5, "update"),
        finding("smtp.back_off", "192.0.2.9:25", 60, ""),
    ];
    let fixes: Vec<&str> = top_fixes(&findings, 3).iter().map(|f| f.fix.as_str()).collect();
    assert_eq!(fixes, ["renew mx1", "renew mx2", "protocols of mx1"]);
    assert_eq!(top_fixes(&findings, 9).len(), 3);
    assert!(top_fixes(&findings, 0).is_empty());
}

#[test]
fn every_check_can_be_looked_up_with_its_manual() {
    assert_eq!(checks().len(), checks::ALL.len());
    let expired = checks().iter().find(|c| c.id == "certificate.expired").unwrap();
    assert_eq!(expired.title, "A certificate of the chain has expired.");
    assert!(expired.manual.starts_with("A certificate of the chain has expired.\n\n# Effect\n"));
}

/// The pointers of all values in a document, the root left out.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (k.replace('~', "~0").replace('/', "~1"), v)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        pointers(child, &pointer, out);
        out.push(pointer);
    }
}

/// Another value of the same kind; facts become failures.
fn mutated(value: &Value, seed: u64) -> Value {
    match value {
        Value::Bool(b) => Value::Bool(!b),
        Value::Number(_) => {
            let edges = [0, 1, 2, 255, 421, 454, 512, 1024, u64::from(u32::MAX), seed];
            Value::from(edges[usize::try_from(seed % 10).unwrap()])
        }
        Value::String(_) => {
            let texts = ["", ".", "*.", "a\u{0}\u{202e}b", "x.y", "SHA-1", "RSA", "EC", "STARTTLS"];
            match usize::try_from(seed % 10).unwrap() {
                9 => Value::String("é".repeat(3000)),
                i => Value::from(texts[i]),
            }
        }
        Value::Array(list) if seed.is_multiple_of(2) => {
            Value::Array(list.iter().chain(list).cloned().collect())
        }
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(map) if map.contains_key("state") => serde_json::json!({
            "state": if seed.is_multiple_of(2) { "failed" } else { "not_tried" },
            "why": { "cause": if seed.is_multiple_of(3) { "timeout" } else { "not_applicable" }, "text": "" },
        }),
        _ => Value::Null,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_evidence_makes_judging_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 1..12),
        now in any::<i64>(),
    ) {
        let mut document = serde_json::to_value(fixtures::healthy()).unwrap();
        for (index, seed) in changes {
            let mut all = Vec::new();
            pointers(&document, "", &mut all);
            let pointer = index.get(&all).clone();
            let before = document.clone();
            if let Some(value) = document.pointer_mut(&pointer) {
                *value = mutated(value, seed);
            }
            // A change that makes it no evidence at all is taken back.
            if serde_json::from_value::<Evidence>(document.clone()).is_err() {
                document = before;
            }
        }
        let evidence: Evidence = serde_json::from_value(document).unwrap();
        for name in profile_names() {
            let judgement = judge(&evidence, profile(name).unwrap(), now);
            let found = judgement.verdicts.iter().filter(|v| v.verdict == VerdictKind::Found).count();
            prop_assert!(found <= judgement.findings.len());
            prop_assert!(judgement.grade.caps.iter().all(|c| judgement.grade.letter.is_none_or(|l| l >= c.letter)));
            for v in &judgement.verdicts {
                prop_assert!(v.verdict != VerdictKind::Clear || v.why.is_empty());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_evidence_are_ignored(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(fuzz_judge(&bytes), 0);
    }
}

#[test]
fn a_fix_names_a_host_and_never_an_address_to_get_a_certificate_for() {
    let mut evidence = fixtures::healthy();
    evidence.domain = None;
    evidence.endpoints[0].endpoint.host = None;
    fixtures::path(&mut evidence).outcome = waxseal_model::certificate::PathOutcome::SelfSignedLeaf;
    let fix = |evidence: &Evidence| {
        let judgement = judge(evidence, mail(), NOW);
        judgement.findings.into_iter().find(|f| f.check == "certificate.self_signed").unwrap().fix
    };
    // The name given by --server-name counts, then what the server says of itself.
    assert!(fix(&evidence).contains(fixtures::HOST));
    fixtures::facts(&mut evidence).reference_name = None;
    for (name, expected) in
        [("mail.example.net", "mail.example.net is what"), ("localhost", "NAME-OF-THE-SERVER: ")]
    {
        let smtp = fixtures::smtp(&mut evidence);
        smtp.greeting = waxseal_model::Observed::default();
        for ehlo in [&mut smtp.ehlo_plain, &mut smtp.ehlo_tls] {
            let mut facts = fixtures::ehlo_facts(&[]);
            facts.server_name = Some(name.into());
            *ehlo = waxseal_model::Observed::seen(facts);
        }
        let fix = fix(&evidence);
        assert!(fix.contains(expected), "{fix}");
        assert!(!fix.contains(&evidence.endpoints[0].endpoint.address.to_string()), "{fix}");
    }
}
