//! Servers that are slow, mute, endless, or something else than SMTP.

use super::{Domain, Expect, Host};
use crate::servers::{
    Service,
    greeting::Greeting,
    raw::Raw,
    smtp::{Ehlo, Smtp},
};

pub(super) fn list() -> Vec<Domain> {
    let unreachable = expect(&["smtp.unreachable"], &[]);
    // A server that says too little is not known to be bad: no grade, and the reason why.
    let undetermined = expect(&[], &["smtp.back_off", "smtp.slow_greeting", "smtp.unreachable"]);
    let busy = expect(&["smtp.back_off"], &["smtp.unreachable"]);
    let not_smtp = expect(&["smtp.not_smtp"], &["smtp.unreachable"]);
    let endless = expect(&[], &["smtp.not_smtp", "smtp.unreachable"]);
    let greeting = |greeting| Smtp { greeting, ..Smtp::default() };
    let ehlo = |ehlo| Smtp { ehlo, ..Smtp::default() };
    vec![
        Domain::with_mx(
            "tarpit",
            "The server greets with a byte a second",
            undetermined,
            greeting(Greeting::Tarpit),
        )
        .demo(),
        Domain::with_mx(
            "greeting-421",
            "The server greets with 421 and closes",
            busy,
            greeting(Greeting::Refusal("421 4.3.2 Service not available, closing transmission channel")),
        ),
        Domain::with_mx(
            "greeting-554",
            "The server greets with 554: it takes no mail from us",
            expect(&[], &["smtp.unreachable", "smtp.not_smtp"]),
            greeting(Greeting::Refusal("554 5.7.1 No mail is taken here")),
        ),
        Domain::with_mx("ehlo-421", "EHLO gets 421", busy, ehlo(Ehlo::Busy)),
        Domain::with_mx(
            "ehlo-drop",
            "The connection is closed after EHLO",
            undetermined,
            ehlo(Ehlo::Dropped),
        ),
        raw("silent", "The server never says anything", undetermined, Raw::Silent),
        raw("endless-greeting", "The greeting has no last line", endless, Raw::EndlessGreeting),
        raw("endless-bytes", "Bytes without a line end, for ever", endless, Raw::EndlessBytes),
        raw(
            "imap",
            "An IMAP server at port 25",
            not_smtp,
            Raw::Banner(b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
        ),
        raw("ssh", "An SSH server at port 25", not_smtp, Raw::Banner(b"SSH-2.0-OpenSSH_9.2p1 lab\r\n")),
        raw(
            "http",
            "A web server at port 25",
            not_smtp,
            Raw::Banner(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        ),
        dead_address(),
        Domain::new("closed-port", "Nothing listens at the MX", unreachable)
            .host(Host::new("mx", Vec::new())),
    ]
}

const fn expect(found: &'static [&'static str], may: &'static [&'static str]) -> Expect {
    Expect { letters: &["-"], found, may }
}

fn dead_address() -> Domain {
    let expect = Expect { letters: &["C"], found: &["smtp.unreachable"], may: &[] };
    Domain::new("dead-address", "The MX has two addresses, and nothing listens at one", expect)
        .host(Host::new("mx", vec![(25, Service::Smtp(Smtp::default()))]))
        .host(Host::new("spare", Vec::new()))
        .record("mx A {spare}")
}

fn raw(label: &'static str, summary: &'static str, expect: Expect, raw: Raw) -> Domain {
    Domain::new(label, summary, expect).host(Host::new("mx", vec![(25, Service::Raw(raw))]))
}
