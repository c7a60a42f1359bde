//! Check [`tls.tls13`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// TLS 1.3 is not offered.
    ///
    /// # Effect
    /// None today: TLS 1.2 with ECDHE is sound. TLS 1.3 hides the certificate, is faster,
    /// and is needed for post-quantum key exchange.
    /// # Method
    /// A hello with TLS 1.3 as its newest version is answered with an older one.
    /// # Fix
    /// Update the TLS library.
    /// # Sources
    /// RFC 9846 (TLS 1.3); RFC 9325 section 3.1.1.
    "tls.tls13", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if state::accepts(case.tls()?, TlsVersion::Tls13)? {
        return CLEAR;
    }
    super::some_version(case)?;
    case.finding(&CHECK, Severity::Info, format!("{} does not offer TLS 1.3", case.host()))
        .detail("TLS 1.2 is sound while its suites are. The next update of the TLS library brings TLS 1.3.")
        .fix("tls13")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::only_version(e, TlsVersion::Tls12),
    undetermined: |e| {
        sample::only_version(e, TlsVersion::Tls12);
        sample::version_unknown(e, TlsVersion::Tls13);
    },
}
