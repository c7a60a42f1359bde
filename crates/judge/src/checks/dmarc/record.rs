//! Check [`dmarc.record`](CHECK).

use crate::checks::{identity, prelude::*};

check! {
    /// There is no DMARC record that receivers could use.
    ///
    /// # Effect
    /// Nobody is asked to refuse mail that forges the domain in From, the sender that people
    /// see. Large receivers ask senders of much mail for a record.
    /// # Method
    /// TXT records at `_dmarc` of the domain and of its parents, by the DNS tree walk. More than
    /// one at a name count as none; one without a known policy is used only if it names a report
    /// address.
    /// # Fix
    /// Publish one record, first with `p=none` and a report address, then stricter.
    /// # Sources
    /// RFC 9989 sections 4.7 and 4.10.
    "dmarc.record", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = identity::domain(case)?;
    let facts = identity::seen(domain, &domain.identity.dmarc)?;
    let name = &domain.name;
    let problem = facts.walk.iter().find_map(|s| s.problem.as_ref().map(|p| (&s.name, p)));
    let draft = |severity, title: String| identity::finding(case, &CHECK, severity, title);
    let Some(record) = &facts.record else {
        let Some((place, problem)) = problem else {
            return draft(Severity::Medium, format!("{name} has no DMARC record"))
                .detail("Receivers are not asked to do anything about mail that forges the domain in From.")
                .fix(if identity::is_mail_free(domain) { "dmarc_no_mail" } else { "dmarc_missing" })
                .found();
        };
        return draft(Severity::Medium, format!("The DMARC record at {} is of no use", text::cut(place, 60)))
            .detail(format!("{}: receivers act as if it were not there.", text::sentence(problem)))
            .fix_for("dmarc_broken", place)
            .found();
    };
    let mut found = Vec::new();
    if let Some((place, problem)) = problem {
        found.push(
            draft(Severity::Low, format!("The DMARC records at {} are ignored", text::cut(place, 60)))
                .detail(format!("{}. The record of a parent is used instead.", text::sentence(problem)))
                .fix_for("dmarc_broken", place)
                .build(),
        );
    }
    if !record.warnings.is_empty() {
        let place = facts.found_at.as_deref().unwrap_or(name);
        found.push(
            draft(
                Severity::Info,
                format!("The DMARC record at {} holds what is ignored", text::cut(place, 60)),
            )
            .detail(format!("Receivers go on without it: {}.", record.warnings.join("; ")))
            .build(),
        );
    }
    Ok(found)
}

fixtures! {
    clear: |_| {},
    found: |e| {
        let facts = sample::dmarc(e);
        (facts.record, facts.found_at) = (None, None);
        facts.walk.iter_mut().for_each(|s| s.records.clear());
    },
    undetermined: |e| sample::domain(e).identity.dmarc = sample::failed(),
}

#[cfg(test)]
mod tests {
    use waxseal_model::Severity;

    use crate::{checks::tests::findings, fixtures as sample};

    #[test]
    fn broken_records_and_leftovers_are_told_apart() {
        let broken = findings("dmarc.record", |e| {
            let facts = sample::dmarc(e);
            facts.record = None;
            facts.walk[0].problem = Some("there are 2 DMARC records, and one is allowed".into());
        });
        assert!(broken[0].severity == Severity::Medium && broken[0].detail.starts_with("There are 2"));
        let ignored = findings("dmarc.record", |e| {
            sample::dmarc(e).walk[0].problem = Some("there are 2 DMARC records, and one is allowed".into());
        });
        assert_eq!(ignored[0].severity, Severity::Low);
        let leftover = findings("dmarc.record", |e| {
            sample::dmarc_record(e).warnings.push("pct= is historic and ignored since RFC 9989".into());
        });
        assert!(leftover[0].severity == Severity::Info && leftover[0].detail.contains("pct="));
    }
}
