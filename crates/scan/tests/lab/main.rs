//! Every domain of the lab gets the verdict that the lab expects, within the promises
//! that hold for every scan.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may end at the first surprise"
)]

mod fixes;
mod guard;
mod issuers;
mod policies;

use std::{sync::Arc, time::Duration};

use waxseal_lab::{Lab, LabOptions};
use waxseal_model::{Report, TlsStart, VerdictKind};
use waxseal_net::{
    egress::{Egress, EgressRules},
    pacing::Pacer,
    resolver::{Resolver, ResolverConfig},
};
use waxseal_probe::{ProbeOptions, Prober, options::STANDARD_BUDGET};
use waxseal_scan::{Events, ScanOptions, Scanner, identity::IdentityOptions, many};
use waxseal_wire::{target, x509::RootStore};

use futures_util::StreamExt;

/// Long enough for a loaded machine; what waits for it are the servers that never answer.
const STEP: Duration = Duration::from_secs(3);

/// Selectors of the lab's DKIM keys.
const SELECTORS: [&str; 4] = ["default", "selector1", "selector2", "x7q9z"];

/// How a test departs from an ordinary scan.
#[derive(Default)]
struct Setting {
    options: ScanOptions,
    public_only: bool,
}

fn scanner(lab: &Lab, options: ScanOptions) -> Scanner {
    scanner_with(lab, Setting { options, public_only: false }).0
}

/// A scanner, and its way out, which counts connections.
fn scanner_with(lab: &Lab, setting: Setting) -> (Scanner, Egress) {
    let (resolver, prober) = means(lab, &setting);
    let egress = prober.egress.clone();
    let profile = waxseal_judge::profile("mail").unwrap();
    (Scanner::new(resolver, prober, setting.options, profile), egress)
}

/// What a scan works with.
fn means(lab: &Lab, setting: &Setting) -> (Resolver, Prober) {
    let resolver = Resolver::new(ResolverConfig {
        servers: vec![lab.dns()],
        trust_anchor: Some(lab.trust_anchor().to_owned()),
        timeout: STEP,
    })
    .unwrap();
    let egress = Egress::new(EgressRules {
        port_map: lab.port_map(),
        public_only: setting.public_only,
        connect_timeout: STEP,
    });
    let roots = RootStore::from_pem("the lab's root", lab.ca_pem().as_bytes()).unwrap();
    let options_of_probe = ProbeOptions {
        step_timeout: STEP,
        total_timeout: STEP * 6,
        tls_start_fixed: setting.options.tls.is_some(),
        ..ProbeOptions::default()
    };
    let prober =
        Prober { egress, pacer: Pacer::default(), roots: Ok(Arc::new(roots)), options: options_of_probe };
    (resolver, prober)
}

async fn report(scanner: &Scanner, domain: &str) -> Report {
    scanner.report(target::parse(domain, None).unwrap(), &Events::ignored()).await
}

fn found(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|f| f.check.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_domain_gets_its_verdict() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let targets: Vec<_> = lab.domains().iter().map(|d| target::parse(&d.name, None).unwrap()).collect();
    // Selectors cannot be listed: they are given, as a person gives those of his messages.
    let selectors = SELECTORS.iter().map(|s| (*s).to_owned()).collect();
    let identity = IdentityOptions { selectors, ..IdentityOptions::default() };
    let scanner = scanner(&lab, ScanOptions { identity, ..ScanOptions::default() });
    let events = Events::ignored();
    let reports: Vec<Report> = many::reports(&scanner, targets, 32, &events).collect().await;
    let mut wrong = Vec::new();
    for (domain, report) in lab.domains().iter().zip(&reports) {
        let letter = report.grade.letter.map(|l| l.label());
        for violation in domain.expect.violations(letter, &found(report)) {
            wrong.push(format!("{}: {violation}", domain.name));
        }
        for endpoint in &report.endpoints {
            let cost = endpoint.evidence.cost.connections;
            if cost > STANDARD_BUDGET {
                wrong.push(format!("{}: {cost} connections", domain.name));
            }
        }
        if report.verdicts.iter().any(|v| v.verdict == VerdictKind::Undetermined && v.why.is_empty()) {
            wrong.push(format!("{}: an undetermined verdict without a reason", domain.name));
        }
    }
    assert!(reports.len() >= 40, "only {} domains", reports.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_way_of_starting_tls_is_explained() {
    let lab = Lab::start(LabOptions::only(["submission"])).await.unwrap();
    let host = lab
        .domains()
        .iter()
        .find(|d| d.name.starts_with("submission"))
        .map(|d| format!("mx.{}", d.name))
        .expect("a submission host in the lab");
    let cases = [(465, Some(TlsStart::Starttls)), (587, Some(TlsStart::Implicit))];
    for (port, tls) in cases {
        let scanner = scanner(&lab, ScanOptions { tls, ..ScanOptions::default() });
        let target = target::parse(&format!("{host}:{port}"), None).unwrap();
        let report = scanner.report(target, &Events::ignored()).await;
        assert!(found(&report).contains(&"smtp.wrong_mode"), "{port}: {:?}", found(&report));
    }
    for port in [465, 587] {
        let scanner = scanner(&lab, ScanOptions::default());
        let target = target::parse(&format!("{host}:{port}"), None).unwrap();
        let report = scanner.report(target, &Events::ignored()).await;
        assert!(!found(&report).contains(&"smtp.wrong_mode"), "{port}: {:?}", found(&report));
        assert!(report.endpoints.iter().all(|e| e.evidence.tls.handshake.is_seen()), "{port}");
    }
}
