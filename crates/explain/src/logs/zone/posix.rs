//! The rule of a zone, `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX.1-2017, chapter 8.3; RFC 8536,
//! section 3.3.1).

use crate::read::log::{days, year_of};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Seconds east of UTC at a time; none for what is no rule.
pub(super) fn offset_at(rule: &str, time: i64) -> Option<i32> {
    // Beyond these years there are no dates to reckon with.
    if !(0..1 << 37).contains(&time) {
        return None;
    }
    let (standard, rest) = offset(name(rule)?, 24)?;
    // In a rule the west counts.
    let standard = -standard;
    if rest.is_empty() {
        return i32::try_from(standard).ok();
    }
    let rest = name(rest)?;
    let (summer, rest) = match rest.strip_prefix(',') {
        Some(_) => (standard + HOUR, rest),
        None => offset(rest, 24).map(|(west, rest)| (-west, rest))?,
    };
    let (begins, ends) = rest.strip_prefix(',')?.split_once(',')?;
    let year = year_of(time + standard);
    let begins = Change::parse(begins)?.at(year)? - standard;
    let ends = Change::parse(ends)?.at(year)? - summer;
    let is_summer = match begins <= ends {
        true => (begins..ends).contains(&time),
        // South of the equator.
        false => !(ends..begins).contains(&time),
    };
    i32::try_from(if is_summer { summer } else { standard }).ok()
}

/// What follows a name: letters, or anything in angle brackets.
fn name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>').map(|(_, rest)| rest);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    (text.len() - rest.len() >= 3).then_some(rest)
}

/// `-1`, `3:30`, `+05:30:15` in seconds, of at most so many hours, and what follows.
fn offset(text: &str, most: i64) -> Option<(i64, &str)> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(unsigned.len());
    let (time, rest) = unsigned.split_at_checked(end)?;
    let mut seconds = 0;
    let mut parts = time.splitn(3, ':');
    for unit in [HOUR, 60, 1] {
        match parts.next() {
            Some(part) if part.len() <= 3 => seconds += part.parse::<i64>().ok()? * unit,
            Some(_) => return None,
            None => break,
        }
    }
    (seconds < (most + 1) * HOUR).then_some((sign * seconds, rest))
}

/// When a rule changes over, in seconds since the year began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    day: Day,
    /// By the clock that is left, from midnight.
    time: i64,
}

/// A day of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// The n-th such weekday (0 is Sunday) of a month; the fifth is the last.
    Week { month: i64, week: i64, weekday: i64 },
    /// From 1 on, without leap days.
    Julian(i64),
    /// From 0 on, with them.
    Zero(i64),
}

impl Change {
    fn parse(text: &str) -> Option<Self> {
        let (day, time) = text.split_once('/').unwrap_or((text, "2"));
        // Of a zone the time may be days away (RFC 8536, section 3.3.1).
        let (time, rest) = offset(time, 167)?;
        let number = |text: &str, allowed: std::ops::RangeInclusive<i64>| {
            text.parse::<i64>().ok().filter(|n| allowed.contains(n))
        };
        let day = if let Some(week) = day.strip_prefix('M') {
            let mut parts = week.splitn(3, '.');
            let month = number(parts.next()?, 1..=12)?;
            let week = number(parts.next()?, 1..=5)?;
            Day::Week { month, week, weekday: number(parts.next()?, 0..=6)? }
        } else if let Some(day) = day.strip_prefix('J') {
            Day::Julian(number(day, 1..=365)?)
        } else {
            Day::Zero(number(day, 0..=365)?)
        };
        rest.is_empty().then_some(Self { day, time })
    }

    /// Seconds since 1970-01-01, by the clock that is left.
    fn at(self, year: i64) -> Option<i64> {
        let first = days(year, 1, 1)?;
        let day = match self.day {
            Day::Zero(day) => first + day,
            Day::Julian(day) => {
                let leap = days(year, 2, 29).is_some() && day >= 60;
                first + day - 1 + i64::from(leap)
            }
            Day::Week { month, week, weekday } => {
                let first = days(year, month, 1)?;
                let next = if month == 12 { days(year + 1, 1, 1)? } else { days(year, month + 1, 1)? };
                // 1970-01-01 was a Thursday.
                let ahead = (weekday - (first + 4)).rem_euclid(7);
                let day = first + ahead + (week - 1) * 7;
                if day >= next { day - 7 } else { day }
            }
        };
        Some(day * DAY + self.time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clocks_change_when_the_rule_says() {
        for (rule, before, at, after) in [
            ("CET-1CEST,M3.5.0,M10.5.0/3", 3600, 1_743_296_400, 7200),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 7200, 1_761_440_400, 3600),
            ("EST5EDT,M3.2.0,M11.1.0", -18_000, 1_741_503_600, -14_400),
            ("EST5EDT,M3.2.0,M11.1.0", -14_400, 1_762_063_200, -18_000),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", 36_000, 1_759_593_600, 39_600),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", 39_600, 1_743_868_800, 36_000),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, 1_743_296_400, -3600),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", 0, 1_743_296_400, 3600),
            // 2024-02-29 and 2024-03-01, of a leap year, at midnight UTC.
            ("AAA0BBB,J60/0,J365/0", 0, 1_709_251_200, 3600),
            ("AAA0BBB,59/0,364/0", 0, 1_709_164_800, 3600),
        ] {
            assert_eq!((offset_at(rule, at - 1), offset_at(rule, at)), (Some(before), Some(after)), "{rule}");
        }
    }

    #[test]
    fn zones_without_summer_time_are_always_the_same() {
        for (rule, offset) in [("UTC0", 0), ("<+0330>-3:30", 12_600), ("MSK-3", 10_800), ("<-03>3", -10_800)]
        {
            for time in [0, 1_752_000_000, 4_000_000_000] {
                assert_eq!(offset_at(rule, time), Some(offset), "{rule}");
            }
        }
    }

    #[test]
    fn what_is_no_rule_gives_none() {
        for rule in
            ["", "CET", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M1.1.0", "CET-99", "<CET"]
        {
            assert_eq!(offset_at(rule, 1_752_000_000), None, "{rule}");
        }
        assert_eq!(offset_at("UTC0", i64::MAX), None);
    }

    proptest! {
        #[test]
        fn no_rule_panics(rule in "[A-Z<>]{0,4}[-+0-9:]{0,5}[A-Z]{0,4}[,MJ0-9./-]{0,30}", time in any::<i64>()) {
            let _ = offset_at(&rule, time);
            let _ = offset_at(&rule, time & 0xffff_ffff);
        }
    }
}
