//! Check [`caa.issuer`](CHECK).

use crate::checks::{identity, prelude::*};
use waxseal_model::{CertificateFacts, Evidence, policy::CaaFacts};
use waxseal_wire::caa::{Permission, Property, issuer_domains, permission};

check! {
    /// The CAA records forbid the authority that issued the certificate in use.
    ///
    /// # Effect
    /// The certificate stays valid; its renewal by the same authority will be refused.
    /// # Method
    /// The organisation in the issuer's name gives the domain by which CAA names the authority.
    /// Where that is not known, and the records restrict who issues, the verdict is open.
    /// # Fix
    /// Add the authority to the records, or renew with one that they name.
    /// # Sources
    /// RFC 8659 sections 3 and 4; the authorities' practice statements.
    "caa.issuer", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (_, all) = super::facts(case)?;
    let mut found = Vec::new();
    let mut open = None;
    for facts in all {
        match host(case, facts) {
            Ok(mut findings) => found.append(&mut findings),
            Err(why) => open = open.or(Some(why)),
        }
    }
    match open {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

fn host(case: &Case, facts: &CaaFacts) -> Outcome {
    let (answer, properties) = super::read(facts)?;
    // Who issued does not matter where anybody may.
    let restricts = |p: &Property| !matches!(p, Property::Iodef { .. } | Property::Other { .. });
    if !properties.iter().any(restricts) {
        return CLEAR;
    }
    let mut told: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for leaf in leaves(case.evidence, &facts.name)? {
        // Nobody issued what signed itself.
        if leaf.self_signed || told.contains(&leaf.issuer.as_str()) {
            continue;
        }
        told.push(&leaf.issuer);
        let wildcard = is_wildcard(leaf, &facts.name);
        let known_as = issuer_domains(&leaf.issuer);
        let permission = permission(&properties, known_as.unwrap_or_default(), wildcard);
        // What forbids or allows everybody needs no name of the issuer.
        let names_matter = match &permission {
            Permission::Anyone | Permission::Forbidden { .. } => false,
            Permission::Excluded { allowed } => !allowed.is_empty(),
            Permission::Named => true,
        };
        if known_as.is_none() && names_matter {
            let text = format!("by which domain CAA names \"{}\" is not known", text::cut(&leaf.issuer, 80));
            return Err(Why::new(Cause::Unsupported, text));
        }
        let why = match permission {
            Permission::Anyone | Permission::Named => continue,
            Permission::Forbidden { tag } => format!("the critical property {tag} forbids it to all"),
            Permission::Excluded { allowed } if allowed.is_empty() => "they allow nobody".to_owned(),
            Permission::Excluded { allowed } => format!("they allow {}", text::short_list(&allowed, 4)),
        };
        let title = format!("CAA of {} forbids the issuer of its certificate", text::cut(&facts.name, 50));
        let issuer = known_as.and_then(|i| i.first().copied()).unwrap_or("its domain for CAA");
        found.push(
            identity::finding(case, &CHECK, Severity::Low, title)
                .detail(format!(
                    "The certificate is by \"{}\" ({issuer}); the records of {} say that {why}. The next renewal \
                     will be refused.",
                    text::cut(&leaf.issuer, 80),
                    answer.name
                ))
                .fix_text(format!(
                    "If this authority is the one you mean, add:\n  {}.  CAA  0 issue \"{issuer}\"",
                    answer.name
                ))
                .build(),
        );
    }
    Ok(found)
}

/// The certificates that a mail host presents on any of its addresses, or the policy host.
fn leaves<'a>(evidence: &'a Evidence, host: &str) -> Result<Vec<&'a CertificateFacts>, Why> {
    let endpoints = evidence.endpoints.iter().filter(|e| e.endpoint.host.as_deref() == Some(host));
    let mut found = Vec::new();
    let mut open = None;
    if let Some(domain) = evidence.domain.as_ref().filter(|d| host == format!("mta-sts.{}", d.name)) {
        match known(&domain.policies.sts_discovery.fetch) {
            Ok(fetch) => found.extend(fetch.chain.iter().filter_map(|c| c.leaf())),
            Err(why) => open = Some(why),
        }
    }
    for endpoint in endpoints {
        match known(&endpoint.evidence.chains) {
            Ok(chains) => found.extend(chains.iter().filter_map(|c| c.certificates.first())),
            Err(why) => open = open.or(Some(why)),
        }
    }
    match open {
        _ if !found.is_empty() => Ok(found),
        Some(why) => Err(why),
        None => Err(Why::new(Cause::Prerequisite, format!("no certificate of {host} was seen"))),
    }
}

/// The certificate bears the name by a wildcard only.
fn is_wildcard(leaf: &CertificateFacts, host: &str) -> bool {
    let exact = leaf.dns_names.iter().any(|n| n.eq_ignore_ascii_case(host));
    !exact
        && leaf.dns_names.iter().any(|n| n.starts_with("*.") && waxseal_wire::sts::pattern::covers(n, host))
}

fixtures! {
    clear: |_| {},
    found: |e| sample::caa(e, &[(0, "issue", "other.example")]),
    undetermined: |e| sample::own_certificate(e).issuer = "O=Some Authority, CN=R1".into(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn an_unknown_issuer_is_never_called_excluded_and_does_not_matter_without_restriction() {
        let unknown = |e: &mut Evidence| sample::own_certificate(e).issuer = "O=Some Authority, CN=R1".into();
        let mut evidence = sample::healthy();
        unknown(&mut evidence);
        sample::caa(&mut evidence, &[(0, "issue", "other.example")]);
        let judgement = crate::checks::tests::judged_evidence(&evidence);
        assert!(judgement.findings.iter().all(|f| f.check != "caa.issuer"));
        sample::caa(&mut evidence, &[(0, "iodef", "mailto:a@b.c")]);
        let judgement = crate::checks::tests::judged_evidence(&evidence);
        let verdict = judgement.verdicts.iter().find(|v| v.check == "caa.issuer").unwrap();
        assert_eq!(verdict.verdict, waxseal_model::VerdictKind::Clear);
    }

    #[test]
    fn wildcards_are_held_to_issuewild() {
        let found = findings("caa.issuer", |e| {
            sample::caa(e, &[(0, "issue", "letsencrypt.org"), (0, "issuewild", ";")]);
            sample::own_certificate(e).dns_names = vec!["*.example.com".into()];
        });
        assert!(found[0].detail.contains("they allow nobody"), "{}", found[0].detail);
    }
}
