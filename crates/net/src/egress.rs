//! The one way out: every TCP connection to a server is opened here.
//!
//! The resolver alone has its own sockets. What may be contacted (public addresses only,
//! if so ruled), where a logical port really lies (in the lab, or behind a forwarded
//! port) and how long to wait is decided here, so no probe can forget it.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{connection::Connection, error::NetError};

/// What outgoing connections must keep to.
#[derive(Debug, Clone)]
pub struct EgressRules {
    /// Where the ports of mail really lie (25 -> 10025); a port that is missing is itself.
    pub port_map: BTreeMap<u16, u16>,
    /// Refuse addresses that are not public: for services that scan on behalf of others.
    pub public_only: bool,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
}

impl Default for EgressRules {
    fn default() -> Self {
        Self { port_map: BTreeMap::new(), public_only: false, connect_timeout: Duration::from_secs(10) }
    }
}

/// Opens TCP connections by the rules and counts them. Clones share the count.
#[derive(Debug, Clone)]
pub struct Egress {
    rules: Arc<EgressRules>,
    opened: Arc<AtomicU32>,
}

/// A connection that stands.
#[derive(Debug)]
pub struct Connected {
    /// The stream.
    pub stream: Connection,
    /// Where it really leads (after the port map).
    pub peer: SocketAddr,
    /// How long it took to stand.
    pub took: Duration,
}

impl Egress {
    /// A way out under these rules.
    pub fn new(rules: EgressRules) -> Self {
        Self { rules: Arc::new(rules), opened: Arc::new(AtomicU32::new(0)) }
    }

    /// The same way out for addresses that strangers name: special ones are refused. The
    /// count is shared.
    pub fn to_public_only(&self) -> Self {
        let rules = EgressRules { public_only: true, ..(*self.rules).clone() };
        Self { rules: Arc::new(rules), opened: Arc::clone(&self.opened) }
    }

    /// Where a connection to this address and port really goes.
    pub fn destination(&self, address: SocketAddr) -> SocketAddr {
        let port = self.rules.port_map.get(&address.port()).copied().unwrap_or(address.port());
        SocketAddr::new(address.ip(), port)
    }

    /// Connections that stood, over all clones.
    pub fn connections(&self) -> u32 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Opens one connection to a logical address and port.
    ///
    /// # Errors
    /// Says whether the rules forbid it, the peer refused, the network gave no answer or
    /// no route, or this system lacks means. No error is retried.
    pub async fn connect(&self, address: SocketAddr) -> Result<Connected, NetError> {
        if self.rules.public_only
            && let Some(block) = special_purpose(address.ip())
        {
            return Err(NetError::Forbidden { address: address.ip(), block });
        }
        let peer = self.destination(address);
        let started = Instant::now();
        let limit = self.rules.connect_timeout;
        let stream = match timeout(limit, TcpStream::connect(peer)).await {
            Err(_) => return Err(NetError::ConnectTimeout { address: peer, after: limit }),
            Ok(Err(error)) => return Err(connect_error(peer, &error)),
            Ok(Ok(stream)) => stream,
        };
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Connected { stream: Connection::new(stream), peer, took: started.elapsed() })
    }
}

fn connect_error(address: SocketAddr, error: &io::Error) -> NetError {
    use io::ErrorKind as K;
    let detail = || error.to_string();
    match error.kind() {
        K::ConnectionRefused => NetError::Refused { address },
        K::ConnectionReset | K::ConnectionAborted => NetError::ConnectReset { address },
        K::TimedOut => NetError::ConnectTimeout { address, after: Duration::ZERO },
        K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown => {
            NetError::Unreachable { address, detail: detail() }
        }
        K::PermissionDenied => NetError::NotPermitted { address, detail: detail() },
        _ => NetError::LocalResources { address, detail: detail() },
    }
}

/// Blocks of IPv4 that are no destination on the public Internet: network, prefix
/// length, what it is. Source: IANA IPv4 Special-Purpose Address Registry; 224.0.0.0/4 is
/// multicast (RFC 5771).
const V4_BLOCKS: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network, RFC 791"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private use, RFC 1918"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by carrier-grade NAT, RFC 6598"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback, RFC 1122"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local, RFC 3927"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private use, RFC 1918"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "IETF protocol assignments, RFC 6890"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relay anycast, withdrawn, RFC 7526"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private use, RFC 1918"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking, RFC 2544"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast, RFC 5771"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved, RFC 1112"),
];

/// Blocks within the global unicast space of IPv6 (2000::/3) that are no destination on
/// the public Internet. Source: IANA IPv6 Special-Purpose Address Registry. Of 2001::/23
/// some parts are reachable (anycast, AS112, ORCHIDv2), none of which receives mail.
const V6_BLOCKS: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "Teredo tunnels, RFC 4380"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "IETF protocol assignments, RFC 2928"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation, RFC 3849"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4 tunnels, RFC 3056"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation, RFC 9637"),
];

/// Names for what lies outside of 2000::/3, all of which is refused.
const V6_OUTSIDE: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified, RFC 4291"),
    (Ipv6Addr::LOCALHOST, 128, "loopback, RFC 4291"),
    (Ipv6Addr::UNSPECIFIED, 96, "IPv4-compatible, withdrawn, RFC 4291"),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, "NAT64, RFC 6052"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "local NAT64, RFC 8215"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "discard, RFC 6666"),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, "segment routing, RFC 9602"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique local, RFC 4193"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local, RFC 4291"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local, withdrawn, RFC 3879"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast, RFC 4291"),
];

/// What special block an address lies in; none for a public unicast address. An IPv4
/// address mapped into IPv6 (`::ffff:0:0/96`) counts as that IPv4 address.
pub fn special_purpose(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => special_v4(v4),
            None => special_v6(v6),
        },
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let within = |network: Ipv4Addr, length: u32| (bits ^ network.to_bits()).leading_zeros() >= length;
    V4_BLOCKS.iter().find(|(network, length, _)| within(*network, *length)).map(|(_, _, name)| *name)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let find = |blocks: &[(Ipv6Addr, u32, &'static str)]| {
        blocks
            .iter()
            .find(|(network, length, _)| (bits ^ network.to_bits()).leading_zeros() >= *length)
            .map(|(_, _, name)| *name)
    };
    if bits >> 125 == 1 {
        find(V6_BLOCKS)
    } else {
        Some(find(V6_OUTSIDE).unwrap_or("outside of the global unicast space 2000::/3"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;

    fn special(text: &str) -> Option<&'static str> {
        special_purpose(text.parse().unwrap())
    }

    #[test]
    fn first_and_last_address_of_each_special_block_is_named() {
        for (text, word) in [
            ("0.0.0.0", "this network"),
            ("0.255.255.255", "this network"),
            ("10.0.0.0", "1918"),
            ("10.255.255.255", "1918"),
            ("100.64.0.0", "NAT"),
            ("100.127.255.255", "NAT"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.255", "loopback"),
            ("169.254.0.0", "link-local"),
            ("169.254.169.254", "link-local"),
            ("172.16.0.0", "1918"),
            ("172.31.255.255", "1918"),
            ("192.0.0.8", "IETF"),
            ("192.0.2.25", "documentation"),
            ("192.88.99.1", "6to4"),
            ("192.168.0.0", "1918"),
            ("192.168.255.255", "1918"),
            ("198.18.0.0", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.255", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.0", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::192.0.2.1", "IPv4-compatible"),
            ("64:ff9b::1.2.3.4", "NAT64"),
            ("64:ff9b:1::1", "local NAT64"),
            ("100::1", "discard"),
            ("2001::1", "Teredo"),
            ("2001:2::1", "IETF"),
            ("2001:1ff:ffff::1", "IETF"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::1", "6to4"),
            ("3fff:fff::1", "documentation"),
            ("4000::1", "outside"),
            ("5f00::1", "segment routing"),
            ("fc00::1", "unique local"),
            ("fdff:ffff::1", "unique local"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ] {
            let name = special(text).unwrap_or_else(|| panic!("{text} passed"));
            assert!(name.contains(word), "{text}: {name}");
        }
    }

    #[test]
    fn neighbours_of_special_blocks_and_ordinary_addresses_are_public() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2a00:1450::1a",
            "3ffe::1",
        ] {
            assert_eq!(special(text), None, "{text}");
        }
    }

    #[test]
    fn a_mapped_address_counts_as_the_address_within() {
        assert_eq!(special("::ffff:127.0.0.1"), special("127.0.0.1"));
        assert_eq!(special("::ffff:10.1.2.3"), special("10.1.2.3"));
        assert_eq!(special("::ffff:8.8.8.8"), None);
    }

    #[tokio::test]
    async fn a_connection_follows_the_port_map_and_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let real = listener.local_addr().unwrap();
        let rules = EgressRules { port_map: BTreeMap::from([(25, real.port())]), ..EgressRules::default() };
        let egress = Egress::new(rules);
        let clone = egress.clone();
        let connected = clone.connect("127.0.0.1:25".parse().unwrap()).await.unwrap();
        assert_eq!(connected.peer, real);
        assert_eq!(egress.connections(), 1);
    }

    #[tokio::test]
    async fn a_forbidden_address_is_not_contacted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let egress = Egress::new(EgressRules::default()).to_public_only();
        let error = egress.connect(address).await.unwrap_err();
        assert!(matches!(error, NetError::Forbidden { block, .. } if block.contains("loopback")));
        assert_eq!(egress.connections(), 0);
        // Nobody waits in the listener's queue: the next to come is the one made here.
        let own = TcpStream::connect(address).await.unwrap();
        let (mut accepted, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, own.local_addr().unwrap());
        drop(own);
        assert_eq!(accepted.read(&mut [0; 1]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_closed_port_is_refused_by_the_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Egress::new(EgressRules::default()).connect(address).await.unwrap_err();
        assert_eq!(error, NetError::Refused { address });
    }

    #[test]
    fn system_errors_are_told_apart() {
        let address: SocketAddr = "192.0.2.1:25".parse().unwrap();
        let of = |kind: io::ErrorKind| connect_error(address, &io::Error::from(kind));
        assert!(matches!(of(io::ErrorKind::HostUnreachable), NetError::Unreachable { .. }));
        assert!(matches!(of(io::ErrorKind::ConnectionReset), NetError::ConnectReset { .. }));
        assert!(matches!(of(io::ErrorKind::TimedOut), NetError::ConnectTimeout { .. }));
        assert!(matches!(of(io::ErrorKind::PermissionDenied), NetError::NotPermitted { .. }));
        assert!(matches!(of(io::ErrorKind::AddrNotAvailable), NetError::LocalResources { .. }));
    }
}
