//! Check [`tls.signature_algorithms`](CHECK).

use waxseal_model::Finding;

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// Handshakes are signed with MD5 or SHA-1, or with what the client does not know.
    ///
    /// # Effect
    /// A signature with MD5 can be forged while the handshake runs (SLOTH), one with SHA-1 is
    /// within sight of it. Only clients that offer nothing better get one. A scheme that the
    /// client did not offer ends the handshake.
    /// # Method
    /// Hellos of TLS 1.2 and 1.3 offer fewer and fewer signature schemes; those that the
    /// server signs with are noted. Stock Postfix signs with SHA-1 when nothing else is
    /// offered.
    /// # Fix
    /// Limit the TLS library's signature schemes to SHA-256 and better.
    /// # Sources
    /// RFC 9155 (MD5 and SHA-1 must not be used in TLS 1.2); CVE-2015-7575 (SLOTH); RFC 5246
    /// section 7.4.1.4.1.
    "tls.signature_algorithms", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let mut found: Vec<Finding> = Vec::new();
    let mut unknown = None;
    for version in [TlsVersion::Tls13, TlsVersion::Tls12] {
        match in_version(case, version, &mut found) {
            Ok(()) => {}
            Err(why) => unknown = unknown.or(Some(why)),
        }
    }
    match unknown {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

fn in_version(case: &Case, version: TlsVersion, found: &mut Vec<Finding>) -> Result<(), Why> {
    let label = version.label();
    let Some(observed) = case.audit()?.signature_algorithms.get(&version) else {
        return if state::accepts(case.tls()?, version)? {
            Err(Why::new(Cause::NotAsked, format!("signature schemes of {label} were not asked for")))
        } else {
            Ok(())
        };
    };
    let Some(list) = known_if_applicable(observed)? else { return Ok(()) };
    if let Some(scheme) = &list.unoffered {
        let title = format!("{} signs with a scheme that was not offered", case.host());
        let draft = case.finding(&CHECK, Severity::Low, title).detail(format!(
            "In {label} it answered with {}. Senders that check end the handshake there; those that offer it are \
             not affected.",
            text::cut(scheme, 60)
        ));
        found.push(draft.fix("library").build());
    }
    let rules = &case.profile.signatures;
    let weak: Vec<&str> = list.chosen.iter().map(String::as_str).filter(|s| rules.is_weak(s)).collect();
    let dated: Vec<&str> = list.chosen.iter().map(String::as_str).filter(|s| rules.is_dated(s)).collect();
    if !weak.is_empty() {
        found.push(weak_schemes(case, label, &weak));
    } else if !dated.is_empty() {
        let title = format!("{} signs handshakes with a hash that is phased out", case.host());
        let draft = case
            .finding(&CHECK, Severity::Info, title)
            .detail(format!("In {label} it used {}.", text::short_list(&dated, 4)));
        found.push(draft.fix("signatures").build());
    } else if !list.complete {
        let text = format!("not all signature schemes of {label} were answered");
        return Err(Why::new(Cause::Prerequisite, text));
    }
    Ok(())
}

fn weak_schemes(case: &Case, label: &str, weak: &[&str]) -> Finding {
    let md5 = weak.iter().any(|s| s.ends_with("md5"));
    let (severity, hash) = if md5 {
        (Severity::Medium, "MD5")
    } else {
        (case.by_usage(Severity::Low, Severity::Medium), "SHA-1")
    };
    let title = format!("{} signs handshakes with {hash} if nothing better is offered", case.host());
    case.finding(&CHECK, severity, title)
        .detail(format!(
            "In {label} it used {}. RFC 9155 forbids that; senders that offer SHA-256, all since about 2010, are not \
             affected.",
            text::short_list(weak, 4)
        ))
        .fix("signatures")
        .build()
}

#[cfg(test)]
fn chosen(e: &mut waxseal_model::Evidence, schemes: &[&str], complete: bool) {
    let chosen = schemes.iter().map(|s| (*s).to_owned()).collect();
    let list = waxseal_model::audit::SignatureList { chosen, complete, unoffered: None };
    sample::audit(e).signature_algorithms.insert(TlsVersion::Tls12, Observed::seen(list));
}

fixtures! {
    clear: |e| chosen(e, &["rsa_pkcs1_sha256", "rsa_pkcs1_sha224"], true),
    found: |e| chosen(e, &["rsa_pkcs1_sha256", "rsa_pkcs1_sha1"], true),
    undetermined: |e| {
        sample::audit(e).signature_algorithms.insert(TlsVersion::Tls12, sample::failed());
    },
}

#[cfg(test)]
mod tests {
    use waxseal_model::{Evidence, VerdictKind};

    use super::*;
    use crate::checks::tests::{findings, judged_evidence};

    #[test]
    fn md5_is_worse_than_sha_1_which_is_low_between_mail_servers() {
        let severity = |change: fn(&mut Evidence)| findings(CHECK.id, change)[0].severity;
        assert_eq!(severity(|e| chosen(e, &["rsa_pkcs1_sha1"], true)), Severity::Low);
        assert_eq!(severity(|e| chosen(e, &["rsa_pkcs1_sha1", "rsa_pkcs1_md5"], false)), Severity::Medium);
    }

    #[test]
    fn a_list_that_is_not_complete_clears_nothing() {
        let mut e = sample::healthy();
        chosen(&mut e, &["rsa_pkcs1_sha256"], false);
        let judgement = judged_evidence(&e);
        let verdict = judgement.verdicts.iter().find(|v| v.check == CHECK.id).unwrap();
        assert_eq!(verdict.verdict, VerdictKind::Undetermined);
    }

    #[test]
    fn a_scheme_that_was_not_offered_is_a_finding_of_its_own() {
        let found = findings(CHECK.id, |e| {
            chosen(e, &["rsa_pkcs1_sha1"], true);
            let list = sample::audit(e).signature_algorithms.get_mut(&TlsVersion::Tls12);
            if let Some(Observed::Seen { value }) = list {
                value.unoffered = Some("rsa_pkcs1_sha256".into());
            }
        });
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn sha_224_counts_where_the_profile_phases_it_out() {
        let mut e = sample::healthy();
        chosen(&mut e, &["rsa_pkcs1_sha224"], true);
        let judgement = crate::judge(&e, crate::profile("ncsc-2025").unwrap(), sample::NOW);
        assert!(judgement.findings.iter().any(|f| f.check == CHECK.id));
    }
}
