//! A TLS server made by hand, SSL 3.0 to TLS 1.2 and the first word of SSLv2, since no
//! library that is still kept has the flaws that an audit must find. It completes real
//! handshakes, and each flaw is a knob of its own.
//!
//! It must never protect anything: it makes no attempt to run in constant time.
//!
//! - [`behaviour`]: the knobs.
//! - [`hello`], [`choice`]: what is offered and what becomes of it; [`suites`].
//! - [`handshake`]: the messages, and their order; [`messages`], [`exchange`], [`session`].
//! - [`established`]: data, heartbeats and renegotiation afterwards.
//! - [`rsa`], [`dh`], [`prf`], [`cipher`]: the cryptography that is not a library's.
//! - [`record`], [`heartbeat`], [`ssl2`], [`bytes`]: the rest of the wire.

pub(crate) mod behaviour;
mod bytes;
mod choice;
mod cipher;
mod dh;
mod established;
mod exchange;
mod failure;
mod handshake;
mod heartbeat;
mod hello;
mod messages;
mod prf;
mod record;
mod rsa;
mod session;
mod ssl2;
mod suites;

use std::{io::Result, sync::Arc, time::Duration};

use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::servers::{Site, breakdown::How};
use behaviour::Behaviour;
use failure::{End, Failure};
use record::{FATAL, Records};

pub(crate) use rsa::RsaKey;

/// Data that waits between TLS and what runs within.
const BUFFER: usize = 1 << 16;
/// How long a client is waited for that has still something to say.
const LINGER: Duration = Duration::from_secs(2);
/// Most bytes of a hello that are looked at before it is read.
const MOST_PEEKED: usize = 1 << 15;
/// How often a hello that is not whole is looked at again, and after which pause.
const PEEKS: usize = 2000;
const PAUSE: Duration = Duration::from_millis(5);

/// A chain of certificates, the leaf first.
pub(crate) type Chain = Arc<Vec<CertificateDer<'static>>>;

/// A server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) chain: Chain,
    /// For [`behaviour::Names::OtherCertificate`]; of the same key.
    pub(crate) stranger: Option<Chain>,
    pub(crate) key: Arc<RsaKey>,
    pub(crate) host: String,
    pub(crate) behaviour: Behaviour,
    memory: session::Memory,
}

impl Server {
    /// A server of this name, with its certificates and their RSA key.
    pub(crate) fn new(host: &str, chain: Chain, key: RsaKey, behaviour: Behaviour) -> Self {
        Self {
            chain,
            stranger: None,
            key: Arc::new(key),
            host: host.to_owned(),
            behaviour,
            memory: session::Memory::default(),
        }
    }
}

/// Whether a client offers TLS 1.3, by its first record, which stays to be read.
pub(crate) async fn offers_tls13(tcp: &TcpStream) -> Result<bool> {
    const SUPPORTED_VERSIONS: u16 = 43;
    const TLS13: u16 = 0x0304;
    let mut seen = vec![0; MOST_PEEKED];
    for _ in 0..PEEKS {
        let length = tcp.peek(&mut seen).await?;
        let seen = seen.get(..length).unwrap_or_default();
        let Some((&[kind, _, _, high, low], body)) = seen.split_first_chunk() else {
            sleep(PAUSE).await;
            continue;
        };
        let whole = usize::from(u16::from_be_bytes([high, low]));
        if kind != record::HANDSHAKE || length == 0 {
            return Ok(false);
        }
        if let Some(message) = body.get(..whole) {
            let hello = message.get(4..).and_then(hello::ClientHello::parse);
            let versions = hello.as_ref().and_then(|h| h.extension(SUPPORTED_VERSIONS));
            let mut list = versions.and_then(|v| v.get(1..)).into_iter().flat_map(bytes::pairs);
            return Ok(list.any(|v| v == TLS13));
        }
        sleep(PAUSE).await;
    }
    Ok(false)
}

/// Completes a handshake; the stream within, which lives as long as both ends, and the
/// version.
pub(crate) async fn accept(tcp: TcpStream, server: &Server, site: &Site) -> Result<(DuplexStream, u16)> {
    let mut records = Records::new(tcp);
    let first = async {
        ssl2::answer(&mut records, server).await?;
        handshake::accept(&mut records, server, site, None, Vec::new()).await
    };
    match first.await {
        Ok(established) => {
            let (inner, outer) = duplex(BUFFER);
            let version = established.version;
            let (server, site) = (server.clone(), site.clone());
            tokio::spawn(async move {
                let result = established::run(&mut records, &server, &site, established, inner).await;
                if let Err(failure) = result {
                    site.note(format!("session ended: {failure}"));
                    let _ = finish(records, &failure).await;
                }
            });
            Ok((outer, version))
        }
        Err(failure) => {
            let _ = finish(records, &failure).await;
            Err(failure.into())
        }
    }
}

/// Tells the client how a connection ends.
async fn finish(mut records: Records, failure: &Failure) -> Result<()> {
    let how = match failure.end() {
        End::Alert(code) => {
            records.alert(FATAL, code).await?;
            How::Close
        }
        End::Broken(how) => how,
    };
    break_down(records.into_stream(), how).await
}

/// Ends a connection, or lets it hang until the client gives up.
pub(crate) async fn break_down(mut tcp: TcpStream, how: How) -> Result<()> {
    match how {
        How::Hang => drain(&mut tcp).await,
        How::Reset => tcp.set_zero_linger(),
        How::Close | How::Reply(_) | How::Refusal(_) => {
            tcp.shutdown().await?;
            // What is not read would make a reset of the end, and take the last words along.
            timeout(LINGER, drain(&mut tcp)).await.unwrap_or(Ok(()))
        }
    }
}

async fn drain(tcp: &mut TcpStream) -> Result<()> {
    let mut rest = [0; 4096];
    while tcp.read(&mut rest).await? > 0 {}
    Ok(())
}
