//! Check [`dmarc.reports`](CHECK).

use crate::checks::{identity, prelude::*};

check! {
    /// DMARC reports go nowhere.
    ///
    /// # Effect
    /// Without reports nobody learns which of the domain's own mail would be refused under a
    /// stricter policy. Receivers send none to another organization that does not agree.
    /// # Method
    /// The addresses in `rua` and `ruf`; for those of another organization the TXT record
    /// `DOMAIN._report._dmarc.ITS-DOMAIN`, which must begin with `v=DMARC1`.
    /// # Fix
    /// Name an address in `rua`; if it belongs to a service, the service publishes the record.
    /// # Sources
    /// RFC 9989 section 4.7; RFC 9990 section 4.
    "dmarc.reports", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (facts, record) = identity::dmarc(case)?;
    let name = &identity::domain(case)?.name;
    let place = facts.found_at.as_deref().unwrap_or(name);
    if record.rua.is_empty() {
        return identity::finding(case, &CHECK, Severity::Low, format!("{name} asks for no DMARC reports"))
            .detail(format!("The record at {place} names no address in rua= that could be used."))
            .fix_for("dmarc_reports", place)
            .found();
    }
    let mut found = Vec::new();
    for external in facts.external.iter().filter(|e| e.authorised.get() == Some(&false)) {
        let title = format!("{} does not take DMARC reports about {name}", text::cut(&external.domain, 40));
        found.push(
            identity::finding(case, &CHECK, Severity::Low, title)
                .detail(format!(
                    "Reports to {} are not sent: {} must say that it takes them, and has no such record.",
                    text::cut(&external.uri, 80),
                    external.domain
                ))
                .fix_text(format!(
                    "The owner of {} publishes:\n  {}.  TXT  \"v=DMARC1\"\nor name an address in your own domain.",
                    external.domain, external.name
                ))
                .build(),
        );
    }
    if found.is_empty() {
        for external in &facts.external {
            known(&external.authorised)?;
        }
    }
    Ok(found)
}

fixtures! {
    clear: |_| {},
    found: |e| sample::dmarc_record(e).rua.clear(),
    undetermined: |e| sample::dmarc(e).external[0].authorised = sample::failed(),
}

#[cfg(test)]
mod tests {
    use waxseal_model::Observed;

    use crate::{checks::tests::findings, fixtures as sample};

    #[test]
    fn the_record_that_is_missing_elsewhere_is_spelled_out() {
        let found =
            findings("dmarc.reports", |e| sample::dmarc(e).external[0].authorised = Observed::seen(false));
        assert!(found[0].fix.contains("example.com._report._dmarc.reports.example.net."), "{}", found[0].fix);
    }
}
