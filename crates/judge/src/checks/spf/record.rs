//! Check [`spf.record`](CHECK).

use crate::checks::{identity, prelude::*};

check! {
    /// There is no SPF record that receivers could use.
    ///
    /// # Effect
    /// Without one, anybody may use the domain as envelope sender, and large receivers refuse
    /// mail from domains that have neither SPF nor DKIM. Two records, or one that cannot be
    /// read, end every evaluation with a permanent error.
    /// # Method
    /// TXT records of the domain that begin with `v=spf1`: there must be one, it and those that
    /// it includes must be readable. Terms behind `all` are told because nobody reads them.
    /// # Fix
    /// Publish exactly one record that names your senders and ends in `-all` or `~all`.
    /// # Sources
    /// RFC 7208 sections 3.2, 4.5, 4.6 and 5.2.
    "spf.record", Domain, judge
}

/// Octets from which a record, with its neighbours in one answer, may not fit into a small
/// packet (RFC 7208 section 3.4).
const LONG: u32 = 450;

fn judge(case: &Case) -> Outcome {
    let name = &identity::domain(case)?.name;
    let facts = identity::spf(case)?;
    let draft = |severity, title: String| identity::finding(case, &CHECK, severity, title);
    if facts.records.is_empty() {
        return missing(case, name);
    }
    if facts.records.len() > 1 {
        return draft(Severity::Medium, format!("{name} has {} SPF records", facts.records.len()))
            .detail(
                "One is allowed. Receivers end with a permanent error, as if none of the hosts were known.",
            )
            .fix("spf_several")
            .found();
    }
    if let Some(error) = &facts.syntax_error {
        return draft(Severity::Medium, format!("The SPF record of {name} cannot be read"))
            .detail(format!(
                "What is wrong: {error}. An error anywhere spoils the whole record: receivers end with a permanent \
                 error."
            ))
            .fix("spf_syntax")
            .found();
    }
    let mut found = Vec::new();
    if let Some(cost) = facts.cost.get().filter(|c| !c.errors.is_empty()) {
        found.push(
            draft(Severity::Medium, format!("The SPF policy of {name} breaks where it leads to others"))
                .detail(format!(
                    "What was found: {}. An evaluation that comes this far ends with a permanent error.",
                    text::short_list(&cost.errors, 3)
                ))
                .fix("spf_include")
                .build(),
        );
    }
    if let Some(record) = &facts.record {
        if !record.after_all.is_empty() {
            found.push(
                draft(Severity::Low, format!("The SPF record of {name} goes on behind \"all\""))
                    .detail(format!("Nobody reads {}.", text::short_list(&record.after_all, 4)))
                    .fix("spf_after_all")
                    .build(),
            );
        }
        if record.length > LONG {
            let title = format!("The SPF record of {name} is long: {} octets", record.length);
            let detail =
                "With other TXT records it may not fit into one packet, and some receivers do not ask again.";
            found.push(draft(Severity::Info, title).detail(detail).build());
        }
    }
    if found.is_empty() && !facts.cost.is_seen() {
        known(&facts.cost)?;
    }
    Ok(found)
}

fn missing(case: &Case, name: &str) -> Outcome {
    if identity::is_mail_free(identity::domain(case)?) {
        return identity::finding(
            case,
            &CHECK,
            Severity::Low,
            format!("{name} takes no mail, and has no SPF record"),
        )
        .detail("It says so by its null MX. An SPF record would say that it sends none either.")
        .fix("spf_no_mail")
        .found();
    }
    identity::finding(case, &CHECK, Severity::Medium, format!("{name} has no SPF record"))
        .detail("Anybody may use it as envelope sender, and receivers have no list of hosts to compare with.")
        .fix("spf_missing")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::spf(e).records.clear(),
    undetermined: |e| sample::domain(e).identity.spf = sample::failed(),
}

#[cfg(test)]
mod tests {
    use waxseal_model::Severity;

    use crate::{checks::tests::findings, fixtures as sample};

    #[test]
    fn each_way_to_spoil_a_policy_has_its_own_words() {
        let several = findings("spf.record", |e| sample::spf(e).records.push("v=spf1 -all".into()));
        assert!(several[0].title.contains("2 SPF records"));
        let syntax = findings("spf.record", |e| {
            sample::spf(e).syntax_error = Some("there is no mechanism \"x\"".into())
        });
        assert!(syntax[0].detail.contains("there is no mechanism"));
        let broken =
            findings("spf.record", |e| sample::spf_cost(e).errors.push("a.example has no SPF record".into()));
        assert!(broken[0].detail.contains("a.example"));
        let after = findings("spf.record", |e| {
            sample::spf(e).record.as_mut().unwrap().after_all.push("redirect=b.example".into());
        });
        assert_eq!(after[0].severity, Severity::Low);
        let long = findings("spf.record", |e| sample::spf(e).record.as_mut().unwrap().length = 451);
        assert_eq!(long[0].severity, Severity::Info);
    }

    #[test]
    fn a_domain_without_mail_is_told_less_loudly_and_one_that_does_not_exist_nothing() {
        let found = findings("spf.record", |e| {
            sample::spf(e).records.clear();
            sample::domain(e).routing = waxseal_model::evidence::MailRouting::NullMx;
        });
        assert!(
            found[0].severity == Severity::Low && found[0].fix.contains("v=spf1 -all"),
            "{}",
            found[0].fix
        );
        let found = findings("spf.record", |e| {
            sample::spf(e).records.clear();
            sample::domain(e).routing = waxseal_model::evidence::MailRouting::NoSuchDomain;
        });
        assert!(found.is_empty());
    }
}
