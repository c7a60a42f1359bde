//! Check [`dane.insecure_mx`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server has secure TLSA records, and the domain's MX record is not secure.
    ///
    /// # Effect
    /// Whoever can forge the MX answer leads the mail to a server of his own: the TLSA records
    /// of the right one are never asked for.
    /// # Method
    /// The DNSSEC status of the MX answer beside that of the TLSA records.
    /// # Fix
    /// Sign the domain's zone, not only that of its mail server.
    /// # Sources
    /// RFC 7672 section 2.2.1.
    "dane.insecure_mx", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    super::secure(case)?;
    if domain.mx_answer.status != DnssecStatus::Insecure {
        return CLEAR;
    }
    let host = case.host();
    let title = format!("{host} has DANE, and the MX record of {} can be forged", domain.name);
    case.finding(&CHECK, Severity::Medium, title)
        .detail(
            "The zone of the domain is not signed: whoever can forge its MX record leads the mail to another server, \
             and the TLSA records of this one are never asked for.",
        )
        .fix("dane_insecure_mx")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).mx_answer.status = DnssecStatus::Insecure,
    undetermined: |e| sample::facts(e).dane = sample::failed(),
}
