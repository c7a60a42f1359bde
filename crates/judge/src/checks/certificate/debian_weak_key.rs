//! Check [`certificate.debian_weak_key`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A key is one of the few that Debian's OpenSSL of 2006 to 2008 could make.
    ///
    /// # Effect
    /// Everybody can have the private key, and imitate the server; recordings of connections
    /// without forward secrecy can be read.
    /// # Method
    /// The moduli of all presented certificates against lists in the form of Debian's
    /// `openssl-blacklist`: those of `--weak-keys`, or of /usr/share/openssl-blacklist. waxseal
    /// has no list of its own; without one for the length of the key nothing is known.
    /// # Fix
    /// Make a new key on a system of today, and renew the certificate.
    /// # Sources
    /// CVE-2008-0166; DSA-1571; CA/Browser Forum Baseline Requirements 6.1.1.3.
    "certificate.debian_weak_key", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_rsa_key(case, |label, certificate, rsa| {
        if !*known(&rsa.debian_weak)? {
            return CLEAR;
        }
        let title = format!("{label} of {} has a key that everybody can have", case.host());
        case.finding(&CHECK, Severity::High, title)
            .detail(format!(
                "The RSA key of {} is on the list of the keys that Debian's OpenSSL could make from 2006 to 2008.",
                text::cut(&certificate.subject, 80)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_rsa(e).debian_weak = Observed::seen(true),
    undetermined: |e| sample::own_rsa(e).debian_weak = sample::failed(),
}
