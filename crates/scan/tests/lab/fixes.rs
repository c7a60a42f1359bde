//! Records and policy files in the texts of fixes mend what they are for: they are taken out
//! of the text, put in the place of what was published, and judged again.

use waxseal_model::{Evidence, policy::StsMode};
use waxseal_scan::published::dane;
use waxseal_wire::{dane::parse_zone, sts, tlsrpt};

use super::*;

/// The text of the fix of the first finding of a check.
fn fix_of(report: &Report, check: &str) -> String {
    let finding = report.findings.iter().find(|f| f.check == check);
    finding.unwrap_or_else(|| panic!("{check} is not among {:?}", found(report))).fix.clone()
}

/// The checks that find something in changed evidence.
fn judged(evidence: &Evidence) -> Vec<String> {
    let profile = waxseal_judge::profile("mail").unwrap();
    let findings = waxseal_judge::judge(evidence, profile, evidence.started_at).findings;
    findings.into_iter().map(|f| f.check).collect()
}

/// The policy file in a text: the lines `key: value` that are moved in.
fn policy_file(text: &str) -> String {
    let keys = ["version:", "mode:", "mx:", "max_age:"];
    let lines = text.lines().map(str::trim).filter(|l| keys.iter().any(|key| l.starts_with(key)));
    lines.map(|line| format!("{line}\r\n")).collect()
}

/// The content of the first TXT record in a text that begins so.
fn txt(text: &str, begins: &str) -> String {
    let contents =
        text.lines().filter_map(|l| l.split_once("  TXT  ")).map(|(_, data)| data.trim_matches('"'));
    contents.map(str::to_owned).find(|c| c.starts_with(begins)).unwrap()
}

/// Publishes the policy of a text in the evidence.
fn publish(evidence: &mut Evidence, text: &str) -> StsMode {
    let record = sts::record::select(&[txt(text, "v=STSv1")]).record.unwrap();
    let policy = sts::policy::parse(policy_file(text).as_bytes(), &record.id).value.unwrap();
    let mode = policy.mode;
    let policies = &mut evidence.domain.as_mut().unwrap().policies;
    policies.sts_discovery.problem = None;
    policies.sts_discovery.record_id = Some(record.id);
    policies.sts = waxseal_model::Observed::seen(Some(policy));
    mode
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tlsa_records_of_the_fix_match_what_the_server_presents() {
    let lab = Lab::start(LabOptions::only(["broken-tlsa"])).await.unwrap();
    let report = report(&scanner(&lab, ScanOptions::default()), "broken-tlsa.lab.test").await;
    let records = parse_zone(&fix_of(&report, "dane.mismatch"));
    let records: Vec<_> = records.into_iter().filter_map(|l| l.record.ok()).collect();
    assert!(!records.is_empty());
    let mut evidence = report.to_evidence();
    let facts = &mut evidence.endpoints[0].evidence;
    let chains = facts.chains.get().unwrap().clone();
    let published = match &mut facts.dane {
        waxseal_model::Observed::Seen { value: Some(dane) } => dane,
        other => panic!("{other:?}"),
    };
    let old = published.tlsa[0].clone();
    published.tlsa =
        records.iter().map(|r| waxseal_model::policy::TlsaFacts { data: r.hex(), ..old.clone() }).collect();
    dane::compare(published, &chains);
    let after = judged(&evidence);
    assert!(!after.iter().any(|c| c == "dane.mismatch"), "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_policies_of_the_fixes_are_valid_and_end_their_findings() {
    let cases = [
        ("unsigned", "sts.policy", StsMode::Testing),
        ("sts-mismatch", "sts.mx", StsMode::Enforce),
        ("sts-testing", "sts.mode", StsMode::Enforce),
        ("sts-bad-mode", "sts.policy", StsMode::Testing),
        ("sts-short-max-age", "sts.max_age", StsMode::Enforce),
    ];
    let lab = Lab::start(LabOptions::only(cases.map(|(label, _, _)| label))).await.unwrap();
    let scanner = scanner(&lab, ScanOptions::default());
    for (label, check, mode) in cases {
        let report = report(&scanner, &format!("{label}.lab.test")).await;
        let fix = fix_of(&report, check);
        let mut evidence = report.to_evidence();
        if check == "sts.max_age" {
            // This one changes a line of the policy that there is.
            let age = fix.lines().find_map(|l| l.split_once("max_age: ")).unwrap().1.trim().parse().unwrap();
            match &mut evidence.domain.as_mut().unwrap().policies.sts {
                waxseal_model::Observed::Seen { value: Some(policy) } => policy.max_age = age,
                other => panic!("{other:?}"),
            }
        } else {
            assert_eq!(publish(&mut evidence, &fix), mode, "{label}");
        }
        let after = judged(&evidence);
        assert!(!after.iter().any(|c| c == check), "{label}: {after:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_of_the_fix_asks_for_reports() {
    let lab = Lab::start(LabOptions::only(["dane-only", "tlsrpt-http"])).await.unwrap();
    let scanner = scanner(&lab, ScanOptions::default());
    for name in ["dane-only.lab.test", "tlsrpt-http.lab.test"] {
        let report = report(&scanner, name).await;
        let selection = tlsrpt::select(&[txt(&fix_of(&report, "tlsrpt.record"), "v=TLSRPTv1")]);
        let mut evidence = report.to_evidence();
        let policies = &mut evidence.domain.as_mut().unwrap().policies;
        policies.tlsrpt = waxseal_model::Observed::seen(selection.record);
        (policies.tlsrpt_discovery.problem, policies.tlsrpt_discovery.warnings) =
            (selection.problem, selection.warnings);
        let after = judged(&evidence);
        assert!(!after.iter().any(|c| c == "tlsrpt.record"), "{name}: {after:?}");
    }
}
