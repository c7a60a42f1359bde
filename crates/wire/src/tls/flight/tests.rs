use proptest::prelude::*;

use super::{read as answer, *};
use crate::tls::{alert, hello::extension};

/// A flight with nothing in it, for tests to fill.
pub(crate) fn empty_flight() -> ServerFlight {
    ServerFlight {
        version: TlsVersion::Tls12,
        suite: 0,
        compression: 0,
        random: [0; 32],
        session_id: Vec::new(),
        extensions: Vec::new(),
        secure_renegotiation: false,
        extended_master_secret: false,
        encrypt_then_mac: false,
        session_ticket: false,
        heartbeat: false,
        ocsp: None,
        certificates: None,
        key_exchange: None,
        certificate_requested: false,
        done: false,
        resumed: false,
        warning: None,
        alert: None,
        problems: Vec::new(),
    }
}

fn with_length(bytes: &[u8], width: usize) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[4 - width..], bytes].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &with_length(body, 3)].concat()
}

fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &with_length(payload, 2)].concat()
}

fn server_hello(version: u16, suite: u16, random: [u8; 32], extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend_from_slice(&random);
    body.extend_from_slice(&[2, 0xaa, 0xbb]);
    body.extend_from_slice(&suite.to_be_bytes());
    body.push(0);
    let list: Vec<u8> = extensions
        .iter()
        .flat_map(|(number, content)| [&number.to_be_bytes()[..], &with_length(content, 2)].concat())
        .collect();
    body.extend_from_slice(&with_length(&list, 2));
    message(2, &body)
}

/// ServerKeyExchange over x25519, signed with rsa_pss_rsae_sha256.
fn ecdhe() -> Vec<u8> {
    let mut body = vec![3, 0, 29, 32];
    body.extend_from_slice(&[5; 32]);
    body.extend_from_slice(&[8, 4, 0, 3, 1, 2, 3]);
    message(12, &body)
}

/// The messages of a whole TLS 1.2 flight.
fn messages() -> Vec<u8> {
    let chain = [with_length(b"leaf", 3), with_length(b"issuer", 3)].concat();
    let mut status = vec![1];
    status.extend_from_slice(&with_length(b"response", 3));
    [
        server_hello(
            0x0303,
            0xc02f,
            [9; 32],
            &[
                (extension::RENEGOTIATION_INFO, &[0]),
                (extension::EXTENDED_MASTER_SECRET, &[]),
                (extension::SESSION_TICKET, &[]),
            ],
        ),
        message(11, &with_length(&chain, 3)),
        message(22, &status),
        ecdhe(),
        message(13, &[1, 1, 0, 2, 4, 1, 0, 0]),
        message(14, &[]),
    ]
    .concat()
}

fn flight(bytes: &[u8]) -> ServerFlight {
    match answer(bytes) {
        Answer::Hello(flight) => *flight,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_flight_of_tls12_is_read() {
    let flight = flight(&record(22, &messages()));
    let expected = ServerFlight {
        suite: 0xc02f,
        random: [9; 32],
        session_id: vec![0xaa, 0xbb],
        extensions: vec![(0xff01, vec![0]), (23, vec![]), (35, vec![])],
        secure_renegotiation: true,
        extended_master_secret: true,
        session_ticket: true,
        ocsp: Some(b"response".to_vec()),
        certificates: Some(vec![b"leaf".to_vec(), b"issuer".to_vec()]),
        key_exchange: Some(KeyExchange::Ecdhe { group: 29, public: vec![5; 32], scheme: Some(0x0804) }),
        certificate_requested: true,
        done: true,
        ..empty_flight()
    };
    assert_eq!(flight, expected);
    assert_eq!(flight.extension(0xff01), Some(&[0][..]));
    assert_eq!(flight.extension(15), None);
}

#[test]
fn tls13_ends_with_the_server_hello_and_what_is_encrypted_is_left_alone() {
    let hello = server_hello(0x0303, 0x1302, [9; 32], &[(43, &[3, 4]), (51, &[0, 29, 0, 1, 7])]);
    let bytes = [record(22, &hello), record(20, &[1]), record(23, &[0xff; 50])].concat();
    let flight = flight(&bytes);
    assert_eq!((flight.version, flight.suite, flight.done), (TlsVersion::Tls13, 0x1302, true));
}

#[test]
fn a_resumed_session_ends_with_change_cipher_spec_and_the_rest_is_kept() {
    let hello = server_hello(0x0303, 0x009c, [9; 32], &[(35, &[])]);
    let ticket = message(4, &[0, 0, 1, 0, 0, 1, 7]);
    let (ccs, finished) = (record(20, &[1]), record(22, &[0xee; 40]));
    let bytes = [record(22, &hello), record(22, &ticket), ccs.clone(), finished.clone()].concat();
    let mut reader = FlightReader::new(Limits::default());
    reader.push(&bytes);
    let parts = reader.into_parts();
    let Answer::Hello(flight) = &parts.answer else { panic!("{parts:?}") };
    assert!(flight.resumed && flight.done);
    assert_eq!(parts.transcript, [hello.clone(), ticket].concat());
    assert_eq!(parts.rest, [ccs.clone(), finished].concat());

    let chain = message(11, &with_length(&with_length(b"leaf", 3), 3));
    let odd = [record(22, &hello), record(22, &chain), ccs, record(22, &message(14, &[]))].concat();
    assert!(matches!(answer(&odd), Answer::Hello(f) if f.done && !f.resumed));
}

#[test]
fn the_messages_of_a_flight_are_kept_as_they_came() {
    let request = record(22, &message(0, &[]));
    let mut reader = FlightReader::new(Limits::default());
    for byte in [request, record(22, &messages()), b"after".to_vec()].concat() {
        reader.push(&[byte]);
    }
    let parts = reader.into_parts();
    assert_eq!(parts.transcript, messages());
    assert_eq!(parts.rest, [0; 0], "bytes pushed after the end are the caller's");
}

#[test]
fn a_retry_names_the_group() {
    let random: [u8; 32] = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"HelloRetryRequest")
        .as_ref()
        .try_into()
        .unwrap();
    let hello = server_hello(0x0303, 0x1301, random, &[(43, &[3, 4]), (51, &[0x11, 0xec]), (44, &[0, 1, 7])]);
    let cookie = Some(vec![7]);
    let retry = Answer::HelloRetry { version: TlsVersion::Tls13, suite: 0x1301, group: Some(0x11ec), cookie };
    assert_eq!(answer(&record(22, &hello)), retry);
}

#[test]
fn signs_of_a_downgrade() {
    let sentinel = |end: &[u8; 8]| {
        let mut random = [1; 32];
        random[24..].copy_from_slice(end);
        ServerFlight { random, ..empty_flight() }.downgrade_sentinel()
    };
    assert_eq!(sentinel(b"DOWNGRD\x01"), Some(TlsVersion::Tls12));
    assert_eq!(sentinel(b"DOWNGRD\x00"), Some(TlsVersion::Tls11));
    assert_eq!(sentinel(b"DOWNGRD\x02"), None);
}

#[test]
fn plaintext_after_an_alert_is_not_looked_at() {
    let bytes = [record(21, &[2, 40]), b"454 TLS not available\r\n".to_vec()].concat();
    assert_eq!(answer(&bytes), Answer::Alert { level: 2, description: 40 });
}

#[test]
fn a_warning_does_not_end_the_flight_but_is_kept() {
    let bytes = [record(21, &[1, 112]), record(22, &messages())].concat();
    let flight = flight(&bytes);
    assert_eq!((flight.warning, flight.done, flight.alert), (Some(112), true, None));
    assert_eq!(answer(&record(21, &[1, 112])), Answer::Alert { level: 1, description: 112 });
    let closed = [record(21, &[1, 112]), record(21, &[1, alert::CLOSE_NOTIFY])].concat();
    assert_eq!(answer(&closed), Answer::Alert { level: 1, description: 0 });
}

#[test]
fn an_alert_after_the_server_hello_keeps_what_it_told() {
    let hello = server_hello(0x0301, 0x0035, [9; 32], &[]);
    let flight = flight(&[record(22, &hello), record(21, &[2, 80])].concat());
    assert_eq!((flight.version, flight.alert, flight.done), (TlsVersion::Tls10, Some((2, 80)), false));
}

#[test]
fn a_farewell_is_said_in_the_version_of_the_answer() {
    let open = answer(&record(22, &messages()));
    assert_eq!(open.farewell(), alert::close_alert_in(TlsVersion::Tls12));
    let warned = answer(&record(21, &[1, 112]));
    assert_eq!(warned.farewell(), alert::close_alert());
    for over in [record(21, &[2, 40]), b"220 hello\r\n".to_vec(), Vec::new()] {
        assert_eq!(answer(&over).farewell(), [0; 0]);
    }
}

#[test]
fn key_exchanges_by_suite_and_version() {
    let exchange = |version: u16, suite: u16, body: &[u8]| {
        let hello = server_hello(version, suite, [9; 32], &[]);
        let flight = flight(&record(22, &[hello, message(12, body), message(14, &[])].concat()));
        (flight.key_exchange.unwrap(), flight.problems.len())
    };
    let dhe = [0, 2, 0xff, 0xfb, 0, 1, 2, 0, 1, 7, 4, 1, 0, 0];
    let (p, g, y) = (vec![0xff, 0xfb], vec![2], vec![7]);
    let read = |scheme| KeyExchange::Dhe { p: p.clone(), g: g.clone(), y: y.clone(), scheme };
    assert_eq!(exchange(0x0303, 0x009e, &dhe), (read(Some(0x0401)), 0));
    assert_eq!(exchange(0x0301, 0x0039, &dhe), (read(None), 0));
    assert_eq!(exchange(0x0303, 0x00a6, &dhe[..10]), (read(None), 0), "anonymous");
    let with_hint = [&[0, 2, b'h', b'i'][..], &dhe[..10]].concat();
    assert_eq!(exchange(0x0303, 0x00aa, &with_hint), (read(None), 0), "pre-shared key");
    let curve = KeyExchange::Ecdhe { group: 23, public: vec![4], scheme: None };
    assert_eq!(exchange(0x0302, 0xc014, &[3, 0, 23, 1, 4, 0, 0]), (curve, 0));
    assert_eq!(exchange(0x0303, 0xc02f, &[1, 0, 0]), (KeyExchange::Other, 0), "explicit curve");
    let temporary = KeyExchange::Rsa { modulus: vec![0xc5, 0x01], exponent: vec![3] };
    assert_eq!(exchange(0x0301, 0x0003, &[0, 2, 0xc5, 1, 0, 1, 3, 0, 0]), (temporary, 0), "export RSA");
    assert_eq!(exchange(0x0301, 0x0003, &[0, 64]), (KeyExchange::Other, 1), "export RSA, cut short");
    assert_eq!(exchange(0x0301, 0x0035, &[0, 64]), (KeyExchange::Other, 0), "RSA needs none");
    assert_eq!(exchange(0x0303, 0xc02f, &[3, 0]), (KeyExchange::Other, 1), "cut short");
    assert_eq!(exchange(0x0303, 0xfafb, &[3, 0]), (KeyExchange::Other, 0), "unknown suite");
}

#[test]
fn a_certificate_list_with_wrong_lengths_gives_what_fits() {
    let chain = [with_length(b"leaf", 3), vec![0, 9, 9, 1]].concat();
    let hello = server_hello(0x0303, 0x0035, [9; 32], &[]);
    let bytes = record(22, &[hello, message(11, &with_length(&chain, 3)), message(14, &[])].concat());
    let flight = flight(&bytes);
    assert_eq!(flight.certificates, Some(vec![b"leaf".to_vec()]));
    assert_eq!(flight.problems.len(), 1);
    assert!(flight.done);
}

#[test]
fn a_megabyte_of_certificate_is_too_large_and_the_hello_is_kept() {
    let hello = server_hello(0x0303, 0xc02f, [9; 32], &[]);
    let certificate = message(11, &with_length(&with_length(&vec![0x30; 1 << 20], 3), 3));
    let mut reader = FlightReader::new(Limits::default());
    reader.push(&record(22, &hello));
    for part in certificate.chunks(1 << 14) {
        reader.push(&record(22, part));
    }
    assert_eq!(reader.state(), FlightState::Done);
    let Answer::Hello(flight) = reader.finish() else { panic!("a hello") };
    assert_eq!((flight.suite, flight.done, flight.certificates), (0xc02f, false, None));
    assert!(flight.problems.iter().any(|p| p.contains("longer than")), "{:?}", flight.problems);
}

#[test]
fn endless_records_without_a_message_are_too_large() {
    let mut reader = FlightReader::new(Limits { total_bytes: 1000 });
    for _ in 0..1000 {
        reader.push(&record(22, &[]));
    }
    assert_eq!(reader.finish(), Answer::TooLarge);
}

#[test]
fn other_protocols_are_shown_by_their_first_line() {
    assert_eq!(
        answer(b"454 4.7.0 TLS not available\r\n421 bye\r\n"),
        Answer::NotTls("454 4.7.0 TLS not available".to_owned())
    );
    assert_eq!(answer(b"HTTP/1.1 400 Bad Request"), Answer::NotTls("HTTP/1.1 400 Bad Request".to_owned()));
    let Answer::NotTls(text) = answer(&[b'a'; 5000]) else { panic!("text was expected") };
    assert_eq!(text.len(), MAX_TEXT);
    let Answer::NotTls(text) = answer(b"220 \x1b[31mred\n") else { panic!("text was expected") };
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[test]
fn ssl2_answers_are_read() {
    let body = [&[4, 0, 1, 0, 2, 0, 3, 0, 3, 0, 1][..], b"DER", &[1, 0, 0x80], b"i"].concat();
    let bytes = [&[0x80, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let Answer::Ssl2(hello) = answer(&bytes) else { panic!("SSLv2 was expected") };
    assert_eq!(hello.kinds, [0x01_0080]);
    assert_eq!(answer(&[0x80, 3, 0, 0, 1]), Answer::Ssl2Error(1));
}

#[test]
fn what_makes_no_sense_says_what_came() {
    let Answer::Malformed(text) = answer(&[22, 3, 3, 0xff, 0xff, 1]) else { panic!("nonsense was expected") };
    assert!(text.contains("16 03 03 ff ff"), "{text}");
    let Answer::Malformed(text) = answer(&record(22, &message(11, &[]))) else {
        panic!("nonsense was expected")
    };
    assert!(text.contains("type 11"), "{text}");
    let unknown = record(22, &server_hello(0x0305, 0x1301, [9; 32], &[]));
    let Answer::Malformed(text) = answer(&unknown) else { panic!("nonsense was expected") };
    assert!(text.contains("0x0305"), "{text}");
}

#[test]
fn silence_and_half_an_answer() {
    assert_eq!(answer(&[]), Answer::Nothing);
    let whole = record(22, &messages());
    assert!(matches!(answer(&whole[..20]), Answer::Malformed(_)));
    let cut = flight(&record(22, &server_hello(0x0303, 0xc02f, [9; 32], &[])));
    assert!(!cut.done);
}

#[test]
fn plaintext_in_the_middle_keeps_what_was_read() {
    let hello = server_hello(0x0303, 0xc02f, [9; 32], &[]);
    let flight = flight(&[record(22, &hello), b"421 too busy\r\n".to_vec()].concat());
    assert_eq!(flight.suite, 0xc02f);
    assert_eq!(flight.problems, ["a record begins with 34 32 31 20 74 (\"421 t\")"]);
}

/// Cuts a stream of handshake bytes into records at the given places.
fn in_records(handshake: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % handshake.len()).collect();
    places.sort_unstable();
    let (mut out, mut from) = (Vec::new(), 0);
    for place in places.into_iter().chain([handshake.len()]) {
        out.extend_from_slice(&record(22, &handshake[from..place]));
        from = place;
    }
    out
}

fn in_pieces(bytes: &[u8], cuts: &[usize], limits: Limits) -> Answer {
    let mut reader = FlightReader::new(limits);
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut from = 0;
    for place in places.into_iter().chain([bytes.len()]) {
        reader.push(&bytes[from..place]);
        from = place;
    }
    reader.finish()
}

/// Bytes that are likely to reach deep into the reader.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        (20_u8..25, prop::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(kind, payload)| record(kind, &payload)),
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(kind, body)| record(22, &message(kind, &body))),
        prop::collection::vec(any::<usize>(), 0..8).prop_map(|cuts| in_records(&messages(), &cuts)),
        (any::<u16>(), prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(suite, body)| {
            let hello = server_hello(0x0303, suite, [9; 32], &[]);
            record(22, &[hello, message(12, &body)].concat())
        }),
        Just(record(21, &[1, 112])),
        Just(record(21, &[2, 40])),
        Just(vec![0x80, 3, 0, 0, 1]),
        Just(b"220 hello\r\n".to_vec()),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn where_records_are_cut_makes_no_difference(cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let whole = answer(&record(22, &messages()));
        prop_assert_eq!(answer(&in_records(&messages(), &cuts)), whole);
    }

    #[test]
    fn where_the_stream_is_cut_makes_no_difference(
        bytes in stream(),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
        total_bytes in prop_oneof![Just(1 << 18), 0_usize..200],
    ) {
        let limits = Limits { total_bytes };
        prop_assert_eq!(in_pieces(&bytes, &cuts, limits), in_pieces(&bytes, &[], limits));
    }

    #[test]
    fn one_byte_at_a_time_gives_the_same(bytes in stream()) {
        let every: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(in_pieces(&bytes, &every, Limits::default()), answer(&bytes));
    }

    #[test]
    fn nothing_of_the_peer_reaches_the_text_unharmed(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = match answer(&bytes) {
            Answer::NotTls(text) | Answer::Malformed(text) => text,
            _ => String::new(),
        };
        prop_assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}
