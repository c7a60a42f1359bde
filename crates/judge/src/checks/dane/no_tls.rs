//! Check [`dane.no_tls`](CHECK).

use crate::checks::prelude::*;
use crate::state::Protection;

check! {
    /// Secure TLSA records promise TLS, and the server has none.
    ///
    /// # Effect
    /// Senders that use DANE do not deliver, whatever the records say.
    /// # Method
    /// Secure TLSA records beside a server without STARTTLS, or whose handshakes all fail.
    /// # Fix
    /// Switch STARTTLS on; until then take the TLSA records away.
    /// # Sources
    /// RFC 7672 section 2.2.
    "dane.no_tls", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    super::secure(case)?;
    let why = match state::protection(case.endpoint()?) {
        Protection::Plaintext(why) | Protection::Broken(why) => why,
        Protection::Unreached(why) | Protection::Unknown(why) => return Err(why),
        Protection::Encrypted(_) => return CLEAR,
    };
    let host = case.host();
    case.finding(&CHECK, Severity::Critical, format!("{host} has TLSA records and no TLS"))
        .detail(format!(
            "{}. Senders that use DANE do not deliver in clear: the mail waits.",
            text::sentence(&why)
        ))
        .fix("starttls")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::plaintext_only(e),
    undetermined: |e| sample::smtp(e).connected = {
        sample::facts(e).tls = waxseal_model::tls::TlsEvidence::default();
        sample::failed()
    },
}
