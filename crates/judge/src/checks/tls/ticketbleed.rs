//! Check [`tls.ticketbleed`](CHECK).

use crate::checks::prelude::*;

check! {
    /// Session ids come back longer than they were sent (Ticketbleed).
    ///
    /// # Effect
    /// Each resumption gives away up to 31 bytes of the server's memory.
    /// # Method
    /// A session is resumed by ticket with a session id one byte shorter than usual; a
    /// vulnerable server returns one byte that was never sent. More is not asked for.
    /// # Fix
    /// Update the F5 BIG-IP in front of the server, or switch its session tickets off.
    /// # Sources
    /// CVE-2016-9244; RFC 5077 section 3.4 (the id is to be returned as it was sent).
    "tls.ticketbleed", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let beyond = match known_if_applicable(&case.audit()?.ticketbleed)? {
        None | Some(0) => return CLEAR,
        Some(beyond) => beyond,
    };
    case.finding(&CHECK, Severity::High, format!("{} gives away its memory (Ticketbleed)", case.host()))
        .detail(format!(
            "A session id came back longer by {beyond}, with memory that was never sent. Repeated questions collect \
             keys of other sessions. Only F5 BIG-IP is known to do that."
        ))
        .fix("ticketbleed")
        .weight(5)
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).ticketbleed = Observed::seen(1),
    undetermined: |e| sample::audit(e).ticketbleed = sample::failed(),
}
