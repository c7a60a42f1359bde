//! Servers with bad manners, played on loopback: what they did not answer must become
//! neither fine nor bad.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use waxseal_model::{
    Cause, Endpoint, Observed, TlsStart, Usage, Why,
    evidence::EndpointFacts,
    tls::{SuiteClass, TlsVersion},
};
use waxseal_net::{
    egress::{Egress, EgressRules},
    pacing::Pacer,
};
use waxseal_probe::{ProbeOptions, Prober, probe_endpoint};

const PATIENCE: Duration = Duration::from_secs(10);
/// TLS_RSA_WITH_AES_128_GCM_SHA256: no key exchange message is needed.
const SUITE: u16 = 0x009c;

/// How a connection that is not to go on is ended.
#[derive(Debug, Clone, Copy)]
enum End {
    Close,
    Reset,
    /// With an alert, as it should be.
    Alert,
}

/// A server of TLS 1.2 with one suite.
#[derive(Debug, Clone, Copy)]
struct Manners {
    /// In this way.
    end: End,
    /// Connections after this many are ended at once.
    patience: u32,
    /// Hellos with more suites are ended too.
    most_suites: usize,
    /// So many hellos that ask for its suite in an unusual way are reset, for no reason.
    stumbles: u32,
}

impl Manners {
    async fn start(self) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = Arc::new(AtomicU32::new(0));
        let stumbled = Arc::new(AtomicU32::new(0));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = served.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(self.serve(stream, count, Arc::clone(&stumbled)));
            }
        });
        port
    }

    async fn serve(self, mut stream: TcpStream, count: u32, stumbled: Arc<AtomicU32>) {
        if count < self.patience
            && let Some(suites) = read_suites(&mut stream).await
            && suites.contains(&SUITE)
            && suites.len() <= self.most_suites
        {
            // Neither the first hello of all nor the one that is known to be good.
            let is_usual = suites.first() == Some(&SUITE) || suites.contains(&0xc02f);
            if !is_usual && stumbled.fetch_add(1, Ordering::Relaxed) < self.stumbles {
                stream.set_zero_linger().unwrap();
                return;
            }
            let _ = stream.write_all(&first_flight()).await;
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            return;
        }
        match self.end {
            End::Reset => stream.set_zero_linger().unwrap(),
            End::Alert => {
                let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await;
            }
            End::Close => {}
        }
    }
}

/// The suites of a ClientHello up to TLS 1.2; none for anything else.
async fn read_suites(stream: &mut TcpStream) -> Option<Vec<u16>> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.ok()?;
    if header[0] != 22 {
        return None;
    }
    let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut hello).await.ok()?;
    let version = [hello[4], hello[5]];
    let suites = 39 + usize::from(hello[38]);
    let length = usize::from(u16::from_be_bytes([hello[suites], hello[suites + 1]]));
    let codes = hello[suites + 2..suites + 2 + length].chunks(2).map(|c| u16::from_be_bytes([c[0], c[1]]));
    (version == [3, 3]).then(|| codes.collect())
}

/// ServerHello and ServerHelloDone.
fn first_flight() -> Vec<u8> {
    let mut hello = vec![2, 0, 0, 38, 3, 3];
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend(SUITE.to_be_bytes());
    hello.push(0);
    hello.extend([14, 0, 0, 0]);
    let mut record = vec![22, 3, 3, 0, u8::try_from(hello.len()).unwrap()];
    record.extend(hello);
    record
}

async fn facts_of(manners: Manners) -> EndpointFacts {
    let port = manners.start().await;
    let prober = Prober {
        egress: Egress::new(EgressRules::default()),
        pacer: Pacer::default(),
        roots: Err(Why::new(Cause::NotApplicable, "chains are not the matter here")),
        options: ProbeOptions {
            step_timeout: PATIENCE,
            total_timeout: PATIENCE * 6,
            tls_start_fixed: true,
            ..ProbeOptions::default()
        },
    };
    let endpoint = Endpoint {
        host: None,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port,
        tls: TlsStart::Implicit,
        usage: Usage::Submission,
        connected_to: None,
    };
    probe_endpoint(&prober, endpoint, None, Some("mx.example.com".to_owned())).await.evidence
}

fn accepted(facts: &EndpointFacts, version: TlsVersion) -> Option<bool> {
    facts.tls.versions.get(&version).and_then(Observed::get).copied()
}

fn class(facts: &EndpointFacts, class: SuiteClass) -> Option<bool> {
    facts.tls.suite_classes.get(&class).and_then(Observed::get).map(|f| f.accepted)
}

#[tokio::test]
async fn a_server_that_closes_every_connection_gets_no_verdict() {
    for end in [End::Close, End::Reset] {
        let facts = facts_of(Manners { end, patience: 0, most_suites: 200, stumbles: 0 }).await;
        assert!(TlsVersion::ALL.iter().all(|v| accepted(&facts, *v).is_none()), "{end:?}");
        assert!(!facts.tls.post_quantum.is_seen());
        assert!(SuiteClass::ALL.iter().all(|c| class(&facts, *c).is_none()));
    }
}

#[tokio::test]
async fn refusal_by_closing_or_resetting_is_understood() {
    for end in [End::Close, End::Reset] {
        let facts = facts_of(Manners { end, patience: 1000, most_suites: 200, stumbles: 0 }).await;
        assert_eq!(accepted(&facts, TlsVersion::Tls12), Some(true), "{end:?}");
        assert_eq!(accepted(&facts, TlsVersion::Tls10), Some(false), "{end:?}");
        assert_eq!(class(&facts, SuiteClass::RsaKeyExchange), Some(true), "{end:?}");
        assert_eq!(class(&facts, SuiteClass::Rc4), Some(false), "{end:?}");
        assert_eq!(class(&facts, SuiteClass::Cbc), Some(false), "{end:?}");
        assert!(facts.cost.connections <= 20, "{}", facts.cost.connections);
    }
}

#[tokio::test]
async fn a_server_that_turns_us_away_midway_is_not_called_sound() {
    for end in [End::Close, End::Reset] {
        // The real handshake, TLS 1.3 and the rich hello; then nothing.
        let facts = facts_of(Manners { end, patience: 4, most_suites: 200, stumbles: 0 }).await;
        assert_eq!(accepted(&facts, TlsVersion::Tls12), Some(true), "{end:?}");
        assert_eq!(accepted(&facts, TlsVersion::Tls10), None, "{end:?}");
        assert!(SuiteClass::ALL.iter().all(|c| class(&facts, *c) != Some(false)), "{end:?}");
        assert!(!facts.tls.weak_groups.is_seen(), "{end:?}");
        assert!(facts.smtp.back_off.is_some(), "{end:?}");
    }
}

#[tokio::test]
async fn a_server_that_finds_hellos_too_long_is_asked_in_smaller_ones() {
    let facts = facts_of(Manners { end: End::Close, patience: 1000, most_suites: 64, stumbles: 0 }).await;
    assert_eq!(accepted(&facts, TlsVersion::Tls12), Some(true));
    assert_eq!(accepted(&facts, TlsVersion::Tls10), Some(false));
    assert_eq!(class(&facts, SuiteClass::RsaKeyExchange), Some(true));
}

#[tokio::test]
async fn resets_by_chance_are_no_refusals_where_refusals_are_alerts() {
    let manners = Manners { end: End::Alert, patience: 1000, most_suites: 200, stumbles: 2 };
    let facts = facts_of(manners).await;
    assert_eq!(class(&facts, SuiteClass::RsaKeyExchange), Some(true));
    assert_eq!(class(&facts, SuiteClass::Rc4), Some(false));
}
