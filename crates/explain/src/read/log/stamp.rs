//! Times as logs write them, to seconds since 1970-01-01 UTC.
//!
//! Parsing is put off until a line turns out to be an event: most lines are none.

/// The oldest year that is taken for one.
const FIRST_YEAR: i64 = 1970;
const DAY: i64 = 86_400;

/// A time in the words of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stamp<'a> {
    /// There is none.
    #[default]
    None,
    /// `Nov 21 23:34:45`, with or without a year behind the day: syslog of RFC 3164.
    Bsd(&'a str),
    /// `2025-11-21T23:34:45.123+01:00`, also with a space instead of `T` and without zone.
    Iso(&'a str),
    /// Seconds since 1970, with or without a fraction.
    Unix(&'a str),
    /// qmail's `4000000069204b1f12345678` (TAI64N, without the `@`).
    Tai64n(&'a str),
}

/// Turns stamps into seconds. It remembers the last one: in logs many lines share a second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    now: i64,
    /// The year of `now`.
    year: i64,
    utc_offset: i64,
    last: Option<([u8; 15], i64)>,
}

impl Clock {
    /// A clock for logs that end before `now`; `utc_offset` seconds east of UTC are added by
    /// stamps that name no zone.
    pub(crate) fn new(now: i64, utc_offset: i32) -> Self {
        Self { now, year: year_of(now), utc_offset: i64::from(utc_offset), last: None }
    }

    /// The time of a stamp; none for what is no time.
    pub(crate) fn seconds(&mut self, stamp: Stamp<'_>) -> Option<i64> {
        match stamp {
            Stamp::None => None,
            Stamp::Bsd(text) => self.bsd(text),
            Stamp::Iso(text) => iso(text, self.utc_offset),
            Stamp::Unix(text) => text.split('.').next()?.parse().ok().filter(|s| (0..1 << 40).contains(s)),
            Stamp::Tai64n(text) => tai64n(text),
        }
    }

    fn bsd(&mut self, text: &str) -> Option<i64> {
        let key: Option<[u8; 15]> = text.as_bytes().try_into().ok();
        if let (Some(key), Some((last, seconds))) = (key, self.last)
            && key == last
        {
            return Some(seconds);
        }
        let seconds = self.bsd_anew(text)?;
        self.last = key.map(|key| (key, seconds));
        Some(seconds)
    }

    /// Without a year it is the last such day that is not in the future. A day is granted to
    /// clocks and zones that differ.
    fn bsd_anew(&self, text: &str) -> Option<i64> {
        let mut words = text.split_ascii_whitespace();
        let month = month(words.next()?)?;
        let day: i64 = words.next()?.parse().ok()?;
        let mut time = words.next()?;
        let mut year = None;
        if !time.contains(':') {
            year = time.parse().ok().filter(|y| *y >= FIRST_YEAR);
            time = words.next()?;
        }
        let time = time_of_day(time)?;
        let at = |year: i64| Some(days(year, month, day)? * DAY + time - self.utc_offset);
        if let Some(year) = year {
            return at(year);
        }
        // The 29th of February is up to eight years back.
        (0..9).filter_map(|back| at(self.year + 1 - back)).find(|t| *t <= self.now + DAY)
    }
}

/// `YYYY-MM-DD`, one character, `HH:MM:SS`, then a fraction and a zone or neither.
fn iso(text: &str, utc_offset: i64) -> Option<i64> {
    let date = text.get(..10)?;
    let year = date.get(..4)?.parse::<i64>().ok().filter(|y| *y >= FIRST_YEAR)?;
    let (month, day) = (date.get(5..7)?.parse().ok()?, date.get(8..10)?.parse().ok()?);
    let local = days(year, month, day)? * DAY + time_of_day(text.get(11..19)?)?;
    let zone =
        text.get(19..)?.trim_start_matches(|c: char| c == '.' || c == ',' || c.is_ascii_digit()).trim();
    Some(local - offset(zone).map_or(utc_offset, i64::from))
}

/// Seconds east of UTC: `Z`, `UTC`, `GMT`, `+01:00`, `-0500`, `+01`. None for what is no
/// offset that is used anywhere.
pub(crate) fn offset(zone: &str) -> Option<i32> {
    let two = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i32::from(a - b'0') * 10 + i32::from(b - b'0'))
    };
    let (sign, hours, minutes) = match *zone.as_bytes() {
        [b'Z' | b'z'] | [b'U', b'T', b'C'] | [b'G', b'M', b'T'] => return Some(0),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        _ if hours > 14 || minutes > 59 => None,
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// TAI64 counts seconds from 2^62, and is ahead of UTC by ten and the leap seconds since.
fn tai64n(text: &str) -> Option<i64> {
    /// The difference since 2017.
    const AHEAD: u64 = 37;
    let seconds = u64::from_str_radix(text.get(..16)?, 16).ok()?;
    let unix = seconds.checked_sub((1 << 62) + AHEAD)?;
    i64::try_from(unix).ok().filter(|s| *s < 1 << 40)
}

/// `HH:MM:SS`, a leap second included.
fn time_of_day(text: &str) -> Option<i64> {
    let bytes: [u8; 8] = text.as_bytes().get(..8)?.try_into().ok()?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = bytes else { return None };
    let two = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
    };
    let (hours, minutes, seconds) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    (hours < 24 && minutes < 60 && seconds <= 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

/// The number of an English month by its first three letters.
fn month(name: &str) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES.iter().zip(1..).find(|(known, _)| **known == name).map(|(_, number)| number)
}

/// True for the beginning of a stamp of RFC 3164.
pub(crate) fn is_month(name: &str) -> bool {
    month(name).is_some()
}

/// Days from 1970-01-01 to a date; none if there is no such date.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    // Years that begin in March put the leap day last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era_days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    Some(era_days + (153 * m + 2) / 5 + day - 1 - 719_468)
}

/// The year of a time, near enough for choosing one.
pub(crate) fn year_of(seconds: i64) -> i64 {
    let day = seconds.div_euclid(DAY);
    let guess = 1970 + day.div_euclid(366);
    (guess..guess + 40).rev().find(|y| days(*y, 1, 1).is_some_and(|first| first <= day)).unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02 00:00:00 UTC.
    const NOW: i64 = 1_767_312_000;

    fn at(stamp: Stamp<'_>) -> Option<i64> {
        Clock::new(NOW, 3600).seconds(stamp)
    }

    #[test]
    fn a_stamp_without_year_is_of_the_past_year() {
        // 2025-12-31 23:59:59 +0100, and the first second of the new year.
        assert_eq!(at(Stamp::Bsd("Dec 31 23:59:59")), Some(1_767_221_999));
        assert_eq!(at(Stamp::Bsd("Jan  1 00:00:00")), Some(1_767_222_000));
        assert_eq!(at(Stamp::Bsd("Jan  3 00:00:00")), Some(1_767_394_800), "clocks may differ by a day");
        assert_eq!(at(Stamp::Bsd("Jan  4 00:00:00")), Some(1_767_481_200 - 365 * DAY));
        assert_eq!(at(Stamp::Bsd("Feb 29 12:00:00")), Some(1_709_204_400), "of 2024");
        assert_eq!(at(Stamp::Bsd("Nov 21 2024 23:34:45")), Some(1_732_228_485));
    }

    #[test]
    fn the_same_stamp_again_is_the_same_time() {
        let mut clock = Clock::new(NOW, 0);
        let first = clock.seconds(Stamp::Bsd("Nov 21 23:34:45"));
        assert_eq!(first, clock.seconds(Stamp::Bsd("Nov 21 23:34:45")));
        assert_eq!(first.map(|t| t + 1), clock.seconds(Stamp::Bsd("Nov 21 23:34:46")));
    }

    #[test]
    fn zones_are_taken_off() {
        let utc = Some(1_763_768_085);
        for text in [
            "2025-11-21T23:34:45Z",
            "2025-11-21T23:34:45.123456+00:00",
            "2025-11-22 00:34:45.123 +0100",
            "2025-11-21 18:34:45 -0500",
            "2025-11-22T00:34:45",
            "2025-11-22 00:34:45,5",
            "2025-11-21T23:34:45.000Z",
        ] {
            assert_eq!(at(Stamp::Iso(text)), utc, "{text}");
        }
        assert_eq!(at(Stamp::Unix("1763768085.999")), utc);
        assert_eq!(at(Stamp::Tai64n("4000000069 20f7ba12345678")), None);
        assert_eq!(at(Stamp::Tai64n("400000006920f73a12345678")), utc);
    }

    #[test]
    fn offsets_are_hours_and_minutes_and_nothing_else() {
        for (zone, seconds) in [
            ("Z", 0),
            ("UTC", 0),
            ("+01:00", 3600),
            ("+01", 3600),
            ("-0530", -19_800),
            ("+14:00", 50_400),
            ("+0545", 20_700),
        ] {
            assert_eq!(offset(zone), Some(seconds), "{zone}");
        }
        for wrong in
            ["", "1", "+1", "01:00", "+99:00", "+15:00", "+0160", "CET", "++1", "+01::00", "+01:5", "+-1:00"]
        {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "Nov", "Nov 31 00:00:00", "Nov 21 24:00:00", "Nix 21 00:00:00", "Nov 21 2x:00:00"] {
            assert_eq!(at(Stamp::Bsd(text)), None, "{text}");
        }
        for text in ["", "2025-13-01T00:00:00", "2025-11-21", "1025-11-21T00:00:00", "2025-11-21Tüx:00:00"] {
            assert_eq!(at(Stamp::Iso(text)), None, "{text}");
        }
        assert_eq!(year_of(NOW), 2026);
        assert_eq!(year_of(0), 1970);
    }
}
