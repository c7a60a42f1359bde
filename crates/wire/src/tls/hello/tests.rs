use proptest::prelude::*;

use super::*;
use crate::tls::{bytes::Cursor, flight::ServerFlight};

/// What a hello says, read back independently of how it was written.
#[derive(Debug)]
struct Read {
    record_version: u16,
    length: usize,
    version: u16,
    session_id: Vec<u8>,
    suites: Vec<u16>,
    compression: Vec<u8>,
    extensions: Option<Vec<(u16, Vec<u8>)>>,
}

impl Read {
    fn content(&self, number: u16) -> Option<&[u8]> {
        let (_, content) = self.extensions.as_ref()?.iter().find(|(n, _)| *n == number)?;
        Some(content)
    }
}

fn codes(mut list: Cursor<'_>) -> Vec<u16> {
    std::iter::from_fn(|| list.u16()).collect()
}

fn read(hello: &[u8]) -> Read {
    let mut records = Cursor(hello);
    let mut message = Vec::new();
    let mut record_version = 0;
    while !records.is_empty() {
        assert_eq!(records.u8(), Some(22));
        record_version = records.u16().unwrap();
        let payload = records.vector16().unwrap();
        assert!(payload.len() <= MAX_RECORD);
        message.extend_from_slice(payload);
    }
    let mut cursor = Cursor(&message);
    assert_eq!(cursor.u8(), Some(1));
    let mut body = Cursor(cursor.vector24().unwrap());
    assert!(cursor.is_empty());
    let version = body.u16().unwrap();
    body.array::<32>().unwrap();
    let session_id = body.vector8().unwrap().to_vec();
    let suites = codes(Cursor(body.vector16().unwrap()));
    let compression = body.vector8().unwrap().to_vec();
    let extensions = (!body.is_empty()).then(|| {
        let mut list = Cursor(body.vector16().unwrap());
        let mut extensions = Vec::new();
        while !list.is_empty() {
            extensions.push((list.u16().unwrap(), list.vector16().unwrap().to_vec()));
        }
        extensions
    });
    assert!(body.is_empty());
    Read { record_version, length: message.len(), version, session_id, suites, compression, extensions }
}

/// A TLS 1.2 hello with all that a server can answer to.
fn rich() -> HelloSpec {
    HelloSpec {
        suites: vec![0xc02f, 0xc030],
        groups: vec![29, 23],
        signature_schemes: vec![0x0804, 0x0401],
        server_name: Some("mx.example.com".to_owned()),
        compression: vec![1, 0],
        renegotiation_info: true,
        extended_master_secret: true,
        encrypt_then_mac: true,
        session_ticket: true,
        heartbeat: true,
        status_request: true,
        ..HelloSpec::default()
    }
}

#[test]
fn a_rich_hello_carries_every_question() {
    let hello = read(&client_hello(&rich()));
    assert_eq!((hello.record_version, hello.version), (0x0301, 0x0303));
    assert_eq!(hello.suites, [0xc02f, 0xc030]);
    assert_eq!(hello.compression, [1, 0]);
    assert_eq!(hello.content(extension::SERVER_NAME).unwrap()[5..], *b"mx.example.com");
    assert_eq!(hello.content(extension::SUPPORTED_GROUPS), Some(&[0, 4, 0, 29, 0, 23][..]));
    assert_eq!(hello.content(extension::SIGNATURE_ALGORITHMS), Some(&[0, 4, 8, 4, 4, 1][..]));
    assert_eq!(hello.content(extension::RENEGOTIATION_INFO), Some(&[0][..]));
    assert_eq!(hello.content(extension::HEARTBEAT), Some(&[2][..]));
    assert_eq!(hello.content(extension::STATUS_REQUEST), Some(&[1, 0, 0, 0, 0][..]));
    for empty in [extension::EXTENDED_MASTER_SECRET, extension::ENCRYPT_THEN_MAC, extension::SESSION_TICKET] {
        assert_eq!(hello.content(empty), Some(&[][..]));
    }
    for absent in [extension::SUPPORTED_VERSIONS, extension::KEY_SHARE, extension::PSK_KEY_EXCHANGE_MODES] {
        assert_eq!(hello.content(absent), None);
    }
}

#[test]
fn tls13_lists_its_versions_and_leaves_the_share_to_the_server() {
    let spec = HelloSpec {
        max_version: TlsVersion::Tls13,
        min_version: TlsVersion::Tls12,
        key_share: KeyShare::Empty,
        session_id: vec![7; 32],
        ..rich()
    };
    let hello = read(&client_hello(&spec));
    assert_eq!((hello.record_version, hello.version), (0x0301, 0x0303));
    assert_eq!(hello.session_id, [7; 32]);
    assert_eq!(hello.content(extension::SUPPORTED_VERSIONS), Some(&[4, 3, 4, 3, 3][..]));
    assert_eq!(hello.content(extension::KEY_SHARE), Some(&[0, 0][..]));
    assert_eq!(hello.content(extension::PSK_KEY_EXCHANGE_MODES), Some(&[1, 1][..]));

    let given = KeyShare::Given(vec![(29, vec![9; 3])]);
    let hello = read(&client_hello(&HelloSpec { key_share: given, ..spec.clone() }));
    assert_eq!(hello.content(extension::KEY_SHARE), Some(&[0, 7, 0, 29, 0, 3, 9, 9, 9][..]));

    let hello = read(&client_hello(&HelloSpec { key_share: KeyShare::Absent, ..spec }));
    assert_eq!(hello.content(extension::KEY_SHARE), None);
}

#[test]
fn sslv3_has_no_extensions_and_uses_signals() {
    let spec = HelloSpec { max_version: TlsVersion::Ssl3, fallback_scsv: true, ..rich() };
    let hello = read(&client_hello(&spec));
    assert_eq!((hello.record_version, hello.version), (0x0300, 0x0300));
    assert!(hello.extensions.is_none());
    assert_eq!(hello.suites, [0xc02f, 0xc030, EMPTY_RENEGOTIATION_INFO_SCSV, FALLBACK_SCSV]);
}

#[test]
fn a_hello_without_any_question_has_no_extensions() {
    let hello = read(&client_hello(&HelloSpec { suites: vec![0x0035], ..HelloSpec::default() }));
    assert!(hello.extensions.is_none());
    assert_eq!(hello.compression, [0]);
    let spec = HelloSpec { suites: vec![0x0035], renegotiation_info: true, ..HelloSpec::default() };
    let hello = read(&client_hello(&spec));
    assert!(hello.extensions.is_none());
    assert_eq!(hello.suites, [0x0035, EMPTY_RENEGOTIATION_INFO_SCSV]);
}

#[test]
fn an_empty_extension_does_not_end_the_hello() {
    let spec = HelloSpec { suites: vec![0x0035], session_ticket: true, ..HelloSpec::default() };
    let extensions = read(&client_hello(&spec)).extensions.unwrap();
    assert_eq!(extensions.last(), Some(&(extension::PADDING, vec![0])));
}

#[test]
fn only_dns_names_go_into_sni() {
    let sni = |name: &str| {
        let spec = HelloSpec { server_name: Some(name.to_owned()), ..rich() };
        read(&client_hello(&spec)).content(extension::SERVER_NAME).map(<[u8]>::to_vec)
    };
    for name in ["192.0.2.1", "2001:db8::1", "[2001:db8::1]", "", ".", "münchen.example", &"a.".repeat(130)]
    {
        assert_eq!(sni(name), None, "{name}");
    }
    assert_eq!(sni("mx.example.com."), sni("mx.example.com"));
    assert!(sni("mx.example.com").is_some());
}

#[test]
fn a_hello_longer_than_a_record_takes_two() {
    let spec = HelloSpec { suites: (0..10_000).collect(), ..rich() };
    let hello = read(&client_hello(&spec));
    assert_eq!(hello.suites.len(), 10_000);
    assert!(hello.length > MAX_RECORD);
}

#[test]
fn lists_beyond_all_bounds_still_make_a_hello() {
    let spec = HelloSpec {
        suites: vec![0x1301; 70_000],
        session_id: vec![7; 80],
        compression: vec![0; 400],
        ..HelloSpec::default()
    };
    let hello = read(&client_hello(&spec));
    assert_eq!((hello.suites.len(), hello.session_id.len(), hello.compression.len()), (0x7fff, 32, 255));
    let spec = HelloSpec { groups: vec![23; 70_000], ..rich() };
    assert!(client_hello(&spec).len() < 0x10000 + 200, "the block of extensions is cut");
}

#[test]
fn answers_are_held_against_the_offer() {
    let spec = rich();
    let flight = ServerFlight {
        version: TlsVersion::Tls12,
        suite: 0xc02f,
        key_exchange: Some(KeyExchange::Ecdhe { group: 29, public: Vec::new(), scheme: Some(0x0804) }),
        ..crate::tls::flight::tests::empty_flight()
    };
    let check = |flight: ServerFlight| chosen_was_offered(&spec, &Answer::Hello(Box::new(flight)));
    assert_eq!(check(flight.clone()), Ok(()));
    let wrong = ServerFlight { version: TlsVersion::Tls13, ..flight.clone() };
    assert_eq!(check(wrong), Err(NotOffered::Version(TlsVersion::Tls13)));
    assert_eq!(check(ServerFlight { suite: 0xc013, ..flight.clone() }), Err(NotOffered::Suite(0xc013)));
    assert_eq!(check(ServerFlight { compression: 64, ..flight.clone() }), Err(NotOffered::Compression(64)));
    let exchange =
        |group, scheme| Some(KeyExchange::Ecdhe { group, public: Vec::new(), scheme: Some(scheme) });
    let wrong = ServerFlight { key_exchange: exchange(24, 0x0804), ..flight.clone() };
    assert_eq!(check(wrong), Err(NotOffered::Group(24)));
    let wrong = ServerFlight { key_exchange: exchange(29, 0x0201), ..flight };
    assert_eq!(check(wrong), Err(NotOffered::Scheme(0x0201)));

    let retry = |suite, group| Answer::HelloRetry { version: TlsVersion::Tls13, suite, group, cookie: None };
    let spec = HelloSpec { max_version: TlsVersion::Tls13, suites: vec![0x1301], ..rich() };
    assert_eq!(chosen_was_offered(&spec, &retry(0x1301, Some(23))), Ok(()));
    assert_eq!(chosen_was_offered(&spec, &retry(0x1302, Some(23))), Err(NotOffered::Suite(0x1302)));
    assert_eq!(chosen_was_offered(&spec, &retry(0x1301, Some(30))), Err(NotOffered::Group(30)));
    let refused = Answer::Alert { level: 2, description: 40 };
    assert_eq!(chosen_was_offered(&spec, &refused), Ok(()));
}

#[test]
fn what_was_not_offered_is_said_in_words() {
    assert_eq!(
        NotOffered::Suite(0x0005).to_string(),
        "the server chose the cipher suite 0x0005 without being offered it"
    );
}

proptest! {
    #[test]
    fn no_hello_with_extensions_has_a_risky_length(
        suites in prop::collection::vec(any::<u16>(), 0..400),
        groups in prop::collection::vec(any::<u16>(), 0..60),
        name in "[a-z]{1,60}\\.example",
        flags in any::<[bool; 6]>(),
        tls13 in any::<bool>(),
    ) {
        let spec = HelloSpec {
            max_version: if tls13 { TlsVersion::Tls13 } else { TlsVersion::Tls12 },
            suites,
            groups,
            server_name: Some(name),
            renegotiation_info: flags[0],
            extended_master_secret: flags[1],
            encrypt_then_mac: flags[2],
            session_ticket: flags[3],
            heartbeat: flags[4],
            status_request: flags[5],
            key_share: KeyShare::Empty,
            ..HelloSpec::default()
        };
        let hello = read(&client_hello(&spec));
        for length in [hello.length, hello.length - 4] {
            prop_assert!(!(256..512).contains(&length), "{length}");
            prop_assert!(!matches!(length % 256, 10 | 14), "{length}");
        }
        prop_assert!(!hello.extensions.unwrap().last().unwrap().1.is_empty());
    }
}
