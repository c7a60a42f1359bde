//! What the lab's servers saw: connections counted, events in order.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Events kept; older ones are dropped.
const KEPT: usize = 10_000;

/// One event at one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Host name of the server, or `dns`.
    pub host: String,
    /// The port that the server stands for: 25, 465, 587, 443 or 53.
    pub port: u16,
    /// What happened.
    pub text: String,
}

/// Shared by all servers of a lab.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<LogLine>,
    connections: BTreeMap<(String, u16), u32>,
}

impl Log {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A thread that panicked while it held the lock left whole lines behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, host: &str, port: u16, text: String) {
        let mut inner = self.inner();
        if inner.lines.len() >= KEPT {
            inner.lines.pop_front();
        }
        inner.lines.push_back(LogLine { host: host.to_owned(), port, text });
    }

    /// Counts a connection; its number at this host and port, from 1.
    pub(crate) fn connected(&self, host: &str, port: u16) -> u32 {
        let mut inner = self.inner();
        let count = inner.connections.entry((host.to_owned(), port)).or_default();
        *count = count.saturating_add(1);
        *count
    }

    pub(crate) fn connections(&self, host: &str) -> u32 {
        self.inner().connections.iter().filter(|((h, _), _)| h == host).map(|(_, n)| n).sum()
    }

    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.inner().lines.iter().cloned().collect()
    }
}
