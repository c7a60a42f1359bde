//! Deliveries over time.

use std::collections::BTreeMap;

use waxseal_model::{
    logs::{TimeSpan, Times, Traffic},
    mail::Protection,
};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// The most spans that are kept; with more, spans become longer.
const MOST: usize = 4000;
/// The most spans of an hour that are told.
const MOST_HOURS: i64 = 72;

/// Counts by spans of time.
#[derive(Debug)]
pub(crate) struct Spans {
    width: i64,
    spans: BTreeMap<i64, Traffic>,
    /// The span that is being counted, not yet among the others: nearly all events in a row
    /// are of one span.
    current: Option<(i64, Traffic)>,
}

impl Spans {
    /// Nothing is counted yet.
    pub(crate) fn new() -> Self {
        Self { width: HOUR, spans: BTreeMap::new(), current: None }
    }

    /// Counts a delivery.
    pub(crate) fn add(&mut self, time: i64, protection: Option<Protection>) {
        if let Some((start, traffic)) = &mut self.current
            && (*start..start.saturating_add(self.width)).contains(&time)
        {
            return traffic.add(protection, 1);
        }
        self.put_away();
        let mut traffic = Traffic::default();
        traffic.add(protection, 1);
        self.current = Some((start(time, self.width), traffic));
    }

    fn put_away(&mut self) {
        let Some((start, traffic)) = self.current.take() else { return };
        self.spans.entry(start).or_default().merge(&traffic);
        while self.spans.len() > MOST {
            self.widen(if self.width < DAY { DAY } else { self.width.saturating_mul(4) });
        }
    }

    fn widen(&mut self, width: i64) {
        self.width = width;
        for (at, traffic) in std::mem::take(&mut self.spans) {
            self.spans.entry(start(at, width)).or_default().merge(&traffic);
        }
    }

    /// All spans, by the hour if that is not too many, else by the day or longer.
    pub(crate) fn finish(mut self) -> Times {
        self.put_away();
        let first = self.spans.keys().next().copied().unwrap_or(0);
        let last = self.spans.keys().next_back().copied().unwrap_or(0);
        if self.width == HOUR && last.saturating_sub(first) > MOST_HOURS * HOUR {
            self.widen(DAY);
        }
        let spans = self.spans.into_iter().map(|(start, delivered)| TimeSpan { start, delivered });
        Times { span: self.width, spans: spans.collect() }
    }
}

fn start(time: i64, width: i64) -> i64 {
    time.div_euclid(width).saturating_mul(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(times: &Times) -> u64 {
        times.spans.iter().map(|span| span.delivered.total()).sum()
    }

    #[test]
    fn hours_become_days_when_there_are_many() {
        let mut spans = Spans::new();
        (0..10).for_each(|n| spans.add(n * 1800, Some(Protection::Clear)));
        let times = spans.finish();
        assert_eq!((times.span, times.spans.len(), total(&times)), (HOUR, 5, 10));
        let mut spans = Spans::new();
        (0..100).for_each(|n| spans.add(n * HOUR, None));
        let times = spans.finish();
        assert_eq!((times.span, times.spans.len(), total(&times)), (DAY, 5, 100));
    }

    #[test]
    fn any_order_and_any_number_of_times_is_borne() {
        let mut spans = Spans::new();
        for n in 0..50_000i64 {
            spans.add((n * 7_919) % 50_000 * DAY, None);
        }
        spans.add(i64::MAX, None);
        spans.add(i64::MIN, None);
        let times = spans.finish();
        assert!(times.spans.len() <= MOST + 1);
        assert_eq!(total(&times), 50_002);
    }
}
