//! Which patterns can match a text at all.
//!
//! Every alternative of a pattern has sets of words, and of each set one must stand in a text
//! that it matches. `build.rs` puts the rarest trigram of each word into a table by hash, so
//! that one look for each byte of the text finds them, and nothing has to be built when the
//! program starts.

use super::{ALTERNATIVES, LITERALS, STARTS, TRIGRAMS};

/// Bytes of a text that are looked at.
pub(crate) const MOST: usize = 16 * 1024;

const BITS: u32 = (STARTS.len() - 1).trailing_zeros();

/// The alternatives of which all sets of words have one in `text`, in order. The text is in
/// lower case.
pub(crate) fn candidates(text: &[u8]) -> Vec<usize> {
    let mut seen = vec![0u8; ALTERNATIVES.len()];
    let mut touched: Vec<u16> = Vec::new();
    let mut gram = 0u32;
    for (at, byte) in text.iter().take(MOST).enumerate() {
        gram = (gram << 8 | u32::from(*byte)) & 0x00FF_FFFF;
        let bucket = (gram.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize;
        let (Some(&from), Some(&to)) = (STARTS.get(bucket), STARTS.get(bucket + 1)) else { continue };
        for &(wanted, before, literal) in TRIGRAMS.get(from.into()..to.into()).unwrap_or_default() {
            let start = (at + 1).checked_sub(usize::from(before) + 3);
            let here = start.filter(|_| wanted == gram).and_then(|start| text.get(start..));
            let Some((&(words, users), here)) = LITERALS.get(usize::from(literal)).zip(here) else {
                continue;
            };
            if here.starts_with(words) {
                users.iter().for_each(|&(alternative, set)| mark(&mut seen, &mut touched, alternative, set));
            }
        }
    }
    touched.sort_unstable();
    let all = |alternative: &usize| {
        ALTERNATIVES
            .get(*alternative)
            .is_some_and(|a| seen.get(*alternative).is_some_and(|seen| *seen == a.sets))
    };
    touched.into_iter().map(usize::from).filter(all).collect()
}

fn mark(seen: &mut [u8], touched: &mut Vec<u16>, alternative: u16, set: u8) {
    if let Some(sets) = seen.get_mut(usize::from(alternative)) {
        if *sets == 0 {
            touched.push(alternative);
        }
        *sets |= set;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{pattern, rule_of, rules};

    fn of_rule(text: &str) -> Vec<usize> {
        candidates(text.as_bytes()).into_iter().filter_map(rule_of).collect()
    }

    #[test]
    fn a_rule_is_a_candidate_for_every_text_that_it_matches() {
        for (index, rule) in rules().iter().enumerate().filter(|(_, rule)| rule.text.is_some()) {
            let text = rule.example.to_ascii_lowercase();
            let matches = |alternative: &usize| pattern(*alternative).unwrap().is_match(text.as_bytes());
            let mut own = (0..ALTERNATIVES.len()).filter(|a| rule_of(*a) == Some(index));
            assert!(own.any(|a| matches(&a)), "{}: its example does not match", rule.id);
            let found = candidates(text.as_bytes());
            let mut own = (0..ALTERNATIVES.len()).filter(|a| rule_of(*a) == Some(index)).filter(matches);
            assert!(own.all(|alternative| found.contains(&alternative)), "{}", rule.id);
        }
    }

    #[test]
    fn words_at_either_end_of_a_text_are_found() {
        let index = rules().iter().position(|rule| rule.id == "dns.null-mx").unwrap();
        for text in ["null mx", "x null mx", "null mx x"] {
            assert!(of_rule(text).contains(&index), "{text}");
        }
        assert!(!of_rule("nul mx").contains(&index));
        assert!(candidates(b"").is_empty());
    }
}
