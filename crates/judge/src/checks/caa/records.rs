//! Check [`caa.records`](CHECK).

use crate::checks::{identity, prelude::*};
use waxseal_wire::caa::Property;

check! {
    /// Any certification authority may issue for the mail hosts, or a CAA record is broken.
    ///
    /// # Effect
    /// Without CAA, every authority of the world may issue a certificate for the host to whoever
    /// convinces it. A record that cannot be read allows nobody, and the next renewal fails.
    /// # Method
    /// CAA records of each MX host, or else of the nearest parent that has any.
    /// # Fix
    /// Publish a record that names the authority you use.
    /// # Sources
    /// RFC 8659 sections 3 and 4; RFC 9495 (`issuemail` says nothing about servers).
    "caa.records", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (_, all) = super::facts(case)?;
    let mut found = Vec::new();
    let mut open = None;
    let mut without = Vec::new();
    let mut told = Vec::new();
    for facts in all {
        let (answer, properties) = match super::read(facts) {
            Ok(read) => read,
            Err(why) => {
                open = open.or(Some(why));
                continue;
            }
        };
        // `issuewild` alone leaves everything but wildcards to everybody.
        let restricts = |p: &Property| match p {
            Property::Issue { wild, .. } => !wild,
            Property::Malformed { tag, .. } => tag == "issue",
            Property::UnknownCritical { .. } => true,
            Property::Iodef { .. } | Property::Other { .. } => false,
        };
        if !properties.iter().any(restricts) {
            without.push(facts.name.as_str());
        }
        for problem in properties.iter().filter_map(problem) {
            let title = format!("A CAA record of {} is broken", text::cut(&answer.name, 60));
            if !told.contains(&(&answer.name, problem.clone())) {
                let draft = identity::finding(case, &CHECK, Severity::Medium, title).detail(problem.clone());
                found.push(draft.fix_for("caa_broken", &answer.name).build());
                told.push((&answer.name, problem));
            }
        }
    }
    if !without.is_empty() {
        let title = format!(
            "No CAA record restricts who issues for {}",
            text::cut(&text::short_list(&without, 2), 55)
        );
        found.push(
            identity::finding(case, &CHECK, Severity::Info, title)
                .detail("Every certification authority may issue a certificate for these hosts.")
                .fix("caa_missing")
                .build(),
        );
    }
    match open {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

/// What is wrong with a record, in sentences.
fn problem(property: &Property) -> Option<String> {
    match property {
        Property::Malformed { tag, why } if tag == "issue" || tag == "issuewild" => Some(format!(
            "{tag}: {why}. Authorities take it as a record that allows nobody: the next certificate is refused."
        )),
        Property::Malformed { tag, why } => Some(format!("{tag}: {why}. Authorities ignore it.")),
        Property::UnknownCritical { tag } => Some(format!(
            "{tag} is marked critical and no authority knows it: none may issue any certificate."
        )),
        Property::Issue { .. } | Property::Iodef { .. } | Property::Other { .. } => None,
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::caa(e, &[(0, "issue", "%%%")]),
    undetermined: |e| sample::domain(e).policies.caa.clear(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn none_is_information_and_a_broken_one_is_not() {
        let none = findings("caa.records", |e| sample::caa(e, &[]));
        assert_eq!((none.len(), none[0].severity), (1, Severity::Info));
        let other = findings("caa.records", |e| {
            sample::caa(e, &[(0, "issuemail", "ca.example"), (0, "iodef", "mailto:a@b.c")])
        });
        assert_eq!(other[0].severity, Severity::Info);
        let nobody = findings("caa.records", |e| sample::caa(e, &[(0, "issue", ";")]));
        assert!(nobody.is_empty());
        let critical =
            findings("caa.records", |e| sample::caa(e, &[(128, "tbs", "x"), (0, "issue", "pki.goog")]));
        assert!(critical[0].detail.contains("none may issue"));
    }
}
