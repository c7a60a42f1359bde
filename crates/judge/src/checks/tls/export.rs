//! Check [`tls.export`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// Export-grade suites are accepted (FREAK, Logjam).
    ///
    /// # Effect
    /// 40 to 56 bits are broken in minutes; an attacker can force them on some old clients.
    /// # Method
    /// A hello that offers only EXPORT suites is accepted.
    /// # Fix
    /// Exclude EXPORT and LOW.
    /// # Sources
    /// CVE-2015-0204 (FREAK); CVE-2015-4000 (Logjam); RFC 9325 section 4.1.
    "tls.export", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Export)? else { return CLEAR };
    let severity = Severity::High;
    case.finding(&CHECK, severity, format!("{} accepts export-grade suites", case.host()))
        .detail(format!(
            "{}. Their keys were weakened by law in the 1990s and are broken in minutes today.",
            super::proof(&fact)
        ))
        .fix("ciphers")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Export),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Export),
}
