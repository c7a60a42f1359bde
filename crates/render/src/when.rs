//! Dates and durations in words. Times are seconds since 1970-01-01 UTC.

use time::{OffsetDateTime, macros::format_description};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// `2026-11-22`.
pub(crate) fn date(at: i64) -> String {
    format(at, format_description!("[year]-[month]-[day]"))
}

/// `2026-11-22 03:44 UTC`.
pub(crate) fn moment(at: i64) -> String {
    format(at, format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
}

/// `2026-11-22T03:44:00`, without a zone.
pub(crate) fn iso(at: i64) -> String {
    format(at, format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]"))
}

fn format(at: i64, how: time::format_description::StaticFormatDescription) -> String {
    OffsetDateTime::from_unix_timestamp(at)
        .ok()
        .and_then(|t| t.format(how).ok())
        .unwrap_or_else(|| format!("{at} s after 1970"))
}

/// Where `now` stands in the life of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// Not yet valid; seconds until it is.
    Future(i64),
    /// Valid; seconds left.
    Left(i64),
    /// Over; seconds since.
    Over(i64),
}

impl Term {
    pub(crate) fn new(not_before: i64, not_after: i64, now: i64) -> Self {
        if now > not_after {
            Self::Over(now.saturating_sub(not_after))
        } else if now < not_before {
            Self::Future(not_before.saturating_sub(now))
        } else {
            Self::Left(not_after.saturating_sub(now))
        }
    }
}

/// Whole days, or hours under one day: `61 days`, `1 day`, `5 hours`.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    if seconds >= DAY { count(seconds / DAY, "day") } else { count(seconds / HOUR, "hour") }
}

/// `0.29 s`, from milliseconds.
pub(crate) fn seconds(milliseconds: u64) -> String {
    format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10)
}

/// `1 day`, `2 days`.
pub(crate) fn count<N: std::fmt::Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    if n == N::from(1) { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_utc_and_impossible_ones_are_numbers() {
        assert_eq!(date(1_795_305_600), "2026-11-22");
        assert_eq!(moment(1_795_305_600 + 13_440), "2026-11-22 03:44 UTC");
        assert_eq!(date(i64::MAX), format!("{} s after 1970", i64::MAX));
    }

    #[test]
    fn a_term_knows_both_its_ends() {
        assert_eq!(Term::new(100, 200, 99), Term::Future(1));
        assert_eq!(Term::new(100, 200, 100), Term::Left(100));
        assert_eq!(Term::new(100, 200, 200), Term::Left(0));
        assert_eq!(Term::new(100, 200, 201), Term::Over(1));
        assert_eq!(Term::new(i64::MIN, i64::MAX, -1), Term::Left(i64::MAX));
        assert_eq!(Term::new(0, i64::MIN, i64::MAX), Term::Over(i64::MAX));
    }

    #[test]
    fn spans_are_whole_days_or_hours() {
        assert_eq!(span(61 * DAY + 5), "61 days");
        assert_eq!(span(DAY), "1 day");
        assert_eq!(span(DAY - 1), "23 hours");
        assert_eq!(span(-5), "0 hours");
        assert_eq!(seconds(1_294), "1.29 s");
    }
}
