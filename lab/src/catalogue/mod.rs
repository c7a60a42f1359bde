//! The lab's mail domains: each with its servers, its DNS, one line for people, and what
//! a right verdict on it is.
//!
//! A domain is added by one value in the file of its theme. What it is made of:
//!
//! | What is special | Where it is described | Which file lists such domains |
//! |---|---|---|
//! | SMTP, its greeting and extensions | [`crate::servers::smtp`] | `starttls`, `hostile`, `reports` |
//! | TLS versions, names (SNI) | [`crate::servers::tls`] | `tls` |
//! | certificates and chains | [`crate::pki`] | `certificates` |
//! | what issuers say, staples | [`crate::pki::status`] | `issuers` |
//! | signatures and faults of zones | [`crate::dns::spec`] | `names` |
//! | TLSA records | [`crate::tlsa`] | `dane` |
//! | MTA-STS: how the policy host answers | [`crate::servers::https::Reply`] | `sts/host` |
//! | MTA-STS: record, policy file, MX hosts | texts, in place | `sts/record`, `sts/file`, `sts/mx` |
//! | several policies at once | both of the above | `policies` |
//! | TLS-RPT, REQUIRETLS | texts; [`crate::servers::smtp::RequireTls`] | `reports` |
//! | SPF, DKIM, DMARC, BIMI | texts, in place | `identity` |
//! | CAA, reverse names | texts; [`build::Ptr`] | `caa` |
//! | recipients refused, extensions missing; blocklists | [`crate::servers::smtp`]; texts | `delivery` |
//! | flaws of TLS that only an audit finds | [`crate::handmade::behaviour`] | `audit` |
//! | addresses beyond loopback | texts, with [`Domain::outside`] | `guard` |
//!
//! The tests in `lab/tests` look at each new behaviour with another library's eyes; those
//! for DANE and MTA-STS fail for a domain that they do not name.

pub(crate) mod audit;
mod build;
mod caa;
mod certificates;
mod dane;
mod delivery;
mod expect;
mod guard;
mod hostile;
mod identity;
mod issuers;
mod names;
mod policies;
mod reports;
mod starttls;
mod sts;
mod tls;
mod vacant;

#[cfg(test)]
mod tests;

pub use audit::{AuditExpect, AuditVerdict};
pub use expect::Expect;

pub(crate) use vacant::vacant;

pub(crate) use build::{Domain, Family, Host, Place, Ptr, Sts};

/// All domains but those for audits, the demonstration first, each set in the order in which it is shown.
pub(crate) fn all() -> Vec<Domain> {
    let mut domains: Vec<Domain> = [
        vec![policies::healthy()],
        starttls::list(),
        certificates::list(),
        issuers::list(),
        tls::list(),
        names::list(),
        hostile::list(),
        policies::list(),
        dane::list(),
        sts::list(),
        reports::list(),
        identity::list(),
        caa::list(),
        delivery::list(),
        guard::list(),
    ]
    .into_iter()
    .flatten()
    .collect();
    domains.sort_by_key(|d| !d.demo);
    domains
}
