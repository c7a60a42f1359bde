//! The lab's DNS as a validating client sees it, and TLSA records beside certificates.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy.toml allows these in tests, but does not know the helpers of one"
)]

mod common;

use aws_lc_rs::digest::{SHA256, digest};
use common::{
    Client,
    names::{ask, records},
};
use domain::{
    base::{Name, iana::Rtype},
    dnssec::validator::context::ValidationState,
};
use waxseal_lab::{Lab, LabOptions};
use x509_parser::prelude::{FromDer, X509Certificate};

#[tokio::test]
async fn every_domain_has_the_dnssec_status_that_it_claims() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    for domain in lab.domains() {
        let label = domain.name.strip_suffix(".lab.test").unwrap();
        let name = if label == "bücher" { "xn--bcher-kva.lab.test" } else { &domain.name };
        // Name servers in trouble give no answer, and the validator does not know Ed25519.
        if ["servfail", "dns-silent", "bl-down", "ed25519"].contains(&label) {
            continue;
        }
        let (_, state) = ask(&lab, name, Rtype::MX).await;
        let right = match label {
            "unsigned" | "dane-unsigned" | "dane-unsigned-servfail" | "dane-insecure-mx" => {
                matches!(state, ValidationState::Insecure)
            }
            _ if domain.expect.found.contains(&"dns.bogus") => matches!(state, ValidationState::Bogus),
            _ => matches!(state, ValidationState::Secure),
        };
        assert!(right, "{name}: {state:?}");
    }
}

#[tokio::test]
async fn mail_names_say_what_the_catalogue_says() {
    let lab = common::lab(|label| ["healthy", "null-mx", "implicit-mx", "mx-address"].contains(&label)).await;
    let address = |host: &str| lab.address(host).unwrap().to_string();
    let reverse = Name::<Vec<u8>>::reverse_from_addr(lab.address("mx.healthy.lab.test").unwrap()).unwrap();
    for (name, rtype, expected) in [
        ("healthy.lab.test", Rtype::MX, "10 mx.healthy.lab.test".to_owned()),
        ("mx.healthy.lab.test", Rtype::A, address("mx.healthy.lab.test")),
        ("null-mx.lab.test", Rtype::MX, "0 .".to_owned()),
        ("implicit-mx.lab.test", Rtype::A, address("implicit-mx.lab.test")),
        ("mx-address.lab.test", Rtype::MX, format!("10 {}", address("mx.mx-address.lab.test"))),
        ("_mta-sts.healthy.lab.test", Rtype::TXT, "\"v=STSv1; id=20260101T000000\"".to_owned()),
        (&reverse.to_string(), Rtype::PTR, "mx.healthy.lab.test".to_owned()),
    ] {
        let (reply, state) = ask(&lab, name, rtype).await;
        let found: Vec<String> = records(&reply).iter().map(|r| r.trim_end_matches('.').to_owned()).collect();
        assert_eq!(found, [expected.trim_end_matches('.')], "{name} {rtype}");
        assert!(matches!(state, ValidationState::Secure), "{name} {rtype}: {state:?}");
    }
}

#[tokio::test]
async fn tlsa_records_match_the_certificates_or_do_not() {
    let lab = common::lab(|label| ["healthy", "broken-tlsa"].contains(&label)).await;
    for (domain, keys, matches) in [("healthy", 2, true), ("broken-tlsa", 1, false)] {
        let host = format!("mx.{domain}.lab.test");
        let (reply, _) = ask(&lab, &format!("_25._tcp.{host}"), Rtype::TLSA).await;
        let published = records(&reply);
        assert_eq!(published.len(), keys, "{domain}");
        let client = Client::starttls(&lab, &host).await.unwrap();
        let chain = client.stream.get_ref().1.peer_certificates().unwrap();
        let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
        let hash = digest(&SHA256, leaf.public_key().raw);
        let hash: String = hash.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let found =
            published.iter().any(|r| r.starts_with("3 1 1 ") && r.to_ascii_lowercase().contains(&hash));
        assert_eq!(found, matches, "{domain}: {published:?}");
    }
}
