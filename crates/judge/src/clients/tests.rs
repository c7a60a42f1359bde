use std::collections::BTreeSet;

use waxseal_model::{
    Cause, EndpointEvidence, Evidence, Observed, Usage,
    audit::{ClientCertificate, HelloLimit, Replay, ReplayAnswer, SignatureList},
    client::{ClientKind, ClientOutcome, ClientView},
    tls::{DhFacts, Group, GroupFacts, SuiteOrder, TlsVersion},
};
use waxseal_wire::tls::hello::KeyShare;

use super::{all, applies, find, hello, offer::Offer, views};
use crate::fixtures;

/// The sample after a change to its first endpoint.
fn evidence(change: impl FnOnce(&mut EndpointEvidence)) -> Evidence {
    let mut evidence = fixtures::healthy();
    change(&mut evidence.endpoints[0]);
    evidence
}

fn outcome(evidence: &Evidence, client: &str) -> ClientOutcome {
    let endpoint = evidence.endpoints[0].endpoint.id();
    let found: Vec<ClientView> =
        views(evidence).into_iter().filter(|v| v.client == client && v.endpoint == endpoint).collect();
    assert_eq!(found.len(), 1, "{client}");
    found[0].outcome.clone()
}

fn negotiated(version: TlsVersion, suite: &str, group: Option<&str>) -> ClientOutcome {
    ClientOutcome::Negotiated { version, suite: suite.into(), group: group.map(str::to_owned) }
}

fn why(outcome: ClientOutcome) -> String {
    match outcome {
        ClientOutcome::NoConnection { why } => why,
        other => panic!("{other:?}"),
    }
}

fn unknown(outcome: ClientOutcome) -> String {
    match outcome {
        ClientOutcome::Unknown { why } => why,
        other => panic!("{other:?}"),
    }
}

/// TLS 1.2 alone, with these suites in this order.
fn only_tls12(e: &mut EndpointEvidence, suites: &[&str], order: Option<SuiteOrder>) {
    let tls = &mut e.evidence.tls;
    tls.handshake = Observed::default();
    tls.suites_seen.clear();
    for version in TlsVersion::ALL {
        tls.versions.insert(version, Observed::seen(version == TlsVersion::Tls12));
    }
    tls.suites = [(TlsVersion::Tls12, suites.iter().map(|s| (*s).to_owned()).collect())].into();
    let audit = tls.audit.as_mut().unwrap();
    let Some(Observed::Seen { value }) = audit.suite_lists.get_mut(&TlsVersion::Tls12) else { panic!() };
    value.order = order;
    set_groups(e, &[(29, "x25519"), (23, "secp256r1")]);
    let schemes = ["rsa_pss_rsae_sha256", "rsa_pkcs1_sha256", "ecdsa_secp256r1_sha256"];
    set_schemes(e, &schemes);
}

fn set_groups(e: &mut EndpointEvidence, groups: &[(u16, &str)]) {
    let chosen: Vec<Group> =
        groups.iter().map(|(code, name)| Group { code: *code, name: (*name).into() }).collect();
    let audit = e.evidence.tls.audit.as_mut().unwrap();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        audit.groups.insert(version, Observed::seen(GroupFacts { chosen: chosen.clone(), complete: true }));
    }
}

fn set_schemes(e: &mut EndpointEvidence, schemes: &[&str]) {
    let chosen = schemes.iter().map(|s| (*s).to_owned()).collect();
    let list = SignatureList { chosen, complete: true, unoffered: None };
    let audit = e.evidence.tls.audit.as_mut().unwrap();
    audit.signature_algorithms.insert(TlsVersion::Tls12, Observed::seen(list));
}

const ECDHE: &str = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
const CHACHA: &str = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
const DHE: &str = "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384";
const RSA: &str = "TLS_RSA_WITH_AES_128_GCM_SHA256";

#[test]
fn every_client_reads_and_all_its_names_are_known() {
    let mut ids = BTreeSet::new();
    for client in all() {
        assert!(ids.insert(&client.id), "{} stands twice", client.id);
        let offer = Offer::of(client);
        let facts = &client.hello;
        assert_eq!(offer.suites.len(), facts.suites.len(), "{}", client.id);
        let same = |codes: &Option<Vec<u16>>, names: &Option<Vec<String>>| {
            assert_eq!(codes.as_ref().map(Vec::len), names.as_ref().map(Vec::len), "{}", client.id);
        };
        same(&offer.groups, &facts.groups);
        same(&offer.shares, &facts.key_shares);
        same(&offer.schemes, &facts.signature_algorithms);
        assert!(!offer.suites.is_empty() && !offer.versions.is_empty(), "{}", client.id);
        let shares = offer.shares.unwrap_or_default();
        assert!(shares.iter().all(|s| offer.groups.as_ref().is_some_and(|g| g.contains(s))), "{}", client.id);
        for text in
            [&client.name, &client.about, &client.source.what, &client.source.place, &client.source.date]
        {
            assert!(!text.is_empty() && !text.contains('\n'), "{}: {text:?}", client.id);
        }
        let limits = &client.limits;
        assert_eq!(limits.oldest_version.is_none() && limits.dh_bits.is_none(), limits.source.is_empty());
    }
    assert!(all().len() > 40);
    assert_eq!(find("go-1.24").unwrap().kind, ClientKind::Submission);
    assert!(find("nobody").is_none());
}

#[test]
fn a_check_has_no_clients_and_an_audit_those_of_the_port() {
    let checked = evidence(|e| e.evidence.tls.audit = None);
    let first = checked.endpoints[0].endpoint.id();
    assert!(views(&checked).iter().all(|v| v.endpoint != first));
    let audited = evidence(|_| {});
    assert_eq!((audited.endpoints[0].endpoint.port, audited.endpoints[0].endpoint.usage), (25, Usage::Relay));
    assert!(views(&audited).iter().filter(|v| v.endpoint == first).all(|v| v.kind == ClientKind::Mta));
    assert!(applies(ClientKind::Submission, 587) && !applies(ClientKind::Mta, 465));
    assert!(applies(ClientKind::Submission, 10025) && applies(ClientKind::Mta, 10025));
}

#[test]
fn the_order_that_decides_picks_the_suite() {
    let list = [RSA, CHACHA, ECDHE];
    let by = |order| evidence(|e| only_tls12(e, &list, order));
    let tls12 = TlsVersion::Tls12;
    let postfix = "postfix-3.7-openssl-3.0";
    assert_eq!(outcome(&by(Some(SuiteOrder::Server)), postfix), negotiated(tls12, RSA, None));
    assert_eq!(outcome(&by(Some(SuiteOrder::Client)), postfix), negotiated(tls12, ECDHE, Some("x25519")));
    assert!(unknown(outcome(&by(None), postfix)).contains("order"));
}

#[test]
fn chacha_comes_first_for_clients_that_put_it_first() {
    let with = |by_client| {
        evidence(|e| {
            only_tls12(e, &[ECDHE, CHACHA], Some(SuiteOrder::Server));
            let audit = e.evidence.tls.audit.as_mut().unwrap();
            let Some(Observed::Seen { value }) = audit.suite_lists.get_mut(&TlsVersion::Tls12) else {
                panic!()
            };
            value.chacha_by_client = by_client;
        })
    };
    // None of these clients does; they get what the server likes best.
    let plain = negotiated(TlsVersion::Tls12, ECDHE, Some("x25519"));
    for by_client in [Some(true), Some(false), None] {
        assert_eq!(outcome(&with(by_client), "postfix-3.7-openssl-3.0"), plain);
    }
}

#[test]
fn no_connection_says_what_is_not_common() {
    let new = evidence(|e| {
        only_tls12(e, &[ECDHE], None);
        e.evidence.tls.versions.insert(TlsVersion::Tls12, Observed::seen(false));
        e.evidence.tls.versions.insert(TlsVersion::Tls13, Observed::seen(true));
    });
    let text = why(outcome(&new, "exchange-2019-windows-server-2019"));
    assert_eq!(text, "TLS 1.2 is its newest, the server wants TLS 1.3");
    let tls12 = evidence(|e| only_tls12(e, &[ECDHE], None));
    assert!(
        why(outcome(&tls12, "exchange-2010-windows-server-2008-r2")).starts_with("TLS 1.0 is its newest")
    );
    let camellia = evidence(|e| only_tls12(e, &["TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"], None));
    let text = why(outcome(&camellia, "stalwart-mail-send-0.7"));
    assert!(
        text.starts_with("no common suite: in TLS 1.2 the server has TLS_RSA_WITH_CAMELLIA_128_CBC_SHA,"),
        "{text}"
    );
    let group = evidence(|e| {
        only_tls12(e, &[ECDHE], None);
        set_groups(e, &[(25, "secp521r1")]);
    });
    let text = why(outcome(&group, "exchange-2019-windows-server-2019"));
    assert_eq!(text, "no common group: the server has secp521r1, it offers x25519, secp256r1, secp384r1");
    let scheme = evidence(|e| {
        only_tls12(e, &[ECDHE], None);
        set_schemes(e, &["rsa_pss_rsae_sha256"]);
    });
    let text = why(outcome(&scheme, "exchange-2019-windows-server-2019"));
    assert!(text.starts_with("no common signature algorithm: the server has rsa_pss_rsae_sha256,"), "{text}");
}

#[test]
fn names_and_certificates_that_a_server_demands_end_it() {
    let named = evidence(|e| {
        only_tls12(e, &[ECDHE], None);
        e.evidence.tls.sni_required = Observed::seen(true);
    });
    assert!(why(outcome(&named, "postfix-3.7-openssl-3.0")).contains("SNI"));
    assert!(unknown(outcome(&named, "exchange-2019-windows-server-2019")).contains("SNI"));
    let demanded = evidence(|e| {
        only_tls12(e, &[ECDHE], None);
        e.evidence.tls.audit.as_mut().unwrap().client_certificate =
            Observed::seen(ClientCertificate::Demanded);
    });
    assert!(why(outcome(&demanded, "postfix-3.7-openssl-3.0")).contains("certificate"));
    let small = evidence(|e| {
        let limit = HelloLimit { suites: Some(64), bytes: None };
        e.evidence.tls.audit.as_mut().unwrap().hello_limit = Some(limit);
    });
    assert!(why(outcome(&small, "postfix-3.7-openssl-3.0")).contains("64"));
}

#[test]
fn what_is_not_known_of_the_server_is_never_an_outcome() {
    fn gap<T>() -> Observed<T> {
        Observed::failed(Cause::Timeout, "no answer in time")
    }
    let version = evidence(|e| {
        only_tls12(e, &[ECDHE], None);
        e.evidence.tls.versions.insert(TlsVersion::Tls13, gap());
    });
    let text = unknown(outcome(&version, "postfix-3.7-openssl-3.0"));
    assert_eq!(text, "whether the server takes TLS 1.3 is not known: no answer in time");
    for order in [SuiteOrder::Client, SuiteOrder::Server] {
        let suites = evidence(|e| {
            only_tls12(e, &[RSA], Some(order));
            let audit = e.evidence.tls.audit.as_mut().unwrap();
            let Some(Observed::Seen { value }) = audit.suite_lists.get_mut(&TlsVersion::Tls12) else {
                panic!()
            };
            value.complete = false;
        });
        assert!(unknown(outcome(&suites, "postfix-3.7-openssl-3.0")).contains("not complete"));
    }
    let groups = evidence(|e| {
        only_tls12(e, &[ECDHE], None);
        e.evidence.tls.audit.as_mut().unwrap().groups.insert(TlsVersion::Tls12, gap());
    });
    assert!(unknown(outcome(&groups, "postfix-3.7-openssl-3.0")).contains("no answer in time"));
}

#[test]
fn limits_of_the_client_end_what_its_hello_offers() {
    let dh = |bits| {
        evidence(|e| {
            only_tls12(e, &[DHE], None);
            let facts = DhFacts { bits, known_prime: None, prime: String::new() };
            e.evidence.tls.dh = Observed::seen(facts);
        })
    };
    let sendmail = "sendmail-8.17-openssl-3.0";
    let text = why(outcome(&dh(1024), sendmail));
    assert!(text.contains("1024 bits, it takes 2048"), "{text}");
    assert_eq!(outcome(&dh(2048), sendmail), negotiated(TlsVersion::Tls12, DHE, None));
    assert_eq!(outcome(&dh(1024), "exim-4.96-gnutls-3.7"), negotiated(TlsVersion::Tls12, DHE, None));
    let old = evidence(|e| {
        let name = "TLS_RSA_WITH_AES_128_CBC_SHA";
        only_tls12(e, &[name], None);
        let tls = &mut e.evidence.tls;
        tls.versions.insert(TlsVersion::Tls12, Observed::seen(false));
        tls.versions.insert(TlsVersion::Tls10, Observed::seen(true));
        tls.suites = [(TlsVersion::Tls10, vec![name.to_owned()])].into();
        let audit = tls.audit.as_mut().unwrap();
        let list = audit.suite_lists.remove(&TlsVersion::Tls12).unwrap();
        audit.suite_lists.insert(TlsVersion::Tls10, list);
    });
    assert!(why(outcome(&old, sendmail)).contains("gives up below TLS 1.2"));
    let exim = outcome(&old, "exim-4.96-gnutls-3.7");
    assert_eq!(exim, negotiated(TlsVersion::Tls10, "TLS_RSA_WITH_AES_128_CBC_SHA", None));
}

#[test]
fn the_answer_to_its_own_hello_counts_more_than_the_lists() {
    let postfix = "postfix-3.7-openssl-3.0";
    let with = |answer: ReplayAnswer| {
        evidence(|e| {
            let replay = Replay { client: postfix.into(), answer: Observed::seen(answer) };
            e.evidence.tls.audit.as_mut().unwrap().replays.push(replay);
        })
    };
    let chosen = with(ReplayAnswer::Chosen { version: TlsVersion::Tls12, suite: RSA.into(), group: None });
    assert_eq!(outcome(&chosen, postfix), negotiated(TlsVersion::Tls12, RSA, None));
    assert_eq!(views(&chosen).iter().filter(|v| v.replayed).count(), 1);
    let refused = with(ReplayAnswer::Refused { alert: Some(40) });
    assert_eq!(why(outcome(&refused, postfix)), "the server refuses its hello: alert 40 handshake_failure");
}

#[test]
fn a_hello_to_be_sent_is_the_one_of_the_file() {
    let client = find("thunderbird-153").unwrap();
    let spec = hello(client, Some("mx.example.com")).unwrap();
    assert_eq!((spec.min_version, spec.max_version), (TlsVersion::Tls12, TlsVersion::Tls13));
    assert_eq!(spec.server_name.as_deref(), Some("mx.example.com"));
    assert_eq!(spec.suites.first(), Some(&0x1301));
    let KeyShare::Given(shares) = &spec.key_share else { panic!() };
    assert_eq!(shares.iter().map(|(group, _)| *group).collect::<Vec<_>>(), [0x11ec, 29, 23]);
    let postfix = find("postfix-3.7-openssl-3.0").unwrap();
    assert_eq!(hello(postfix, Some("mx.example.com")).unwrap().server_name, None);
    let lacking = find("exchange-2019-windows-server-2019").map(|c| {
        let mut client = c.clone();
        client.hello.signature_algorithms = None;
        hello(&client, None).unwrap_err()
    });
    assert_eq!(lacking.as_deref(), Some("its signature algorithms are not known"));
}
