//! Many verdicts, counted by cause, in memory that grows with the causes and not with the
//! mail.

use std::collections::HashMap;

use waxseal_model::diagnosis::{CauseCount, Diagnosis};

/// Counts of causes.
#[derive(Debug, Default)]
pub struct Digest {
    causes: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    count: CauseCount,
    /// The file that was counted last.
    file: Option<String>,
}

impl Digest {
    /// Counts a verdict. Verdicts of one file follow one another.
    pub fn add(&mut self, diagnosis: &Diagnosis) {
        let file = &diagnosis.event.source.file;
        match self.causes.get_mut(&diagnosis.cause) {
            Some(entry) => {
                entry.count.count += 1;
                if &entry.file != file {
                    entry.count.files += 1;
                    entry.file.clone_from(file);
                }
                if diagnosis.confidence > entry.count.example.confidence {
                    entry.count.example = diagnosis.clone();
                }
            }
            None => {
                let count = CauseCount { count: 1, files: 1, example: diagnosis.clone() };
                self.causes.insert(diagnosis.cause.clone(), Entry { count, file: file.clone() });
            }
        }
    }

    /// The causes, most frequent first.
    pub fn counts(self) -> Vec<CauseCount> {
        let mut counts: Vec<CauseCount> = self.causes.into_values().map(|entry| entry.count).collect();
        counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.example.cause.cmp(&b.example.cause)));
        counts
    }
}
