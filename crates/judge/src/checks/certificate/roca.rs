//! Check [`certificate.roca`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A key was made by the Infineon library with the ROCA flaw.
    ///
    /// # Effect
    /// From the public key alone the private one is computed: with 1024 bits for some hundred
    /// dollars, with 2048 bits at a price that states and criminals can pay. Who has it can
    /// imitate the server.
    /// # Method
    /// The moduli of all presented certificates: those keys are powers of 65537 modulo the
    /// product of the first 38 odd primes, which by chance none is.
    /// # Fix
    /// Make a new key with OpenSSL, not in the smart card or TPM, and renew the certificate.
    /// # Sources
    /// CVE-2017-15361; Nemec et al., "The Return of Coppersmith's Attack", CCS 2017.
    "certificate.roca", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_rsa_key(case, |label, certificate, rsa| {
        if !rsa.roca {
            return CLEAR;
        }
        let title = format!("{label} of {} has a key with the ROCA flaw", case.host());
        case.finding(&CHECK, Severity::High, title)
            .detail(format!(
                "The RSA key of {} was made by a library of smart cards and TPMs whose keys can be computed from their \
                 public part.",
                text::cut(&certificate.subject, 80)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_rsa(e).roca = true,
    undetermined: |e| sample::own_certificate(e).key.rsa = None,
}
