//! Check [`tls.session_resumption`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::{audit::Tickets, tls::TlsVersion};

check! {
    /// No session can be resumed.
    ///
    /// # Effect
    /// Every connection costs a full handshake; busy senders and the server spend more
    /// time. Nothing is less safe for it.
    /// # Method
    /// Sessions up to TLS 1.2 are resumed by their id and by ticket, and it is noted whether
    /// tickets of TLS 1.3 come.
    /// # Fix
    /// Nothing; a session cache helps busy servers.
    /// # Sources
    /// RFC 5246 section F.1.4; RFC 5077; RFC 8446 section 2.2.
    "tls.session_resumption", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let audit = case.audit()?;
    let by_id = known_if_applicable(&audit.resumption_by_id);
    let by_ticket = known_if_applicable(&audit.resumption_by_ticket);
    let tickets = known_if_applicable(&audit.tickets);
    let resumed = |answer: &Result<Option<&bool>, Why>| matches!(answer, Ok(Some(true)));
    let of_tls13 = |t: &Tickets| t.version == TlsVersion::Tls13 && t.count > 0;
    if resumed(&by_id) || resumed(&by_ticket) || matches!(&tickets, Ok(Some(Some(t))) if of_tls13(t)) {
        return CLEAR;
    }
    if (by_id?, by_ticket?, tickets?) == (None, None, None) {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Info, format!("{} resumes no sessions", case.host()))
        .detail(
            "Neither session ids nor tickets lead to a shorter handshake. That costs time on busy servers, and is as \
             safe as can be.",
        )
        .found()
}

fixtures! {
    clear: |e| sample::audit(e).resumption_by_id = Observed::seen(false),
    found: |e| {
        sample::audit(e).resumption_by_id = Observed::seen(false);
        sample::audit(e).resumption_by_ticket = Observed::seen(false);
        sample::audit(e).tickets = Observed::seen(None);
    },
    undetermined: |e| {
        sample::audit(e).resumption_by_id = Observed::seen(false);
        sample::audit(e).resumption_by_ticket = Observed::seen(false);
        sample::audit(e).tickets = sample::failed();
    },
}
