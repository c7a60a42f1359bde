//! Stored evidence: files of `check --evidence`, read again.

use std::{collections::BTreeMap, io::Read, path::Path};

use waxseal_model::{Evidence, policy::EarlierPolicy};
use waxseal_render::evidence;

use crate::exit::Failure;

/// Larger files are not read: evidence of thousands of domains fits, a disk image given by
/// mistake does not.
const LARGEST_FILE: u64 = 1 << 30;

/// The evidence in a file; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, or that is no evidence.
pub(crate) fn read(path: &Path) -> Result<Vec<Evidence>, Failure> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(LARGEST_FILE).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|f| f.take(LARGEST_FILE).read_to_end(&mut bytes))
    };
    let name = path.display();
    read.map_err(|e| Failure::usage(format!("the evidence {name} cannot be read: {e}")))?;
    let all = evidence::from_json(&bytes).map_err(|e| Failure::usage(format!("{name}: {e}")))?;
    if all.is_empty() {
        return Err(Failure::usage(format!("{name}: an empty list: there is nothing to judge")));
    }
    Ok(all)
}

/// The MTA-STS policies that stored evidence holds, by domain.
///
/// # Errors
/// As for [`read`].
pub(crate) fn policies(path: Option<&Path>) -> Result<BTreeMap<String, EarlierPolicy>, Failure> {
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    let all = read(path)?;
    Ok(all.into_iter().filter_map(policy).collect())
}

fn policy(evidence: Evidence) -> Option<(String, EarlierPolicy)> {
    let domain = evidence.domain?;
    let policy = domain.policies.sts.get()?.clone()?;
    let sha256 = domain.policies.sts_discovery.fetch.get()?.sha256.clone()?;
    Some((domain.name, EarlierPolicy { seen_at: evidence.started_at, policy, sha256 }))
}
