//! The bar on a terminal; nothing elsewhere.

use std::{
    io::{IsTerminal, Read},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use waxseal_scan::{Events, ScanEvent};

/// A bar over the endpoints of all targets.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for so many targets, if standard error is a terminal.
    pub(crate) fn new(targets: usize) -> Self {
        let template = "{spinner} {pos}/{len} targets  {elapsed}  {wide_msg}";
        let bar = bar(u64::try_from(targets).unwrap_or(u64::MAX), template);
        bar.enable_steady_tick(Duration::from_millis(150));
        Self { bar }
    }

    /// Does something that writes to the terminal, without the bar in the way.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// The listener that moves the bar.
    pub(crate) fn events(&self) -> Events {
        let bar = self.bar.clone();
        Events::to(move |event| match event {
            ScanEvent::Started { target } => bar.set_message(format!("{target}: looking up names")),
            ScanEvent::Endpoints { target, count } => bar.set_message(format!("{target}: {count} addresses")),
            ScanEvent::EndpointDone { endpoint, .. } => bar.set_message(format!("{endpoint} done")),
            ScanEvent::Finished { .. } => bar.inc(1),
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar over the bytes of files.
pub(crate) struct ReadProgress {
    bar: ProgressBar,
}

impl ReadProgress {
    /// A bar for so many bytes, if standard error is a terminal.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { bar: bar(bytes, "{bytes}/{total_bytes}  {percent} %  {elapsed}, {eta} left") }
    }

    /// The same bytes, which move the bar as they are read.
    pub(crate) fn counted(&self, input: impl Read) -> impl Read {
        self.bar.wrap_read(input)
    }
}

impl Drop for ReadProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
    } else {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
