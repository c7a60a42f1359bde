//! Check [`tls.client_renegotiation`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::Renegotiation;

check! {
    /// Clients can make the server repeat the handshake (renegotiation).
    ///
    /// # Effect
    /// A handshake costs the server far more than the client. Who repeats it within one
    /// connection keeps the server busy past all limits on connections. No mail is read.
    /// # Method
    /// In an established session of TLS 1.2 or older, a second handshake is asked for, once,
    /// with the binding of RFC 5746; it is accepted.
    /// # Fix
    /// Switch renegotiation off (Postfix: `tls_ssl_options = NO_RENEGOTIATION`). No mail
    /// client needs it.
    /// # Sources
    /// CVE-2011-1473; RFC 5746; NCSC-NL TLS guidelines 2025-05 (more than ten in a connection
    /// are being phased out).
    "tls.client_renegotiation", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.audit()?.client_renegotiation)? != Some(&Renegotiation::Accepted) {
        return CLEAR;
    }
    let severity = case.by_usage(Severity::Low, Severity::Medium);
    case.finding(&CHECK, severity, format!("{} renegotiates whenever a client asks", case.host()))
        .detail(
            "Every repetition costs it a private-key operation. One connection that repeats it without end is a \
             cheap way to keep the server busy; limits on connections do not notice.",
        )
        .fix("renegotiation")
        .found()
}

fixtures! {
    clear: |e| sample::audit(e).client_renegotiation = Observed::seen(Renegotiation::Refused { alert: None }),
    found: |e| sample::audit(e).client_renegotiation = Observed::seen(Renegotiation::Accepted),
    undetermined: |e| sample::audit(e).client_renegotiation = sample::failed(),
}
