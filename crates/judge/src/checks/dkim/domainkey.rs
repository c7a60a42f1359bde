//! Check [`dkim.domainkey`](CHECK).

use crate::checks::{identity, prelude::*};

check! {
    /// The domain can have no DKIM key: `_domainkey` does not exist.
    ///
    /// # Effect
    /// Mail cannot be signed in the domain's own name. DMARC then hangs on SPF alone, which
    /// breaks with every forwarder.
    /// # Method
    /// A query for `_domainkey.DOMAIN`. A name server that answers "no such name" says that
    /// nothing lies below either (RFC 8020), so no selector has to be guessed.
    /// # Fix
    /// Let your mail server or provider sign with the domain, and publish the key.
    /// # Sources
    /// RFC 6376 section 3.6.2.1; RFC 8020.
    "dkim.domainkey", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = identity::domain(case)?;
    let outcome = identity::seen(domain, &domain.identity.domainkey)?;
    // A key that was found proves a server wrong that says no such name.
    let has_key = domain.identity.dkim_keys.iter().any(|k| k.domain == domain.name && k.key.is_some());
    if *outcome != DnsOutcome::NxDomain || has_key || identity::is_mail_free(domain) {
        return CLEAR;
    }
    let name = &domain.name;
    identity::finding(case, &CHECK, Severity::Low, format!("{name} has no DKIM key"))
        .detail(format!(
            "_domainkey.{name} does not exist, so there can be no selector below it, and nobody can sign with \
             this domain."
        ))
        .fix("dkim_missing")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::domain(e).identity.domainkey = Observed::seen(DnsOutcome::NxDomain);
        sample::domain(e).identity.dkim_keys.clear();
    },
    undetermined: |e| sample::domain(e).identity.domainkey = sample::failed(),
}
