//! Why mail was not delivered: each failure classified, and the causes counted.
//!
//! Classifying a text takes long beside reading a line. Logs say the same over and over, so a
//! verdict is remembered by the text without what differs from mail to mail: addresses,
//! identifications, numbers that are no codes.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher,
};

use waxseal_model::{
    Diagnosis,
    diagnosis::Fix,
    logs::{LogCause, Struck},
    mail::Outcome,
};
use waxseal_wire::text::neutralise;

use crate::{
    diagnose, facts,
    read::log::{ByHash, Keyed, LogRecord, Recent},
    rules::{ProviderKind, rules},
};

/// Verdicts that are remembered at the least.
const VERDICTS: usize = 16_384;
/// Longest text that a verdict is remembered by, in bytes.
const LONGEST_KEY: usize = 2048;
/// Longest word with digits that is no identification, in bytes: `550`, `5.7.1`, `[IB607]`.
const MOST_MARK: usize = 8;
/// Longest example, in characters.
const LONGEST_EXAMPLE: usize = 700;
/// Domains that are counted for each cause.
const MOST_STRUCK: usize = 256;
/// Domains that are told for each cause.
const TOLD_STRUCK: usize = 3;

/// The causes that were met.
#[derive(Debug)]
pub(crate) struct Causes {
    verdicts: Recent<u32>,
    entries: Vec<Entry>,
    by_name: HashMap<String, u32>,
    /// Domains of hosts whose words have a meaning of their own.
    providers: HashSet<&'static str>,
    keys: Keyed,
    key: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    diagnosis: Box<Diagnosis>,
    outgoing: Strikes,
    incoming: Strikes,
}

/// How often a cause struck in one direction.
#[derive(Debug, Default)]
struct Strikes {
    deferred: u64,
    failed: u64,
    first: Option<i64>,
    last: Option<i64>,
    struck: ByHash<Counted>,
    /// Some of those that were struck were forgotten.
    forgot: bool,
    example: String,
}

/// A name, and how often it was seen at the least.
#[derive(Debug)]
struct Counted {
    name: Box<str>,
    count: u64,
}

impl Causes {
    /// None was met yet.
    pub(crate) fn new() -> Self {
        let providers = rules().iter().map(|rule| rule.provider).filter(|p| p.kind == ProviderKind::Provider);
        Self {
            verdicts: Recent::new(VERDICTS),
            entries: Vec::new(),
            by_name: HashMap::new(),
            providers: providers.flat_map(|provider| provider.hosts).copied().collect(),
            keys: Keyed::new(),
            key: Vec::new(),
        }
    }

    /// Counts a failure, and says which cause it was.
    pub(crate) fn add(&mut self, record: &LogRecord<'_>) -> u32 {
        let number = self.verdict(record);
        if let Some(entry) = self.entries.get_mut(number as usize) {
            let rejected = record.outcome == Outcome::Rejected;
            let strikes = if rejected { &mut entry.incoming } else { &mut entry.outgoing };
            strikes.add(record, &self.keys);
        }
        number
    }

    /// Counts that those who waited for this cause were given up.
    pub(crate) fn give_up(&mut self, cause: u32) {
        if let Some(entry) = self.entries.get_mut(cause as usize) {
            entry.outgoing.failed += 1;
        }
    }

    /// The cause's name.
    pub(crate) fn name(&self, cause: u32) -> Option<String> {
        self.entries.get(cause as usize).map(|entry| entry.diagnosis.cause.clone())
    }

    /// The verdict on a failure, as a place in the list.
    fn verdict(&mut self, record: &LogRecord<'_>) -> u32 {
        self.key.clear();
        let own = [record.domain(), record.remote_host];
        normalise(record.text, &own, &mut self.key);
        for line in record.context {
            self.key.push(0);
            normalise(line, &own, &mut self.key);
        }
        let provider = self.provider(record.remote_host);
        let key = (&self.key, record.outcome, record.stage, record.status, provider, record.format);
        let key = self.verdicts.key(key);
        if let Some(number) = self.verdicts.get(key) {
            return *number;
        }
        let mut event = record.to_event();
        facts::complete(&mut event);
        let number = self.number(diagnose(&event));
        self.verdicts.insert(key, number);
        number
    }

    /// The domain of a provider that a host lies in.
    fn provider(&self, host: &str) -> Option<&'static str> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let ends = std::iter::once(0).chain(memchr::memchr_iter(b'.', host.as_bytes()).map(|at| at + 1));
        ends.filter_map(|at| self.providers.get(host.get(at..)?)).next().copied()
    }

    fn number(&mut self, diagnosis: Diagnosis) -> u32 {
        if let Some(number) = self.by_name.get(&diagnosis.cause) {
            return *number;
        }
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.by_name.insert(diagnosis.cause.clone(), number);
        let (outgoing, incoming) = (Strikes::default(), Strikes::default());
        self.entries.push(Entry { diagnosis: Box::new(diagnosis), outgoing, incoming });
        number
    }

    /// The causes of deliveries that failed, and those of refusals, most first.
    pub(crate) fn finish(self) -> (Vec<LogCause>, Vec<LogCause>) {
        let (mut outgoing, mut incoming) = (Vec::new(), Vec::new());
        for entry in self.entries {
            outgoing.extend(entry.outgoing.tell(&entry.diagnosis));
            incoming.extend(entry.incoming.tell(&entry.diagnosis));
        }
        for causes in [&mut outgoing, &mut incoming] {
            causes.sort_by(|a: &LogCause, b| b.total().cmp(&a.total()).then_with(|| a.cause.cmp(&b.cause)));
        }
        (outgoing, incoming)
    }
}

impl Strikes {
    fn add(&mut self, record: &LogRecord<'_>, keys: &Keyed) {
        match record.outcome {
            Outcome::Deferred => self.deferred += 1,
            _ => self.failed += 1,
        }
        if let Some(time) = record.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        if self.example.is_empty() {
            self.example = neutralise(record.line.trim().as_bytes(), LONGEST_EXAMPLE);
        }
        let name = if record.outcome == Outcome::Rejected { record.client_address } else { record.domain() };
        if !name.is_empty() {
            self.strike(name, keys);
        }
    }

    /// Counts a name. When there are too many, those that were seen least are forgotten; what
    /// comes back after that is counted from then on.
    fn strike(&mut self, name: &str, keys: &Keyed) {
        let name = name.to_ascii_lowercase();
        let key = keys.hash_one(&name);
        if let Some(known) = self.struck.get_mut(&key) {
            known.count += 1;
            return;
        }
        if self.struck.len() >= MOST_STRUCK {
            let mut counts: Vec<u64> = self.struck.values().map(|c| c.count).collect();
            counts.sort_unstable();
            let middle = counts.get(MOST_STRUCK / 2).copied().unwrap_or(0);
            self.struck.retain(|_, c| c.count > middle);
            self.forgot = true;
        }
        let name = neutralise(name.as_bytes(), 255);
        self.struck.insert(key, Counted { name: name.into(), count: 1 });
    }

    fn tell(mut self, diagnosis: &Diagnosis) -> Option<LogCause> {
        if self.deferred + self.failed == 0 {
            return None;
        }
        let mut struck: Vec<Counted> = std::mem::take(&mut self.struck).into_values().collect();
        struck.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        // Where names were forgotten, only those count that stand out.
        let total = self.deferred + self.failed;
        struck.retain(|c| !self.forgot || c.count * 64 >= total);
        let struck = struck.iter().take(TOLD_STRUCK);
        let fix: Option<&Fix> = diagnosis.fix.first();
        Some(LogCause {
            cause: diagnosis.cause.clone(),
            family: diagnosis.family.clone(),
            summary: diagnosis.summary.clone(),
            side: diagnosis.side,
            retry: diagnosis.retry,
            deferred: self.deferred,
            failed: self.failed,
            first: self.first,
            last: self.last,
            struck: struck.map(|c| Struck { name: c.name.to_string(), count: c.count }).collect(),
            example: self.example,
            fix: fix.map(|fix| fix.text.clone()),
            paste: fix.and_then(|fix| fix.paste.clone()),
        })
    }
}

/// A text without what differs from mail to mail, word by word: addresses of mailboxes and
/// hosts, the recipient's own names, long numbers, identifications. Codes and short marks such
/// as `4.7.29` and `IB607` stay.
fn normalise(text: &str, own: &[&str], key: &mut Vec<u8>) {
    let parts = |b: &u8| matches!(b, b' ' | b'<' | b'>' | b'(' | b')' | b',' | b';' | b'"' | b'\'' | b'=');
    for word in text.as_bytes().split(parts) {
        if key.len() >= LONGEST_KEY {
            return;
        }
        if own.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes())) {
            key.push(b'.');
        } else if word.len() > MOST_MARK && word.contains(&b'@') {
            key.push(b'@');
        } else if word.len() > MOST_MARK && word.iter().any(u8::is_ascii_digit) {
            // Of a link, what stands before its first number tells who speaks.
            if word.starts_with(b"http") {
                key.extend(word.iter().take_while(|b| !b.is_ascii_digit()));
            }
            key.push(b'#');
        } else {
            key.extend_from_slice(word);
        }
        key.push(b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        let mut key = Vec::new();
        normalise(text, &["b.example", "mx.b.example"], &mut key);
        String::from_utf8(key).unwrap()
    }

    #[test]
    fn texts_of_one_kind_have_one_key() {
        let one = key(
            "host mx.b.example[192.0.2.1] said: 550 5.1.1 <a@b.example>: no such user 4XyZ1a2b3c - gsmtp",
        );
        let two = key(
            "host mx.b.example[192.0.2.99] said: 550 5.1.1 <xyz@b.example>: no such user 4AbC9d8e7f - gsmtp",
        );
        assert_eq!(one, two);
        for other in [
            "host mx.b.example[192.0.2.1] said: 550 5.2.2 <a@b.example>: no such user 4XyZ1a2b3c - gsmtp",
            "host mx.b.example[192.0.2.1] said: 552 5.1.1 <a@b.example>: no such user 4XyZ1a2b3c - gsmtp",
        ] {
            assert_ne!(one, key(other));
        }
        assert!(key(&"x ".repeat(5000)).len() <= LONGEST_KEY + 8);
    }

    #[test]
    fn what_struck_most_is_found_among_many() {
        let (mut strikes, keys) = (Strikes::default(), Keyed::new());
        for n in 0..30_000 {
            strikes.strike(&format!("d{n}.example"), &keys);
            strikes.strike("big.example", &keys);
            assert!(strikes.struck.len() <= MOST_STRUCK);
        }
        let big = strikes.struck.values().find(|c| &*c.name == "big.example").unwrap();
        assert!((29_000..=30_000).contains(&big.count), "{}", big.count);
    }

    #[test]
    fn names_are_one_however_they_are_written() {
        let (mut strikes, keys) = (Strikes::default(), Keyed::new());
        strikes.strike("B.Example", &keys);
        strikes.strike("b.example", &keys);
        assert_eq!(strikes.struck.len(), 1);
        let causes = Causes::new();
        let provider = causes.providers.iter().min().copied();
        let host = provider.map(|domain| format!("MX.{}.", domain.to_ascii_uppercase())).unwrap();
        assert_eq!(causes.provider(&host), provider);
    }

    #[test]
    fn causes_are_counted_by_direction() {
        let mut causes = Causes::new();
        let mut record = LogRecord {
            outcome: Outcome::Failed,
            text: "550 5.1.1 no such user",
            recipient: "a@b.example",
            line: "a line",
            time: Some(5),
            ..LogRecord::default()
        };
        let cause = causes.add(&record);
        record.time = Some(3);
        assert_eq!(causes.add(&record), cause);
        record.outcome = Outcome::Rejected;
        causes.add(&record);
        causes.give_up(cause);
        let (outgoing, incoming) = causes.finish();
        assert_eq!((outgoing.len(), incoming.len()), (1, 1));
        assert_eq!((outgoing[0].failed, outgoing[0].first, outgoing[0].last), (3, Some(3), Some(5)));
        assert_eq!((outgoing[0].example.as_str(), outgoing[0].struck[0].count), ("a line", 2));
    }
}
