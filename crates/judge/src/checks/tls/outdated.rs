//! Check [`tls.outdated`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// The newest version that the server knows is TLS 1.1 or older.
    ///
    /// # Effect
    /// Current senders refuse such versions: they fall back to cleartext or do not deliver.
    /// # Method
    /// Hellos for TLS 1.3 and 1.2 are refused, an older one is accepted.
    /// # Fix
    /// Update the TLS library or the appliance, and accept TLS 1.2 and 1.3.
    /// # Sources
    /// RFC 8996; RFC 9325 section 3.1.1.
    "tls.outdated", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(best) = state::best_version(case.tls()?)? else { return CLEAR };
    if best >= TlsVersion::Tls12 {
        return CLEAR;
    }
    let title = format!("{} knows nothing newer than {}", case.host(), best.label());
    case.finding(&CHECK, Severity::High, title)
        .detail(
            "TLS 1.2 is from 2008, and current mail servers have switched off what is older: they deliver in \
             clear or not at all. MTA-STS and DANE senders refuse.",
        )
        .fix("outdated")
        .weight(5)
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::only_version(e, TlsVersion::Tls10),
    undetermined: |e| {
        sample::only_version(e, TlsVersion::Tls10);
        sample::version_unknown(e, TlsVersion::Tls12);
    },
}
