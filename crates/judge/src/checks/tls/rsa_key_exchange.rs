//! Check [`tls.rsa_key_exchange`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// RSA key exchange is accepted (no forward secrecy).
    ///
    /// # Effect
    /// Who obtains the server's key later can read recorded mail of senders that use it;
    /// padding oracles (ROBOT) live here.
    /// # Method
    /// A hello that offers only suites with RSA key exchange is accepted.
    /// # Fix
    /// Offer ECDHE only, once the log shows that nobody needs RSA key exchange.
    /// # Sources
    /// RFC 10015 (TLS 1.2 must not use it); RFC 9325 section 4.1; CVE-2017-13099 (ROBOT).
    "tls.rsa_key_exchange", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::RsaKeyExchange)? else { return CLEAR };
    let severity = case.by_usage(Severity::Low, Severity::Medium);
    case.finding(&CHECK, severity, format!("{} accepts RSA key exchange", case.host()))
        .detail(format!(
            "{}. Such sessions have no forward secrecy: a key stolen later opens recordings. Senders with ECDHE are not affected.",
            super::proof(&fact)
        ))
        .fix("key_exchange")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::RsaKeyExchange),
    undetermined: |e| sample::class_unknown(e, SuiteClass::RsaKeyExchange),
}
