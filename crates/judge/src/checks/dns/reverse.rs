//! Check [`dns.reverse`](CHECK).

use crate::checks::prelude::*;

check! {
    /// An address of a mail server has no reverse name (PTR).
    ///
    /// # Effect
    /// None for mail that arrives. If the same address also sends, many receivers refuse
    /// its mail (Gmail: 550 5.7.25).
    /// # Method
    /// A PTR query for each address of each MX host.
    /// # Fix
    /// Have the operator of the address publish a PTR record that names the host.
    /// # Sources
    /// RFC 1912 section 2.1; Google's sender guidelines.
    "dns.reverse", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    super::routing(domain)?;
    let mut found = Vec::new();
    let mut unknown = None;
    for host in &domain.hosts {
        for (address, reverse) in host.addresses.iter().zip(&host.reverse) {
            match known(reverse) {
                Ok(names) if names.is_empty() => {
                    let draft = case
                        .finding(&CHECK, Severity::Low, format!("{address} ({}) has no reverse name", host.name))
                        .detail(
                            "There is no PTR record for the address. Mail that arrives does not suffer; if this \
                             server also sends, Gmail and others refuse its mail.",
                        );
                    found.push(draft.fix_for("reverse", &host.name).build());
                }
                Ok(_) => {}
                Err(why) => unknown = Some(why),
            }
        }
    }
    match unknown {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::mx(e).reverse[0] = Observed::seen(Vec::new()),
    undetermined: |e| sample::mx(e).reverse[0] = sample::failed(),
}
