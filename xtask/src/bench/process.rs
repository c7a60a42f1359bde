//! What a process and its children cost while they run, by the kernel's account.

use std::fs;

/// Ticks of the kernel's clock in a second: 100 on every Linux that Debian ships.
const TICKS: f64 = 100.0;
/// Bytes of a page.
const PAGE: u64 = 4096;

/// Cost of a process with all its descendants.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Processor time so far, in milliseconds, of children that ended as well.
    pub(super) cpu_ms: f64,
    /// Resident memory now, in bytes, without what is shared with files.
    pub(super) resident: u64,
    /// Processes.
    pub(super) processes: usize,
}

/// One line of /proc/PID/stat.
struct Entry {
    pid: u32,
    parent: u32,
    ticks: u64,
}

/// The cost of a process and its descendants.
pub(super) fn cost(root: u32) -> Cost {
    let entries: Vec<Entry> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(entry)
        .collect();
    let mut family = vec![root];
    // Children stand in any order: until no more are found.
    loop {
        let before = family.len();
        for entry in &entries {
            if family.contains(&entry.parent) && !family.contains(&entry.pid) {
                family.push(entry.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    let mut cost = Cost { processes: family.len(), ..Cost::default() };
    for entry in entries.iter().filter(|e| family.contains(&e.pid)) {
        cost.cpu_ms += entry.ticks as f64 * 1000.0 / TICKS;
        cost.resident += resident(entry.pid);
    }
    cost
}

fn entry(pid: u32) -> Option<Entry> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // Fields 14 to 17 of proc(5): user and kernel time, and those of children waited for.
    let ticks = (11..15).map(number).sum::<Option<u64>>()?;
    Some(Entry { pid, parent: u32::try_from(number(1)?).ok()?, ticks })
}

fn resident(pid: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let mut fields = statm.split_whitespace().skip(1).map(|f| f.parse::<u64>().unwrap_or(0));
    let (resident, shared) = (fields.next().unwrap_or(0), fields.next().unwrap_or(0));
    resident.saturating_sub(shared) * PAGE
}
