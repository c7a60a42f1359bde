//! Check [`dns.mx_is_ip_literal`](CHECK).

use crate::checks::prelude::*;

check! {
    /// An MX record holds an address where a host name belongs.
    ///
    /// # Effect
    /// Many senders look the address up as a name, find nothing, and return the mail. No
    /// certificate can be verified for it.
    /// # Method
    /// The exchange of an MX record is an IPv4 or IPv6 address.
    /// # Fix
    /// Give the server a name with an A record, and name that in the MX record.
    /// # Sources
    /// RFC 5321 section 5.1; RFC 1035 section 3.3.9.
    "dns.mx_is_ip_literal", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    super::routing(domain)?;
    let literals = domain.hosts.iter().filter(|h| h.ip_literal);
    let found = literals.map(|host| {
        case.finding(&CHECK, Severity::High, format!("The MX record names an address, {}", host.name))
            .detail(
                "An MX record must hold a host name. Some senders accept an address there, others look it up \
                 as a name and return the mail as undeliverable; none can verify a certificate.",
            )
            .fix_for("mx_literal", &host.name)
            .build()
    });
    Ok(found.collect())
}

fixtures! {
    clear: |_| {},
    found: |e| sample::mx(e).ip_literal = true,
    undetermined: |e| sample::domain(e).routing = waxseal_model::evidence::MailRouting::Unknown,
}
