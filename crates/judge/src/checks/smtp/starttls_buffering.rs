//! Check [`smtp.starttls_buffering`](CHECK).

use waxseal_model::{TlsStart, audit::StarttlsInjection};

use crate::checks::prelude::*;

check! {
    /// A command sent along with STARTTLS is answered in clear.
    ///
    /// # Effect
    /// The server reads on after STARTTLS instead of beginning TLS. Its answer stands where
    /// the handshake should be: a careful client breaks off, a careless one takes the clear
    /// answer for one from within TLS.
    /// # Method
    /// STARTTLS and a NOOP with a tag are sent in one packet; the NOOP is answered before any
    /// TLS.
    /// # Fix
    /// Update the mail server, or the proxy that ends TLS in front of it.
    /// # Sources
    /// RFC 3207 section 4 (STARTTLS is the last command of a group); CVE-2021-38371; Poddebniak
    /// and others, Why TLS Is Better Without STARTTLS (USENIX Security 2021).
    "smtp.starttls_buffering", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    if case.endpoint()?.endpoint.tls == TlsStart::Implicit {
        return Err(Why::new(Cause::NotApplicable, "there is no STARTTLS here"));
    }
    let Some(StarttlsInjection::AnsweredInClear { reply }) =
        known_if_applicable(&case.audit()?.starttls_injection)?
    else {
        return CLEAR;
    };
    let title = format!("{} answers in clear what came along with STARTTLS", case.host());
    case.finding(&CHECK, Severity::Low, title)
        .detail(format!(
            "It answered \"{}\" after its 220, and no TLS came about. Nothing from before TLS gets into it, so that it \
             is no injection; but clients that do not look closely can be confused.",
            text::cut(reply, 80)
        ))
        .fix("starttls_injection")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).starttls_injection =
        Observed::seen(StarttlsInjection::AnsweredInClear { reply: "250 2.0.0 Ok".into() }),
    undetermined: |e| sample::audit(e).starttls_injection = sample::failed(),
}
