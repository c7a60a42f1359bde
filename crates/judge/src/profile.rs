//! The rules to judge by: thresholds, severities and caps, as data in `profiles/*.toml`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use waxseal_model::{Letter, Severity, Usage};

/// A rule set to grade by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `mail`, `bcp195`, `ncsc-2025`.
    pub name: String,
    /// What it stands for, one line.
    pub title: String,
    /// Where its rules come from.
    pub sources: Vec<String>,
    /// Numbers that checks compare with.
    pub(crate) thresholds: Thresholds,
    /// Severities that differ from those in the checks, by check id.
    #[serde(default)]
    severity: BTreeMap<String, ByUsage>,
    /// The best letter that each rule leaves, by rule id; rules that are not named here
    /// do not limit the letter.
    caps: BTreeMap<String, Letter>,
}

/// Numbers that checks compare with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Thresholds {
    /// Days before the end of a certificate from which to warn.
    pub(crate) certificate_warn_days: i64,
    /// Days before its end from which it is urgent.
    pub(crate) certificate_critical_days: i64,
    /// RSA keys of fewer bits are insufficient.
    pub(crate) rsa_min_bits: u32,
    /// RSA keys of fewer bits are being phased out.
    pub(crate) rsa_good_bits: u32,
    /// Elliptic-curve keys of fewer bits are insufficient.
    pub(crate) ec_min_bits: u32,
    /// Diffie-Hellman groups of fewer bits are insufficient.
    pub(crate) dh_min_bits: u32,
    /// Greetings that take longer make senders wait or give up, in milliseconds.
    pub(crate) slow_greeting_ms: u32,
}

/// A severity for each use of a port; where one is missing, the check's own holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByUsage {
    relay: Option<Severity>,
    submission: Option<Severity>,
}

impl Profile {
    /// The severity that this profile sets for a check, if it differs from the check's.
    pub(crate) fn severity(&self, check: &str, usage: Usage) -> Option<Severity> {
        let by = self.severity.get(check)?;
        match usage {
            Usage::Relay => by.relay,
            Usage::Submission => by.submission,
        }
    }

    /// The best letter that a rule leaves; none where the rule does not limit it.
    pub(crate) fn cap(&self, rule: &str) -> Option<Letter> {
        self.caps.get(rule).copied()
    }
}

static PROFILES: LazyLock<Vec<Profile>> =
    LazyLock::new(|| SOURCES.iter().filter_map(|(_, text)| toml::from_str(text).ok()).collect());

const SOURCES: [(&str, &str); 3] = [
    ("mail", include_str!("../profiles/mail.toml")),
    ("bcp195", include_str!("../profiles/bcp195.toml")),
    ("ncsc-2025", include_str!("../profiles/ncsc-2025.toml")),
];

/// The profile of this name; `mail` is the default one.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|p| p.name == name)
}

/// The names of all profiles, the default first.
pub fn profile_names() -> &'static [&'static str] {
    static NAMES: [&str; 3] = [SOURCES[0].0, SOURCES[1].0, SOURCES[2].0];
    &NAMES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checks, grade};

    #[test]
    fn every_profile_reads_and_bears_its_name() {
        for (name, text) in SOURCES {
            let profile: Profile = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(profile.name, name);
            assert!(!profile.sources.is_empty(), "{name} names no source");
        }
        assert_eq!(profile_names().len(), PROFILES.len());
        assert_eq!(profile("no such"), None);
    }

    #[test]
    fn profiles_name_only_checks_that_exist() {
        for profile in PROFILES.iter() {
            for id in profile.severity.keys() {
                assert!(checks::ALL.iter().any(|c| c.id == id), "{}: no check {id}", profile.name);
            }
        }
    }

    #[test]
    fn every_profile_decides_on_every_rule_of_the_grade() {
        for profile in PROFILES.iter() {
            let rules: Vec<&str> = profile.caps.keys().map(String::as_str).collect();
            let mut known = grade::RULES.to_vec();
            known.sort_unstable();
            assert_eq!(rules, known, "{}", profile.name);
        }
    }

    #[test]
    fn the_default_warns_20_days_before_the_end_and_urges_15_days_before() {
        let t = &profile("mail").unwrap().thresholds;
        assert_eq!((t.certificate_warn_days, t.certificate_critical_days), (20, 15));
    }
}
