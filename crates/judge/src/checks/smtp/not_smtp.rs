//! Check [`smtp.not_smtp`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The service on this port is not a mail server.
    ///
    /// # Effect
    /// Senders cannot deliver here.
    /// # Method
    /// The first bytes are compared with what other services say (IMAP, POP3, SSH, HTTP).
    /// # Fix
    /// Correct the address or port, or let a mail server listen there.
    /// # Sources
    /// RFC 5321 section 3.1: a server opens with a 220 greeting.
    "smtp.not_smtp", Conversation, judge
}

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    let Some(what) = &smtp.not_smtp else {
        return known(&smtp.greeting).map(|_| Vec::new());
    };
    let port = case.endpoint()?.endpoint.port;
    case.finding(&CHECK, Severity::High, format!("Port {port} of {} is no mail server", case.host()))
        .detail(format!("The service looks like {what}. Senders that connect here cannot deliver."))
        .fix("not_smtp")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).not_smtp = Some("an SSH server".into()),
    undetermined: |e| sample::smtp(e).greeting = sample::failed(),
}
