//! The words that a text must contain for a pattern to match at all.

use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

/// The shortest literal that is worth looking for, in bytes.
pub(crate) const SHORTEST: usize = 3;

/// Literals in lower case, at least one of which stands in every text that the pattern
/// matches. Patterns are matched without regard to ASCII case and byte by byte.
pub(crate) fn required(pattern: &str) -> Result<Vec<Vec<u8>>, String> {
    let parse = |insensitive: bool| {
        let mut parser = ParserBuilder::new();
        parser.case_insensitive(insensitive).unicode(false).utf8(false);
        parser.build().parse(pattern).map_err(|e| format!("its text is no regular expression: {e}"))
    };
    parse(true)?;
    let found = of(&parse(false)?).unwrap_or_default();
    let mut literals: Vec<Vec<u8>> = found.into_iter().map(|l| l.to_ascii_lowercase()).collect();
    literals.sort();
    literals.dedup();
    if shortest(&literals) < SHORTEST {
        return Err(format!(
            "its text names no words of {SHORTEST} letters that must stand there: {pattern}"
        ));
    }
    Ok(literals)
}

fn shortest(literals: &[Vec<u8>]) -> usize {
    literals.iter().map(Vec::len).min().unwrap_or(0)
}

fn of(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(of).max_by_key(|l| {
            let short = shortest(l).min(8);
            (short, usize::MAX - l.len())
        }),
        HirKind::Alternation(branches) => {
            let all: Option<Vec<_>> = branches.iter().map(of).collect();
            Some(all?.into_iter().flatten().collect())
        }
        _ => None,
    }
}
