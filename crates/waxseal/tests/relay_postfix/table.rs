//! The differences that are explained: the table of `docs/relay-differences.md`.

use std::{collections::BTreeMap, fmt};

use crate::LEVELS;

const DOCUMENT: &str = include_str!("../../../../docs/relay-differences.md");

/// A domain's first label and a level.
pub(crate) type Place = (String, &'static str);

/// What became of a message at its first attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Delivered,
    Kept,
    Returned,
}

impl End {
    pub(crate) const ALL: [Self; 3] = [Self::Delivered, Self::Kept, Self::Returned];
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delivered => "delivered",
            Self::Kept => "kept",
            Self::Returned => "returned",
        })
    }
}

/// What may be seen where the two differ; several values where chance plays a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    theirs: Vec<End>,
    ours: Vec<End>,
}

impl Explained {
    pub(crate) fn covers(&self, theirs: End, ours: End) -> bool {
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
        let row = Explained { theirs: ends(theirs), ours: ends(ours) };
        for domain in domains.split(',').map(|name| name.trim().trim_matches('`')) {
            for level in levels.split(',').map(|level| level.trim().trim_matches('`')) {
                let known = LEVELS.iter().find(|(l, ..)| *l == level);
                let (level, ..) = known.unwrap_or_else(|| panic!("level {level}"));
                let before = all.insert((domain.to_owned(), *level), row.clone());
                assert!(before.is_none(), "{domain} at {level} stands there twice");
            }
        }
    }
    all
}

fn ends(cell: &str) -> Vec<End> {
    let end = |word: &str| End::ALL.into_iter().find(|e| e.to_string() == word);
    cell.split(" or ").map(|word| end(word).unwrap_or_else(|| panic!("no end: {word}"))).collect()
}

#[test]
fn a_row_stands_for_all_its_domains_and_levels() {
    let all =
        read("| `a`, `b` | `may`, `dane-only` | kept | delivered or returned | Because it is like that. |\n");
    assert_eq!(all.len(), 4);
    let one = &all[&("b".to_owned(), "dane-only")];
    assert!(one.by_chance() && one.covers(End::Kept, End::Returned));
    assert!(!one.covers(End::Returned, End::Kept) && !one.covers(End::Kept, End::Kept));
}
