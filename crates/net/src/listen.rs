//! Addresses on which clients are awaited.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

use crate::connection::Connection;

/// Connections that wait to be accepted; the system may allow fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 1024;

/// Why nothing can be awaited on an address. Says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody is there already.
    #[error("cannot listen on {address}: another program does already{}", of_both(.address))]
    InUse {
        /// Where.
        address: SocketAddr,
    },
    /// The system does not let us.
    #[error("cannot listen on {address}: the system does not permit it{}", low_port(.address))]
    NotPermitted {
        /// Where.
        address: SocketAddr,
    },
    /// This machine does not have the address.
    #[error(
        "cannot listen on {address}: this machine has no such address; 0.0.0.0 or [::] stands for all of them"
    )]
    NoSuchAddress {
        /// Where.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// In the words of the system.
        source: io::Error,
    },
}

impl ListenError {
    fn new(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { address },
            io::ErrorKind::AddrNotAvailable => Self::NoSuchAddress { address },
            _ => Self::Other { address, source },
        }
    }
}

/// On most systems [::] takes clients of IPv4 as well.
fn of_both(address: &SocketAddr) -> &'static str {
    if address.ip().is_unspecified() {
        " (0.0.0.0 and [::] exclude each other where [::] takes IPv4 too, as on Linux: name [::] alone)"
    } else {
        ""
    }
}

fn low_port(address: &SocketAddr) -> &'static str {
    if address.port() < 1024 {
        "; ports below 1024 need root or CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"
    } else {
        ""
    }
}

/// Awaits clients on one address.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes the address, at once after an earlier program let go of it (SO_REUSEADDR).
    /// Has to be called within the runtime.
    ///
    /// # Errors
    /// Names the address, the cause and what to do.
    pub fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        Self::open(address).map_err(|source| ListenError::new(address, source))
    }

    fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // On Windows it would let two programs have one address.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let inner = socket.listen(BACKLOG)?;
        let address = inner.local_addr()?;
        Ok(Self { inner, address })
    }

    /// Where it listens; the port as the system chose it, where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next client, and its address; one of IPv4 is told as such. May be dropped
    /// without losing a client.
    ///
    /// # Errors
    /// The client has gone again, or this system lacks the means (file descriptors): a
    /// caller waits a moment and goes on.
    pub async fn accept(&self) -> io::Result<(Connection, SocketAddr)> {
        let (stream, peer) = self.inner.accept().await?;
        let ip: IpAddr = peer.ip().to_canonical();
        Ok((Connection::new(stream), SocketAddr::new(ip, peer.port())))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    #[tokio::test]
    async fn clients_are_accepted_with_their_address() {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut client = TcpStream::connect(listener.address()).await.unwrap();
        let (mut server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        server.write_all(b"220 ").await.unwrap();
        let mut got = [0; 4];
        client.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"220 ");
    }

    #[tokio::test]
    async fn a_client_of_ipv4_is_one_on_an_address_for_both() {
        // A system without IPv6 has no such address to test.
        let Ok(listener) = Listener::bind("[::]:0".parse().unwrap()) else { return };
        let Ok(_client) = TcpStream::connect(("127.0.0.1", listener.address().port())).await else { return };
        let (_, peer) = listener.accept().await.unwrap();
        assert!(peer.ip().is_ipv4(), "{peer}");
    }

    #[tokio::test]
    async fn errors_name_the_address_and_what_to_do() {
        let first = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = Listener::bind(first.address()).unwrap_err();
        assert!(matches!(error, ListenError::InUse { .. }), "{error}");
        assert!(error.to_string().contains(&first.address().to_string()), "{error}");
        let error = Listener::bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert!(matches!(error, ListenError::NoSuchAddress { .. }), "{error}");
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = ListenError::new("0.0.0.0:25".parse().unwrap(), denied).to_string();
        assert!(error.contains("0.0.0.0:25") && error.contains("CAP_NET_BIND_SERVICE"), "{error}");
    }
}
