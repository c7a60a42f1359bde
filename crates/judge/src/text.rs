//! Small words for sentences: dates, days, lists.

use time::OffsetDateTime;

const DAY: i64 = 86_400;

/// The date of a moment, `2026-11-22`; a number of seconds where no calendar reaches.
pub(crate) fn date(seconds: i64) -> String {
    match OffsetDateTime::from_unix_timestamp(seconds) {
        Ok(t) => format!("{:04}-{:02}-{:02}", t.year(), u8::from(t.month()), t.day()),
        Err(_) => format!("{seconds} s since 1970"),
    }
}

/// Whole days from `from` to `to`, rounded down; negative when `to` lies before.
pub(crate) fn days_between(from: i64, to: i64) -> i64 {
    to.saturating_sub(from).div_euclid(DAY)
}

/// `1 day`, `3 days`.
pub(crate) fn days(n: i64) -> String {
    if n == 1 { "1 day".to_owned() } else { format!("{n} days") }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// A clause as the beginning of a sentence: first letter large, without a full stop.
pub(crate) fn sentence(clause: &str) -> String {
    let clause = clause.trim().trim_end_matches('.');
    // Names and addresses are written as they are.
    let first_word = clause.split_whitespace().next().unwrap_or_default();
    if first_word.contains(['.', '/', ':', '_', '=']) {
        return clause.to_owned();
    }
    let mut chars = clause.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// At most `max` characters of a text.
pub(crate) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// At most `max` of the items, and how many more there are.
pub(crate) fn short_list<S: AsRef<str>>(items: &[S], max: usize) -> String {
    let shown: Vec<&str> = items.iter().take(max).map(AsRef::as_ref).collect();
    match items.len().saturating_sub(shown.len()) {
        0 => list(&shown),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_calendar_dates_and_absurd_ones_do_not_panic() {
        assert_eq!(date(1_795_305_600), "2026-11-22");
        assert_eq!(date(i64::MAX), format!("{} s since 1970", i64::MAX));
        assert_eq!(days_between(i64::MIN, i64::MAX), i64::MAX / DAY);
    }

    #[test]
    fn a_day_that_has_begun_does_not_count() {
        assert_eq!(days_between(0, DAY - 1), 0);
        assert_eq!(days_between(0, -1), -1);
        assert_eq!(days(1), "1 day");
    }

    #[test]
    fn a_clause_becomes_a_sentence() {
        assert_eq!(sentence("connection refused."), "Connection refused");
        assert_eq!(sentence("mta-sts.example.com redirects"), "mta-sts.example.com redirects");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn lists_read_like_english() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(short_list(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(short_list(&["a", "b"], 2), "a and b");
    }
}
