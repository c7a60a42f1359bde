//! A server that sends a flight, reads what follows, and answers by a script.

use std::{sync::LazyLock, time::Duration};

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// How a script ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Close,
    Reset,
    Hang,
}

/// What has come when nothing more comes for so long is taken for all.
const QUIET: Duration = Duration::from_millis(60);

/// A self-signed RSA certificate, DER.
static CERTIFICATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    CertificateParams::new(vec!["mx.example".to_owned()]).unwrap().self_signed(&key).unwrap().der().to_vec()
});

fn with_length(bytes: &[u8], width: usize) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[4 - width..], bytes].concat()
}

pub(super) fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &with_length(payload, 2)].concat()
}

pub(super) fn alert(description: u8) -> Vec<u8> {
    record(21, &[2, description])
}

/// ServerHello to ServerHelloDone of TLS 1.2 with RSA key exchange.
pub(super) fn flight(suite: u16, extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let message = |kind: u8, body: &[u8]| [&[kind][..], &with_length(body, 3)].concat();
    let list: Vec<u8> = extensions
        .iter()
        .flat_map(|(number, content)| [&number.to_be_bytes()[..], &with_length(content, 2)].concat())
        .collect();
    let [high, low] = suite.to_be_bytes();
    let hello = [&[3, 3][..], &[9; 32], &[0, high, low, 0], &with_length(&list, 2)].concat();
    let chain = with_length(&with_length(&CERTIFICATE, 3), 3);
    record(22, &[message(2, &hello), message(11, &chain), message(14, &[])].concat())
}

/// Everything that comes until it is quiet.
async fn gather(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 8192];
    while let Ok(Ok(count)) = timeout(QUIET, stream.read(&mut buffer)).await {
        if count == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..count]);
    }
    all
}

/// Starts a server for one connection and returns our end of it.
pub(super) async fn server(
    flight: Vec<u8>,
    answer: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static,
    end: End,
) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    tokio::spawn(async move {
        let _ = stream.read(&mut [0; 8192]).await;
        stream.write_all(&flight).await.unwrap();
        let attack = gather(&mut stream).await;
        let _ = stream.write_all(&answer(&attack)).await;
        match end {
            End::Close => {}
            End::Reset => stream.set_zero_linger().unwrap(),
            End::Hang => tokio::time::sleep(Duration::from_secs(60)).await,
        }
    });
    ours
}
