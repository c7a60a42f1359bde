//! Check [`smtp.wrong_mode`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::{TlsStart, smtp::WrongMode};

check! {
    /// The server starts TLS in the other way than the one that was tried.
    ///
    /// # Effect
    /// Programs that are set to the wrong way report "wrong version number" or wait for ever.
    /// # Method
    /// A connection for STARTTLS gets silence or a TLS alert; one for implicit TLS gets a
    /// greeting in clear.
    /// # Fix
    /// 465 is implicit TLS ("SSL/TLS" in mail programs); 25, 587 and 2525 are STARTTLS.
    /// # Sources
    /// RFC 8314 sections 3.3 and 7.3; RFC 3207.
    "smtp.wrong_mode", Conversation, judge
}

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    let endpoint = &case.endpoint()?.endpoint;
    let (host, port) = (case.host(), endpoint.port);
    let Some(mode) = smtp.wrong_mode else {
        return if case.tls()?.handshake.is_seen() {
            CLEAR
        } else {
            known(&smtp.greeting).map(|_| Vec::new())
        };
    };
    // What the port is by its definition decides who erred: the server or the question.
    let by_definition = if port == 465 { TlsStart::Implicit } else { TlsStart::Starttls };
    let asked_rightly = endpoint.tls == by_definition;
    let severity = if asked_rightly { Severity::High } else { Severity::Info };
    let (title, detail) = match mode {
        WrongMode::SpeaksImplicitTls => (
            format!("{host}:{port} speaks TLS from the first byte, not STARTTLS"),
            if asked_rightly {
                "Senders wait for a greeting that never comes: no mail can be delivered here.".to_owned()
            } else {
                format!("Port {port} is that by its definition (RFC 8314). Test it without --starttls.")
            },
        ),
        WrongMode::SpeaksPlaintextFirst => (
            format!("{host}:{port} greets in clear, it does not begin with TLS"),
            if asked_rightly {
                "Mail programs set to \"SSL/TLS\" fail with \"wrong version number\" or \"packet length too \
                 long\"."
                    .to_owned()
            } else {
                format!("Port {port} is STARTTLS by its definition (RFC 3207). Test it without --implicit.")
            },
        ),
    };
    case.finding(&CHECK, severity, title).detail(detail).fix("wrong_mode").found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).wrong_mode = Some(WrongMode::SpeaksImplicitTls),
    undetermined: |e| {
        sample::tls(e).handshake = sample::failed();
        sample::smtp(e).greeting = sample::failed();
    },
}
