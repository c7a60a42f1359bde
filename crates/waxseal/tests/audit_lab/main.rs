//! `waxseal audit` over every case of the lab: each flaw is found where it is, each check is
//! clear where it is not, and undetermined where the server breaks down.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests may do what tests may"
)]

mod audit;
mod table;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use audit::{Audited, audit};
use waxseal_lab::{AuditExpect, AuditVerdict, Lab, LabDomain, LabOptions};

/// How long all audits together may take, on a busy machine, most of it the silence of
/// servers that hang.
const ALL: Duration = Duration::from_secs(300);

/// What is wrong with one audit, a line each.
fn wrong(domain: &LabDomain, audited: &Audited) -> Vec<String> {
    let verdicts: Vec<(&str, AuditVerdict)> =
        audited.verdicts.iter().map(|(id, (verdict, _))| (id.as_str(), *verdict)).collect();
    let mut wrong = domain.audit.violations(&verdicts);
    let silent =
        audited.verdicts.iter().filter(|(_, (v, why))| *v == AuditVerdict::Undetermined && why.is_empty());
    wrong.extend(silent.map(|(id, _)| format!("{id} is undetermined without a reason")));
    wrong
        .into_iter()
        .map(|violation| {
            let id = violation.split(' ').next().unwrap_or_default();
            let why = audited.verdicts.get(id).map_or("", |(_, why)| why);
            format!("{}: {violation} ({why})", domain.name)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_gets_its_verdicts() {
    let lab = Lab::start(LabOptions::audit()).await.unwrap();
    let started = Instant::now();
    let audited = audit(&lab).await;
    let took = started.elapsed();
    println!("{}", table::cases(lab.domains(), &audited));
    println!("{}", table::checks(lab.domains(), &audited));
    let wrong: Vec<String> =
        lab.domains().iter().zip(&audited).flat_map(|(domain, audited)| wrong(domain, audited)).collect();
    assert!(wrong.is_empty(), "{} surprises\n{}", wrong.len(), wrong.join("\n"));
    assert!(took < ALL, "{took:?}");
}

/// The lab's own tests see to it that each check is expected found, clear and undetermined
/// somewhere; here, that waxseal has those checks.
#[test]
fn the_lab_s_checks_are_checks_of_waxseal() {
    let known = audit::checks();
    let missing: BTreeSet<_> = AuditExpect::CHECKS.iter().filter(|id| !known.contains(**id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
