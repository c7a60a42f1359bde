//! Mail addresses in prose.

/// The longest local part and domain that are taken for one (RFC 5321 section 4.5.3.1, with
/// room for the long ones of mailing lists).
const LONGEST: usize = 320;

/// The first address in a text, without angle brackets.
pub(super) fn first(text: &str) -> Option<&str> {
    all(text).next()
}

/// All addresses in a text, in order.
pub(super) fn all(text: &str) -> impl Iterator<Item = &str> {
    memchr::memchr_iter(b'@', text.as_bytes()).filter_map(|at| around(text, at))
}

/// What stands in the first pair of angle brackets: an address, or a local name without a
/// domain.
pub(super) fn angle(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('<')?;
    let (inside, _) = rest.split_once('>')?;
    let inside = bare(inside);
    let name = !inside.is_empty() && inside.len() <= LONGEST && !inside.contains(char::is_whitespace);
    name.then_some(inside)
}

/// The address of a line that holds nothing else: `addr`, `<addr>:`, `* addr`, `"addr"`.
pub(super) fn alone(line: &str) -> Option<&str> {
    let decoration = |c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '*' | '-' | '•' | '"' | '\'' | ':' | '.' | ',' | ';')
    };
    let core = line.trim_matches(decoration);
    let core = core.strip_prefix("mailto:").unwrap_or(core);
    let found = first(core)?;
    (found.len() == core.len()).then_some(found)
}

/// Without brackets and the prefixes that programs put before an address.
pub(super) fn bare(text: &str) -> &str {
    let mut text = text.trim().trim_matches(['<', '>', '[', ']', '"', '\'']).trim();
    for prefix in ["mailto:", "smtp:", "rfc822;", "rfc822:"] {
        if text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)) {
            text = text.get(prefix.len()..).unwrap_or_default().trim();
        }
    }
    text
}

/// The address around the `@` at that place.
fn around(text: &str, at: usize) -> Option<&str> {
    let (left, right) = (text.get(..at)?, text.get(at + 1..)?);
    let end = at + 1 + domain_length(right)?;
    let start = at - local_length(left)?;
    let found = text.get(start..end)?;
    (found.len() <= LONGEST).then_some(found)
}

/// How many bytes at the end of `left` are a local part.
fn local_length(left: &str) -> Option<usize> {
    if let Some(inside) = left.strip_suffix('"') {
        let window = tail(inside, LONGEST);
        let quote = window.rfind('"')?;
        return Some(window.len() - quote + 1);
    }
    let window = tail(left, LONGEST);
    let mut local = window;
    if let Some((i, c)) = window.char_indices().rev().find(|(_, c)| !is_local(*c)) {
        local = window.get(i + c.len_utf8()..)?;
        // Other scripts are written without spaces around an address; only inside brackets
        // do such letters belong to it.
        if c != '<' {
            local = ascii_end(local);
        }
    } else {
        local = ascii_end(local);
    }
    let local = local.trim_start_matches(['\'', '.', '/', '*', '=']);
    let local = match local.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("smtp=") => local.get(5..)?,
        _ => local,
    };
    (!local.is_empty() && !local.ends_with('.')).then_some(local.len())
}

/// How many bytes at the beginning of `right` are a domain or an address literal.
fn domain_length(right: &str) -> Option<usize> {
    if right.starts_with('[') {
        let end = right.get(..right.len().min(64)).unwrap_or(right).find(']')?;
        return Some(end + 1);
    }
    let end =
        right.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.' | '_'))).unwrap_or(right.len());
    let mut domain = right.get(..end)?.trim_end_matches(['.', '-', '_']);
    let label = domain.rfind('.').map_or(0, |dot| dot + 1);
    let last = domain.get(label..)?;
    if last.starts_with(|c: char| c.is_ascii()) && !last.is_ascii() {
        let ascii = last.find(|c: char| !c.is_ascii()).unwrap_or(last.len());
        domain = domain.get(..label + ascii)?;
    }
    let sound = !domain.is_empty() && !domain.starts_with(['.', '-']) && !domain.contains("..");
    sound.then_some(domain.len())
}

fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_{}~.".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
}

/// The end of a text from its last character of another script on.
fn ascii_end(text: &str) -> &str {
    match text.char_indices().rev().find(|(_, c)| !c.is_ascii()) {
        Some((i, c)) => text.get(i + c.len_utf8()..).unwrap_or_default(),
        None => text,
    }
}

/// At most so many bytes of the end.
fn tail(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_in_all_sorts_of_brackets() {
        for (text, expected) in [
            ("<alice@example.com>: unknown", "alice@example.com"),
            ("to: bob+tag@mail.example.org.", "bob+tag@mail.example.org"),
            ("'carol@example.net' on Monday", "carol@example.net"),
            ("dda:SMTP=dave@example.com; on Thu", "dave@example.com"),
            ("[SMTP:eve@example.com]", "eve@example.com"),
            ("\"odd one\"@example.com failed", "\"odd one\"@example.com"),
            ("x@[192.0.2.1] failed", "x@[192.0.2.1]"),
            ("frank@example.com您好", "frank@example.com"),
            ("宛先grace@example.jpへ", "grace@example.jp"),
            ("<用户@例子.广告>", "用户@例子.广告"),
            ("o'hara@example.com", "o'hara@example.com"),
            ("user=example.com@lists.example.org", "user=example.com@lists.example.org"),
        ] {
            assert_eq!(first(text), Some(expected), "{text}");
        }
        for text in ["@", "a@", "@example.com", "a @ b", "no address", "@@@@", "..@example.com", "a@-"] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_may_hold_an_address_and_nothing_else() {
        assert_eq!(alone("  * <alice@example.com>:"), Some("alice@example.com"));
        assert_eq!(alone("alice@example.com"), Some("alice@example.com"));
        assert_eq!(alone("write to alice@example.com"), None);
        assert_eq!(angle("550 <alice> unknown"), Some("alice"));
        assert_eq!(angle("<a b>"), None);
        assert_eq!(all("a@example.com, b@example.com").count(), 2);
    }
}
