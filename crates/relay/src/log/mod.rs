//! Logs: every event as a line, for programs ([`Format::Json`], `docs/relay-log.md`) or for
//! people ([`Format::Human`]).
//!
//! Who emits an event only formats it and puts it behind the others in memory: the disk or
//! pipe is the writer thread's business, and never holds mail up. Where it is too slow,
//! events are dropped, counted, and the next line that gets through says how many.
//!
//! - `line`: a line being written, its texts neutralised.
//! - `json`, `human`: the two forms.
//! - `writer`: the thread.

mod human;
mod json;
mod line;
mod writer;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::event::{Event, Events};
use line::Line;
use writer::{Shared, Writer};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// One line for people.
    Human,
}

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file, appended to; made with mode 0640.
    File(PathBuf),
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdout => f.write_str("standard output"),
            Self::Stderr => f.write_str("standard error"),
        }
    }
}

/// A log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the log {target} cannot be opened: {source}")]
pub struct LogError {
    /// Which.
    pub target: Target,
    /// In the words of the system.
    pub source: std::io::Error,
}

/// A log. Takes events from any thread, and waits for nothing.
pub struct Log {
    format: Format,
    shared: Arc<Shared>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Log {
    /// Bytes of lines that wait for the writer, at most.
    const ROOM: usize = 4 * 1024 * 1024;

    /// Opens a log and starts its writer.
    ///
    /// # Errors
    /// The file cannot be opened, or there is no thread to be had.
    pub fn open(format: Format, target: Target) -> Result<Self, LogError> {
        let opened = writer::open(&target);
        let failed = |source| LogError { target: target.clone(), source };
        let out = opened.map_err(failed)?;
        Self::start(format, Some(target.clone()), out, Self::ROOM).map_err(failed)
    }

    /// A log into something else that takes bytes; [`Log::reopen`] does nothing then.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn to(format: Format, out: Box<dyn std::io::Write + Send>, room: usize) -> std::io::Result<Self> {
        Self::start(format, None, out, room)
    }

    fn start(
        format: Format,
        target: Option<Target>,
        out: Box<dyn std::io::Write + Send>,
        room: usize,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(room));
        let writer = Writer::new(Arc::clone(&shared), format, target, out);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run())?;
        Ok(Self { format, shared })
    }

    /// Opens the file anew before the next line: another program has moved it away. Does
    /// nothing for standard output and error. Where that fails, lines go on into the old
    /// file, and one says so.
    pub fn reopen(&self) {
        self.shared.reopen();
    }

    /// Events that were dropped so far, because the disk or pipe was too slow or full.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped_in_all()
    }

    /// Waits until all lines are written, for that long at most. False if some are not.
    pub fn flush(&self, within: Duration) -> bool {
        self.shared.flush(within)
    }
}

impl Events for Log {
    fn emit(&self, now: i64, event: &Event<'_>) {
        let mut line = Line::new(now);
        match self.format {
            Format::Json => json::write(&mut line, event),
            Format::Human => {
                if !human::write(&mut line, event) {
                    return;
                }
            }
        }
        self.shared.put(line.finish().as_bytes());
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[cfg(test)]
mod tests;
