//! What issuers say, asked for on request.

use std::sync::Arc;

use waxseal_lab::{Lab, LabOptions};
use waxseal_model::{
    Cause, Evidence, Observed, PresentedChain, VerdictKind, Why,
    revocation::{OcspResponseStatus, OcspSigner, RevocationFacts, RevocationStatus},
};
use waxseal_scan::{CertificateLookups, CertificateOptions, Events, ScanOptions, clock};
use waxseal_wire::{target, x509::WeakKeys};

use super::{Setting, means, scanner};

/// The evidence of a domain of the lab, its certificates completed; and the connections that
/// took.
async fn completed(lab: &Lab, label: &str, options: CertificateOptions) -> (Evidence, u32) {
    let target = target::parse(&format!("{label}.lab.test"), None).unwrap();
    let mut evidence = scanner(lab, ScanOptions::default()).evidence(target, &Events::ignored()).await;
    let (resolver, prober) = means(lab, &Setting::default());
    let lookups = CertificateLookups::new(options);
    let mut connections = 0;
    for endpoint in &mut evidence.endpoints {
        connections += lookups.complete(&resolver, &prober, &mut endpoint.evidence).await;
        endpoint.evidence.tls.audit = Some(Box::default());
    }
    (evidence, connections)
}

fn options(inside: bool) -> CertificateOptions {
    let why = Why::new(Cause::NotAsked, "no list was given");
    CertificateOptions { online: true, inside, weak_keys: Err(why) }
}

fn chain(evidence: &Evidence) -> &PresentedChain {
    &evidence.endpoints[0].evidence.chains.get().unwrap()[0]
}

fn leaf(evidence: &Evidence) -> &RevocationFacts {
    &chain(evidence).revocation.get().unwrap()[0]
}

/// The verdict of a check, and its reason.
fn verdict(evidence: &Evidence, check: &str) -> (VerdictKind, String) {
    let judgement = waxseal_judge::judge(evidence, waxseal_judge::profile("mail").unwrap(), clock::now());
    let entry = judgement.verdicts.into_iter().find(|v| v.check == check).unwrap();
    (entry.verdict, entry.why)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_word_of_an_issuer_gets_its_verdict() {
    let labels = ["issuer-good", "issuer-revoked", "issuer-expired", "issuer-forged", "issuer-unauthorized"];
    let lab = Lab::start(LabOptions::only(labels)).await.unwrap();
    for (label, expected) in labels.into_iter().zip([
        VerdictKind::Clear,
        VerdictKind::Found,
        VerdictKind::Undetermined,
        VerdictKind::Undetermined,
        // The list is sound.
        VerdictKind::Clear,
    ]) {
        let (evidence, connections) = completed(&lab, label, options(true)).await;
        let (found, why) = verdict(&evidence, "certificate.revoked");
        assert_eq!(found, expected, "{label}: {why} {:?}", leaf(&evidence));
        assert_eq!(connections, 2, "{label}: a question and a list");
        let facts = leaf(&evidence);
        let (ocsp, crl) = (facts.ocsp.get().unwrap(), facts.crl.get().unwrap());
        match label {
            "issuer-good" => {
                assert_eq!(ocsp.signer, Observed::seen(OcspSigner::Issuer));
                assert_eq!((ocsp.nonce, crl.entries), (Some(true), 0));
            }
            "issuer-revoked" => {
                assert_eq!(ocsp.authentic_status(), crl.authentic_status());
                assert!(matches!(ocsp.status, Some(RevocationStatus::Revoked { .. })));
                let grade =
                    waxseal_judge::judge(&evidence, waxseal_judge::profile("mail").unwrap(), clock::now())
                        .grade;
                assert_eq!(grade.letter.map(|l| l.label()), Some("D"));
            }
            "issuer-forged" => {
                assert!(matches!(ocsp.signer.get(), Some(OcspSigner::Wrong { .. })));
                assert_eq!(crl.signed_by_issuer, Observed::seen(false));
            }
            "issuer-unauthorized" => assert_eq!(ocsp.response, OcspResponseStatus::Unauthorized),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_inside_are_not_visited_for_strangers() {
    let lab = Lab::start(LabOptions::only(["issuer-good"])).await.unwrap();
    let (evidence, connections) = completed(&lab, "issuer-good", options(false)).await;
    let facts = leaf(&evidence);
    assert_eq!(facts.ocsp.why().unwrap().cause, Cause::Forbidden);
    assert_eq!(facts.crl.why().unwrap().cause, Cause::Forbidden);
    assert_eq!((connections, lab.connections("issuer.issuer-good.lab.test")), (0, 0));
    let (found, why) = verdict(&evidence, "certificate.revoked");
    assert_eq!(found, VerdictKind::Undetermined);
    assert!(why.contains("loopback"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_without_a_request() {
    let lab = Lab::start(LabOptions::only(["issuer-revoked"])).await.unwrap();
    let (evidence, connections) =
        completed(&lab, "issuer-revoked", CertificateOptions { online: false, ..options(true) }).await;
    assert_eq!((connections, lab.connections("issuer.issuer-revoked.lab.test")), (0, 0));
    assert!(verdict(&evidence, "certificate.revoked").1.contains("--online"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_staple_answers_for_the_issuer() {
    let lab = Lab::start(LabOptions::only(["staple-good", "rsa"])).await.unwrap();
    let mut weak = WeakKeys::default();
    weak.add("blacklist.RSA-2048", "00112233445566778899\n").unwrap();
    let with_list = CertificateOptions { online: false, inside: true, weak_keys: Ok(Arc::new(weak)) };
    let (evidence, _) = completed(&lab, "staple-good", with_list.clone()).await;
    assert_eq!(verdict(&evidence, "certificate.revoked").0, VerdictKind::Clear);
    assert_eq!(chain(&evidence).handshake_scts, Observed::seen(Vec::new()), "asked in a TLS 1.2 hello");
    let (evidence, _) = completed(&lab, "rsa", with_list).await;
    assert_eq!(verdict(&evidence, "certificate.debian_weak_key").0, VerdictKind::Clear);
    let (evidence, _) = completed(&lab, "rsa", CertificateOptions { online: false, ..options(true) }).await;
    assert_eq!(verdict(&evidence, "certificate.debian_weak_key").0, VerdictKind::Undetermined);
}
