//! Check [`tls.weak_groups`](CHECK).

use crate::{checks::prelude::*, profile::Rating};

check! {
    /// Weak or withdrawn groups are accepted for key exchange.
    ///
    /// # Effect
    /// Curves under 224 bits can be broken with great effort. A sender that offers better
    /// ones is not affected.
    /// # Method
    /// A TLS 1.2 hello that offers only such curves is accepted. By profiles that rate each
    /// group, so is every other group that the server chose.
    /// # Fix
    /// Limit the server to X25519, P-256 and P-384.
    /// # Sources
    /// RFC 8422 section 5.1.1; RFC 9325 section 4.2; NCSC-NL TLS guidelines 2025-05.
    "tls.weak_groups", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let weak = super::known_before_tls13(case, &tls.weak_groups);
    let mut insufficient: Vec<&str> = Vec::new();
    if let Ok(Some(groups)) = &weak {
        insufficient.extend(groups.iter().map(|g| g.name.as_str()));
    }
    let mut dated: Vec<&str> = Vec::new();
    for name in state::groups(tls) {
        let list = match case.profile.group(name) {
            Some(Rating::Insufficient) => &mut insufficient,
            Some(Rating::PhaseOut) => &mut dated,
            Some(Rating::Sufficient) | None => continue,
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    if !insufficient.is_empty() {
        return found(case, Severity::Medium, "weak groups", &insufficient);
    }
    if !dated.is_empty() {
        return found(case, Severity::Low, "groups that are phased out", &dated);
    }
    weak?;
    if case.profile.group("x25519").is_some()
        && known_if_applicable(&tls.group_facts)?.is_some_and(|g| !g.complete)
    {
        return Err(Why::new(Cause::Prerequisite, "not all groups were answered"));
    }
    CLEAR
}

fn found(case: &Case, severity: Severity, what: &str, names: &[&str]) -> Outcome {
    let title = format!("{} accepts {what} ({})", case.host(), text::short_list(names, 3));
    case.finding(&CHECK, severity, title)
        .detail("No current sender needs them; one that offers only these gets weak keys.")
        .fix("groups")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).weak_groups =
        Observed::seen(vec![waxseal_model::tls::Group { code: 1, name: "sect163k1".into() }]),
    undetermined: |e| sample::tls(e).weak_groups = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_ncsc_2025_every_chosen_group_is_rated() {
        let severity = |profile: &str, group: &str| {
            let mut e = sample::healthy();
            sample::tls(&mut e).groups.push(group.into());
            let judgement = crate::judge(&e, crate::profile(profile).unwrap(), sample::NOW);
            judgement.findings.iter().find(|f| f.check == CHECK.id).map(|f| f.severity)
        };
        assert_eq!(severity("ncsc-2025", "ffdhe2048"), Some(Severity::Medium));
        assert_eq!(severity("ncsc-2025", "ffdhe4096"), Some(Severity::Low));
        assert_eq!(severity("ncsc-2025", "x448"), None);
        assert_eq!(severity("mail", "ffdhe2048"), None);
    }
}
