//! Check [`tls.handshake`](CHECK).

use crate::checks::prelude::*;

check! {
    /// TLS is offered, and no handshake succeeds.
    ///
    /// # Effect
    /// Opportunistic senders try again in clear or keep the mail; senders that require TLS
    /// do not deliver.
    /// # Method
    /// A full handshake by a TLS library, and hellos of every version from TLS 1.0 to 1.3:
    /// all are refused. A handshake that merely got no answer is undetermined.
    /// # Fix
    /// See the server's log: the key does not fit the certificate, cannot be read, or the
    /// TLS library is broken.
    /// # Sources
    /// RFC 8446 section 6 and RFC 5246 section 7.2 (alerts); RFC 7435 section 3.
    "tls.handshake", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let cause = match state::protection(case.endpoint()?) {
        state::Protection::Broken(cause) => cause,
        state::Protection::Unknown(why) | state::Protection::Unreached(why) => return Err(why),
        state::Protection::Encrypted(_) | state::Protection::Plaintext(_) => return CLEAR,
    };
    case.finding(
        &CHECK,
        Severity::Critical,
        format!("TLS on {} is broken: no handshake succeeds", case.host()),
    )
    .detail(format!(
        "{}. {}",
        text::sentence(&cause),
        case.by_usage(
            "Senders fall back to cleartext, or keep the mail if they insist on TLS.",
            "Mail programs cannot connect, or go on without TLS.",
        )
    ))
    .fix("handshake")
    .weight(5)
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::only_version(e, waxseal_model::tls::TlsVersion::Ssl2);
        sample::version(e, waxseal_model::tls::TlsVersion::Ssl2, false);
    },
    undetermined: |e| *sample::tls(e) = waxseal_model::tls::TlsEvidence {
        handshake: sample::failed(),
        ..Default::default()
    },
}
