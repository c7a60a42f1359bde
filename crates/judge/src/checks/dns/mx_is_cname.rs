//! Check [`dns.mx_is_cname`](CHECK).

use crate::checks::prelude::*;

check! {
    /// An MX record names an alias (CNAME).
    ///
    /// # Effect
    /// Most senders follow it, some refuse. With DANE and MTA-STS it becomes unclear which
    /// name the certificate must bear.
    /// # Method
    /// The name in the MX record owns a CNAME record.
    /// # Fix
    /// Give the MX host A and AAAA records of its own, or name the CNAME's target in the MX.
    /// # Sources
    /// RFC 2181 section 10.3; RFC 5321 section 5.1; RFC 7672 section 2.2.3.
    "dns.mx_is_cname", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    super::routing(domain)?;
    let mut found = Vec::new();
    for host in &domain.hosts {
        // An alias of the domain itself with an implicit MX breaks no rule.
        if let (Some(target), Some(_)) = (&host.cname, host.preference) {
            let title = format!("The MX host {} is an alias of {target}", host.name);
            let draft = case.finding(&CHECK, Severity::Medium, title).detail(format!(
                "An MX record must name a host with addresses of its own. {} is a CNAME: senders differ in \
                 whether they accept that, and which of the two names they compare the certificate with.",
                host.name
            ));
            found.push(draft.fix_for("mx_cname", &host.name).build());
        }
    }
    if found.is_empty() {
        super::hosts_known(domain)?;
    }
    Ok(found)
}

fixtures! {
    clear: |_| {},
    found: |e| sample::mx(e).cname = Some("mail.provider.example".into()),
    undetermined: |e| sample::no_addresses(e, DnsOutcome::ServerError),
}
