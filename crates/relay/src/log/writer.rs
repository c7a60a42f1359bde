//! The thread that writes, and the memory between it and those who emit.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{Format, Target, human, json, line::Line};
use crate::event::{Event, Severity};

/// How long the writer lets lines gather before it writes them: under load it wakes so often
/// and not once for each line.
const GATHER: Duration = Duration::from_millis(20);

/// Opens a target for appending.
pub(super) fn open(target: &Target) -> io::Result<Box<dyn Write + Send>> {
    Ok(match target {
        Target::File(path) => Box::new(OpenOptions::new().append(true).create(true).mode(0o640).open(path)?),
        Target::Stdout => Box::new(io::stdout()),
        Target::Stderr => Box::new(io::stderr()),
    })
}

/// What emitters and the writer share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something for the writer to do.
    work: Condvar,
    /// The writer has written all there was.
    idle: Condvar,
    dropped: AtomicU64,
    room: usize,
}

#[derive(Default)]
struct State {
    /// Lines that wait.
    lines: Vec<u8>,
    /// How many lines these are.
    count: u64,
    /// Lines that were dropped and not yet told of.
    dropped: u64,
    reopen: bool,
    closed: bool,
    /// The writer has taken lines and not yet written them.
    writing: bool,
}

impl State {
    fn has_work(&self) -> bool {
        !self.lines.is_empty() || self.reopen || self.closed
    }
}

impl Shared {
    pub(super) fn new(room: usize) -> Self {
        Self {
            state: Mutex::new(State::default()),
            work: Condvar::new(),
            idle: Condvar::new(),
            dropped: AtomicU64::new(0),
            room,
        }
    }

    /// Whoever panicked with the lock left whole lines: each is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a line behind the others, or drops it where there is no room.
    pub(super) fn put(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.lines.len() + line.len() > self.room {
            state.dropped += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        state.count += 1;
        drop(state);
        if first {
            self.work.notify_one();
        }
    }

    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.work.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
    }

    pub(super) fn dropped_in_all(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut state = self.lock();
        while !state.lines.is_empty() || state.writing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.idle.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// What the writer found to do.
struct Taken {
    lines: Vec<u8>,
    count: u64,
    dropped: u64,
    reopen: bool,
    closed: bool,
}

/// Lines that could not be written.
#[derive(Default)]
struct Lost {
    lines: u64,
    /// The same and those that were dropped before and are not yet told of.
    untold: u64,
}

/// Writes as much as goes, and says how much that was.
fn write_all(out: &mut dyn Write, bytes: &[u8]) -> usize {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match out.write(rest) {
            Ok(0) => break,
            Ok(n) => written += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    written
}

/// Whether what was written ends in the midst of a line.
fn is_torn(bytes: &[u8], written: usize, before: bool) -> bool {
    let last = written.checked_sub(1).and_then(|at| bytes.get(at));
    last.map_or(before, |last| *last != b'\n')
}

/// The thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    format: Format,
    target: Option<Target>,
    out: Box<dyn Write + Send>,
    /// The last write broke off: what follows begins a new line.
    torn: bool,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        format: Format,
        target: Option<Target>,
        out: Box<dyn Write + Send>,
    ) -> Self {
        Self { shared, format, target, out, torn: false }
    }

    pub(super) fn run(mut self) {
        let mut spare = Vec::new();
        loop {
            let taken = self.take(spare);
            if taken.reopen {
                self.reopen();
            }
            let lost = self.write(&taken);
            let mut state = self.shared.lock();
            state.writing = false;
            // The disk is full or the pipe is gone: that lines are lost is told once it takes
            // lines again.
            state.dropped += lost.untold;
            self.shared.dropped.fetch_add(lost.lines, Ordering::Relaxed);
            let ends = taken.closed && state.lines.is_empty();
            drop(state);
            self.shared.idle.notify_all();
            if ends {
                return;
            }
            spare = taken.lines;
        }
    }

    /// Waits for something to do, and takes all there is. `spare` becomes the memory of the
    /// lines to come.
    fn take(&self, mut spare: Vec<u8>) -> Taken {
        spare.clear();
        let mut state = self.shared.lock();
        while !state.has_work() {
            state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.closed && !state.reopen {
            let gathered = |state: &mut State| !(state.closed || state.reopen);
            let waited = self.shared.work.wait_timeout_while(state, GATHER, gathered);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.writing = true;
        Taken {
            lines: std::mem::replace(&mut state.lines, spare),
            count: std::mem::take(&mut state.count),
            dropped: std::mem::take(&mut state.dropped),
            reopen: std::mem::take(&mut state.reopen),
            closed: state.closed,
        }
    }

    /// Writes what was taken; tells what of it is lost.
    fn write(&mut self, taken: &Taken) -> Lost {
        if taken.lines.is_empty() && taken.dropped == 0 {
            return Lost::default();
        }
        let mut head = Vec::new();
        if self.torn {
            head.push(b'\n');
        }
        if taken.dropped > 0 {
            let lines = if taken.dropped == 1 { "line" } else { "lines" };
            let text = format!(
                "{} {lines} dropped: this log could not be written fast enough, or at all",
                taken.dropped
            );
            head.extend_from_slice(self.note(Severity::Warning, "log.dropped", &text).as_bytes());
        }
        let written = write_all(&mut self.out, &head);
        self.torn = is_torn(&head, written, self.torn);
        if written < head.len() {
            return Lost { lines: taken.count, untold: taken.count + taken.dropped };
        }
        let written = write_all(&mut self.out, &taken.lines);
        let rest = taken.lines.get(written..).unwrap_or_default();
        if rest.is_empty() {
            // Standard output has a buffer of its own; a failure shows at the next line.
            let _ = self.out.flush();
            return Lost::default();
        }
        self.torn = is_torn(&taken.lines, written, self.torn);
        let lines = rest.iter().filter(|b| **b == b'\n').count() as u64;
        Lost { lines, untold: lines }
    }

    fn reopen(&mut self) {
        let Some(target @ Target::File(_)) = &self.target else { return };
        match open(target) {
            Ok(out) => {
                self.out = out;
                self.torn = false;
            }
            Err(error) => {
                let text =
                    format!("{target} cannot be opened anew ({error}): the old file is written further");
                let line = self.note(Severity::Error, "log.reopen_failed", &text);
                // What cannot be written here is seen with the next lines.
                let _ = self.out.write_all(line.as_bytes());
            }
        }
    }

    /// A note of the writer's own, as a line.
    fn note(&self, severity: Severity, token: &'static str, text: &str) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = Line::new(i64::try_from(since.as_secs()).unwrap_or_default());
        let event = Event::Note { severity, token, text };
        match self.format {
            Format::Json => json::write(&mut line, &event),
            Format::Human => {
                human::write(&mut line, &event);
            }
        }
        line.finish()
    }
}
