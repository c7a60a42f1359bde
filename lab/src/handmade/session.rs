//! What a server remembers between connections: sessions, and a Diffie-Hellman secret if it
//! is used again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{behaviour::Prime, dh::Secret, suites::Suite};

/// Sessions kept; the oldest go first.
const KEPT: usize = 256;

/// A session that can be taken up again.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) version: u16,
    pub(super) suite: Suite,
    pub(super) master: Vec<u8>,
    pub(super) extended: bool,
}

/// The memory of one server.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    sessions: VecDeque<(Vec<u8>, Session)>,
    dh: Vec<(Prime, Secret)>,
    turns: u32,
}

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked while it held the lock left whole values behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a session under an id, or under a ticket, which is a longer id.
    pub(super) fn keep(&self, id: Vec<u8>, session: Session) {
        let mut inner = self.inner();
        if inner.sessions.len() >= KEPT {
            inner.sessions.pop_front();
        }
        inner.sessions.push_back((id, session));
    }

    /// The session of an id or ticket.
    pub(super) fn session(&self, id: &[u8]) -> Option<Session> {
        self.inner().sessions.iter().find(|(known, _)| known == id).map(|(_, session)| session.clone())
    }

    /// The one secret that this server uses with a prime.
    pub(super) fn dh(&self, prime: Prime) -> Option<Secret> {
        let mut inner = self.inner();
        if let Some((_, secret)) = inner.dh.iter().find(|(p, _)| *p == prime) {
            return Some(secret.clone());
        }
        let secret = Secret::new(prime)?;
        inner.dh.push((prime, secret.clone()));
        Some(secret)
    }

    /// True every third time.
    pub(super) fn third_turn(&self) -> bool {
        let mut inner = self.inner();
        inner.turns = inner.turns.wrapping_add(1);
        inner.turns.is_multiple_of(3)
    }
}
