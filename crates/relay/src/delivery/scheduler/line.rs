//! The line of sites that wait for a connection while all are in use.

use std::{collections::VecDeque, sync::Arc};

/// Two lines in truth: of sites that have proven to take mail, and of the others, which get no
/// more than their part of the connections and otherwise every other turn.
#[derive(Debug, Default)]
pub(super) struct Line {
    proven: VecDeque<Arc<str>>,
    others: VecDeque<Arc<str>>,
    turns: usize,
}

impl Line {
    /// A site joins at the end. That it stands there already is for the caller to know.
    pub(super) fn join(&mut self, site: Arc<str>, proven: bool) {
        if proven { &mut self.proven } else { &mut self.others }.push_back(site);
    }

    /// How many sites wait.
    pub(super) fn len(&self) -> usize {
        self.proven.len() + self.others.len()
    }

    /// The site whose turn it is; only a proven one, unless `others_too`.
    pub(super) fn next(&mut self, others_too: bool) -> Option<Arc<str>> {
        self.turns = self.turns.wrapping_add(1);
        if !others_too {
            return self.proven.pop_front();
        }
        let (first, second) = if self.turns.is_multiple_of(2) {
            (&mut self.proven, &mut self.others)
        } else {
            (&mut self.others, &mut self.proven)
        };
        first.pop_front().or_else(|| second.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(line: &mut Line, others_too: bool, count: usize) -> Vec<String> {
        (0..count).map_while(|_| line.next(others_too)).map(|site| site.to_string()).collect()
    }

    #[test]
    fn turns_alternate_and_come_in_order() {
        let mut line = Line::default();
        for (site, proven) in [("p1", true), ("p2", true), ("p3", true), ("o1", false), ("o2", false)] {
            line.join(site.into(), proven);
        }
        assert_eq!(drawn(&mut line, true, 9), ["o1", "p1", "o2", "p2", "p3"]);
        assert_eq!(line.len(), 0);
    }

    #[test]
    fn without_room_for_others_they_stay() {
        let mut line = Line::default();
        line.join("o1".into(), false);
        line.join("p1".into(), true);
        assert_eq!(drawn(&mut line, false, 9), ["p1"]);
        assert_eq!(line.len(), 1);
    }
}
