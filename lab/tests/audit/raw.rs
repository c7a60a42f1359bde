//! Attacks by bytes written by hand, and the answers of flawed and of sound servers.

use std::time::Duration;

use super::{address, host, lab};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use waxseal_lab::Lab;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const HEARTBEAT: u8 = 24;
/// Far longer than an answer takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// What counts as silence; longer than the pause of the server that waits for more.
const SILENCE: Duration = Duration::from_millis(800);

/// What a server says next.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Record(u8, Vec<u8>),
    Closed,
    Silence,
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &length[..], body].concat()
}

struct Raw(TcpStream);

impl Raw {
    /// A connection after STARTTLS.
    async fn connect(lab: &Lab, case: &str) -> Self {
        let mut raw = Self(TcpStream::connect(address(lab, case, 25)).await.unwrap());
        raw.lines().await;
        raw.send(b"EHLO client.test\r\n").await;
        raw.lines().await;
        raw.send(b"STARTTLS\r\n").await;
        raw.lines().await;
        raw
    }

    async fn lines(&mut self) {
        let mut seen = Vec::new();
        while !seen.ends_with(b"\n") || seen.split(|b| *b == b'\n').rev().nth(1).unwrap()[3] == b'-' {
            seen.push(timeout(PATIENCE, self.0.read_u8()).await.unwrap().unwrap());
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    async fn record(&mut self, kind: u8, body: &[u8]) {
        self.send(&record(kind, body)).await;
    }

    async fn answer(&mut self) -> Answer {
        let mut header = [0; 5];
        match timeout(SILENCE, self.0.read_exact(&mut header)).await {
            Err(_) => return Answer::Silence,
            Ok(Err(_)) => return Answer::Closed,
            Ok(Ok(_)) => {}
        }
        let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        self.0.read_exact(&mut body).await.unwrap();
        Answer::Record(header[0], body)
    }

    /// Sends a hello; the server's messages, or what came instead.
    async fn hello(&mut self, hello: &Hello<'_>) -> Result<Vec<(u8, Vec<u8>)>, Answer> {
        self.record(HANDSHAKE, &hello.message()).await;
        let mut flight = Vec::new();
        while !flight.ends_with(&[14, 0, 0, 0]) {
            match self.answer().await {
                Answer::Record(HANDSHAKE, body) => flight.extend(body),
                other => return Err(other),
            }
        }
        let mut messages = Vec::new();
        while let [kind, a, b, c, ..] = flight[..] {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            messages.push((kind, flight[4..4 + length].to_vec()));
            flight.drain(..4 + length);
        }
        Ok(messages)
    }
}

/// A hello; the default is one that every server here bears.
struct Hello<'a> {
    version: [u8; 2],
    suites: &'a [u16],
    compression: &'a [u8],
    extensions: &'a [(u16, &'a [u8])],
    /// Name in SNI.
    name: &'a str,
}

const SUITES: &[u16] = &[0xc030, 0xc02f, 0x009f, 0x009e];

fn plain(name: &str) -> Hello<'_> {
    Hello { version: [3, 3], suites: SUITES, compression: &[0], extensions: &[], name }
}

impl Hello<'_> {
    fn message(&self) -> Vec<u8> {
        let with =
            |content: &[u8]| [&u16::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat();
        let suites: Vec<u8> = self.suites.iter().flat_map(|s| s.to_be_bytes()).collect();
        let sni = with(&[&[0][..], &with(self.name.as_bytes())].concat());
        let mut extensions: Vec<(u16, Vec<u8>)> =
            vec![(0, sni), (10, with(&[0, 0x1d, 0, 0x17])), (13, with(&[4, 1])), (0xff01, vec![0])];
        extensions.extend(self.extensions.iter().map(|(kind, content)| (*kind, content.to_vec())));
        let extensions: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &with(content)].concat())
            .collect();
        let compression = [&[u8::try_from(self.compression.len()).unwrap()][..], self.compression].concat();
        let body =
            [&self.version[..], &[7; 32], &[0], &with(&suites), &compression, &with(&extensions)].concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[1][..], &length[1..], &body].concat()
    }
}

/// The suite and the compression of a ServerHello.
fn chosen(messages: &[(u8, Vec<u8>)]) -> (u16, u8) {
    let hello = &messages[0].1;
    let at = 35 + usize::from(hello[34]);
    (u16::from_be_bytes([hello[at], hello[at + 1]]), hello[at + 2])
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_that_claim_too_much_are_answered_dropped_or_refused() {
    let lab = lab(&["heartbleed", "heartbeat", "handmade", "heartbeat-reset"]).await;
    for case in ["heartbleed", "heartbeat", "handmade", "heartbeat-reset"] {
        let name = host(case);
        let hello = Hello { extensions: &[(15, &[1])], ..plain(&name) };
        let mut raw = Raw::connect(&lab, case).await;
        raw.hello(&hello).await.unwrap();
        // One byte more than it carries.
        raw.record(HEARTBEAT, &[1, 0, 1]).await;
        let answer = raw.answer().await;
        match case {
            "heartbleed" => {
                let Answer::Record(HEARTBEAT, body) = answer else { panic!("{answer:?}") };
                assert_eq!((body[..3].to_vec(), body.len()), (vec![2, 0, 1], 3 + 1 + 16));
            }
            "heartbeat" => assert_eq!(answer, Answer::Silence),
            "handmade" => assert_eq!(answer, Answer::Record(ALERT, vec![2, 10])),
            _ => assert_eq!(answer, Answer::Closed),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_change_of_keys_is_refused_or_taken() {
    let lab = lab(&["ccs-injection", "handmade", "ccs-hang"]).await;
    for (case, expected) in [
        // The next record is deciphered with keys of nobody, in vain.
        ("ccs-injection", Answer::Record(ALERT, vec![2, 20])),
        ("handmade", Answer::Record(ALERT, vec![2, 10])),
        ("ccs-hang", Answer::Silence),
    ] {
        let name = host(case);
        let mut raw = Raw::connect(&lab, case).await;
        raw.hello(&plain(&name)).await.unwrap();
        raw.record(20, &[1]).await;
        if case == "ccs-injection" {
            assert_eq!(raw.answer().await, Answer::Silence);
            raw.record(HANDSHAKE, &[0; 40]).await;
        }
        assert_eq!(raw.answer().await, expected, "{case}");
    }
}

/// An RSA block of this beginning, encrypted to the server's key, as ClientKeyExchange.
fn key_exchange(certificates: &[u8], block: &dyn Fn(usize) -> Vec<u8>) -> Vec<u8> {
    use num_bigint::BigUint;
    use x509_parser::prelude::{FromDer, X509Certificate};
    let length = usize::from(u16::from_be_bytes([certificates[4], certificates[5]]));
    let (_, certificate) = X509Certificate::from_der(&certificates[6..6 + length]).unwrap();
    let x509_parser::public_key::PublicKey::RSA(key) = certificate.public_key().parsed().unwrap() else {
        panic!("no RSA key");
    };
    let modulus = BigUint::from_bytes_be(key.modulus);
    let size = modulus.to_bytes_be().len();
    let exponent = BigUint::from_bytes_be(key.exponent);
    let sealed = BigUint::from_bytes_be(&block(size)).modpow(&exponent, &modulus).to_bytes_be();
    let sealed = [vec![0; size - sealed.len()], sealed].concat();
    let body = [&u16::try_from(size).unwrap().to_be_bytes()[..], &sealed].concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[16][..], &length[1..], &body].concat()
}

/// A block that begins so, and has its secret after this many bytes.
fn block(head: [u8; 2], secret: usize) -> impl Fn(usize) -> Vec<u8> {
    move |size| {
        let mut block = head.to_vec();
        block.resize(size - secret - 1, 7);
        block.extend([0, 3, 3]);
        block.resize(size, 9);
        block
    }
}

/// The answer to a block, alone or followed by ChangeCipherSpec and a false Finished.
async fn padding(lab: &Lab, case: &str, head: [u8; 2], secret: usize, alone: bool) -> Answer {
    let name = host(case);
    let hello = Hello { suites: &[0x002f], ..plain(&name) };
    let mut raw = Raw::connect(lab, case).await;
    let flight = raw.hello(&hello).await.unwrap();
    let exchange = key_exchange(&flight[1].1, &block(head, secret));
    let mut all = record(HANDSHAKE, &exchange);
    if !alone {
        all.extend(record(20, &[1]));
        all.extend(record(HANDSHAKE, &[0; 64]));
    }
    raw.send(&all).await;
    raw.answer().await
}

#[tokio::test(flavor = "multi_thread")]
async fn padding_is_told_apart_by_those_that_are_oracles() {
    let cases =
        ["robot-uniform", "robot-strong", "robot-weak", "robot-alone", "robot-closing", "robot-erratic"];
    let lab = lab(&cases).await;
    let alert = |code| Answer::Record(ALERT, vec![2, code]);
    let (right, padded, alien) = (([0, 2], 48), ([0, 2], 47), ([0x41, 0x17], 48));
    let ask = async |case, (head, secret), alone| padding(&lab, case, head, secret, alone).await;
    for block in [right, padded, alien] {
        assert_eq!(ask("robot-uniform", block, false).await, alert(20));
        assert_eq!(ask("robot-uniform", block, true).await, Answer::Silence);
        assert_eq!(ask("robot-alone", block, false).await, alert(20));
    }
    for (case, block, expected) in [
        ("robot-strong", right, alert(20)),
        ("robot-strong", padded, alert(20)),
        ("robot-strong", alien, alert(51)),
        ("robot-weak", right, alert(20)),
        ("robot-weak", padded, alert(51)),
        ("robot-weak", alien, alert(51)),
        ("robot-closing", padded, alert(20)),
        ("robot-closing", alien, Answer::Closed),
    ] {
        assert_eq!(ask(case, block, false).await, expected, "{case} {block:?}");
    }
    assert_eq!(ask("robot-alone", padded, true).await, Answer::Silence);
    assert_eq!(ask("robot-alone", alien, true).await, alert(51));
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(ask("robot-erratic", alien, false).await);
    }
    assert!(answers.contains(&alert(20)) && answers.contains(&alert(51)), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_suites_and_compression_are_chosen_where_they_are_offered() {
    let all: [(&str, &[u16]); 6] = [
        ("rc4", &[0xc011, 0x0005, 0x0004]),
        ("3des", &[0xc012, 0x0016, 0x000a]),
        ("export", &[0x0008, 0x0006, 0x0003]),
        ("dhe-export", &[0x0014]),
        ("anonymous", &[0x0018]),
        ("null-suites", &[0x0001]),
    ];
    let cases: Vec<&str> = all.iter().map(|(case, _)| *case).chain(["crime", "handmade"]).collect();
    let lab = lab(&cases).await;
    for (case, suites) in all {
        for suite in suites {
            let name = host(case);
            let flight = Raw::connect(&lab, case)
                .await
                .hello(&Hello { suites: &[*suite], ..plain(&name) })
                .await
                .unwrap();
            assert_eq!(chosen(&flight), (*suite, 0), "{case}");
            let kinds: Vec<u8> = flight.iter().map(|(kind, _)| *kind).collect();
            match (case, suite) {
                ("anonymous", _) => assert_eq!(kinds, [2, 12, 14]),
                // 64 bytes are 512 bits: the modulus of the key, or the prime.
                ("export" | "dhe-export", _) => assert_eq!(flight[2].1[..2], [0, 64], "{suite:#06x}"),
                _ => {}
            }
        }
    }
    for (case, method) in [("crime", 1), ("handmade", 0)] {
        let name = host(case);
        let hello = Hello { compression: &[1, 0], ..plain(&name) };
        assert_eq!(chosen(&Raw::connect(&lab, case).await.hello(&hello).await.unwrap()).1, method);
    }
}

/// The public value in the ServerKeyExchange of a DHE suite.
async fn dh_public(lab: &Lab, case: &str) -> Vec<u8> {
    let name = host(case);
    let hello = Hello { suites: &[0x009e], ..plain(&name) };
    let flight = Raw::connect(lab, case).await.hello(&hello).await.unwrap();
    let params = &flight[2].1;
    let prime = 2 + usize::from(u16::from_be_bytes([params[0], params[1]]));
    let generator = prime + 2 + usize::from(u16::from_be_bytes([params[prime], params[prime + 1]]));
    params[generator + 2..generator + 2 + 250].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diffie_hellman_value_is_used_again_or_not() {
    let lab = lab(&["dh-reused", "handmade"]).await;
    assert_eq!(dh_public(&lab, "dh-reused").await, dh_public(&lab, "dh-reused").await);
    assert_ne!(dh_public(&lab, "handmade").await, dh_public(&lab, "handmade").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn novelties_are_not_borne_in_the_way_that_is_said() {
    let long = vec![0; 4100];
    let middle = vec![0; 200];
    let all: [(&str, u16, &[u8]); 5] = [
        ("grease", 0x1a1a, &[0]),
        ("extension", 0x1234, &[0]),
        ("long", 21, &long),
        ("middle", 21, &middle),
        ("empty", 23, &[]),
    ];
    let cases: Vec<String> =
        all.iter().flat_map(|(n, ..)| ["alert", "close", "hang"].map(|r| format!("{n}-{r}"))).collect();
    let names: Vec<&str> = cases.iter().map(String::as_str).chain(["handmade"]).collect();
    let lab = lab(&names).await;
    for (novelty, kind, content) in all {
        for reaction in ["alert", "close", "hang"] {
            let case = format!("{novelty}-{reaction}");
            let name = host(&case);
            let ordinary = Raw::connect(&lab, &case).await.hello(&plain(&name)).await;
            assert!(ordinary.is_ok(), "{case}: {ordinary:?}");
            let extensions = [(kind, content)];
            let hello = Hello { extensions: &extensions, ..plain(&name) };
            let answer = Raw::connect(&lab, &case).await.hello(&hello).await.unwrap_err();
            match reaction {
                "alert" => {
                    assert!(matches!(&answer, Answer::Record(ALERT, body) if body[0] == 2), "{answer:?}")
                }
                "close" => assert_eq!(answer, Answer::Closed, "{case}"),
                _ => assert_eq!(answer, Answer::Silence, "{case}"),
            }
        }
        let name = host("handmade");
        let hello = Hello { extensions: &[(kind, content)], ..plain(&name) };
        assert!(Raw::connect(&lab, "handmade").await.hello(&hello).await.is_ok(), "{novelty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_of_suites_are_cut_or_end_the_connection() {
    let lab = lab(&["first-64", "at-most-128"]).await;
    let list = |before: u16| (0..before).map(|n| 0x4000 + n).chain([0x0005]).collect::<Vec<u16>>();
    for (case, before, answered) in [
        ("first-64", 63, true),
        ("first-64", 64, false),
        ("at-most-128", 127, true),
        ("at-most-128", 128, false),
    ] {
        let name = host(case);
        let suites = list(before);
        let answer = Raw::connect(&lab, case).await.hello(&Hello { suites: &suites, ..plain(&name) }).await;
        match (case, answer) {
            (_, Ok(flight)) => assert!(answered && chosen(&flight).0 == 0x0005, "{case}"),
            ("first-64", Err(answer)) => assert_eq!(answer, Answer::Record(ALERT, vec![2, 40])),
            (_, Err(answer)) => assert!(!answered && answer == Answer::Closed, "{case}: {answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ssl2_is_answered_with_its_kinds_or_without_any() {
    let lab = lab(&["ssl2", "ssl2-empty", "handmade"]).await;
    let body = [&[1, 0, 2, 0, 6, 0, 0, 0, 16, 1, 0, 0x80, 7, 0, 0xc0][..], &[9; 16]].concat();
    let hello = [&[0x80, u8::try_from(body.len()).unwrap()][..], &body].concat();
    for (case, kinds) in [("ssl2", Some(2u16)), ("ssl2-empty", Some(0)), ("handmade", None)] {
        let mut raw = Raw::connect(&lab, case).await;
        raw.send(&hello).await;
        let mut head = [0; 13];
        let read = timeout(PATIENCE, raw.0.read_exact(&mut head)).await.unwrap();
        assert_eq!(read.is_ok(), kinds.is_some(), "{case}");
        if let Some(kinds) = kinds {
            assert_eq!((head[2], &head[5..7]), (4, &[0, 2][..]));
            assert_eq!(u16::from_be_bytes([head[9], head[10]]), 3 * kinds);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_random_is_marked_by_a_server_that_could_do_better() {
    let lab = lab(&["marked", "unmarked"]).await;
    for (case, marked) in [("marked", true), ("unmarked", false)] {
        let name = host(case);
        let flight = Raw::connect(&lab, case).await.hello(&plain(&name)).await.unwrap();
        assert_eq!(flight[0].1[26..34] == *b"DOWNGRD\x01", marked);
    }
}
