//! Check [`tls.poodle`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::{SuiteClass, TlsVersion};

check! {
    /// SSLv3 is accepted with CBC suites (POODLE).
    ///
    /// # Effect
    /// Who can make a client repeat a secret and force it down to SSLv3 learns the secret byte
    /// by byte. In mail only a program that logs in again and again offers that.
    /// # Method
    /// A hello of SSLv3 is answered with a CBC suite, seen in any question of the scan.
    /// # Fix
    /// Accept TLS 1.2 and 1.3 only; on port 25 look at the log first.
    /// # Sources
    /// CVE-2014-3566 (POODLE); RFC 7568.
    "tls.poodle", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let found = crate::suites::class_in(case.tls()?, SuiteClass::Cbc, &[TlsVersion::Ssl3])?;
    if found.is_empty() {
        return CLEAR;
    }
    let severity = case.by_usage(Severity::Low, Severity::Medium);
    case.finding(&CHECK, severity, format!("{} accepts CBC suites in SSLv3 (POODLE)", case.host()))
        .detail(format!(
            "It chose {}. SSLv3 does not check the padding, so that repeated secrets can be guessed byte by byte; \
             {}.",
            crate::suites::named(&found),
            case.by_usage(
                "between mail servers nothing repeats in that way",
                "a mail program that logs in often can be made to repeat its password"
            )
        ))
        .fix("protocols")
        .found()
}

#[cfg(test)]
fn cbc_in_sslv3() -> waxseal_model::tls::NegotiatedSuite {
    let suite = waxseal_wire::tls::suites::suite(0x002f);
    waxseal_model::tls::NegotiatedSuite { version: TlsVersion::Ssl3, suite }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).suites_seen.push(cbc_in_sslv3()),
    undetermined: |e| sample::version(e, TlsVersion::Ssl3, true),
}
