//! Check [`tls.suite_list`](CHECK).

use crate::{checks::prelude::*, profile::Rating};

check! {
    /// Suites are accepted that the rules advise against.
    ///
    /// # Effect
    /// What each of them means is told by the check of its class (`tls.rc4`, `tls.cbc` …);
    /// this one names all of them, as the profile rates them.
    /// # Method
    /// Every suite of the lists of an audit is looked up in the profile. A list that is not
    /// complete leaves open whether there are more.
    /// # Fix
    /// Leave ECDHE with AES-GCM or ChaCha20; on port 25 look at the log first.
    /// # Sources
    /// RFC 9325 section 4.2; RFC 10015; NCSC-NL TLS guidelines 2025-05 (profile `ncsc-2025`).
    "tls.suite_list", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let mut insufficient: Vec<&str> = Vec::new();
    let mut dated: Vec<&str> = Vec::new();
    let mut total: Vec<&str> = Vec::new();
    for name in tls.suites.values().flatten().map(String::as_str) {
        if total.contains(&name) {
            continue;
        }
        total.push(name);
        match case.profile.suite(name) {
            Rating::Sufficient => {}
            Rating::PhaseOut => dated.push(name),
            Rating::Insufficient => insufficient.push(name),
        }
    }
    let mut found = Vec::new();
    let mut add = |names: &[&str], severity, rating: &str, fix: &str| {
        if !names.is_empty() {
            let title = format!("{} of {} suites of {} are {rating}", names.len(), total.len(), case.host());
            let detail = format!("By the profile {}: {}.", case.profile.name, text::short_list(names, 12));
            found.push(case.finding(&CHECK, severity, title).detail(detail).fix(fix).build());
        }
    };
    add(&insufficient, case.by_usage(Severity::Info, Severity::Low), "insufficient", "ciphers");
    add(&dated, Severity::Info, "being phased out", "key_exchange");
    if found.is_empty() {
        every_list_is_complete(case)?;
    }
    Ok(found)
}

/// What is not listed may be rated low.
fn every_list_is_complete(case: &Case) -> Result<(), Why> {
    let audit = case.audit()?;
    for version in waxseal_model::tls::TlsVersion::ALL {
        let list = match audit.suite_lists.get(&version) {
            Some(observed) => known_if_applicable(observed)?,
            None if state::accepts(case.tls()?, version)? => None,
            None => continue,
        };
        if !list.is_some_and(|l| l.complete) {
            let text = format!("the list of suites of {} is not complete", version.label());
            return Err(Why::new(Cause::Prerequisite, text));
        }
    }
    Ok(())
}

#[cfg(test)]
fn with(e: &mut waxseal_model::Evidence, name: &str) {
    let list = sample::tls(e).suites.entry(waxseal_model::tls::TlsVersion::Tls12);
    list.or_default().push(name.to_owned());
}

fixtures! {
    clear: |_| {},
    found: |e| with(e, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    undetermined: |e| {
        sample::audit(e).suite_lists.insert(waxseal_model::tls::TlsVersion::Tls12, sample::failed());
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_rates_each_suite() {
        let mut e = sample::healthy();
        with(&mut e, "TLS_RSA_WITH_RC4_128_SHA");
        with(&mut e, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384");
        with(&mut e, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA");
        let titles = |profile: &str| {
            let judgement = crate::judge(&e, crate::profile(profile).unwrap(), sample::NOW);
            let found = judgement.findings.into_iter().filter(|f| f.check == CHECK.id);
            found.map(|f| (f.title, f.severity)).collect::<Vec<_>>()
        };
        let mail = titles("mail");
        assert_eq!(mail[0].0, "1 of 7 suites of mx1.example.com are insufficient");
        assert_eq!(mail[1].0, "2 of 7 suites of mx1.example.com are being phased out");
        let ncsc = titles("ncsc-2025");
        assert_eq!(ncsc[0].0, "2 of 7 suites of mx1.example.com are insufficient");
        assert_eq!(ncsc[1].0, "1 of 7 suites of mx1.example.com are being phased out");
    }
}
