//! A rule's pattern in the parts that are matched: one for each of its alternatives, with the
//! words that a text must contain for that part to match at all.

use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

/// The shortest literal that is worth looking for, in bytes.
pub(crate) const SHORTEST: usize = 3;

/// The most sets of words that one alternative is looked for by.
const MOST_SETS: usize = 8;

/// One alternative of a pattern.
pub(crate) struct Alternative {
    /// The regular expression, in lower case: it is matched against a text in lower case.
    pub(crate) pattern: String,
    /// Sets of literals. Of each set one stands in every text that the pattern matches.
    pub(crate) sets: Vec<Vec<Vec<u8>>>,
}

/// Takes a pattern apart.
pub(crate) fn alternatives(pattern: &str) -> Result<Vec<Alternative>, String> {
    split(&lower(pattern)).into_iter().map(|pattern| alternative(pattern, true)).collect()
}

fn alternative(pattern: String, demanding: bool) -> Result<Alternative, String> {
    let mut parser = ParserBuilder::new();
    parser.unicode(false).utf8(false);
    let hir = parser.build().parse(&pattern);
    let hir = hir.map_err(|e| format!("its text is no regular expression: {e}"))?;
    let mut sets = sets(&hir);
    sets.retain(|set| shortest(set) >= SHORTEST && set.len() <= 64);
    // The most telling sets first: long words, and few of them.
    sets.sort_by_key(|set| (usize::MAX - shortest(set).min(6), set.len()));
    sets.truncate(MOST_SETS);
    if sets.is_empty() && demanding {
        return Err(format!(
            "its text names no words of {SHORTEST} letters that must stand there: {pattern}"
        ));
    }
    Ok(Alternative { pattern, sets })
}

/// The pattern in lower case, where it is a regular expression.
pub(crate) fn lower_checked(pattern: &str) -> Result<String, String> {
    let pattern = lower(pattern);
    let mut parser = ParserBuilder::new();
    parser.unicode(false).utf8(false);
    match parser.build().parse(&pattern) {
        Ok(_) => Ok(pattern),
        Err(e) => Err(format!("it is no regular expression: {e}")),
    }
}

/// The pattern in lower case, but for its escapes, in which case carries meaning.
pub(crate) fn lower(pattern: &str) -> String {
    let mut escaped = false;
    let fold = |c: char| {
        let kept = escaped;
        escaped = !escaped && c == '\\';
        if kept { c } else { c.to_ascii_lowercase() }
    };
    pattern.chars().map(fold).collect()
}

/// The alternatives that no bracket encloses.
fn split(pattern: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut depth, mut class, mut escaped) = (0usize, false, false);
    for c in pattern.chars() {
        if !escaped {
            match c {
                '[' => class = true,
                ']' => class = false,
                '(' if !class => depth += 1,
                ')' if !class => depth = depth.saturating_sub(1),
                '|' if !class && depth == 0 => {
                    parts.push(std::mem::take(&mut part));
                    continue;
                }
                _ => {}
            }
        }
        escaped = !escaped && c == '\\';
        part.push(c);
    }
    parts.push(part);
    parts
}

fn shortest(literals: &[Vec<u8>]) -> usize {
    literals.iter().map(Vec::len).min().unwrap_or(0)
}

/// Sets of literals of which each has one that must stand in a match.
fn sets(hir: &Hir) -> Vec<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => vec![vec![literal.0.to_vec()]],
        HirKind::Capture(capture) => sets(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => sets(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(sets).collect(),
        HirKind::Alternation(branches) => {
            // Of each branch the most telling set; a branch without any makes all useless.
            let best = |branch| {
                sets(branch).into_iter().max_by_key(|set| (shortest(set).min(8), 100 - set.len().min(99)))
            };
            let all: Option<Vec<_>> = branches.iter().map(best).collect();
            let mut union: Vec<Vec<u8>> = all.unwrap_or_default().into_iter().flatten().collect();
            union.sort();
            union.dedup();
            if union.is_empty() { Vec::new() } else { vec![union] }
        }
        _ => Vec::new(),
    }
}
