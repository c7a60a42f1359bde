//! MTA-STS in the lab: records by a foreign validator, policy hosts by raw requests.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows these in tests, but does not know the helpers of one"
)]

mod common;

use std::time::Duration;

use common::{
    Client, labels,
    names::{ask, rcode, records},
};
use domain::{
    base::iana::{Rcode, Rtype},
    dnssec::validator::context::ValidationState,
};
use rustls::CertificateError;
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use waxseal_lab::{Lab, LabOptions};

/// More than any answer has that ends.
const MOST: usize = 1 << 20;

async fn lab() -> Lab {
    common::lab(|label| label.starts_with("sts-") || label == "healthy").await
}

/// What comes within a while after a request for the policy, and whether it ended.
async fn request(lab: &Lab, domain: &str, path: &str, wait: Duration) -> (Vec<u8>, bool) {
    let host = format!("mta-sts.{domain}.lab.test");
    let client = Client::connect(lab, &host, 443).await;
    let mut client = client.secure(lab, &host).await.unwrap_or_else(|e| panic!("{host}: {e}"));
    client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).await;
    let mut got = Vec::new();
    let read = async {
        while got.len() < MOST {
            if client.stream.read_buf(&mut got).await.unwrap() == 0 {
                return true;
            }
        }
        false
    };
    let ended = timeout(wait, read).await.unwrap_or(false);
    (got, ended)
}

/// The answer of a policy host that ends, in text.
async fn answer(lab: &Lab, domain: &str) -> String {
    let (bytes, ended) = request(lab, domain, "/.well-known/mta-sts.txt", Duration::from_secs(20)).await;
    assert!(ended, "{domain}");
    String::from_utf8(bytes).unwrap_or_else(|e| panic!("{domain}: {e}"))
}

/// Status line, headers in lower case, and body.
fn parts(answer: &str) -> (&str, Vec<String>, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    (lines.next().unwrap(), lines.map(str::to_ascii_lowercase).collect(), body)
}

/// The body of a sound answer, whose length is as announced.
async fn file(lab: &Lab, domain: &str) -> String {
    let answer = answer(lab, domain).await;
    let (status, headers, body) = parts(&answer);
    assert_eq!(status, "HTTP/1.1 200 OK", "{domain}");
    assert!(headers.contains(&format!("content-length: {}", body.len())), "{domain}: {headers:?}");
    body.to_owned()
}

/// The body under its chunks (RFC 9112 section 7.1).
fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            assert_eq!(rest, "\r\n");
            return whole;
        }
        whole.push_str(&rest[..length]);
        body = rest[length..].strip_prefix("\r\n").unwrap();
    }
}

fn policy(domain: &str) -> String {
    format!("version: STSv1\r\nmode: enforce\r\nmx: mx.{domain}.lab.test\r\nmax_age: 604800\r\n")
}

#[tokio::test]
async fn a_sound_policy_host_serves_the_policy_and_nothing_else() {
    let lab = lab().await;
    for domain in [
        "healthy",
        "sts-enforce",
        "sts-cert-expires-soon",
        "sts-cert-wildcard",
        "sts-cert-rsa",
        "sts-host-sni",
        "sts-host-half-dead",
        "sts-record-missing",
        "sts-and-dane",
    ] {
        assert_eq!(file(&lab, domain).await, policy(domain), "{domain}");
        let answer = answer(&lab, domain).await;
        assert!(parts(&answer).1.contains(&"content-type: text/plain; charset=utf-8".to_owned()), "{domain}");
    }
    for (domain, path) in [("sts-enforce", "/"), ("sts-enforce", "/moved/mta-sts.txt"), ("sts-redirect", "/")]
    {
        let (bytes, _) = request(&lab, domain, path, Duration::from_secs(20)).await;
        assert!(bytes.starts_with(b"HTTP/1.1 404 Not Found\r\n"), "{domain} {path}");
    }
    assert_eq!(
        file(&lab, "sts-testing").await,
        policy("sts-testing").replace("enforce", "testing"),
        "the mode is the only difference"
    );
    assert_eq!(lab.connections("mta-sts.sts-enforce.lab.test"), 4);
}

#[tokio::test]
async fn answers_are_useless_in_the_way_that_they_say() {
    let lab = lab().await;
    // The file is always a fine one, so that who ignores the fault is caught.
    for (domain, status, header) in [
        (
            "sts-redirect",
            "301 Moved Permanently",
            "location: https://mta-sts.sts-redirect.lab.test/moved/mta-sts.txt",
        ),
        ("sts-404", "404 Not Found", "content-type: text/plain; charset=utf-8"),
        ("sts-500", "500 Internal Server Error", "content-type: text/plain; charset=utf-8"),
        ("sts-206", "206 Partial Content", "content-type: text/plain; charset=utf-8"),
        ("sts-html", "200 OK", "content-type: text/html; charset=utf-8"),
        ("sts-odd-charset", "200 OK", "content-type: text/plain; charset=utf-16"),
        ("sts-plain-type", "200 OK", "content-type: text/plain ;charset=\"us-ascii\""),
        ("sts-no-type", "200 OK", "connection: close"),
    ] {
        let answer = answer(&lab, domain).await;
        let (found, headers, body) = parts(&answer);
        assert_eq!(found, format!("HTTP/1.1 {status}"), "{domain}");
        assert!(headers.contains(&header.to_owned()), "{domain}: {headers:?}");
        assert_eq!(body, policy(domain), "{domain}");
        let typed = headers.iter().any(|h| h.starts_with("content-type"));
        assert_eq!(typed, domain != "sts-no-type", "{domain}");
    }
    let (bytes, _) = request(&lab, "sts-redirect", "/moved/mta-sts.txt", Duration::from_secs(20)).await;
    assert!(String::from_utf8(bytes).unwrap().ends_with(&policy("sts-redirect")));

    let oversize = file(&lab, "sts-oversize").await;
    assert!(oversize.starts_with(&policy("sts-oversize")) && oversize.len() > 64 << 10);
    assert_eq!(answer(&lab, "sts-http09").await, policy("sts-http09"));
    let truncated = answer(&lab, "sts-truncated").await;
    let (_, headers, body) = parts(&truncated);
    assert_eq!(body, policy("sts-truncated"));
    assert!(headers.contains(&format!("content-length: {}", body.len() + 100)), "{headers:?}");
    let chunked = answer(&lab, "sts-chunked").await;
    let (_, headers, body) = parts(&chunked);
    assert!(headers.contains(&"transfer-encoding: chunked".to_owned()) && body.ends_with("\r\n0\r\n\r\n"));
    assert_eq!(unchunked(body), policy("sts-chunked"));

    let (bytes, ended) =
        request(&lab, "sts-garbage", "/.well-known/mta-sts.txt", Duration::from_secs(20)).await;
    assert!(ended && !bytes.starts_with(b"HTTP"));
    let (bytes, ended) = request(&lab, "sts-gzip", "/.well-known/mta-sts.txt", Duration::from_secs(20)).await;
    assert!(ended && bytes.windows(24).any(|w| w == b"Content-Encoding: gzip\r\n"));
    let body = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(bytes[body..body + 3], [0x1f, 0x8b, 8]);
}

#[tokio::test]
async fn answers_without_end_have_none() {
    let lab = lab().await;
    for (domain, start) in [
        ("sts-endless", "HTTP/1.1 200 OK\r\nContent-Type: text/plain"),
        ("sts-endless-head", "HTTP/1.1 200 OK\r\nContent-Type: text/plain"),
    ] {
        let (bytes, ended) = request(&lab, domain, "/.well-known/mta-sts.txt", Duration::from_secs(20)).await;
        assert!(!ended && bytes.len() >= MOST && bytes.starts_with(start.as_bytes()), "{domain}");
        let has_body = bytes.windows(4).any(|w| w == b"\r\n\r\n");
        assert_eq!(has_body, domain == "sts-endless", "{domain}");
    }
    let (slow, ended) =
        request(&lab, "sts-slow", "/.well-known/mta-sts.txt", Duration::from_millis(1500)).await;
    assert!(!ended && (1..=3).contains(&slow.len()), "{slow:?}");
    let (silent, ended) =
        request(&lab, "sts-silent", "/.well-known/mta-sts.txt", Duration::from_millis(300)).await;
    assert!(!ended && silent.is_empty());
}

#[tokio::test]
async fn certificates_of_policy_hosts_are_bad_in_the_way_that_they_say() {
    type Rightly = fn(&CertificateError) -> bool;
    let unnamed: Rightly = |e| matches!(e, CertificateError::NotValidForNameContext { .. });
    let unknown: Rightly = |e| matches!(e, CertificateError::UnknownIssuer);
    let expired: Rightly = |e| matches!(e, CertificateError::ExpiredContext { .. });
    let lab = lab().await;
    for (domain, rightly) in [
        ("sts-cert-expired", expired),
        ("sts-cert-self-signed", unknown),
        ("sts-cert-name-mismatch", unnamed),
        ("sts-cert-domain", unnamed),
        ("sts-cert-cn-only", unnamed),
        ("sts-cert-untrusted", unknown),
        ("sts-cert-incomplete", unknown),
    ] {
        let host = format!("mta-sts.{domain}.lab.test");
        let Err(error) = Client::connect(&lab, &host, 443).await.secure(&lab, &host).await else {
            panic!("{domain} was trusted");
        };
        match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(reason)) if rightly(reason) => {}
            other => panic!("{domain}: {other:?}"),
        }
    }
    let host = "mta-sts.sts-host-tls10.lab.test";
    assert!(Client::connect(&lab, host, 443).await.secure(&lab, host).await.is_err());
    let host = "mta-sts.sts-host-sni.lab.test";
    let other = Client::connect(&lab, host, 443).await.secure(&lab, "sts-host-sni.lab.test").await;
    assert!(other.is_err(), "another name gets another certificate");
    let expired_mx = Client::starttls(&lab, "mx.sts-expired-mx.lab.test").await;
    assert!(expired_mx.is_err());
}

#[tokio::test]
async fn policy_hosts_are_where_they_should_be_or_nowhere() {
    let lab = lab().await;
    assert!(lab.address("mta-sts.sts-no-host.lab.test").is_none());
    let (reply, state) = ask(&lab, "mta-sts.sts-no-host.lab.test", Rtype::A).await;
    assert!(records(&reply).is_empty() && matches!(state, ValidationState::Secure));
    let closed = (lab.address("mta-sts.sts-no-https.lab.test").unwrap(), lab.port_map()[&443]);
    assert!(TcpStream::connect(closed).await.is_err());
    let (reply, _) = ask(&lab, "mta-sts.sts-host-half-dead.lab.test", Rtype::A).await;
    assert_eq!(records(&reply).len(), 2);
    let (reply, _) = ask(&lab, "mta-sts.sts-host-cname.lab.test", Rtype::A).await;
    let web = lab.address("web.sts-host-cname.lab.test").unwrap();
    assert_eq!(records(&reply), ["web.sts-host-cname.lab.test.", &web.to_string()]);
    let client = Client::connect(&lab, "web.sts-host-cname.lab.test", 443).await;
    client.secure(&lab, "mta-sts.sts-host-cname.lab.test").await.unwrap();
}

#[tokio::test]
async fn files_are_what_they_say() {
    let lab = lab().await;
    for (domain, starts, lacks) in [
        ("sts-none", "version: STSv1\r\nmode: none\r\nmax_age", "mx:"),
        ("sts-lf", "version: STSv1\nmode: enforce\nmx: mx.sts-lf", "\r"),
        ("sts-no-last-line-end", "version: STSv1\r\n", "604800\r\n"),
        ("sts-tight", "version:STSv1\r\nmode:enforce\r\nmx:mx.", ": "),
        ("sts-other-order", "max_age: 604800\r\nmx: mx.", "\u{feff}"),
        ("sts-bom", "\u{feff}version: STSv1\r\n", "none"),
        ("sts-no-mx", "version: STSv1\r\n", "mx:"),
        ("sts-bad-mode", "version: STSv1\r\nmode: enforced\r\n", "none"),
        ("sts-mode-case", "version: STSv1\r\nmode: Enforce\r\n", "enforce\r\n"),
        ("sts-no-version", "mode: enforce\r\n", "version:"),
        ("sts-bad-version", "version: STSv2\r\n", "STSv1"),
        ("sts-no-mode", "version: STSv1\r\nmx: ", "mode:"),
        ("sts-no-max-age", "version: STSv1\r\nmode: enforce\r\nmx: ", "max_age"),
        ("sts-not-a-policy", "<!DOCTYPE html>", "STSv1"),
        ("sts-mismatch", "version: STSv1\r\nmode: enforce\r\nmx: mail.elsewhere.test\r\n", "lab.test"),
        ("sts-dane-conflict", "version: STSv1\r\nmode: enforce\r\nmx: mail.elsewhere.test\r\n", "lab.test"),
    ] {
        let file = file(&lab, domain).await;
        assert!(file.starts_with(starts) && !file.contains(lacks), "{domain}: {file:?}");
    }
    for (domain, part) in [
        ("sts-unknown-keys", "max_age: 604800\r\nowner: mail team\r\nx-9_.k: v\r\n"),
        ("sts-duplicate-keys", "max_age: 604800\r\nmode: none\r\nmax_age: 0\r\n"),
        ("sts-blank-lines", "STSv1\r\n\r\nmode"),
        ("sts-bad-pattern", "mx: mx.sts-bad-pattern.lab.test\r\nmx: mx.*.lab.test\r\n"),
        ("sts-max-age-huge", "max_age: 31557601\r\n"),
        ("sts-max-age-most", "max_age: 31557600\r\n"),
        ("sts-max-age-word", "max_age: 1week\r\n"),
        ("sts-max-age-zero", "max_age: 0\r\n"),
        ("sts-short-max-age", "max_age: 600\r\n"),
        ("sts-wildcard", "mx: *.sts-wildcard.lab.test\r\n"),
        ("sts-wildcard-deep", "mx: *.sts-wildcard-deep.lab.test\r\n"),
        ("sts-wildcard-self", "mx: *.mx.sts-wildcard-self.lab.test\r\n"),
        ("sts-pattern-case", "mx: MX.STS-PATTERN-CASE.LAB.TEST\r\n"),
        ("sts-stale-pattern", "mx: old.sts-stale-pattern.lab.test\r\n"),
        ("sts-one-mx-left-out", "mx: mx1.sts-one-mx-left-out.lab.test\r\n"),
        ("sts-testing-broken", "mode: testing\r\n"),
        ("sts-testing-and-dane", "mode: testing\r\n"),
        ("sts-and-dane-mismatch", "mx: mx.sts-and-dane-mismatch.lab.test\r\n"),
        ("sts-and-dane-unusable", "mx: mx.sts-and-dane-unusable.lab.test\r\n"),
        ("sts-and-half-dane", "mx: mx2.sts-and-half-dane.lab.test\r\n"),
    ] {
        let file = file(&lab, domain).await;
        assert!(file.contains(part), "{domain}: {file:?}");
    }
    assert_eq!(file(&lab, "sts-empty").await, "");
    let stale = policy("sts-stale-id");
    assert_eq!(file(&lab, "sts-stale-id").await, stale.replace("enforce", "testing"));
    assert_eq!(file(&lab, "sts-stale-id").await, stale);
    assert_eq!(file(&lab, "sts-stale-id").await, stale);
    let (reply, _) = ask(&lab, "_mta-sts.sts-stale-id.lab.test", Rtype::TXT).await;
    assert_eq!(records(&reply), ["\"v=STSv1; id=20260101T000000\""]);
}

#[tokio::test]
async fn records_are_what_they_say() {
    let lab = lab().await;
    let sound = "\"v=STSv1; id=20260101T000000\"";
    for (domain, expected) in [
        ("sts-enforce", vec![sound]),
        ("sts-record-missing", vec![]),
        ("sts-two-records", vec!["\"v=STSv1; id=1;\"", "\"v=STSv1; id=2;\""]),
        ("sts-bad-record", vec!["\"v=STSv1; id=a-b;\""]),
        ("sts-long-id", vec!["\"v=STSv1; id=012345678901234567890123456789012;\""]),
        ("sts-no-id", vec!["\"v=STSv1;\""]),
        ("sts-record-other-version", vec!["\"v=STSv10; id=1;\""]),
        ("sts-record-case", vec!["\"V=stsv1; id=1;\""]),
        ("sts-record-space", vec!["\"v=STSv1 ; id=1;\""]),
        ("sts-record-cname", vec!["policies.sts-record-cname.lab.test.", "\"v=STSv1; id=1;\""]),
        ("sts-record-split", vec!["\"v=ST\" \"Sv1; id\" \"=20260101;\""]),
        ("sts-record-with-others", vec!["\"owner=mail team\"", "\"v=STSv1; id=1;\"", "\"v=spf1 -all\""]),
        ("sts-record-extended", vec!["\"v=STSv1; id=1; colour=green;\""]),
        ("sts-no-host", vec![sound]),
    ] {
        let (reply, state) = ask(&lab, &format!("_mta-sts.{domain}.lab.test"), Rtype::TXT).await;
        let mut found = records(&reply);
        found.sort_by_key(|r| r.starts_with('"').then(|| r.clone()));
        assert_eq!(found, expected, "{domain}");
        assert!(matches!(state, ValidationState::Secure), "{domain}: {state:?}");
    }
    let (_, state) = ask(&lab, "sts-servfail.lab.test", Rtype::MX).await;
    assert!(matches!(state, ValidationState::Secure), "{state:?}");
    assert_eq!(rcode(&lab, "_mta-sts.sts-servfail.lab.test", Rtype::TXT).await, Rcode::SERVFAIL);
    assert_eq!(rcode(&lab, "sts-servfail.lab.test", Rtype::TXT).await, Rcode::NOERROR);
    let (_, state) = ask(&lab, "_mta-sts.sts-record-bogus.lab.test", Rtype::TXT).await;
    assert!(matches!(state, ValidationState::Bogus), "{state:?}");
    let (_, state) = ask(&lab, "sts-record-bogus.lab.test", Rtype::MX).await;
    assert!(matches!(state, ValidationState::Secure), "{state:?}");
}

#[tokio::test]
async fn mail_servers_keep_to_their_policy_or_not() {
    let lab = lab().await;
    for (domain, trusted) in [
        ("sts-enforce", true),
        ("sts-self-signed-mx", false),
        ("sts-expired-mx", false),
        ("sts-wrong-name-mx", false),
        ("sts-cn-only-mx", false),
        ("sts-incomplete-mx", false),
        ("sts-tls10-mx", false),
        ("sts-testing-broken", false),
    ] {
        let secured = Client::starttls(&lab, &format!("mx.{domain}.lab.test")).await;
        assert_eq!(secured.is_ok(), trusted, "{domain}");
    }
    assert!(Client::starttls(&lab, "mx1.sts-one-broken-mx.lab.test").await.is_ok());
    assert!(Client::starttls(&lab, "mx2.sts-one-broken-mx.lab.test").await.is_err());
    let mut client = Client::connect(&lab, "mx.sts-plaintext-mx.lab.test", 25).await;
    client.reply().await;
    assert!(!client.say("EHLO client.test").await.contains("STARTTLS"));
}

#[tokio::test]
async fn domains_that_lead_outside_are_there_only_for_who_asks() {
    assert!(LabOptions::default().domains().iter().all(|d| !d.outside));
    assert!(LabOptions::demo().domains().iter().all(|d| !d.outside));
    let outside: Vec<_> = LabOptions::guard().domains().into_iter().filter(|d| d.outside).collect();
    assert_eq!(LabOptions::guard().domains().len(), labels().len() + outside.len());
    let guard = Lab::start(LabOptions::only(outside.iter().map(|d| d.name.replace(".lab.test", ""))));
    let guard = guard.await.unwrap();
    assert_eq!(guard.domains(), outside);
    for (name, rtype, address) in [
        ("mta-sts.sts-host-private", Rtype::A, "10.0.0.1"),
        ("mta-sts.sts-host-mapped", Rtype::AAAA, "::ffff:169.254.169.254"),
        ("mx.mx-nat64", Rtype::AAAA, "64:ff9b::a00:1"),
        ("mx.mx-6to4", Rtype::AAAA, "2002:a00:1::1"),
        ("mx.mx-ula", Rtype::AAAA, "fd00::1"),
        ("mx.mx-cgnat", Rtype::A, "100.64.0.1"),
        ("mx.mx-mapped", Rtype::AAAA, "::ffff:10.0.0.1"),
    ] {
        assert!(outside.iter().any(|d| name.ends_with(d.name.strip_suffix(".lab.test").unwrap())), "{name}");
        let (reply, _) = ask(&guard, &format!("{name}.lab.test"), rtype).await;
        assert_eq!(records(&reply), [address], "{name}");
        // Nothing of the lab could be reached there by mistake.
        assert!(guard.address(&format!("{name}.lab.test")).is_none(), "{name}");
    }
}

#[tokio::test]
async fn every_sts_domain_is_looked_at_here() {
    let source = include_str!("sts.rs");
    let unseen: Vec<_> = labels()
        .into_iter()
        .filter(|l| l.starts_with("sts-"))
        .filter(|l| ["\"", "."].iter().all(|end| !source.contains(&format!("{l}{end}"))))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}
