//! Complete handshakes: every version, key exchange and kind of cipher that OpenSSL has.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use waxseal_model::tls::TlsVersion::{self, *};
use waxseal_peers::certificate::{self, Key};
use waxseal_wire::tls::{
    hello::HelloSpec,
    private::{Fault, GROUPS},
    suites,
};

use crate::{server, server_with, spec, talk, try_handshake};
use waxseal_net::attempt::Stop;

#[tokio::test]
async fn every_key_exchange_and_cipher_up_to_tls12() {
    let Some(server) = server(&["-rev"]) else { return };
    // RSA, DHE, ECDHE, both anonymous kinds; CBC with each code, GCM, ChaCha20, no cipher.
    let old = [0x002f, 0x0035, 0x0033, 0x0039, 0xc013, 0xc014, 0x0034, 0xc018, 0x003b, 0x0002];
    let new =
        [0x003c, 0x003d, 0x006b, 0x009c, 0x009d, 0x009f, 0xc027, 0xc028, 0xc02f, 0xc030, 0xcca8, 0xccaa];
    let both: Vec<(TlsVersion, u16)> = [Tls10, Tls11, Tls12]
        .into_iter()
        .flat_map(|version| old.into_iter().map(move |suite| (version, suite)))
        .chain(new.into_iter().map(|suite| (Tls12, suite)))
        .filter(|(version, suite)| {
            (*version, *suite) != (Tls10, 0x003b) && (*version, *suite) != (Tls11, 0x003b)
        })
        .collect();
    for (version, suite) in both {
        let wanted = HelloSpec { suites: vec![suite], ..spec(version) };
        let session = talk(&server, &wanted).await;
        let name = suites::suite(u32::from(suite)).name;
        assert_eq!((session.flight.version, session.flight.suite), (version, suite), "{name}");
        assert!(session.flight.extended_master_secret, "{name}");
        assert_eq!(session.tickets.len(), 1, "{name}");
        assert_eq!((session.master_secret.len(), session.client_verify_data.len()), (48, 12));
        let anonymous = name.contains("anon");
        assert_eq!(session.flight.certificates.is_none(), anonymous, "{name}");
    }
}

#[tokio::test]
async fn with_and_without_what_binds_keys_and_codes() {
    let Some(server) = server(&["-rev"]) else { return };
    for extended_master_secret in [true, false] {
        for encrypt_then_mac in [true, false] {
            let wanted =
                HelloSpec { suites: vec![0xc014], extended_master_secret, encrypt_then_mac, ..spec(Tls12) };
            let session = talk(&server, &wanted).await;
            assert_eq!(session.flight.extended_master_secret, extended_master_secret);
            assert_eq!(session.flight.encrypt_then_mac, encrypt_then_mac);
        }
    }
}

#[tokio::test]
async fn every_group_in_both_new_versions() {
    let Some(server) = server(&["-rev", "-groups", "X25519:P-256:P-384:P-521"]) else { return };
    for version in [Tls12, Tls13] {
        for group in GROUPS {
            let session = talk(&server, &HelloSpec { groups: vec![group], ..spec(version) }).await;
            assert_eq!((session.flight.version, session.group), (version, Some(group)));
        }
    }
}

#[tokio::test]
async fn every_suite_of_tls13_and_what_was_encrypted_in_the_handshake() {
    let Some(server) = server(&[
        "-rev",
        "-ciphersuites",
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
    ]) else {
        return;
    };
    for suite in [0x1301, 0x1302, 0x1303] {
        let session = talk(&server, &HelloSpec { suites: vec![suite], ..spec(Tls13) }).await;
        assert_eq!((session.flight.version, session.flight.suite), (Tls13, suite));
        assert_eq!(session.flight.certificates.as_ref().unwrap().len(), session.entries.len());
        assert!(!session.hello_retry);
    }
    for scheme in [0x0804, 0x0805, 0x0806] {
        let session = talk(&server, &HelloSpec { signature_schemes: vec![scheme], ..spec(Tls13) }).await;
        assert_eq!(session.signature_scheme, Some(scheme));
    }
}

#[tokio::test]
async fn another_hello_is_made_where_the_server_wants_another_group() {
    let Some(server) = server(&["-rev", "-groups", "P-521"]) else { return };
    let session = talk(&server, &spec(Tls13)).await;
    assert_eq!((session.hello_retry, session.group), (true, Some(25)));
}

#[tokio::test]
async fn tickets_tell_how_long_they_live_and_how_much_early_data_they_allow() {
    let Some(server) = server(&["-early_data"]) else { return };
    let mut stream = try_handshake(&server, &spec(Tls13)).await.unwrap();
    // s_server says nothing by itself: its tickets come before its goodbye.
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let tickets = &stream.established().tickets;
    assert_eq!(tickets.len(), 2);
    assert_eq!((tickets[0].lifetime, tickets[0].max_early_data), (7200, Some(16384)));

    let Some(without) = self::server(&["-rev", "-num_tickets", "1"]) else { return };
    let session = talk(&without, &spec(Tls13)).await;
    assert_eq!((session.tickets.len(), session.tickets[0].max_early_data), (1, None));
}

#[tokio::test]
async fn certificates_of_elliptic_curves_and_their_schemes() {
    let options = certificate::Options { key: Key::Ecdsa, ..certificate::Options::default() };
    let Some(server) = server_with(&options, &["-rev"]) else { return };
    for version in [Tls12, Tls13] {
        let session = talk(&server, &spec(version)).await;
        assert_eq!(session.signature_scheme, Some(0x0403));
    }
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_or_demanded() {
    let Some(asking) = server(&["-rev", "-verify", "1"]) else { return };
    for version in [Tls10, Tls12, Tls13] {
        assert!(talk(&asking, &spec(version)).await.flight.certificate_requested);
    }
    let Some(demanding) = server(&["-rev", "-Verify", "1"]) else { return };
    let failure = try_handshake(&demanding, &spec(Tls12)).await.unwrap_err();
    assert!(failure.wants_certificate(), "{}", failure.why());
    assert!(failure.why().text.contains("client certificate"), "{}", failure.why());
    // In TLS 1.3 it shows only after the handshake.
    let mut stream = try_handshake(&demanding, &spec(Tls13)).await.unwrap();
    let error = stream.read(&mut [0; 8]).await.unwrap_err();
    assert!(error.to_string().contains("alert 116"), "{error}");
}

#[tokio::test]
async fn an_application_protocol_is_chosen() {
    let Some(server) = server(&["-rev", "-alpn", "smtp"]) else { return };
    for version in [Tls12, Tls13] {
        let mut wanted = spec(version);
        wanted.extra_extensions.push((16, vec![0, 5, 4, b's', b'm', b't', b'p']));
        assert_eq!(talk(&server, &wanted).await.alpn(), Some(&b"smtp"[..]));
    }
}

#[tokio::test]
async fn a_refusal_is_an_alert_and_no_guess() {
    let Some(server) = server(&["-rev", "-no_tls1_3", "-no_tls1_2"]) else { return };
    let wanted = HelloSpec { min_version: Tls13, ..spec(Tls13) };
    let failure = try_handshake(&server, &wanted).await.unwrap_err();
    assert!(matches!(failure.stop, Stop::Fault(Fault::Alert { level: 2, .. })), "{failure:?}");
    assert_eq!(failure.flight, None);
}
