//! The earlier scans that reports are compared with (`--baseline FILE`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use waxseal_judge::{Profile, compare, judge};
use waxseal_model::{Comparison, Evidence, Report};

use crate::{exit::Failure, stored};

/// Earlier evidence by target. It is judged anew when it is needed, by the rules of this run
/// and as of its own time.
pub(crate) struct Baseline {
    path: PathBuf,
    profile: &'static Profile,
    earlier: BTreeMap<String, Evidence>,
}

impl Baseline {
    /// Reads a file of `--json` or `--evidence`. Of several scans of one target the last
    /// counts.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no evidence.
    pub(crate) fn new(path: &Path, profile: &'static Profile) -> Result<Self, Failure> {
        let mut earlier: BTreeMap<String, Evidence> = BTreeMap::new();
        for evidence in stored::read(path)? {
            let name = evidence.target.argument();
            if earlier.get(&name).is_none_or(|known| known.started_at <= evidence.started_at) {
                earlier.insert(name, evidence);
            }
        }
        Ok(Self { path: path.to_owned(), profile, earlier })
    }

    /// What changed at the target of a report; an error is the sentence that there is nothing
    /// to compare with.
    pub(crate) fn compare(&self, report: &Report) -> Result<Comparison, String> {
        let Some(evidence) = self.earlier.get(&report.target_parsed.argument()) else {
            let (file, target) = (self.path.display(), &report.target);
            return Err(format!("{file} holds no earlier scan of {target}: all of it counts as new"));
        };
        let judgement = judge(evidence, self.profile, evidence.started_at);
        let before = Report::new(
            evidence.clone(),
            judgement.grade,
            judgement.verdicts,
            judgement.findings,
            judgement.senders,
            judgement.clients,
        );
        Ok(compare(&before, report))
    }
}
