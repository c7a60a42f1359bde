//! What clients have of us at the moment, and what they did lately.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::settings::Limits;

/// For so long failed logins are remembered.
pub(super) const LOGIN_MEMORY: Duration = Duration::from_mins(10);
/// With more addresses than this, those of whom there is nothing to remember are dropped.
const CROWD: usize = 4096;
/// No more addresses are remembered without a session.
const MOST: usize = 100_000;

/// Counts by address.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    sessions: usize,
    clients: HashMap<IpAddr, Counts>,
    /// Addresses at the last look through all of them: the next is due when there are twice
    /// as many.
    kept: usize,
}

#[derive(Debug)]
struct Counts {
    sessions: usize,
    /// Messages that may be sent at once, and when that was so.
    tokens: f64,
    counted: Instant,
    failed_logins: u32,
    /// The first of them.
    failed_at: Instant,
}

/// A session that is counted, as long as this lives.
#[derive(Debug)]
pub(super) struct Seat {
    clients: Arc<Clients>,
    key: IpAddr,
}

/// Why there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many sessions in all.
    All,
    /// Too many from this address.
    Client,
}

impl Clients {
    /// Counts a session in. `own`: of one that may have as many as there are.
    pub(super) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        own: bool,
        limits: &Limits,
        now: Instant,
    ) -> Result<Seat, Full> {
        let key = key(address);
        let mut table = self.table();
        if table.sessions >= limits.connections {
            return Err(Full::All);
        }
        let client = table.client(key, now);
        if client.sessions >= limits.connections_per_client && !own {
            return Err(Full::Client);
        }
        client.sessions += 1;
        table.sessions += 1;
        Ok(Seat { clients: Arc::clone(self), key })
    }

    /// Whether the client may send one more message in this minute; if so, it is counted.
    pub(super) fn may_send(&self, address: IpAddr, per_minute: u32, now: Instant) -> bool {
        if per_minute == 0 {
            return true;
        }
        let most = f64::from(per_minute);
        let mut table = self.table();
        let client = table.client(key(address), now);
        let passed = now.saturating_duration_since(client.counted).as_secs_f64();
        client.tokens = (client.tokens + passed * most / 60.0).min(most);
        client.counted = now;
        if client.tokens < 1.0 {
            return false;
        }
        client.tokens -= 1.0;
        true
    }

    /// Counts a failed login.
    pub(super) fn login_failed(&self, address: IpAddr, now: Instant) {
        let mut table = self.table();
        let client = table.client(key(address), now);
        if now.saturating_duration_since(client.failed_at) >= LOGIN_MEMORY {
            client.failed_logins = 0;
        }
        if client.failed_logins == 0 {
            client.failed_at = now;
        }
        client.failed_logins = client.failed_logins.saturating_add(1);
    }

    /// Whether a client may try to log in.
    pub(super) fn may_log_in(&self, address: IpAddr, most: u32, now: Instant) -> bool {
        let table = self.table();
        let failed = table.clients.get(&key(address)).map_or(0, |client| client.failed(now));
        failed < most
    }

    /// Sessions at the moment.
    pub(super) fn sessions(&self) -> usize {
        self.table().sessions
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.clients.table();
        table.sessions = table.sessions.saturating_sub(1);
        if let Some(client) = table.clients.get_mut(&self.key) {
            client.sessions = client.sessions.saturating_sub(1);
        }
    }
}

impl Table {
    fn client(&mut self, key: IpAddr, now: Instant) -> &mut Counts {
        if self.clients.len() > CROWD.max(2 * self.kept) && !self.clients.contains_key(&key) {
            self.clients.retain(|_, client| client.sessions > 0 || client.is_remembered(now));
            if self.clients.len() > MOST {
                self.clients.retain(|_, client| client.sessions > 0);
            }
            self.kept = self.clients.len();
        }
        self.clients.entry(key).or_insert_with(|| Counts {
            sessions: 0,
            // As many as the limit allows: it is the cap.
            tokens: f64::MAX,
            counted: now,
            failed_logins: 0,
            failed_at: now,
        })
    }
}

impl Counts {
    fn failed(&self, now: Instant) -> u32 {
        let recent = now.saturating_duration_since(self.failed_at) < LOGIN_MEMORY;
        if recent { self.failed_logins } else { 0 }
    }

    /// After a minute without messages a client may send as many as a new one.
    fn is_remembered(&self, now: Instant) -> bool {
        let silent = now.saturating_duration_since(self.counted) >= Duration::from_mins(1);
        self.failed(now) > 0 || !(self.tokens > 1e300 || silent)
    }
}

/// One client has one IPv4 address, or 2⁶⁴ of IPv6.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(n).into()
    }

    #[test]
    fn sessions_are_counted_in_all_and_for_each_client() {
        let clients = Arc::new(Clients::default());
        let limits = Limits { connections: 3, connections_per_client: 2, ..Limits::default() };
        let now = Instant::now();
        let enter = |ip: &str| clients.enter(ip.parse().unwrap(), false, &limits, now);
        let first = enter("2001:db8::1").unwrap();
        let _second = enter("2001:db8::ffff:2").unwrap();
        assert_eq!(enter("2001:db8::3").unwrap_err(), Full::Client);
        assert!(clients.enter("2001:db8::3".parse().unwrap(), true, &limits, now).is_ok());
        let _third = enter("2001:db8:0:1::1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), Full::All);
        drop(first);
        assert_eq!(clients.sessions(), 2);
        assert!(enter("2001:db8::3").is_ok());
    }

    #[test]
    fn messages_come_in_bursts_and_no_faster_than_allowed() {
        let clients = Clients::default();
        let start = Instant::now();
        let sent = |at: u64| clients.may_send(address(1), 6, start + Duration::from_secs(at));
        assert_eq!((0..10).filter(|_| sent(0)).count(), 6);
        assert!(!sent(9));
        assert!(sent(11));
        assert!(!sent(12));
        assert_eq!((0..10).filter(|_| sent(1000)).count(), 6);
        assert!(clients.may_send(address(2), 6, start), "another client has its own count");
        assert!((0..1000).all(|_| clients.may_send(address(3), 0, start)));
    }

    #[test]
    fn failed_logins_are_forgotten_after_a_while() {
        let clients = Clients::default();
        let start = Instant::now();
        for _ in 0..3 {
            clients.login_failed(address(1), start);
        }
        assert!(!clients.may_log_in(address(1), 3, start));
        assert!(clients.may_log_in(address(2), 3, start));
        assert!(clients.may_log_in(address(1), 3, start + LOGIN_MEMORY));
        clients.login_failed(address(1), start + LOGIN_MEMORY);
        assert!(clients.may_log_in(address(1), 2, start + LOGIN_MEMORY));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let clients = Arc::new(Clients::default());
        let now = Instant::now();
        let limits = Limits::default();
        let _seat = clients.enter(address(0), false, &limits, now).unwrap();
        for n in 1..(3 * MOST as u32) {
            clients.login_failed(address(n), now);
        }
        let table = clients.table();
        assert!(table.clients.len() <= 2 * MOST + 1, "{}", table.clients.len());
        assert_eq!(table.clients.get(&address(0)).map(|c| c.sessions), Some(1));
    }
}
