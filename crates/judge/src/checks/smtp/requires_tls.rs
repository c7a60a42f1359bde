//! Check [`smtp.requires_tls`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A public MX refuses mail without TLS.
    ///
    /// # Effect
    /// Senders without TLS cannot deliver. Nothing is gained against an attacker, who
    /// answers in the server's place.
    /// # Method
    /// `MAIL FROM` in clear is answered with 530, where the scan got that far in clear.
    /// # Fix
    /// Accept mail in clear on port 25, and publish MTA-STS and DANE.
    /// # Sources
    /// RFC 3207 section 4: a publicly referenced server must not require STARTTLS.
    "smtp.requires_tls", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let reply = known(&case.smtp()?.mail_in_clear)?;
    if reply.code != 530 || case.usage() == waxseal_model::Usage::Submission {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Medium, format!("{} refuses mail without TLS", case.host()))
        .detail(format!(
            "It answers MAIL FROM in clear with \"{}\". Senders without TLS cannot deliver. It is a choice that \
             some make, and RFC 3207 forbids it to a public MX.",
            state::short_reply(reply)
        ))
        .fix("require_tls")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).mail_in_clear =
        Observed::seen(sample::reply(530, "5.7.0 Must issue a STARTTLS command first")),
    undetermined: |e| sample::smtp(e).mail_in_clear = sample::failed(),
}
