//! MTA-STS policy files, alone or against the hosts that they are to cover.

use waxseal_model::{
    lint::{Lint, LintKind, LintParsed},
    policy::{StsMode, StsPolicy},
};

use super::lint;
use crate::{
    reading::{Reading, quote},
    sts::{pattern, policy},
};

/// Lints a policy file. `hosts` are MX hosts in A-labels; the policy must cover each of them,
/// and with a host given, a pattern that covers none is a warning.
pub fn sts(input: &str, body: &[u8], hosts: &[String]) -> Lint {
    let mut reading = policy::parse(body, "");
    if let Some(found) = &reading.value {
        let (errors, warnings) = compare(found, hosts);
        reading.warnings.extend(policy::max_age_advice(found));
        reading.warnings.extend(warnings);
        if !errors.is_empty() {
            reading = Reading { value: None, errors, warnings: reading.warnings };
        }
    }
    let parsed = reading.map(|policy| LintParsed::Sts {
        version: "STSv1".to_owned(),
        mode: policy.mode,
        mx: policy.mx,
        max_age: policy.max_age,
    });
    lint(LintKind::Sts, input, parsed)
}

/// Errors and warnings about the hosts.
fn compare(policy: &StsPolicy, hosts: &[String]) -> (Vec<String>, Vec<String>) {
    let covered = |host: &str| policy.mx.iter().any(|mx| pattern::covers(mx, host));
    let missed: Vec<String> = hosts
        .iter()
        .filter(|host| !covered(host))
        .map(|host| {
            format!("no mx line covers {}: senders refuse to deliver to it; write mx: {host}", quote(host))
        })
        .collect();
    let stale =
        policy.mx.iter().filter(|mx| !hosts.is_empty() && !hosts.iter().any(|h| pattern::covers(mx, h)));
    let warnings = stale.map(|mx| format!("mx: {mx} covers none of the hosts that were given")).collect();
    match policy.mode {
        // Nothing is refused in this mode, so nothing need be covered.
        StsMode::None => (Vec::new(), Vec::new()),
        StsMode::Enforce | StsMode::Testing => (missed, warnings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str =
        "version: STSv1\nmode: enforce\nmx: *.example.com\nmx: old.example.net\nmax_age: 604800\n";

    fn against(hosts: &[&str]) -> Lint {
        let hosts: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
        sts("policy.txt", POLICY.as_bytes(), &hosts)
    }

    #[test]
    fn every_host_must_be_covered() {
        assert!(against(&[]).valid);
        let fine = against(&["mx1.example.com", "OLD.example.net"]);
        assert!(fine.valid && fine.warnings.is_empty(), "{fine:?}");
        let missed = against(&["mx1.example.com", "a.mx.example.com"]);
        assert!(!missed.valid && missed.parsed.is_none());
        assert!(missed.errors[0].contains("a.mx.example.com"), "{missed:?}");
        assert!(missed.warnings[0].contains("old.example.net"), "{missed:?}");
        assert!(sts("x", b"version: STSv1\nmode: none\nmax_age: 1\n", &["mx.example.com".into()]).valid);
    }

    #[test]
    fn what_was_read_is_told() {
        let Some(LintParsed::Sts { version, mode, mx, max_age }) = against(&[]).parsed else { panic!() };
        assert_eq!((version.as_str(), mode, mx.len(), max_age), ("STSv1", StsMode::Enforce, 2, 604_800));
        assert_eq!(sts("x", b"nonsense", &[]).parsed, None);
    }
}
