//! What the system says of this process: memory, processor, files; where it says so in the
//! way of Linux.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// Ticks of the clock in a second, as Linux counts for programs (`USER_HZ`).
const TICKS: f64 = 100.0;
/// Bytes of a page, where the system does not name them.
const PAGE: f64 = 4096.0;

/// Reads `/proc/self`.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(bytes) = resident() {
            let gauge = ConstGauge::new(bytes);
            let help = "Resident memory in bytes";
            let name = "process_resident_memory_bytes";
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        if let Some(seconds) = processor() {
            let counter = ConstCounter::new(seconds);
            let help = "User and system processor time in seconds";
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            let gauge = ConstGauge::new(files.count() as f64);
            gauge.encode(encoder.encode_descriptor(
                "process_open_fds",
                "Open files",
                None,
                gauge.metric_type(),
            )?)?;
        }
        Ok(())
    }
}

/// Pages in memory: the second figure of `statm`.
fn resident() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE)
}

/// User and system time: the 14th and 15th figure of `stat`, counted behind the name of the
/// program, which may hold blanks.
fn processor() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind) = text.rsplit_once(") ")?;
    let mut figures = behind.split(' ').skip(11);
    let user: f64 = figures.next()?.parse().ok()?;
    let system: f64 = figures.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}
