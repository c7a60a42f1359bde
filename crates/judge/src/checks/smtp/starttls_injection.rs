//! Check [`smtp.starttls_injection`](CHECK).

use waxseal_model::{TlsStart, audit::StarttlsInjection};

use crate::checks::prelude::*;

check! {
    /// A command sent in clear is carried out within TLS (STARTTLS injection).
    ///
    /// # Effect
    /// An attacker on the path puts commands before those of a client: the server takes both
    /// for the client's. So he sends mail in its name, or has its mail and password sent to
    /// himself, although the client's TLS is sound.
    /// # Method
    /// STARTTLS and a NOOP with a tag are sent in one packet. After the handshake a sound server
    /// waits; a vulnerable one answers the NOOP within TLS.
    /// # Fix
    /// Update the mail server, or the proxy that ends TLS in front of it.
    /// # Sources
    /// CVE-2011-0411; RFC 3207 section 4.2 (what came before TLS must be forgotten); Poddebniak
    /// and others, Why TLS Is Better Without STARTTLS (USENIX Security 2021).
    "smtp.starttls_injection", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    if case.endpoint()?.endpoint.tls == TlsStart::Implicit {
        return Err(Why::new(Cause::NotApplicable, "there is no STARTTLS here"));
    }
    let Some(StarttlsInjection::AnsweredWithinTls { reply }) =
        known_if_applicable(&case.audit()?.starttls_injection)?
    else {
        return CLEAR;
    };
    let title = format!("{} carries cleartext commands into TLS (STARTTLS injection)", case.host());
    case.finding(&CHECK, Severity::Critical, title)
        .detail(format!(
            "It answered \"{}\" within TLS to a command that was sent before it. {}",
            text::cut(reply, 80),
            case.by_usage(
                "An attacker on the path adds commands to a sender's session, and gets hold of its mail.",
                "An attacker on the path adds commands to a user's session, and gets hold of password and mail.",
            )
        ))
        .fix("starttls_injection")
        .found()
}

fixtures! {
    clear: |e| sample::audit(e).starttls_injection =
        Observed::seen(StarttlsInjection::Refused { reply: Some("503 5.5.0 pipelining".into()) }),
    found: |e| sample::audit(e).starttls_injection =
        Observed::seen(StarttlsInjection::AnsweredWithinTls { reply: "250 2.0.0 Ok".into() }),
    undetermined: |e| sample::audit(e).starttls_injection = sample::failed(),
}
