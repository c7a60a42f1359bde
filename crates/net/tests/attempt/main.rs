//! The private client and its attacks against `openssl s_server`, which echoes every line
//! backwards. Where the program is missing, the tests say so loudly and are skipped.

#![cfg(test)]

mod attacks;
mod handshakes;
mod sessions;

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};
use waxseal_model::tls::TlsVersion;
use waxseal_net::attempt::{Failure, PrivateStream, handshake};
use waxseal_peers::{PeerError, TlsServer, certificate};
use waxseal_wire::tls::{
    hello::HelloSpec,
    private::{self, Client, Established},
    scheme, suites,
};

/// Long enough for a busy machine; no test waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(20);
const MAX_BYTES: usize = 1 << 18;

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// A server that takes every version and suite that it has, with further arguments.
fn server(arguments: &[&str]) -> Option<TlsServer> {
    server_with(&certificate::Options::default(), arguments)
}

fn server_with(options: &certificate::Options, arguments: &[&str]) -> Option<TlsServer> {
    let open = ["-cipher", "ALL:eNULL:@SECLEVEL=0", "-min_protocol", "TLSv1"];
    match TlsServer::openssl(options, &[&open, arguments].concat()) {
        Ok(server) => Some(server),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: {why}; this test has tested nothing");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).unwrap();
    seed
}

/// A hello with all that the private client can do up to a version.
fn spec(version: TlsVersion) -> HelloSpec {
    let versions = [Some(version), (version == TlsVersion::Tls13).then_some(TlsVersion::Tls12)];
    let mut list: Vec<u16> = versions.into_iter().flatten().flat_map(suites::for_version).collect();
    list.retain(|code| private::is_supported(*code));
    HelloSpec {
        max_version: version,
        suites: list,
        groups: private::GROUPS.to_vec(),
        signature_schemes: scheme::usual(),
        server_name: Some("mx.example.com".into()),
        renegotiation_info: true,
        extended_master_secret: true,
        encrypt_then_mac: true,
        session_ticket: true,
        heartbeat: version < TlsVersion::Tls13,
        status_request: true,
        ..HelloSpec::default()
    }
}

async fn connect(server: &TlsServer) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

async fn try_handshake(server: &TlsServer, spec: &HelloSpec) -> Result<PrivateStream<TcpStream>, Failure> {
    handshake(connect(server).await, Client::new(spec.clone(), seed()), soon(), MAX_BYTES).await
}

/// A handshake, a line and its echo, and the end of the session in order.
async fn talk(server: &TlsServer, spec: &HelloSpec) -> Established {
    let mut stream = try_handshake(server, spec).await.unwrap();
    stream.write_all(b"NOOP\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"POON\n");
    stream.shutdown().await.unwrap();
    stream.established().clone()
}
