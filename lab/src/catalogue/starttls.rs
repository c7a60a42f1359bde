//! What goes wrong around STARTTLS.

use std::time::Duration;

use super::{Domain, Expect, Host, expect::expect};
use crate::servers::{
    Service,
    greeting::Greeting,
    smtp::{Auth, Ehlo, Smtp, StartTls},
};

pub(super) fn list() -> Vec<Domain> {
    vec![
        plaintext(),
        stripped(),
        refused(),
        one_bad_mx(),
        sometimes(),
        injecting(),
        auth_in_clear(),
        submission(),
        late_greeting(),
        split_greeting(),
        helo_only(),
        rate_limit(),
    ]
}

fn starttls(starttls: StartTls) -> Smtp {
    Smtp { starttls, ..Smtp::default() }
}

fn plaintext() -> Domain {
    Domain::with_mx(
        "plaintext",
        "The server does not offer STARTTLS at all",
        expect(&["F"], &["smtp.starttls_missing"]),
        starttls(StartTls::Absent),
    )
    .demo()
}

fn stripped() -> Domain {
    Domain::with_mx(
        "starttls-stripped",
        "A device on the path overwrites STARTTLS (XXXXXXXA)",
        expect(&["F"], &["smtp.starttls_stripped"]),
        starttls(StartTls::Overwritten),
    )
    .demo()
}

fn refused() -> Domain {
    Domain::with_mx(
        "starttls-454",
        "STARTTLS is offered, but answered with 454 (no certificate loaded)",
        Expect { letters: &["F"], found: &["smtp.starttls_refused"], may: &["smtp.back_off"] },
        starttls(StartTls::Refused("454 4.7.0 TLS not available due to local problem")),
    )
    .demo()
}

fn one_bad_mx() -> Domain {
    let server = |label, smtp| Host::new(label, vec![(25, Service::Smtp(smtp))]);
    Domain::new(
        "one-bad-mx",
        "The first MX is sound, the second knows no STARTTLS",
        expect(&["F"], &["smtp.starttls_missing"]),
    )
    .demo()
    .mx(&["@ MX 10 mx1", "@ MX 20 mx2"])
    .host(server("mx1", Smtp::default()))
    .host(server("mx2", starttls(StartTls::Absent)))
}

fn sometimes() -> Domain {
    Domain::with_mx(
        "starttls-sometimes",
        "STARTTLS is offered on every second connection only",
        Expect {
            letters: &["D", "F"],
            found: &["smtp.starttls_intermittent"],
            may: &["smtp.starttls_missing", "smtp.starttls_refused"],
        },
        starttls(StartTls::Sometimes),
    )
}

fn injecting() -> Domain {
    Domain::with_mx(
        "plaintext-after-220",
        "More plaintext follows the 220 to STARTTLS: someone may inject replies",
        Expect { letters: &["F"], found: &["smtp.plaintext_after_220"], may: &["tls.handshake"] },
        starttls(StartTls::Injecting("250-mx.plaintext-after-220.lab.test\r\n250 AUTH PLAIN")),
    )
}

fn auth_in_clear() -> Domain {
    let smtp = Smtp { auth: Auth::Everywhere, ..Smtp::default() };
    Domain::new(
        "auth-in-clear",
        "Passwords are asked for before TLS",
        expect(&["C"], &["smtp.auth_in_clear"]),
    )
    .host(Host::new("mx", vec![(25, Service::Smtp(smtp.clone())), (587, Service::Smtp(smtp))]))
}

fn submission() -> Domain {
    let smtp = Smtp { auth: Auth::WithinTls, ..Smtp::default() };
    let services = vec![
        (25, Service::Smtp(Smtp::default())),
        (465, Service::ImplicitTls(smtp.clone())),
        (587, Service::Smtp(smtp)),
    ];
    Domain::new(
        "submission",
        "One host for everything: 25, submission with STARTTLS on 587, implicit TLS on 465",
        expect(&["C"], &[]),
    )
    .host(Host::new("mx", services))
}

fn late_greeting() -> Domain {
    let smtp = Smtp { greeting: Greeting::Late(Duration::from_secs(1)), ..Smtp::default() };
    Domain::with_mx("late-greeting", "The server greets after a second", expect(&["C"], &[]), smtp)
}

fn split_greeting() -> Domain {
    let smtp = Smtp { greeting: Greeting::InSingleBytes, ..Smtp::default() };
    Domain::with_mx(
        "split-greeting",
        "A greeting of three lines comes byte by byte",
        expect(&["C"], &[]),
        smtp,
    )
}

fn helo_only() -> Domain {
    let smtp = Smtp { ehlo: Ehlo::Unknown, ..Smtp::default() };
    Domain::with_mx(
        "helo-only",
        "The server knows HELO, not EHLO, so it can offer nothing",
        Expect { letters: &["F"], found: &["smtp.ehlo_refused"], may: &["smtp.starttls_missing"] },
        smtp,
    )
}

fn rate_limit() -> Domain {
    let smtp = Smtp { busy_every: Some(4), ..Smtp::default() };
    Domain::with_mx(
        "rate-limit",
        "Every fourth connection is turned away with 421",
        Expect { letters: &["C"], found: &["smtp.back_off"], may: &[] },
        smtp,
    )
}
