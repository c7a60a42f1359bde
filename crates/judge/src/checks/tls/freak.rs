//! Check [`tls.freak`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// RSA key exchange of export strength is accepted (FREAK).
    ///
    /// # Effect
    /// An attacker on the path talks clients with an old library down to an RSA key of 512
    /// bits, breaks it in hours, and reads and changes their mail.
    /// # Method
    /// An RSA_EXPORT suite was chosen, in any question of the scan.
    /// # Fix
    /// Exclude EXPORT and LOW.
    /// # Sources
    /// CVE-2015-0204 (FREAK); RFC 9325 section 4.1.
    "tls.freak", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let found = crate::suites::both_classes(case.tls()?, SuiteClass::Export, SuiteClass::RsaKeyExchange)?;
    if found.is_empty() {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::High,
        format!("{} accepts RSA keys of export strength (FREAK)", case.host()),
    )
    .detail(format!(
        "It chose {}. Clients from before 2015 can be talked down to it; 512 bits are broken in hours.",
        crate::suites::named(&found)
    ))
    .fix("ciphers")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::chosen(e, waxseal_model::tls::TlsVersion::Tls10, 0x0003),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Export),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn sslv2_and_anonymous_suites_of_export_strength_are_not_freak() {
        use waxseal_model::tls::TlsVersion::{Ssl2, Tls10};
        assert!(findings(CHECK.id, |e| sample::chosen(e, Ssl2, 0x02_0080)).is_empty());
        assert!(findings(CHECK.id, |e| sample::chosen(e, Tls10, 0x0017)).is_empty());
    }
}
