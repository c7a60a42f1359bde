//! TLSA records beside the certificates that the servers really show, judged by a few
//! lines of RFC 7671 that are written for this test.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows these in tests, but does not know the helpers of one"
)]

mod common;

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use common::{
    Client, labels,
    names::{ask, rcode, records},
};
use domain::{
    base::iana::{Rcode, Rtype},
    dnssec::validator::context::ValidationState,
};
use tokio::time::timeout;
use waxseal_lab::Lab;
use x509_parser::prelude::{FromDer, X509Certificate};

async fn lab() -> Lab {
    let others = ["healthy", "broken-tlsa", "ecdsa"];
    common::lab(|label| label.starts_with("dane-") || others.contains(&label)).await
}

/// Usage, selector, matching type and data of a record.
fn fields(record: &str) -> (u8, u8, u8, String) {
    let mut words = record.split_whitespace();
    let mut number = || words.next().unwrap().parse::<u8>().unwrap();
    let (usage, selector, matching) = (number(), number(), number());
    (
        usage,
        selector,
        matching,
        words.filter(|w| *w != "(" && *w != ")").collect::<String>().to_ascii_lowercase(),
    )
}

/// True if a record of usage 2 or 3 matches a certificate of the chain in its place.
fn matches(record: &str, chain: &[Vec<u8>]) -> bool {
    let (usage, selector, matching, data) = fields(record);
    let certificates = match usage {
        3 => &chain[..1],
        2 => &chain[1..],
        _ => return false,
    };
    certificates.iter().any(|der| {
        let (_, certificate) = X509Certificate::from_der(der).unwrap();
        let bytes = match selector {
            0 => der.as_slice(),
            1 => certificate.public_key().raw,
            _ => return false,
        };
        let bytes = match matching {
            0 => bytes.to_vec(),
            1 => digest(&SHA256, bytes).as_ref().to_vec(),
            2 => digest(&SHA512, bytes).as_ref().to_vec(),
            _ => return false,
        };
        bytes.iter().map(|b| format!("{b:02x}")).collect::<String>() == data
    })
}

/// What the TLSA name of a host answers, and whether it is proved.
async fn tlsa(lab: &Lab, host: &str) -> (Vec<String>, ValidationState) {
    let (reply, state) = ask(lab, &format!("_25._tcp.{host}"), Rtype::TLSA).await;
    let found = records(&reply).into_iter().filter(|r| r.contains(' ')).collect();
    (found, state)
}

/// How many records a host has, and how many of them match the certificates that it shows.
async fn matching(lab: &Lab, host: &str) -> (usize, usize) {
    let (published, state) = tlsa(lab, host).await;
    assert!(matches!(state, ValidationState::Secure), "{host}: {state:?}");
    let chain = Client::chain(lab, host).await;
    (published.len(), published.iter().filter(|r| matches(r, &chain)).count())
}

#[tokio::test]
async fn records_match_the_shown_certificates_as_often_as_described() {
    let lab = lab().await;
    for (host, published, matched) in [
        ("mx.healthy", 2, 1),
        ("mx.broken-tlsa", 1, 0),
        ("mx.dane-only", 1, 1),
        ("mx.dane-3-1-1", 1, 1),
        ("mx.dane-3-0-1", 1, 1),
        ("mx.dane-3-1-2", 1, 1),
        ("mx.dane-3-1-0", 1, 1),
        ("mx.dane-3-0-0", 1, 1),
        ("mx.dane-2-0-1", 1, 1),
        ("mx.dane-2-1-1", 1, 1),
        ("mx.dane-2-1-2", 1, 1),
        ("mx.dane-ee-expired", 1, 1),
        ("mx.dane-ee-self-signed", 1, 1),
        ("mx.dane-ee-wrong-name", 1, 1),
        ("mx.dane-ta-expired", 1, 1),
        ("mx.dane-ta-wrong-name", 1, 1),
        ("mx.dane-ta-next-hop", 1, 1),
        ("mx.dane-ta-private", 1, 1),
        ("mx.dane-ta-not-in-chain", 1, 0),
        ("mx.dane-ta-root-in-chain", 1, 1),
        ("mx.dane-pkix-ta-only", 1, 0),
        ("mx.dane-pkix-ee-only", 1, 0),
        ("mx.dane-unusable-only", 5, 0),
        ("mx.dane-not-a-key", 1, 0),
        ("mx.dane-some-unusable", 3, 1),
        ("mx.dane-one-matches", 2, 1),
        ("mx.dane-rollover", 2, 1),
        ("mx.dane-lone", 1, 1),
        ("mx.dane-stale-kind", 2, 1),
        ("mx.dane-sha512-mismatch", 2, 1),
        ("mx.dane-rsa-only-record", 1, 0),
        ("mx.dane-many-records", 13, 1),
        ("mx.dane-nsec3", 1, 1),
        ("mx.dane-sni", 1, 1),
        ("mx.dane-tlsa-cname", 1, 1),
        ("mx.dane-cname-both", 1, 1),
        ("mx.dane-cname-host-hosts", 1, 1),
        ("mx.dane-insecure-mx-hosts", 1, 1),
        ("mx1.dane-both", 1, 1),
        ("mx2.dane-both", 1, 1),
        ("mx1.dane-one-of-two", 1, 1),
        ("mx2.dane-one-of-two", 0, 0),
        ("mx1.dane-one-mx-mismatch", 1, 1),
        ("mx2.dane-one-mx-mismatch", 1, 0),
        ("mx.dane-one-address", 1, 1),
    ] {
        let host = format!("{host}.lab.test");
        assert_eq!(matching(&lab, &host).await, (published, matched), "{host}");
    }
    // The second address of one host shows another key.
    let (published, _) = tlsa(&lab, "mx.dane-one-address.lab.test").await;
    let spare = Client::chain(&lab, "spare.dane-one-address.lab.test").await;
    assert!(!matches(&published[0], &spare));
}

#[tokio::test]
async fn certificates_are_what_dane_is_to_make_nothing_or_something_of() {
    let lab = lab().await;
    for (domain, trusted) in [
        ("dane-ta-root-in-chain", true),
        ("dane-lone", true),
        ("dane-ee-expired", false),
        ("dane-ee-self-signed", false),
        ("dane-ee-wrong-name", false),
        ("dane-ta-expired", false),
        ("dane-ta-wrong-name", false),
        ("dane-ta-next-hop", false),
        ("dane-ta-private", false),
    ] {
        let found = Client::starttls(&lab, &format!("mx.{domain}.lab.test")).await;
        assert_eq!(found.is_ok(), trusted, "{domain}");
    }
    let chain = Client::chain(&lab, "mx.dane-ta-next-hop.lab.test").await;
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    assert_eq!(leaf.subject().to_string(), "CN=dane-ta-next-hop.lab.test");
    let mut client = Client::connect(&lab, "mx.dane-no-starttls.lab.test", 25).await;
    client.reply().await;
    assert!(!client.say("EHLO client.test").await.contains("STARTTLS"));
    assert_eq!(tlsa(&lab, "mx.dane-no-starttls.lab.test").await.0.len(), 1);
}

#[tokio::test]
async fn a_server_that_chooses_by_name_has_another_certificate_for_others() {
    let lab = lab().await;
    for (host, alias) in [
        ("mx.dane-sni.lab.test", "dane-sni.lab.test"),
        ("mx.dane-cname-host-hosts.lab.test", "alias.dane-cname-host.lab.test"),
    ] {
        let (published, _) = tlsa(&lab, host).await;
        assert!(matches(&published[0], &Client::chain(&lab, host).await), "{host}");
        let other = Client::chain_for_name(&lab, host, alias).await;
        assert!(!matches(&published[0], &other), "{alias}");
        let (_, leaf) = X509Certificate::from_der(&other[0]).unwrap();
        assert_eq!(leaf.subject().to_string(), "CN=default.invalid");
    }
}

#[tokio::test]
async fn aliases_lead_to_the_record_that_they_should() {
    let lab = lab().await;
    // The alias, its target, which of them has records, and whether the target is proved.
    for (domain, target, has, secure) in [
        ("dane-cname-host", "mx.dane-cname-host-hosts.lab.test", [0, 1], true),
        ("dane-cname-original", "mx.dane-cname-original.lab.test", [1, 0], true),
        ("dane-cname-both", "mx.dane-cname-both.lab.test", [1, 1], true),
        ("dane-cname-insecure", "mx.dane-cname-insecure-hosts.lab.test", [1, 0], false),
    ] {
        let alias = format!("alias.{domain}.lab.test");
        let (reply, state) = ask(&lab, &alias, Rtype::A).await;
        assert!(records(&reply)[0].starts_with(target), "{alias}: {:?}", records(&reply));
        assert_eq!(matches!(state, ValidationState::Secure), secure, "{alias}: {state:?}");
        let (_, state) = ask(&lab, &alias, Rtype::CNAME).await;
        assert!(matches!(state, ValidationState::Secure), "{alias}: {state:?}");
        let found = [tlsa(&lab, &alias).await.0, tlsa(&lab, target).await.0];
        assert_eq!([found[0].len(), found[1].len()], has, "{domain}");
        let chain = Client::chain(&lab, target).await;
        let expanded_first = found[1].first().or(found[0].first()).unwrap();
        assert!(matches(expanded_first, &chain), "{domain}");
    }
    let (reply, _) = ask(&lab, "_25._tcp.mx.dane-tlsa-cname.lab.test", Rtype::TLSA).await;
    assert!(records(&reply)[0].starts_with("_dane.dane-tlsa-cname.lab.test"));
}

#[tokio::test]
async fn answers_about_tlsa_prove_what_they_should() {
    let lab = lab().await;
    for (domain, found) in [
        ("dane-bogus", "Bogus"),
        ("dane-unsigned", "Insecure"),
        ("dane-3-1-1", "Secure"),
        ("ecdsa", "Secure"),
    ] {
        let (published, state) = tlsa(&lab, &format!("mx.{domain}.lab.test")).await;
        assert_eq!(format!("{state:?}"), found, "{domain}");
        assert_eq!(published.is_empty(), domain == "ecdsa", "{domain}");
    }
    // What comes before TLSA is fine, so that TLSA alone decides.
    for domain in ["dane-bogus", "dane-servfail", "dane-silent"] {
        for (name, rtype) in
            [(format!("{domain}.lab.test"), Rtype::MX), (format!("mx.{domain}.lab.test"), Rtype::A)]
        {
            let (reply, state) = ask(&lab, &name, rtype).await;
            assert_eq!(records(&reply).len(), 1, "{name}");
            assert!(matches!(state, ValidationState::Secure), "{name}: {state:?}");
        }
    }
    for (name, rtype, found) in [
        ("dane-bogus-address.lab.test", Rtype::MX, "Secure"),
        ("mx.dane-bogus-address.lab.test", Rtype::A, "Bogus"),
        ("dane-insecure-mx.lab.test", Rtype::MX, "Insecure"),
        ("mx.dane-insecure-mx-hosts.lab.test", Rtype::A, "Secure"),
        ("dane-insecure-host.lab.test", Rtype::MX, "Secure"),
        ("mx.dane-insecure-host-hosts.lab.test", Rtype::A, "Insecure"),
    ] {
        assert_eq!(format!("{:?}", ask(&lab, name, rtype).await.1), found, "{name}");
    }
    let owner = |host| format!("_25._tcp.mx.{host}.lab.test");
    for domain in ["dane-servfail", "dane-unsigned-servfail"] {
        assert_eq!(rcode(&lab, &owner(domain), Rtype::TLSA).await, Rcode::SERVFAIL, "{domain}");
    }
    let silent = owner("dane-silent");
    let answer = rcode(&lab, &silent, Rtype::TLSA);
    assert!(timeout(Duration::from_millis(300), answer).await.is_err());
}

#[tokio::test]
async fn every_dane_domain_is_looked_at_here() {
    let source = include_str!("dane.rs");
    let unseen: Vec<_> = labels()
        .into_iter()
        .filter(|l| l.starts_with("dane-"))
        .filter(|l| ["\"", ".", "-hosts"].iter().all(|end| !source.contains(&format!("{l}{end}"))))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}
