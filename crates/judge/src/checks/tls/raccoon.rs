//! Check [`tls.raccoon`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server uses the same Diffie-Hellman key again (precondition of Raccoon).
    ///
    /// # Effect
    /// Who recorded a session can try to measure out its secret, if the server answers with
    /// precise timing: a very hard attack. And forward secrecy holds only from one change of
    /// the key to the next.
    /// # Method
    /// Several handshakes with DHE show the same public value. TLS 1.3 and ECDHE are not
    /// concerned.
    /// # Fix
    /// Update the TLS library (OpenSSL 1.1.0 or newer never uses a DHE key again), or offer
    /// ECDHE only.
    /// # Sources
    /// Raccoon Attack (raccoon-attack.com, USENIX Security 2021); CVE-2020-1968,
    /// CVE-2020-5929; RFC 9325 section 7.4.
    "tls.raccoon", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.audit()?.dh_reuse)? != Some(&true) {
        return CLEAR;
    }
    let title = format!("{} uses one Diffie-Hellman key for many sessions (Raccoon)", case.host());
    case.finding(&CHECK, Severity::Low, title)
        .detail(
            "Several handshakes showed the same public value. Senders that choose DHE lose part of their forward \
             secrecy; the timing attack that builds on it is hard to carry out.",
        )
        .fix("dh_reuse")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).dh_reuse = Observed::seen(true),
    undetermined: |e| sample::audit(e).dh_reuse = sample::failed(),
}
