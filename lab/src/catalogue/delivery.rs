//! What senders meet after TLS: recipients that are refused, extensions that are missing, and
//! the blocklists that they are looked up on.

use super::{
    Domain,
    expect::{expect, unprotected},
};
use crate::{
    dns::spec::{Fault, Trouble},
    servers::smtp::Smtp,
};

pub(super) fn list() -> Vec<Domain> {
    [recipients(), blocklists()].concat()
}

fn recipients() -> Vec<Domain> {
    let of = |label, summary, reply| {
        let smtp = Smtp { recipient: Some(reply), ..Smtp::default() };
        Domain::with_mx(label, summary, unprotected(&[]), smtp)
    };
    vec![
        of("rcpt-unknown", "No recipient exists", "550 5.1.1 User unknown in virtual mailbox table"),
        of("rcpt-full", "Every mailbox is full", "452 4.2.2 The mailbox is full"),
        of(
            "rcpt-greylisted",
            "Every sender is to come back later",
            "451 4.7.1 Greylisted, please try again in 300 seconds",
        ),
        of("rcpt-relay", "The server does not know its own domain", "554 5.7.1 Relay access denied"),
        Domain::with_mx(
            "no-smtputf8",
            "The server does not take addresses beyond ASCII",
            unprotected(&[]),
            Smtp { without: Some("SMTPUTF8"), ..Smtp::default() },
        ),
    ]
}

/// RFC 5782. The addresses 192.0.2.7 and 2001:db8::7 are listed.
fn blocklists() -> Vec<Domain> {
    let none = expect(&["X"], &["dns.no_mail_host"]);
    let zone = |label, summary, lines: &[&str]| {
        let domain = Domain::new(label, summary, none).mx(&[]);
        lines.iter().fold(domain, |domain, line| domain.record(*line))
    };
    let v6 = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    let (v6_code, v6_test) = (format!("{v6} A 127.0.0.4"), "2.0.0.127 A 127.0.0.2");
    vec![
        zone(
            "bl-live",
            "A blocklist that is alive",
            &[
                v6_test,
                "7.2.0.192 A 127.0.0.2",
                "7.2.0.192 TXT \"seen sending spam, see https://bl-live.lab.test/192.0.2.7\"",
                &v6_code,
            ],
        ),
        zone(
            "dbl-live",
            "A blocklist of domains that is alive",
            &["test A 127.0.1.2", "spf-good.lab.test A 127.0.1.4"],
        ),
        zone("bl-empty", "A blocklist that was emptied when it was closed", &["@ TXT \"closed\""]),
        zone(
            "bl-all",
            "A blocklist that lists everybody since it was closed",
            &["1.0.0.127 A 127.0.0.2", v6_test, "7.2.0.192 A 127.0.0.2", "8.2.0.192 A 127.0.0.2"],
        ),
        zone(
            "bl-refused",
            "A blocklist that does not serve public resolvers",
            &["1.0.0.127 A 127.255.255.254", "2.0.0.127 A 127.255.255.254", "7.2.0.192 A 127.255.255.254"],
        ),
        Domain {
            expect: expect(&["-"], &[]),
            ..zone("bl-down", "A blocklist whose name servers fail", &[]).fault(Fault::all(Trouble::ServFail))
        },
    ]
}
