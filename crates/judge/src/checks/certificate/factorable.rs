//! Check [`certificate.factorable`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::certificate::ModulusFlaw;

check! {
    /// The modulus of a key is factored with ease.
    ///
    /// # Effect
    /// Everybody can compute the private key, and imitate the server.
    /// # Method
    /// The moduli of all presented certificates: small prime factors, two primes close together
    /// (a hundred steps of Fermat's method), a prime in common with another key of the server.
    /// # Fix
    /// Make a new key with OpenSSL, and renew the certificate; the device that made this one
    /// makes no better.
    /// # Sources
    /// CVE-2022-26320 (close primes); Heninger et al., "Mining Your Ps and Qs", USENIX Security
    /// 2012; CA/Browser Forum Baseline Requirements 6.1.1.3 and 6.1.6.
    "certificate.factorable", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_rsa_key(case, |label, certificate, rsa| {
        let Some(flaw) = &rsa.factorable else { return CLEAR };
        let how = match flaw {
            ModulusFlaw::SmallFactor { factor } => format!("is divisible by {factor}"),
            ModulusFlaw::ClosePrimes => "is made of two primes that lie close together".to_owned(),
            ModulusFlaw::SharedPrime => "has a prime in common with another key of this server".to_owned(),
        };
        let title = format!("{label} of {} has a key that is computed with ease", case.host());
        case.finding(&CHECK, Severity::High, title)
            .detail(format!("The RSA modulus of {} {how}.", text::cut(&certificate.subject, 80)))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_rsa(e).factorable = Some(ModulusFlaw::ClosePrimes),
    undetermined: |e| sample::own_certificate(e).key.rsa = None,
}
