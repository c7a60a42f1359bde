//! Loopback addresses and ports that no other lab uses.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::net::{TcpListener, UdpSocket};

use crate::error::LabError;

/// How often a port is looked for that is free on all addresses.
const TRIES: u32 = 100;
/// The second byte of a lab's first address.
const FIRST: u8 = 77;

/// Addresses of one lab, handed out one by one: 127.77.N.2 to 127.77.N.254, then
/// 127.78.N.2 and on, with N from the process and a counter, so that labs side by side
/// mostly have addresses of their own. Where two share some, their ports still differ.
#[derive(Debug)]
pub(crate) struct Addresses {
    second: u8,
    third: u8,
    next: u8,
}

impl Addresses {
    pub(crate) fn choose() -> Self {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let lab = LABS.fetch_add(1, Ordering::Relaxed);
        let mixed = std::process::id().wrapping_mul(0x9e37_79b1).wrapping_add(lab);
        Self { third: u8::try_from(mixed % 255).unwrap_or_default(), second: FIRST, next: 1 }
    }

    /// The next address; none when all are given out.
    pub(crate) fn next(&mut self) -> Option<Ipv4Addr> {
        self.next = match self.next {
            ..254 => self.next.saturating_add(1),
            _ => {
                self.second = self.second.checked_add(1).filter(|s| *s < 255)?;
                2
            }
        };
        Some(Ipv4Addr::new(127, self.second, self.third, self.next))
    }
}

/// True if this machine has `::1`.
pub(crate) async fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_ok()
}

/// Listens at one port on all `addresses`; the port, and the listeners in the same order.
pub(crate) async fn listen(addresses: &[IpAddr]) -> Result<(u16, Vec<TcpListener>), LabError> {
    'port: for _ in 0..TRIES {
        let mut port = 0;
        let mut listeners = Vec::new();
        for &address in addresses {
            match TcpListener::bind((address, port)).await {
                Ok(listener) => {
                    port =
                        listener.local_addr().map_err(|source| LabError::Address { address, source })?.port();
                    listeners.push(listener);
                }
                Err(e) if e.kind() == ErrorKind::AddrInUse => continue 'port,
                Err(source) => return Err(refused(address, source)),
            }
        }
        return Ok((port, listeners));
    }
    Err(LabError::NoFreePort { tries: TRIES })
}

/// EMFILE, the same number on Linux and the BSDs: the process has all the files it may.
const TOO_MANY_FILES: i32 = 24;

/// Why an address cannot be listened at.
fn refused(address: IpAddr, source: std::io::Error) -> LabError {
    if source.raw_os_error() == Some(TOO_MANY_FILES) {
        let what = "open a socket for each server; raise the limit (ulimit -n 4096) or start fewer domains";
        return LabError::Socket { what, source };
    }
    LabError::Address { address, source }
}

/// Listens at this very port on all `addresses`, in their order.
pub(crate) async fn listen_at(port: u16, addresses: &[IpAddr]) -> Result<Vec<TcpListener>, LabError> {
    let mut listeners = Vec::new();
    for &address in addresses {
        let listener = TcpListener::bind((address, port)).await;
        listeners.push(listener.map_err(|source| LabError::RealPort { address, port, source })?);
    }
    Ok(listeners)
}

/// A UDP and a TCP socket at port 53 of an address.
pub(crate) async fn dns_sockets_at(
    address: IpAddr,
) -> Result<(SocketAddr, UdpSocket, TcpListener), LabError> {
    const PORT: u16 = 53;
    let failed = |source| LabError::RealPort { address, port: PORT, source };
    let udp = UdpSocket::bind((address, PORT)).await.map_err(failed)?;
    let tcp = TcpListener::bind((address, PORT)).await.map_err(failed)?;
    Ok((SocketAddr::new(address, PORT), udp, tcp))
}

/// A UDP and a TCP socket at one port of 127.0.0.1, for DNS.
pub(crate) async fn dns_sockets() -> Result<(SocketAddr, UdpSocket, TcpListener), LabError> {
    let socket = |source| LabError::Socket { what: "open a DNS socket on 127.0.0.1", source };
    for _ in 0..TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(socket)?;
        let address = udp.local_addr().map_err(socket)?;
        match TcpListener::bind(address).await {
            Ok(tcp) => return Ok((address, udp, tcp)),
            Err(e) if e.kind() == ErrorKind::AddrInUse => {}
            Err(e) => return Err(socket(e)),
        }
    }
    Err(LabError::NoFreePort { tries: TRIES })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_listeners_share_one_port_that_a_second_lab_does_not_get() {
        let addresses: Vec<IpAddr> = ["127.77.255.7", "127.77.255.8"].map(|a| a.parse().unwrap()).into();
        let (port, listeners) = listen(&addresses).await.unwrap();
        assert!(listeners.iter().all(|l| l.local_addr().unwrap().port() == port));
        let (other, _more) = listen(&addresses).await.unwrap();
        assert_ne!(port, other);
    }

    #[tokio::test]
    async fn an_address_that_the_machine_lacks_is_named_with_the_remedy() {
        // TEST-NET-1 (RFC 5737) is never a machine's own.
        let error = listen(&["192.0.2.1".parse().unwrap()]).await.unwrap_err().to_string();
        assert!(error.contains("ifconfig lo0 alias 192.0.2.1"), "{error}");
    }

    #[test]
    fn a_process_that_may_have_no_more_files_is_told_how_to_get_more() {
        let source = std::io::Error::from_raw_os_error(TOO_MANY_FILES);
        let error = refused("127.0.0.1".parse().unwrap(), source).to_string();
        assert!(error.contains("ulimit -n") && error.contains("oo many open files"), "{error}");
    }

    #[tokio::test]
    async fn a_real_port_that_is_taken_is_named() {
        let address: IpAddr = "127.77.255.9".parse().unwrap();
        let holder = TcpListener::bind((address, 0)).await.unwrap();
        let port = holder.local_addr().unwrap().port();
        let error = listen_at(port, &[address]).await.unwrap_err().to_string();
        assert!(error.contains(&format!("port {port} of 127.77.255.9")), "{error}");
        drop(holder);
        let listeners = listen_at(port, &[address]).await.unwrap();
        assert_eq!(listeners[0].local_addr().unwrap(), SocketAddr::new(address, port));
    }

    #[test]
    fn addresses_run_out_instead_of_repeating() {
        let mut addresses = Addresses::choose();
        let given: std::collections::BTreeSet<_> = std::iter::from_fn(|| addresses.next()).collect();
        assert_eq!(given.len(), 253 * 178);
        assert!(given.iter().all(Ipv4Addr::is_loopback));
    }
}
