//! The DNS server: UDP and TCP on one loopback port.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinSet,
    time::timeout,
};

use super::{
    answer::{Transport, answer, describe},
    tree::Tree,
};
use crate::log::Log;

/// How long a TCP client may be idle (RFC 7766 section 6.2.3 leaves it open).
const IDLE: Duration = Duration::from_secs(10);
/// TCP clients served at once.
const MAX_CLIENTS: usize = 64;

/// Answers over UDP until it is aborted.
pub(crate) async fn serve_udp(socket: UdpSocket, tree: Arc<Tree>, log: Log) {
    let mut buffer = vec![0u8; usize::from(u16::MAX)];
    loop {
        // An error here is one client's (a port that was closed); the next may do.
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else { continue };
        let query = buffer.get(..length).unwrap_or_default();
        note(&log, query, "UDP");
        if let Some(reply) = answer(&tree, query, Transport::Udp) {
            let _ = socket.send_to(&reply, peer).await;
        }
    }
}

/// Answers over TCP until it is aborted.
pub(crate) async fn serve_tcp(listener: TcpListener, tree: Arc<Tree>, log: Log) {
    let mut clients = JoinSet::new();
    loop {
        let accepted: Result<(TcpStream, SocketAddr), _> = listener.accept().await;
        while clients.try_join_next().is_some() {}
        if let Ok((stream, _)) = accepted
            && clients.len() < MAX_CLIENTS
        {
            clients.spawn(serve_client(stream, Arc::clone(&tree), log.clone()));
        }
    }
}

/// Any number of queries on one connection, each with its length before it.
async fn serve_client(mut stream: TcpStream, tree: Arc<Tree>, log: Log) -> std::io::Result<()> {
    while let Ok(Ok(length)) = timeout(IDLE, stream.read_u16()).await {
        let mut query = vec![0u8; usize::from(length)];
        timeout(IDLE, stream.read_exact(&mut query)).await??;
        note(&log, &query, "TCP");
        let Some(reply) = answer(&tree, &query, Transport::Tcp) else { continue };
        let Ok(length) = u16::try_from(reply.len()) else { break };
        stream.write_u16(length).await?;
        stream.write_all(&reply).await?;
    }
    Ok(())
}

fn note(log: &Log, query: &[u8], transport: &str) {
    if let Some((name, rtype)) = describe(query) {
        log.push("dns", 53, format!("{transport} {name} {rtype}"));
    }
}
