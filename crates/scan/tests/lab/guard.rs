//! The guard against being turned inward: with public addresses only, nothing inside is
//! contacted, be it named by an MX record or as a policy host.

use waxseal_model::{Cause, Observed};

use super::*;

fn guarded(lab: &Lab) -> (Scanner, Egress) {
    scanner_with(lab, Setting { options: ScanOptions::default(), public_only: true })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_and_policy_hosts_on_loopback_get_no_connection() {
    let lab = Lab::start(LabOptions::only(["healthy"])).await.unwrap();
    let (scanner_inside, egress) = guarded(&lab);
    let report = report(&scanner_inside, "healthy.lab.test").await;
    let connected = &report.endpoints[0].evidence.smtp.connected;
    assert!(matches!(connected, Observed::Failed { why } if why.cause == Cause::Forbidden), "{connected:?}");
    let sts = &report.domain.as_ref().unwrap().policies.sts;
    assert!(matches!(sts, Observed::Failed { why } if why.cause == Cause::Forbidden), "{sts:?}");
    for host in ["mx.healthy.lab.test", "mta-sts.healthy.lab.test"] {
        assert_eq!(lab.connections(host), 0, "{host}");
    }
    assert_eq!((egress.connections(), report.grade.letter), (0, None));
    // The same lab does answer those who may go there.
    let ordinary = super::report(&scanner(&lab, ScanOptions::default()), "healthy.lab.test").await;
    assert!(ordinary.cost.connections > 0 && lab.connections("mta-sts.healthy.lab.test") > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_inside_are_refused_in_every_disguise() {
    let all = LabOptions::guard().domains();
    let outside: Vec<String> = all.iter().filter(|d| d.outside).map(|d| d.name.clone()).collect();
    assert!(outside.len() >= 15, "{outside:?}");
    let labels = outside.iter().map(|name| name.trim_end_matches(".lab.test").to_owned());
    let lab = Lab::start(LabOptions::only(labels)).await.unwrap();
    let (scanner, egress) = guarded(&lab);
    for name in &outside {
        let report = report(&scanner, name).await;
        let addresses: Vec<_> = report.endpoints.iter().map(|e| &e.evidence.smtp.connected).collect();
        let refused =
            |o: &&Observed<u32>| matches!(o, Observed::Failed { why } if why.cause == Cause::Forbidden);
        assert!(!addresses.is_empty() && addresses.iter().all(refused), "{name}: {addresses:?}");
        if name.starts_with("sts-host") {
            let sts = &report.domain.as_ref().unwrap().policies.sts;
            assert!(
                matches!(sts, Observed::Failed { why } if why.cause == Cause::Forbidden),
                "{name}: {sts:?}"
            );
        }
        assert_eq!(egress.connections(), 0, "{name}");
    }
}
