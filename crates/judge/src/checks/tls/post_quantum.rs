//! Check [`tls.post_quantum`](CHECK).

use crate::checks::prelude::*;

check! {
    /// No post-quantum key exchange is offered.
    ///
    /// # Effect
    /// Mail recorded today can be read if a large quantum computer is built one day.
    /// # Method
    /// A TLS 1.3 hello offers the hybrids with ML-KEM (X25519MLKEM768 and its like).
    /// # Fix
    /// OpenSSL 3.5, GnuTLS 3.8.9, rustls 0.23.27, Go 1.24 or newer.
    /// # Sources
    /// FIPS 203; draft-ietf-tls-ecdhe-mlkem.
    "tls.post_quantum", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.tls()?.post_quantum)? != Some(&false) {
        return CLEAR;
    }
    super::some_version(case)?;
    case.finding(&CHECK, Severity::Info, format!("{} offers no post-quantum key exchange", case.host()))
        .detail(
            "Few mail servers do yet. Recordings made today could be deciphered by a quantum computer of the \
             future; the next TLS library brings X25519MLKEM768.",
        )
        .fix("post_quantum")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).post_quantum = Observed::seen(false),
    undetermined: |e| sample::tls(e).post_quantum = sample::failed(),
}
