//! The rules to judge by: thresholds, severities and caps, as data in `profiles/*.toml`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use waxseal_model::{Letter, Severity, Usage, tls::SuiteClass};

use crate::suites;

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
    /// How suites are rated.
    suites: SuiteRules,
    /// How groups are rated; without rules every group is sufficient.
    #[serde(default)]
    groups: GroupRules,
    /// How signatures of handshakes are rated.
    pub(crate) signatures: SignatureRules,
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

/// How good something is that a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rating {
    /// Nothing is said against it.
    Sufficient,
    /// To be given up in time.
    PhaseOut,
    /// Not to be used.
    Insufficient,
}

/// Suites by class; or by name, and then whatever is in neither list is insufficient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SuiteRules {
    insufficient_classes: Vec<SuiteClass>,
    phase_out_classes: Vec<SuiteClass>,
    sufficient: Vec<String>,
    phase_out: Vec<String>,
}

/// Groups by name; whatever is in neither list is insufficient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GroupRules {
    sufficient: Vec<String>,
    phase_out: Vec<String>,
}

/// Hashes of signature schemes, as their names end: `sha1`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignatureRules {
    weak: Vec<String>,
    dated: Vec<String>,
}

impl SignatureRules {
    /// The scheme signs with a hash that must not be used.
    pub(crate) fn is_weak(&self, scheme: &str) -> bool {
        ends_with(scheme, &self.weak)
    }

    /// The scheme signs with a hash that is phased out.
    pub(crate) fn is_dated(&self, scheme: &str) -> bool {
        ends_with(scheme, &self.dated)
    }
}

/// The last word of a scheme's name is its hash: `rsa_pkcs1_sha1`.
fn ends_with(scheme: &str, hashes: &[String]) -> bool {
    let hash = scheme.rsplit('_').next().unwrap_or_default();
    hashes.iter().any(|h| h == hash)
}

fn rated(name: &str, sufficient: &[String], phase_out: &[String]) -> Rating {
    let has = |list: &[String]| list.iter().any(|n| n == name);
    if has(sufficient) {
        Rating::Sufficient
    } else if has(phase_out) {
        Rating::PhaseOut
    } else {
        Rating::Insufficient
    }
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

    /// How a suite is rated, by its IANA name.
    pub(crate) fn suite(&self, name: &str) -> Rating {
        let rules = &self.suites;
        if !rules.sufficient.is_empty() {
            return rated(name, &rules.sufficient, &rules.phase_out);
        }
        let is_in = |classes: &[SuiteClass]| classes.iter().any(|c| suites::is_in(name, *c));
        if is_in(&rules.insufficient_classes) {
            Rating::Insufficient
        } else if is_in(&rules.phase_out_classes) {
            Rating::PhaseOut
        } else {
            Rating::Sufficient
        }
    }

    /// How a group is rated, by its IANA name; none where the profile has no rules for them.
    pub(crate) fn group(&self, name: &str) -> Option<Rating> {
        let rules = &self.groups;
        (!rules.sufficient.is_empty()).then(|| rated(name, &rules.sufficient, &rules.phase_out))
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
    fn profiles_name_only_suites_groups_and_hashes_that_exist() {
        use waxseal_wire::tls::{groups, scheme, suites};
        for profile in PROFILES.iter() {
            for name in profile.suites.sufficient.iter().chain(&profile.suites.phase_out) {
                assert!(suites::all().iter().any(|(_, n)| n == name), "{}: no suite {name}", profile.name);
            }
            for name in profile.groups.sufficient.iter().chain(&profile.groups.phase_out) {
                assert!(groups::all().iter().any(|g| g.name == name), "{}: no group {name}", profile.name);
            }
            for hash in profile.signatures.weak.iter().chain(&profile.signatures.dated) {
                let is_used = |(_, n): &(u16, &str)| n.rsplit('_').next() == Some(hash.as_str());
                assert!(scheme::all().iter().any(is_used), "{}: no hash {hash}", profile.name);
            }
        }
    }

    #[test]
    fn ncsc_2025_rates_suites_and_groups_by_name() {
        let ncsc = profile("ncsc-2025").unwrap();
        assert_eq!(ncsc.suites.phase_out.len(), 35);
        assert_eq!(ncsc.suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), Rating::Sufficient);
        assert_eq!(ncsc.suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"), Rating::PhaseOut);
        for name in ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_CCM_8_SHA256", "no such suite"] {
            assert_eq!(ncsc.suite(name), Rating::Insufficient, "{name}");
        }
        assert_eq!(ncsc.group("secp224r1"), Some(Rating::PhaseOut));
        assert_eq!(ncsc.group("ffdhe3072"), Some(Rating::PhaseOut));
        assert_eq!(ncsc.group("ffdhe2048"), Some(Rating::Insufficient));
        assert_eq!(ncsc.group("X25519MLKEM768"), Some(Rating::Sufficient));
        assert_eq!(profile("mail").unwrap().group("ffdhe2048"), None);
    }

    #[test]
    fn the_default_warns_20_days_before_the_end_and_urges_15_days_before() {
        let t = &profile("mail").unwrap().thresholds;
        assert_eq!((t.certificate_warn_days, t.certificate_critical_days), (20, 15));
    }
}
