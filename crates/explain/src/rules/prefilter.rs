//! Which patterns can match a text at all.
//!
//! Every pattern has words of which one must stand in a text that it matches. `build.rs`
//! puts the rarest trigram of each into a table by hash, so that one look for each byte of
//! the text finds them, and nothing has to be built when the program starts.

use super::{LITERALS, RULES, STARTS, TRIGRAMS};

/// Bytes of a text that are looked at.
pub(crate) const MOST: usize = 16 * 1024;

const BITS: u32 = (STARTS.len() - 1).trailing_zeros();

/// The places of all rules whose words stand in `text`, in order.
pub(crate) fn candidates(text: &[u8]) -> Vec<usize> {
    let mut found = [0u64; RULES.len().div_ceil(64)];
    let mut gram = 0u32;
    for (at, byte) in text.iter().take(MOST).enumerate() {
        gram = (gram << 8 | u32::from(byte.to_ascii_lowercase())) & 0x00FF_FFFF;
        let bucket = (gram.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize;
        let (Some(&from), Some(&to)) = (STARTS.get(bucket), STARTS.get(bucket + 1)) else { continue };
        for &(wanted, before, literal) in TRIGRAMS.get(from.into()..to.into()).unwrap_or_default() {
            let start = (at + 1).checked_sub(usize::from(before) + 3);
            let here = start.filter(|_| wanted == gram).and_then(|start| text.get(start..));
            let Some((&(words, rules), here)) = LITERALS.get(usize::from(literal)).zip(here) else {
                continue;
            };
            if here.get(..words.len()).is_some_and(|here| here.eq_ignore_ascii_case(words)) {
                rules.iter().for_each(|&rule| mark(&mut found, rule.into()));
            }
        }
    }
    (0..RULES.len())
        .filter(|&rule| found.get(rule / 64).is_some_and(|word| word >> (rule % 64) & 1 == 1))
        .collect()
}

fn mark(found: &mut [u64], rule: usize) {
    if let Some(word) = found.get_mut(rule / 64) {
        *word |= 1 << (rule % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_candidate_for_every_text_that_it_matches() {
        for (index, rule) in RULES.iter().enumerate().filter(|(_, rule)| rule.text.is_some()) {
            let pattern = super::super::pattern(index).unwrap();
            assert!(pattern.is_match(rule.example.as_bytes()), "{}: its example does not match", rule.id);
            assert!(candidates(rule.example.as_bytes()).contains(&index), "{}", rule.id);
            assert!(candidates(rule.example.to_uppercase().as_bytes()).contains(&index), "{}", rule.id);
        }
    }

    #[test]
    fn words_at_either_end_of_a_text_are_found() {
        let index = RULES.iter().position(|rule| rule.text.is_some_and(|t| t.contains("null mx"))).unwrap();
        for text in ["null mx", "x null mx", "NULL MX x"] {
            assert!(candidates(text.as_bytes()).contains(&index), "{text}");
        }
        assert!(!candidates(b"null m").contains(&index));
        assert!(candidates(b"").is_empty());
    }
}
