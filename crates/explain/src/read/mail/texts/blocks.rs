//! The lines of a notice that belong to each recipient.

use super::address;

/// What a notice says about one recipient.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Block<'a> {
    /// The recipient.
    pub(super) recipient: &'a str,
    /// The address that was expanded into it.
    pub(super) original: Option<&'a str>,
    /// The rest of its line and the lines below.
    pub(super) lines: Vec<&'a str>,
}

/// Most recipients that are read from one notice.
pub(super) const MOST: usize = 10_000;

/// So many lines are shared by several recipients.
const MOST_SHARED: usize = 20;

/// Paragraphs that begin with `<addr>:`, up to the next one or a blank line.
pub(super) fn angled<'a>(lines: &[&'a str]) -> Vec<Block<'a>> {
    // A reply that is folded may go on with an address too, but further to the right.
    let depth = |line: &str| line.len() - line.trim_start().len();
    let most = lines.iter().find(|line| opens_angled(line).is_some()).map_or(0, |line| depth(line));
    collect(lines, |line| opens_angled(line).filter(|_| depth(line) <= most))
}

/// `<addr>: …` and `<addr> (expanded from <other>): …`.
fn opens_angled(line: &str) -> Option<(&str, Option<&str>, &str)> {
    let line = line.trim_start();
    if !line.starts_with('<') {
        return None;
    }
    let recipient = address::angle(line)?;
    let (_, rest) = line.split_once('>')?;
    if let Some((from, rest)) = rest.strip_prefix(" (expanded from").and_then(|rest| rest.split_once(')')) {
        let original = address::angle(from).or_else(|| address::first(from));
        return Some((recipient, original, rest.strip_prefix(':').unwrap_or(rest)));
    }
    Some((recipient, None, rest.strip_prefix(':')?))
}

/// Paragraphs that begin with a line that holds an address and nothing else.
pub(super) fn alone<'a>(lines: &[&'a str]) -> Vec<Block<'a>> {
    collect(lines, |line| Some((address::alone(line)?, None, "")))
}

/// Paragraphs whose first line has an address at its very beginning and words behind it.
pub(super) fn leading<'a>(lines: &[&'a str]) -> Vec<Block<'a>> {
    collect(lines, |line| {
        let line = line.trim_start().trim_start_matches(['*', '-', '•', ' ']);
        let recipient = address::first(line)?;
        let at = line.find(recipient)?;
        let bare = line.get(..at)?.chars().all(|c| matches!(c, '<' | '"' | '\''));
        let rest = line.get(at + recipient.len()..)?;
        let rest = rest.trim_start_matches(|c: char| {
            matches!(c, '>' | '"' | '\'' | ':' | ',' | '-' | '.') || c.is_whitespace()
        });
        bare.then_some((recipient, None, rest))
    })
}

/// Paragraphs that begin where `opens` finds a recipient, the address it came from and the
/// first words about it.
pub(super) fn collect<'a>(
    lines: &[&'a str],
    opens: impl Fn(&'a str) -> Option<(&'a str, Option<&'a str>, &'a str)>,
) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    let mut open = false;
    for (at, line) in lines.iter().enumerate() {
        if let Some((recipient, original, rest)) = opens(line) {
            if blocks.len() == MOST {
                break;
            }
            let rest = rest.trim();
            let lines = if rest.is_empty() { Vec::new() } else { vec![rest] };
            blocks.push(Block { recipient, original, lines });
            places.push(at);
            open = true;
        } else if line.trim().is_empty() {
            // A blank line closes a paragraph, but not one that has said nothing yet.
            open = open && blocks.last().is_some_and(|block| block.lines.is_empty());
        } else if open && let Some(block) = blocks.last_mut() {
            block.lines.push(line);
        }
    }
    share(&mut blocks, &places);
    blocks
}

/// Recipients on lines that follow each other share what stands below the last of them.
fn share(blocks: &mut [Block], places: &[usize]) {
    for at in (1..blocks.len()).rev() {
        let (before, behind) = blocks.split_at_mut(at);
        let adjacent = matches!(places.get(at - 1..=at), Some([here, next]) if here + 1 == *next);
        if let (Some(block), Some(next)) = (before.last_mut(), behind.first())
            && adjacent
            && block.lines.is_empty()
        {
            block.lines = next.lines.iter().take(MOST_SHARED).copied().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_follow_their_recipient() {
        let lines = [
            "Hi.",
            "",
            "<a@example.com>:",
            "no such",
            "user",
            "",
            "text",
            "<b@example.com> (expanded from <c@example.com>): host",
        ];
        let blocks = angled(&lines);
        assert_eq!(blocks.len(), 2);
        assert_eq!(
            (blocks[0].recipient, blocks[0].lines.as_slice()),
            ("a@example.com", ["no such", "user"].as_slice())
        );
        assert_eq!(
            (blocks[1].original, blocks[1].lines.as_slice()),
            (Some("c@example.com"), ["host"].as_slice())
        );
        let shared = alone(&["a@example.com", "b@example.com", "", "why", "", "c@example.com"]);
        let lines: Vec<_> = shared.iter().map(|block| block.lines.as_slice()).collect();
        assert_eq!(lines, [["why"].as_slice(), &["why"], &[]]);
        let folded = ["<a@example.com>: host said: 550 5.1.1", "    <a@example.com>: no"];
        assert_eq!(angled(&folded)[0].lines.len(), 2);
        assert_eq!(leading(&["a@example.com Invalid Address, 550"])[0].lines, ["Invalid Address, 550"]);
        assert_eq!(alone(&["  * a@example.com", "", "why"])[0].lines, ["why"]);
    }
}
