//! Which events count.

use crate::{
    read::log::LogRecord,
    rules::{ProviderKind, rules},
};

/// Which events count. All, by default.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of this time and later, seconds since 1970-01-01 UTC. Events without a time
    /// do not count then.
    pub since: Option<i64>,
    /// Only mail to this.
    pub to: Option<Destination>,
}

impl Filter {
    /// Whether an event counts.
    pub fn takes(&self, record: &LogRecord<'_>) -> bool {
        let late = self.since.is_none_or(|since| record.time.is_some_and(|time| time >= since));
        late && self.to.as_ref().is_none_or(|to| to.takes(record))
    }
}

/// A domain, a host or a provider that mail goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    name: String,
    /// Domains of the hosts of the provider that the name belongs to.
    hosts: &'static [&'static str],
}

impl Destination {
    /// `gmail.com` is mail to that domain and below it, and to all domains whose MX Google
    /// runs; `google` is the latter.
    pub fn new(name: &str) -> Self {
        let name = name.trim().trim_start_matches('@').trim_end_matches('.').to_ascii_lowercase();
        let own = |provider: &crate::rules::Provider| {
            provider.kind == ProviderKind::Provider
                && (provider.id == name || provider.hosts.iter().any(|host| is_within(&name, host)))
        };
        let provider = rules().iter().map(|rule| rule.provider).find(|provider| own(provider));
        Self { name, hosts: provider.map_or(&[], |provider| provider.hosts) }
    }

    /// The name as it was understood.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn takes(&self, record: &LogRecord<'_>) -> bool {
        let host = record.remote_host.trim_end_matches('.');
        is_within(record.domain(), &self.name)
            || is_within(host, &self.name)
            || self.hosts.iter().any(|suffix| is_within(host, suffix))
    }
}

/// Whether a name is that domain or lies below it.
fn is_within(name: &str, domain: &str) -> bool {
    let Some(before) = name.len().checked_sub(domain.len()) else { return false };
    let (Some(front), Some(end)) = (name.get(..before), name.get(before..)) else { return false };
    end.eq_ignore_ascii_case(domain) && (front.is_empty() || front.ends_with('.'))
}

/// A time: `2026-01-31`, `2026-01-31 14:30`, or how long ago, `24h`, `7d`, `30m`, `2w`. None
/// for what is neither.
pub fn since(text: &str, now: i64, utc_offset: i32) -> Option<i64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if let Ok(number) = digits.parse::<i64>()
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        let unit = match text.get(digits.len()..)? {
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        return Some(now.saturating_sub(number.checked_mul(unit)?));
    }
    let mut stamp = text.replacen('T', " ", 1);
    match stamp.len() {
        10 => stamp.push_str(" 00:00:00"),
        16 => stamp.push_str(":00"),
        _ => {}
    }
    crate::read::log::seconds(&stamp, utc_offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(to: &str, recipient: &str, host: &str) -> bool {
        let filter = Filter { to: Some(Destination::new(to)), since: None };
        filter.takes(&LogRecord { recipient, remote_host: host, ..LogRecord::default() })
    }

    #[test]
    fn mail_to_a_domain_is_also_that_to_its_hosts() {
        assert!(takes("b.example", "a@B.example", "mx.elsewhere.example"));
        assert!(takes("b.example", "a@sub.b.example", ""));
        assert!(takes("b.example", "a@c.example", "mx.b.example"));
        assert!(!takes("b.example", "a@ab.example", "mx.ab.example"));
        assert!(!takes("b.example", "", ""));
    }

    #[test]
    fn a_domain_of_a_provider_stands_for_its_hosts() {
        assert!(takes("gmail.com", "a@b.example", "aspmx.l.google.com"));
        assert!(takes("google", "a@b.example", "ASPMX.L.GOOGLE.COM."));
        assert!(takes("gmail.com", "a@gmail.com", ""));
        assert!(!takes("gmail.com", "a@b.example", "mx.b.example"));
    }

    #[test]
    fn times_are_absolute_or_ago() {
        let now = 1_764_547_200;
        assert_eq!(since("24h", now, 0), Some(now - 86_400));
        assert_eq!(since("7d", now, 0), Some(now - 7 * 86_400));
        assert_eq!(since("90m", now, 0), Some(now - 5400));
        assert_eq!(since("2025-11-21", now, 0), Some(1_763_683_200));
        assert_eq!(since("2025-11-21 23:34", now, 3600), Some(1_763_764_440));
        assert_eq!(since("2025-11-21T23:34:45Z", now, 3600), Some(1_763_768_085));
        for wrong in
            ["", "yesterday", "7", "7y", "-1d", "2025-13-01", "99999999999999999999d", "9999999999999999w"]
        {
            assert_eq!(since(wrong, now, 0), None, "{wrong}");
        }
    }
}
