//! How far a zone is from UTC, out of a compiled file of the time zone database (TZif,
//! RFC 8536): what `/etc/localtime` is.
//!
//! - `posix`: the rule at its end.

mod posix;

/// Seconds east of UTC of `+01:00`, `-0500`, `+01`, `Z`, `UTC` and `GMT`; none for what is no
/// offset that is used anywhere.
pub fn offset(zone: &str) -> Option<i32> {
    crate::read::log::offset(zone)
}

/// Length of the header.
const HEADER: usize = 44;

/// Seconds east of UTC at a time; none for bytes that are no such file.
///
/// After the last transition that the file lists, the rule at its end holds: files are written
/// slim, without the transitions that follow from it.
pub fn offset_at(tzif: &[u8], time: i64) -> Option<i32> {
    let first = Block::parse(tzif, 4)?;
    // From version 2 on, a second block follows that has times of 64 bits, and then the rule.
    if *tzif.get(4)? == 0 {
        return first.offset_at(time);
    }
    let rest = tzif.get(first.end..)?;
    let block = Block::parse(rest, 8)?;
    let rule = rest.get(block.end..).and_then(|footer| footer.strip_prefix(b"\n")).unwrap_or_default();
    let rule = rule.split(|b| *b == b'\n').next().and_then(|rule| std::str::from_utf8(rule).ok());
    match rule {
        Some(rule) if block.is_behind(time) => posix::offset_at(rule, time).or_else(|| block.offset_at(time)),
        _ => block.offset_at(time),
    }
}

/// One block of data, with the width of its times in bytes.
struct Block<'a> {
    width: usize,
    times: &'a [u8],
    types_of: &'a [u8],
    types: &'a [u8],
    end: usize,
}

impl<'a> Block<'a> {
    fn parse(bytes: &'a [u8], width: usize) -> Option<Self> {
        if bytes.get(..4)? != b"TZif" {
            return None;
        }
        let count = |at: usize| -> Option<usize> {
            let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(four)).ok().filter(|n| *n < 100_000)
        };
        let (utc, standard, leaps) = (count(20)?, count(24)?, count(28)?);
        let (times, types, letters) = (count(32)?, count(36)?, count(40)?);
        let mut at = HEADER;
        let mut take = |length: usize| {
            let part = bytes.get(at..at + length);
            at += length;
            part
        };
        let (of_times, types_of, of_types) = (take(times * width)?, take(times)?, take(types * 6)?);
        take(letters + leaps * (width + 4) + standard + utc)?;
        Some(Self { width, times: of_times, types_of, types: of_types, end: at })
    }

    /// True for times after the last transition.
    fn is_behind(&self, time: i64) -> bool {
        self.times.chunks_exact(self.width).next_back().is_none_or(|last| number(last) <= time)
    }

    fn offset_at(&self, time: i64) -> Option<i32> {
        let passed = self.times.chunks_exact(self.width).take_while(|t| number(t) <= time).count();
        let kind = match passed.checked_sub(1) {
            Some(last) => usize::from(*self.types_of.get(last)?),
            None => 0,
        };
        let offset: [u8; 4] = self.types.get(kind * 6..kind * 6 + 4)?.try_into().ok()?;
        let offset = i32::from_be_bytes(offset);
        (-93_600..=93_600).contains(&offset).then_some(offset)
    }
}

/// A number of four or eight bytes.
fn number(bytes: &[u8]) -> i64 {
    let sign = bytes.first().is_some_and(|b| b & 0x80 != 0);
    let start = if sign { -1 } else { 0 };
    bytes.iter().fold(start, |number: i64, byte| number << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A zone an hour east of UTC, two hours in between 1000 and 2000.
    fn zone(version: u8) -> Vec<u8> {
        let block = |width: usize| {
            let mut bytes = b"TZif".to_vec();
            bytes.push(version);
            bytes.extend([0; 15]);
            for count in [0u32, 0, 0, 2, 2, 4] {
                bytes.extend(count.to_be_bytes());
            }
            for time in [1000i64, 2000] {
                bytes.extend(&time.to_be_bytes()[8 - width..]);
            }
            bytes.extend([1, 0]);
            for (offset, summer) in [(3600i32, 0), (7200, 1)] {
                bytes.extend(offset.to_be_bytes());
                bytes.extend([summer, 0]);
            }
            bytes.extend(b"CET\0");
            bytes
        };
        match version {
            0 => block(4),
            _ => [block(4), block(8)].concat(),
        }
    }

    #[test]
    fn after_the_last_transition_the_rule_at_the_end_holds() {
        let mut slim = zone(b'2');
        slim.extend(b"\nCET-1CEST,M3.5.0,M10.5.0/3\n");
        assert_eq!(offset_at(&slim, 1000), Some(7200), "listed");
        assert_eq!(offset_at(&slim, 1_752_000_000), Some(7200), "July 2025");
        assert_eq!(offset_at(&slim, 1_764_547_200), Some(3600), "December 2025");
        let mut odd = zone(b'2');
        odd.extend(b"\nno rule\n");
        assert_eq!(offset_at(&odd, 1_752_000_000), Some(3600), "the last that is listed");
    }

    #[test]
    fn the_offset_is_that_of_the_time() {
        for version in [0, b'2'] {
            let zone = zone(version);
            for (time, offset) in
                [(-5, 3600), (999, 3600), (1000, 7200), (1999, 7200), (2000, 3600), (i64::MAX, 3600)]
            {
                assert_eq!(offset_at(&zone, time), Some(offset), "{version} {time}");
            }
        }
        assert_eq!(number(&[0xff, 0xff, 0xff, 0xfe]), -2);
        assert_eq!(offset_at(b"", 0), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(at in 0usize..160, byte in any::<u8>(), length in 0usize..160, time in any::<i64>()) {
            let mut bytes = zone(b'2');
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(length.max(44));
            let _ = offset_at(&bytes, time);
        }
    }
}
