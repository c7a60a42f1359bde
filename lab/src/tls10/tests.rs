//! A client of the same protocol; `tests/openssl.rs` has OpenSSL as the other side.

use super::{
    handshake::{ClientHello, SUITES, ciphers, message},
    prf::{prf, verify_data},
    record::{CHANGE_CIPHER_SPEC, HANDSHAKE},
    *,
};
use crate::pki::{Keys, Leaf, authority::Authority};

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PrivateDecryptingKey};
use tokio::net::TcpListener;

const CLIENT_RANDOM: [u8; 32] = [7; 32];

fn server() -> Server {
    let leaf = Leaf { keys: Keys::Rsa, ..Leaf::default() };
    let identity = Authority::new(1_790_000_000).unwrap().issue("mx.example.test", leaf).unwrap();
    Server { chain: Arc::new(identity.rsa.unwrap().cert.clone()), key: Arc::new(identity.rsa_pkcs8.unwrap()) }
}

fn hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|s| s.to_be_bytes()).collect();
    let length = u16::try_from(suites.len()).unwrap().to_be_bytes();
    message(1, &[&version[..], &CLIENT_RANDOM, &[0], &length, &suites, &[1, 0]].concat())
}

async fn connect(server: Server) -> (Records<TcpStream>, tokio::task::JoinHandle<Result<DuplexStream>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    (Records::new(client), tokio::spawn(async move { accept(tcp, &server).await }))
}

/// The client's half of a handshake; what it needs to go on.
async fn shake_hands(records: &mut Records<TcpStream>, server: &Server, suite: u16) -> (Cipher, Cipher) {
    let hello = hello([3, 1], &[suite, 0x00ff]);
    // In two records, as a message may be.
    records.write(HANDSHAKE, &hello[..10]).await.unwrap();
    records.write(HANDSHAKE, &hello[10..]).await.unwrap();
    let mut flight = Vec::new();
    while !flight.ends_with(&[14, 0, 0, 0]) {
        let (kind, body) = records.read().await.unwrap().unwrap();
        assert_eq!(kind, HANDSHAKE);
        flight.extend(body);
    }
    assert_eq!(flight[4..6], [3, 1]);
    let server_random: [u8; 32] = flight[6..38].try_into().unwrap();
    assert_eq!(flight[39..41], suite.to_be_bytes());
    assert_eq!(flight[42..49], [0, 5, 0xff, 1, 0, 1, 0], "secure renegotiation acknowledged");
    let mut transcript = [hello, flight].concat();

    let premaster = [&[3, 1][..], &[9; 46]].concat();
    let public = PrivateDecryptingKey::from_pkcs8(&server.key).unwrap().public_key();
    let public = Pkcs1PublicEncryptingKey::new(public).unwrap();
    let mut buffer = vec![0; 256];
    let sealed = public.encrypt(&premaster, &mut buffer).unwrap();
    let exchange = message(16, &[&256u16.to_be_bytes()[..], sealed].concat());
    transcript.extend(&exchange);
    records.write(HANDSHAKE, &exchange).await.unwrap();

    let master = prf(&premaster, "master secret", &[CLIENT_RANDOM, server_random].concat(), 48);
    let length = SUITES.iter().find(|(code, _)| *code == suite).unwrap().1;
    let (mut seal, mut open) = ciphers(&master, &[server_random, CLIENT_RANDOM].concat(), length);
    let finished = message(20, &verify_data(&master, "client finished", &transcript));
    records.write(CHANGE_CIPHER_SPEC, &[1]).await.unwrap();
    let sealed = seal.seal(HANDSHAKE, &finished).unwrap();
    records.write(HANDSHAKE, &sealed).await.unwrap();
    transcript.extend(&finished);

    assert_eq!(records.read().await.unwrap().unwrap(), (CHANGE_CIPHER_SPEC, vec![1]));
    let (kind, sealed) = records.read().await.unwrap().unwrap();
    let theirs = open.open(kind, sealed).unwrap();
    assert_eq!(theirs, message(20, &verify_data(&master, "server finished", &transcript)));
    (open, seal)
}

#[tokio::test]
async fn data_goes_both_ways_after_a_handshake_and_the_end_is_announced() {
    for (suite, _) in SUITES {
        let server = server();
        let (mut records, accepted) = connect(server.clone()).await;
        let (mut open, mut seal) = shake_hands(&mut records, &server, suite).await;
        let mut plain = accepted.await.unwrap().unwrap();
        let sealed = seal.seal(APPLICATION_DATA, b"EHLO").unwrap();
        records.write(APPLICATION_DATA, &sealed).await.unwrap();
        let mut heard = [0; 4];
        plain.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"EHLO");
        plain.write_all(b"250 OK\r\n").await.unwrap();
        let (kind, sealed) = records.read().await.unwrap().unwrap();
        assert_eq!((kind, open.open(kind, sealed).unwrap()), (APPLICATION_DATA, b"250 OK\r\n".to_vec()));
        drop(plain);
        let (kind, sealed) = records.read().await.unwrap().unwrap();
        assert_eq!((kind, open.open(kind, sealed).unwrap()), (ALERT, CLOSE_NOTIFY.to_vec()));
        assert!(records.read().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn what_does_not_fit_gets_its_alert() {
    for (bytes, alert) in [
        (hello([3, 0], &[0x002f]), 70),
        (hello([3, 1], &[0xc02f]), 40),
        (message(1, &[1, 2, 3]), 10),
        (message(20, &[0; 12]), 10),
    ] {
        let (mut records, accepted) = connect(server()).await;
        records.write(HANDSHAKE, &bytes).await.unwrap();
        assert_eq!(records.read().await.unwrap().unwrap(), (ALERT, vec![2, alert]));
        accepted.await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn a_wrong_finished_is_refused() {
    let server = server();
    let (mut records, accepted) = connect(server).await;
    records.write(HANDSHAKE, &hello([3, 3], &[0x002f])).await.unwrap();
    let mut last = Vec::new();
    while !last.ends_with(&[14, 0, 0, 0]) {
        last = records.read().await.unwrap().unwrap().1;
    }
    records.write(HANDSHAKE, &message(16, &[&256u16.to_be_bytes()[..], &[1; 256]].concat())).await.unwrap();
    // RSA may find the padding wrong at once, or Finished shows it: both are fatal.
    let (kind, body) = records.read().await.unwrap().unwrap();
    assert_eq!((kind, body[0]), (ALERT, 2));
    accepted.await.unwrap().unwrap_err();
}

#[test]
fn a_client_hello_cut_anywhere_is_malformed_or_without_extensions() {
    let whole = hello([3, 3], &[0x1301, 0x002f, 0x00ff]);
    let body = &whole[4..];
    assert!(ClientHello::parse(body).is_some());
    for end in 0..body.len() {
        assert_eq!(ClientHello::parse(&body[..end]), None, "{end}");
    }
}

#[test]
fn a_record_changed_on_the_way_is_refused() {
    let (mut seal, _) = ciphers(&[1; 48], &[2; 64], 16);
    let sealed = seal.seal(APPLICATION_DATA, b"secret").unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let (mut open, _) = ciphers(&[1; 48], &[2; 64], 16);
        open.open(APPLICATION_DATA, changed).unwrap_err();
    }
    let (mut open, _) = ciphers(&[1; 48], &[2; 64], 16);
    open.open(APPLICATION_DATA, Vec::new()).unwrap_err();
    open.open(APPLICATION_DATA, vec![0; 17]).unwrap_err();
    let (mut open, _) = ciphers(&[1; 48], &[2; 64], 16);
    assert_eq!(open.open(APPLICATION_DATA, sealed).unwrap(), b"secret");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_client_hello_or_none(bytes: Vec<u8>) {
        let _ = ClientHello::parse(&bytes);
    }

    #[test]
    fn any_bytes_are_a_record_or_refused(sealed in proptest::collection::vec(0u8.., 0..200)) {
        let (mut open, _) = ciphers(&[1; 48], &[2; 64], 32);
        proptest::prop_assert!(open.open(APPLICATION_DATA, sealed).is_err());
    }
}
