//! The lab's mail domains: each with its servers, its DNS, one line for people, and what
//! a right verdict on it is.
//!
//! A domain is added by one function in the file of its theme and one line in that
//! file's list. Behaviour of servers is described in [`crate::servers`], certificates in
//! [`crate::pki`], zones in [`crate::dns::spec`], TLSA records in [`crate::tlsa`].

mod build;
mod certificates;
mod dane;
mod expect;
mod guard;
mod hostile;
mod names;
mod policies;
mod starttls;
mod sts;
mod tls;

#[cfg(test)]
mod tests;

pub use expect::Expect;

pub(crate) use build::{Domain, Family, Host, Place, Sts};

/// All domains, the demonstration first, each set in the order in which it is shown.
pub(crate) fn all() -> Vec<Domain> {
    let mut domains: Vec<Domain> = [
        vec![policies::healthy()],
        starttls::list(),
        certificates::list(),
        tls::list(),
        names::list(),
        hostile::list(),
        policies::list(),
        dane::list(),
        sts::list(),
        guard::list(),
    ]
    .into_iter()
    .flatten()
    .collect();
    domains.sort_by_key(|d| !d.demo);
    domains
}
