//! Check [`tls.sslv2`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// SSLv2 is accepted.
    ///
    /// # Effect
    /// SSLv2 is broken by design, and it endangers all servers that share its RSA key, also
    /// their TLS 1.2 (DROWN).
    /// # Method
    /// An SSLv2 hello is answered by an SSLv2 hello.
    /// # Fix
    /// Accept TLS 1.2 and 1.3 only; on port 25 look at the log first.
    /// # Sources
    /// RFC 6176; CVE-2016-0800 (DROWN).
    "tls.sslv2", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if !state::accepts(case.tls()?, TlsVersion::Ssl2)? {
        return CLEAR;
    }
    let severity = Severity::High;
    case.finding(&CHECK, severity, format!("{} accepts SSLv2", case.host()))
        .detail(
            "Whoever records TLS sessions of any server with the same key can decipher them with its help (DROWN).",
        )
        .fix("protocols")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::version(e, TlsVersion::Ssl2, true),
    undetermined: |e| sample::version_unknown(e, TlsVersion::Ssl2),
}
