//! Check [`tls.client_certificate`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server asks clients for a certificate.
    ///
    /// # Effect
    /// Usually none; a few senders fail when asked.
    /// # Method
    /// A CertificateRequest in the full handshake, to which waxseal answers with none.
    /// # Fix
    /// Leave it, unless senders have trouble; then do not ask.
    /// # Sources
    /// RFC 8446 section 4.3.2; Postfix `smtpd_tls_ask_ccert`.
    "tls.client_certificate", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if !known(&case.tls()?.handshake)?.client_certificate_requested {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Info, format!("{} asks clients for a certificate", case.host()))
        .detail("It went on without one. That is common on mail servers; a few senders stumble over the question.")
        .fix("client_certificate")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::handshake(e).client_certificate_requested = true,
    undetermined: |e| sample::tls(e).handshake = sample::failed(),
}
