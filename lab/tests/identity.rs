//! Reports, REQUIRETLS, SPF, DKIM, DMARC, CAA and reverse names, as a foreign validator
//! and a foreign parser read them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows these in tests, but does not know the helpers of one"
)]

mod common;

use common::{
    Client,
    names::{ask, rcode, records},
};
use domain::{
    base::{
        Name,
        iana::{Rcode, Rtype},
    },
    dnssec::validator::context::ValidationState,
};
use waxseal_lab::Lab;
use x509_parser::{
    prelude::{FromDer, SubjectPublicKeyInfo},
    public_key::PublicKey,
};

async fn lab() -> Lab {
    let kinds =
        ["tlsrpt-", "requiretls", "spf-", "dkim-", "dmarc-", "sub.", "bimi", "caa-", "ptr-", "null-mx"];
    common::lab(|label| label == "healthy" || kinds.iter().any(|kind| label.starts_with(kind))).await
}

/// The texts at a name, each with its strings joined, in order of the alphabet.
async fn texts(lab: &Lab, name: &str) -> Vec<String> {
    let (reply, state) = ask(lab, &format!("{name}.lab.test"), Rtype::TXT).await;
    assert!(matches!(state, ValidationState::Secure), "{name}: {state:?}");
    let found = records(&reply).into_iter().filter(|r| r.starts_with('"'));
    let mut texts: Vec<String> = found.map(|r| r.trim_matches('"').replace("\" \"", "")).collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn records_for_reports_are_what_they_say() {
    let lab = lab().await;
    let usual = "v=TLSRPTv1; rua=mailto:tls@elsewhere.test";
    for (domain, expected) in [
        ("healthy", vec!["v=TLSRPTv1; rua=mailto:tls-reports@healthy.lab.test"]),
        ("tlsrpt-missing", vec![]),
        ("tlsrpt-mailto", vec![usual]),
        ("tlsrpt-cname", vec![usual]),
        ("tlsrpt-split", vec![usual]),
        ("tlsrpt-with-others", vec!["owner=mail team", usual]),
        ("tlsrpt-two", vec!["v=TLSRPTv1; rua=mailto:b@c.test", usual]),
        ("tlsrpt-http", vec!["v=TLSRPTv1; rua=http://reports.tlsrpt-http.lab.test/v1"]),
        ("tlsrpt-bad-syntax", vec!["v=TLSRPTv1; rua mailto:a@b.test"]),
        ("tlsrpt-no-rua", vec!["v=TLSRPTv1;"]),
        ("tlsrpt-unencoded-comma", vec!["v=TLSRPTv1; rua=mailto:a,b@elsewhere.test"]),
    ] {
        assert_eq!(texts(&lab, &format!("_smtp._tls.{domain}")).await, expected, "{domain}");
    }
    let dead = rcode(&lab, "gone.tlsrpt-dead-address.lab.test", Rtype::MX).await;
    assert_eq!(dead, Rcode::NXDOMAIN);
    let (reply, _) = ask(&lab, "reports.tlsrpt-null-mx-address.lab.test", Rtype::MX).await;
    assert_eq!(records(&reply), ["0 ."]);
    assert_eq!(rcode(&lab, "_smtp._tls.tlsrpt-servfail.lab.test", Rtype::TXT).await, Rcode::SERVFAIL);
    let (reply, _) = ask(&lab, "elsewhere.test", Rtype::MX).await;
    assert_eq!(records(&reply).len(), 1, "the others' address takes mail");
}

#[tokio::test]
async fn requiretls_is_offered_where_it_says() {
    let lab = lab().await;
    for (domain, before, within) in
        [("requiretls", false, true), ("requiretls-before-tls", true, false), ("healthy", false, false)]
    {
        let host = format!("mx.{domain}.lab.test");
        let mut client = Client::connect(&lab, &host, 25).await;
        client.reply().await;
        assert_eq!(client.say("EHLO client.test").await.contains("REQUIRETLS\r\n"), before, "{domain}");
        let mut client = Client::starttls(&lab, &host).await.unwrap();
        assert_eq!(client.say("EHLO client.test").await.contains("REQUIRETLS\r\n"), within, "{domain}");
        assert!(client.say("MAIL FROM:<a@client.test> REQUIRETLS").await.starts_with("250"));
    }
}

/// Terms of an SPF record that cost a lookup (RFC 7208 section 4.6.4), through includes.
async fn lookups(lab: &Lab, name: String, depth: u8) -> usize {
    let found: Vec<_> = texts(lab, &name).await.into_iter().filter(|t| t.starts_with("v=spf1 ")).collect();
    assert_eq!(found.len(), 1, "{name}");
    let mut count = 0;
    for term in found[0].split(' ').skip(1) {
        let word = term.trim_start_matches(['+', '-', '~', '?']);
        let kind = word.split([':', '=']).next().unwrap();
        count += usize::from(["a", "mx", "ptr", "include", "exists", "redirect"].contains(&kind));
        if ["include", "redirect"].contains(&kind) && depth < 4 {
            let target = word[kind.len() + 1..].strip_suffix(".lab.test").unwrap();
            count += Box::pin(lookups(lab, target.to_owned(), depth + 1)).await;
        }
    }
    count
}

#[tokio::test]
async fn spf_takes_as_many_lookups_as_it_says() {
    let lab = lab().await;
    for (domain, expected) in [
        ("healthy", 1),
        ("spf-good", 1),
        ("spf-none-sends", 0),
        ("spf-redirect", 2),
        ("spf-split", 1),
        ("spf-with-others", 1),
        ("spf-seven-lookups", 7),
        ("spf-ten-lookups", 10),
        ("spf-eleven-lookups", 11),
        ("spf-nested-lookups", 12),
        ("spf-void-lookups", 3),
        // As deep as this test follows.
        ("spf-loop", 5),
    ] {
        assert_eq!(lookups(&lab, domain.to_owned(), 0).await, expected, "{domain}");
    }
    for n in 1..=3 {
        let name = format!("no{n}.spf-void-lookups.lab.test");
        assert_eq!(rcode(&lab, &name, Rtype::A).await, Rcode::NXDOMAIN);
    }
    assert_eq!(rcode(&lab, "gone.spf-include-missing.lab.test", Rtype::TXT).await, Rcode::NXDOMAIN);
    assert_eq!(rcode(&lab, "_spf.spf-servfail.lab.test", Rtype::TXT).await, Rcode::SERVFAIL);
    assert_eq!(rcode(&lab, "spf-servfail.lab.test", Rtype::TXT).await, Rcode::NOERROR);
    for (domain, expected) in [
        ("spf-two-records", vec!["v=spf1 a -all", "v=spf1 mx -all"]),
        ("spf-pass-all", vec!["v=spf1 mx +all"]),
        ("spf-no-all", vec!["v=spf1 mx"]),
        ("spf-ptr", vec!["v=spf1 ptr -all"]),
        ("null-mx-sends", vec!["v=spf1 ip4:192.0.2.1 -all"]),
    ] {
        assert_eq!(texts(&lab, domain).await, expected, "{domain}");
    }
}

/// The bytes of Base64 (RFC 4648 section 4).
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0u32;
    let mut held = 0;
    let mut bytes = Vec::new();
    for character in text.trim_end_matches('=').chars() {
        bits = bits << 6 | u32::try_from(ALPHABET.find(character).unwrap()).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn dkim_keys_have_the_size_that_they_say() {
    let lab = lab().await;
    for (selector, bits) in [
        ("default._domainkey.healthy", 2048),
        ("default._domainkey.dkim-good", 2048),
        ("default._domainkey.dkim-short", 2048),
        ("default._domainkey.dkim-testing", 2048),
        ("default._domainkey.dkim-sha1", 2048),
        ("selector1._domainkey.dkim-cname", 2048),
        ("selector1._domainkey.dkim-two-selectors", 2048),
        ("x7q9z._domainkey.dkim-unknown-selector", 2048),
        ("selector2._domainkey.dkim-two-selectors", 1024),
        ("default._domainkey.dkim-1024", 1024),
        ("default._domainkey.dkim-512", 512),
    ] {
        let texts = texts(&lab, selector).await;
        let (_, key) = texts[0].split_once("p=").unwrap();
        let der = base64(key);
        let (rest, info) = SubjectPublicKeyInfo::from_der(&der).unwrap();
        let Ok(PublicKey::RSA(key)) = info.parsed() else { panic!("{selector}: no RSA key") };
        assert!(rest.is_empty() && key.key_size() == bits, "{selector}: {}", key.key_size());
    }
    let ed25519 = texts(&lab, "default._domainkey.dkim-ed25519").await;
    assert_eq!(base64(ed25519[0].split_once("p=").unwrap().1).len(), 32);
    assert!(texts(&lab, "default._domainkey.dkim-revoked").await[0].ends_with("p="));
    let malformed = texts(&lab, "default._domainkey.dkim-malformed").await;
    assert!(SubjectPublicKeyInfo::from_der(&base64(malformed[0].split_once("p=").unwrap().1)).is_err());
    for (domain, expected) in [
        ("dkim-no-domainkey", Rcode::NXDOMAIN),
        ("dkim-unknown-selector", Rcode::NOERROR),
        ("dkim-good", Rcode::NOERROR),
    ] {
        assert_eq!(
            rcode(&lab, &format!("_domainkey.{domain}.lab.test"), Rtype::TXT).await,
            expected,
            "{domain}"
        );
    }
}

#[tokio::test]
async fn dmarc_records_and_agreements_are_what_they_say() {
    let lab = lab().await;
    for (name, expected) in [
        ("_dmarc.dmarc-reject", vec!["v=DMARC1; p=reject; rua=mailto:dmarc@dmarc-reject.lab.test"]),
        ("_dmarc.sub.dmarc-reject", vec![]),
        ("_dmarc.dmarc-none", vec!["v=DMARC1; p=none; rua=mailto:dmarc@dmarc-none.lab.test"]),
        ("_dmarc.dmarc-two-records", vec!["v=DMARC1; p=none", "v=DMARC1; p=reject"]),
        ("_dmarc.dmarc-bad-syntax", vec!["v=DMARC1 p=reject"]),
        ("_dmarc.dmarc-no-rua", vec!["v=DMARC1; p=reject"]),
        ("_dmarc.dmarc-missing", vec![]),
        ("default._bimi.bimi", vec!["v=BIMI1; l=https://www.bimi.lab.test/logo.svg; a=;"]),
    ] {
        assert_eq!(texts(&lab, name).await, expected, "{name}");
    }
    for (domain, expected) in [("dmarc-external-authorised", 1), ("dmarc-external", 0)] {
        let own = texts(&lab, &format!("_dmarc.{domain}")).await;
        assert_eq!(own, ["v=DMARC1; p=reject; rua=mailto:dmarc@elsewhere.test"]);
        let name = format!("{domain}.lab.test._report._dmarc.elsewhere.test");
        let (reply, state) = ask(&lab, &name, Rtype::TXT).await;
        assert_eq!(records(&reply).len(), expected, "{domain}");
        assert!(matches!(state, ValidationState::Secure), "{domain}: {state:?}");
    }
}

#[tokio::test]
async fn caa_records_are_where_they_should_be() {
    let lab = lab().await;
    for (name, expected) in [
        ("caa-domain", vec!["0 issue \"ca.lab.test\""]),
        ("mx.caa-domain", vec![]),
        ("sub.caa-domain", vec![]),
        ("mx.caa-host", vec!["0 issue \"ca.lab.test\""]),
        ("caa-none", vec!["0 issue \";\""]),
        ("caa-nearest", vec!["0 issue \";\""]),
        ("mx.caa-nearest", vec!["0 issue \"ca.lab.test\""]),
        ("caa-bad-syntax", vec!["0 issue \"%%%%%\""]),
        ("caa-critical", vec!["0 issue \"ca.lab.test\"", "128 tbs \"unknown\""]),
        ("caa-missing", vec![]),
    ] {
        let (reply, state) = ask(&lab, &format!("{name}.lab.test"), Rtype::CAA).await;
        let mut found = records(&reply);
        found.sort();
        assert_eq!(found, expected, "{name}");
        assert!(matches!(state, ValidationState::Secure), "{name}: {state:?}");
    }
    assert_eq!(rcode(&lab, "caa-servfail.lab.test", Rtype::CAA).await, Rcode::SERVFAIL);
}

#[tokio::test]
async fn reverse_names_are_missing_or_others() {
    let lab = lab().await;
    for (domain, expected) in [
        ("requiretls", vec!["mx.requiretls.lab.test."]),
        ("ptr-missing", vec![]),
        ("ptr-mismatch", vec!["mx.healthy.lab.test."]),
        ("ptr-dangling", vec!["gone.ptr-dangling.lab.test."]),
    ] {
        let address = lab.address(&format!("mx.{domain}.lab.test")).unwrap();
        let name = Name::<Vec<u8>>::reverse_from_addr(address).unwrap();
        let (reply, state) = ask(&lab, &name.to_string(), Rtype::PTR).await;
        assert_eq!(records(&reply), expected, "{domain}");
        assert!(matches!(state, ValidationState::Secure), "{domain}: {state:?}");
    }
    assert_eq!(rcode(&lab, "gone.ptr-dangling.lab.test", Rtype::A).await, Rcode::NXDOMAIN);
    assert!(lab.address("mx.healthy.lab.test") != lab.address("mx.ptr-mismatch.lab.test"));
}
