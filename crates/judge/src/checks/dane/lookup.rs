//! Check [`dane.lookup`](CHECK).

use crate::checks::prelude::*;
use crate::dane::{self, DaneState, FailureKind};

check! {
    /// The question for TLSA records is answered by an error, or by a forged answer.
    ///
    /// # Effect
    /// Senders that use DANE must not take that for "no records": they do not deliver until
    /// an answer verifies. An attacker could otherwise suppress the records.
    /// # Method
    /// The answer for TLSA at `_25._tcp.HOST`: SERVFAIL and other errors, no answer, a
    /// signature that does not verify.
    /// # Fix
    /// Name servers that answer every type of question, in a zone whose signatures verify.
    /// # Sources
    /// RFC 7672 sections 2.1.1 to 2.1.3.
    "dane.lookup", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    known(&case.facts()?.dane)?;
    let DaneState::LookupFailed(failure) = dane::state(case.facts()?, case.now) else { return CLEAR };
    let host = case.host();
    let (severity, confidence, title) = match failure.kind {
        FailureKind::Bogus => {
            let title = format!("The TLSA records of {host} do not verify (DNSSEC bogus)");
            (Severity::Critical, Confidence::High, title)
        }
        FailureKind::ServerError => {
            let title = format!("The question for TLSA records of {host} ends in an error");
            (Severity::High, Confidence::Medium, title)
        }
        FailureKind::NoAnswer => {
            return Err(Why::new(
                Cause::Timeout,
                format!("the TLSA records of {host} could not be looked up: {}", failure.text),
            ));
        }
    };
    case.finding(&CHECK, severity, title)
        .detail(format!(
            "{}. Senders that use DANE do not deliver while that is so; the mail waits in their queues.",
            text::sentence(&failure.text)
        ))
        .confidence(confidence)
        .fix(if failure.kind == FailureKind::Bogus { "dnssec" } else { "dane_lookup" })
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::dane(e).status = DnssecStatus::Indeterminate;
        sample::dane(e).outcome = DnsOutcome::ServerError;
        sample::dane(e).reason = "the name server answers SERVFAIL".into();
    },
    undetermined: |e| {
        sample::dane(e).status = DnssecStatus::Indeterminate;
        sample::dane(e).outcome = DnsOutcome::Timeout;
    },
}
