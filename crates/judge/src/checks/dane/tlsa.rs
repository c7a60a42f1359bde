//! Check [`dane.tlsa`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::DaneFacts;

check! {
    /// No TLSA records authenticate the server, or they do not fit it.
    ///
    /// # Effect
    /// Without them, DANE senders treat the server like any other. Records that do not match
    /// keep DANE senders (Exchange Online, Postfix, many providers) from delivering at all.
    /// # Method
    /// The TLSA records of `_25._tcp.HOST`, their DNSSEC status, and the presented chain.
    /// Until they are looked up the verdict is undetermined.
    /// # Fix
    /// Sign the zone and publish `3 1 1` records; publish the next key's before using it.
    /// # Sources
    /// RFC 7672; RFC 7671; RFC 6698.
    "dane.tlsa", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    let host = case.host();
    let Some(dane) = known(&case.facts()?.dane)? else {
        return case
            .finding(&CHECK, Severity::Low, format!("{host} has no TLSA records (DANE)"))
            .detail("Senders that use DANE cannot authenticate it; they deliver as to any other server.")
            .fix("dane")
            .found();
    };
    match (dane.status, dane.matches) {
        (DnssecStatus::Secure, Some(true)) => CLEAR,
        (DnssecStatus::Secure, Some(false)) => mismatch(case, dane, &host),
        (DnssecStatus::Secure, None) => {
            Err(Why::new(Cause::Prerequisite, "no chain was presented to compare the TLSA records with"))
        }
        (DnssecStatus::Indeterminate, _) => {
            Err(Why::new(Cause::Resolver, format!("the DNSSEC status of {} is indeterminate", dane.name)))
        }
        (DnssecStatus::Bogus, _) => case
            .finding(
                &CHECK,
                Severity::Critical,
                format!("The TLSA records of {host} do not verify (DNSSEC bogus)"),
            )
            .detail(
                "Senders that use DANE must not deliver while they are so; the mail waits in their queues.",
            )
            .fix("dnssec")
            .found(),
        (DnssecStatus::Insecure, _) => case
            .finding(&CHECK, Severity::Medium, format!("The TLSA records of {host} are not signed"))
            .detail("TLSA records count only in a zone signed with DNSSEC: senders ignore these.")
            .fix("dane")
            .found(),
    }
}

fn mismatch(case: &Case, dane: &DaneFacts, host: &str) -> Outcome {
    case.finding(&CHECK, Severity::Critical, format!("The TLSA records of {host} do not match its certificate"))
        .detail(format!(
            "{} names {}; the server presents another key. Senders that use DANE refuse to deliver, and return the \
             mail after some days.",
            dane.name,
            text::short_list(&dane.records, 2)
        ))
        .fix("dane_mismatch")
        .weight(8)
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::facts(e).dane = Observed::seen(None),
    undetermined: |e| sample::facts(e).dane = Observed::default(),
}
