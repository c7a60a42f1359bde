//! Every test of a diagnosis, with its three endings, on the lab.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may end at the first surprise"
)]

mod delivery;
mod identity;
mod names;
mod network;
mod tls;

use std::{sync::Arc, time::Duration};

use waxseal_lab::{Lab, LabOptions};
use waxseal_model::{
    Confirmation, Diagnosis, MailEvent,
    confirmation::Ending,
    diagnosis::{Retry, Scope, Side, Who},
};
use waxseal_net::{
    egress::{Egress, EgressRules},
    pacing::Pacer,
    resolver::{Resolver, ResolverConfig},
};
use waxseal_probe::{ProbeOptions, Prober};
use waxseal_scan::{Confirmer, clock::now, confirm::Given};
use waxseal_wire::x509::RootStore;

/// Long enough for a loaded machine; what waits for it are the servers that never answer.
const STEP: Duration = Duration::from_secs(3);

async fn lab<const N: usize>(labels: [&str; N]) -> Lab {
    Lab::start(LabOptions::only(labels)).await.unwrap()
}

fn confirmer(lab: &Lab) -> Confirmer {
    let resolver = Resolver::new(ResolverConfig {
        servers: vec![lab.dns()],
        trust_anchor: Some(lab.trust_anchor().to_owned()),
        timeout: STEP,
    })
    .unwrap();
    let egress = Egress::new(EgressRules {
        port_map: lab.port_map(),
        public_only: false,
        connect_timeout: Duration::from_secs(1),
    });
    let roots = RootStore::from_pem("the lab's root", lab.ca_pem().as_bytes()).unwrap();
    let options = ProbeOptions { step_timeout: STEP, total_timeout: STEP * 6, ..ProbeOptions::default() };
    let prober = Prober { egress, pacer: Pacer::default(), roots: Ok(Arc::new(roots)), options };
    Confirmer::new(resolver, prober).inside(true)
}

/// The side that causes mostly have, where a test does not say.
fn diagnosis(cause: &str, text: &str) -> Diagnosis {
    let family = waxseal_explain::rules::cause(cause).map_or("", |c| c.family);
    Diagnosis {
        cause: cause.into(),
        family: family.into(),
        summary: "What happened.".into(),
        meaning: None,
        side: Side::SenderServer,
        who: Who::SenderServer,
        retry: Retry::Later,
        scope: Scope::RecipientDomain,
        confidence: 0.9,
        evidence: Vec::new(),
        fix: Vec::new(),
        next: Vec::new(),
        runner_up: None,
        rule: "test".into(),
        source: "test".into(),
        provider: None,
        sisimai: "undefined".into(),
        event: MailEvent { text: text.into(), ..MailEvent::default() },
    }
}

fn given() -> Given {
    Given { now: now(), ..Given::default() }
}

/// About mail to a domain of the lab.
fn to(domain: &str) -> Given {
    Given { to: Some(format!("{domain}.lab.test")), ..given() }
}

/// About mail from a domain of the lab, sent by an address.
fn from(domain: &str, address: &str) -> Given {
    Given { from: Some(format!("{domain}.lab.test")), address: address.parse().ok(), ..given() }
}

/// Fails unless it ended so, with these words in the verdict.
#[track_caller]
fn ends(confirmation: &Confirmation, verdict: Ending, words: &[&str]) {
    let says = confirmation.says();
    assert_eq!(confirmation.verdict, verdict, "{says}\n{:#?}", confirmation.observations);
    for word in words {
        assert!(says.contains(word), "{word:?} is not in: {says}\n{:#?}", confirmation.observations);
    }
}

/// The same for another cause in its place.
#[track_caller]
fn rather(confirmation: &Confirmation, cause: &str, words: &[&str]) {
    ends(confirmation, Ending::Refuted, words);
    let found = confirmation.rather.as_ref().map(|r| r.cause.as_str());
    assert_eq!(found, Some(cause), "{}", confirmation.says());
}
