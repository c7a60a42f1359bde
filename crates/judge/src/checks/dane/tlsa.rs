//! Check [`dane.tlsa`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsMode;

check! {
    /// No TLSA records (DANE) authenticate the server.
    ///
    /// # Effect
    /// Senders that use DANE treat the server like any other: unless MTA-STS protects the
    /// domain, whoever sits on the path can strip the TLS.
    /// # Method
    /// The TLSA records of `_25._tcp.HOST`, of the end of its aliases first.
    /// # Fix
    /// Sign the zone and publish `3 1 1` records; publish the next key's before using it.
    /// # Sources
    /// RFC 7672 section 2.2; RFC 7671; RFC 6698.
    "dane.tlsa", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    if known(&case.facts()?.dane)?.is_some() {
        return CLEAR;
    }
    let host = case.host();
    let enforced =
        case.domain.and_then(|d| d.policies.sts.get()?.as_ref()).is_some_and(|p| p.mode == StsMode::Enforce);
    let (severity, more) = if enforced {
        (
            Severity::Info,
            "MTA-STS protects mail from senders that know it; DANE would protect it from the others too.",
        )
    } else {
        (Severity::Low, "Senders that use DANE cannot authenticate it; they deliver as to any other server.")
    };
    case.finding(&CHECK, severity, format!("{host} has no TLSA records (DANE)"))
        .detail(more)
        .fix("dane")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::facts(e).dane = Observed::seen(None),
    undetermined: |e| sample::facts(e).dane = Observed::default(),
}
