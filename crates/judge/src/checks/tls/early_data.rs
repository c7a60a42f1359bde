//! Check [`tls.early_data`](CHECK).

use crate::checks::prelude::*;

check! {
    /// Tickets allow early data (0-RTT).
    ///
    /// # Effect
    /// What a client sends early can be recorded and sent to the server again by anyone: the
    /// same commands, perhaps the same message, twice. And it lacks forward secrecy.
    /// # Method
    /// A session ticket of TLS 1.3 says how many bytes of early data it allows. None is sent.
    /// # Fix
    /// Switch early data off: SMTP has no rules for its use, and mail servers gain nothing.
    /// # Sources
    /// RFC 8446 section 8 and appendix E.5 (only with a profile for the application).
    "tls.early_data", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let bytes = match known_if_applicable(&case.audit()?.early_data)? {
        None | Some(0) => return CLEAR,
        Some(bytes) => bytes,
    };
    let severity = case.by_usage(Severity::Low, Severity::Medium);
    case.finding(&CHECK, severity, format!("{} allows early data (0-RTT)", case.host()))
        .detail(format!(
            "Its tickets allow {bytes} bytes. Early data can be played back by anyone who recorded it, and RFC 8446 \
             forbids it to protocols without rules for that; SMTP has none."
        ))
        .fix("early_data")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).early_data = Observed::seen(16_384),
    undetermined: |e| sample::audit(e).early_data = sample::failed(),
}
