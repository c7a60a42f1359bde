//! The differences that are explained: the table of `docs/posttls-finger.md`.

use std::collections::BTreeMap;

use crate::answer::{Answer, LEVELS};

const DOCUMENT: &str = include_str!("../../../../docs/posttls-finger.md");

/// A domain's first label and a level.
pub(crate) type Place = (String, &'static str);

/// What may be seen where the two differ. Where a server answers one connection so and
/// another otherwise, or an address is chosen by chance, there are several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    theirs: Vec<Answer>,
    ours: Vec<Answer>,
}

impl Explained {
    pub(crate) fn covers(&self, theirs: Answer, ours: Answer) -> bool {
        self.theirs.contains(&theirs) && self.ours.contains(&ours)
    }

    /// True if it leaves room for chance: then equality is no news.
    pub(crate) fn by_chance(&self) -> bool {
        self.theirs.len() > 1 || self.ours.len() > 1
    }
}

/// All rows, by domain and level.
pub(crate) fn explained() -> BTreeMap<Place, Explained> {
    read(DOCUMENT)
}

fn read(document: &str) -> BTreeMap<Place, Explained> {
    let mut all = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[domains, levels, theirs, ours, why] = cells.as_slice() else { panic!("five cells: {line}") };
        assert!(why.len() > 10, "no reason: {line}");
        let row = Explained { theirs: answers(theirs), ours: answers(ours) };
        for domain in domains.split(',').map(|name| name.trim().trim_matches('`')) {
            for level in levels.split(',').map(|level| level.trim().trim_matches('`')) {
                let level =
                    LEVELS.into_iter().find(|l| *l == level).unwrap_or_else(|| panic!("level {level}"));
                let before = all.insert((domain.to_owned(), level), row.clone());
                assert!(before.is_none(), "{domain} at {level} stands there twice");
            }
        }
    }
    all
}

fn answers(cell: &str) -> Vec<Answer> {
    let answer = |word: &str| Answer::ALL.into_iter().find(|a| a.to_string() == word);
    cell.split(" or ").map(|word| answer(word).unwrap_or_else(|| panic!("no answer: {word}"))).collect()
}

#[test]
fn a_row_stands_for_all_its_domains_and_levels() {
    let row = "| `a`, `b` | `may`, `dane` | clear or refused | encrypted | Because it is like that. |\n";
    let all = read(row);
    assert_eq!(all.len(), 4);
    let one = &all[&("b".to_owned(), "dane")];
    assert!(one.by_chance() && one.covers(Answer::Refused, Answer::Encrypted));
    assert!(!one.covers(Answer::Encrypted, Answer::Encrypted));
}
