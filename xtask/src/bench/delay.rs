//! A server seen from far away: a proxy on loopback that holds everything back for half a
//! round trip on its way, and a new connection for a whole one.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// The proxy; it lasts until the process ends.
#[derive(Debug)]
pub(super) struct Far {
    pub(super) address: SocketAddr,
}

impl Far {
    /// Puts `server` at a distance of `round_trip`, to be reached at `address` if that can be
    /// had, otherwise at any port of loopback.
    ///
    /// # Errors
    /// Without an address to listen on.
    pub(super) fn new(server: SocketAddr, round_trip: Duration, address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .or_else(|_| TcpListener::bind((address.ip(), 0)))
            .context("no address for the far server")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                thread::spawn(move || carry(client, server, round_trip));
            }
        });
        Ok(Self { address })
    }
}

/// Carries one connection. What fails ends it, as it would on the way.
fn carry(client: TcpStream, server: SocketAddr, round_trip: Duration) {
    // The kernel has accepted already: the way of SYN and SYN-ACK is made up for here.
    thread::sleep(round_trip);
    let Ok(server) = TcpStream::connect(server) else { return };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (Ok(client_again), Ok(server_again)) = (client.try_clone(), server.try_clone()) else { return };
    let half = round_trip / 2;
    let there = thread::spawn(move || one_way(client, server, half));
    one_way(server_again, client_again, half);
    let _ = there.join();
}

/// Carries bytes one way, each `delay` later.
fn one_way(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let writer = thread::spawn(move || {
        for (at, bytes) in receiver {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if bytes.is_empty() || to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        let bytes = buffer.get(..read).unwrap_or_default().to_vec();
        if sender.send((Instant::now() + delay, bytes)).is_err() || read == 0 {
            break;
        }
    }
    drop(sender);
    let _ = writer.join();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_the_end_arrive_later_and_in_order() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            stream.write_all(&all).unwrap();
        });
        let round_trip = Duration::from_millis(40);
        let far = Far::new(address, round_trip, "127.0.0.1:0".parse().unwrap()).unwrap();
        let began = Instant::now();
        let mut client = TcpStream::connect(far.address).unwrap();
        client.write_all(b"one ").unwrap();
        client.write_all(b"two").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut all = String::new();
        client.read_to_string(&mut all).unwrap();
        assert_eq!(all, "one two");
        assert!(began.elapsed() >= round_trip * 2);
    }
}
