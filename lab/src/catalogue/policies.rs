//! Sound servers, with policies published right and wrong.

use super::{Domain, Expect, Host};
use crate::{
    dns::spec::{Fault, Trouble, With},
    pki::{Keys, Leaf},
    servers::{Service, smtp::Smtp, tls::Tls},
    tlsa::{Of, Tlsa},
};

pub(super) fn list() -> Vec<Domain> {
    vec![broken_tlsa(), sts_mismatch(), sts_testing(), sts_servfail()]
}

/// Sound TLS with both kinds of key.
fn sound() -> Smtp {
    Smtp {
        tls: Tls { leaf: Leaf { keys: Keys::Both, ..Leaf::default() }, ..Tls::default() },
        ..Smtp::default()
    }
}

fn mx(tlsa: &[Tlsa]) -> Host {
    Host::new("mx", vec![(25, Service::Smtp(sound()))]).tlsa(tlsa)
}

const fn expect(letters: &'static [&'static str], found: &'static [&'static str]) -> Expect {
    Expect { letters, found, may: &[] }
}

fn policy(mode: &str, mx: &str) -> Option<String> {
    Some(format!("version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n"))
}

/// The one with nothing wrong.
pub(super) fn healthy() -> Domain {
    Domain {
        policy: policy("enforce", "mx.healthy.lab.test"),
        ..Domain::new(
            "healthy",
            "Everything as it should be: TLS 1.3, DANE, MTA-STS, TLS reports",
            expect(&["A+"], &[]),
        )
    }
    .demo()
    .host(mx(&[Tlsa::usual()]))
    .record("_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls-reports@healthy.lab.test\"")
}

fn broken_tlsa() -> Domain {
    Domain::new(
        "broken-tlsa",
        "DANE: the TLSA record is that of another key",
        expect(&["X"], &["dane.mismatch"]),
    )
    .demo()
    .host(mx(&[Tlsa::new(3, 1, 1, Of::OtherKey(0))]))
}

fn sts_mismatch() -> Domain {
    Domain {
        policy: policy("enforce", "mail.elsewhere.test"),
        ..Domain::new(
            "sts-mismatch",
            "MTA-STS: the policy allows another server than the MX",
            expect(&["X"], &["sts.mx"]),
        )
    }
    .demo()
    .host(mx(&[]))
}

fn sts_testing() -> Domain {
    Domain {
        policy: policy("testing", "mx.sts-testing.lab.test"),
        ..Domain::new("sts-testing", "MTA-STS: the policy is in mode testing", expect(&["B"], &["sts.mode"]))
    }
    .demo()
    .host(mx(&[]))
    .record("_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls-reports@sts-testing.lab.test\"")
}

fn sts_servfail() -> Domain {
    let fault = Fault { trouble: Trouble::ServFail, with: With::Label("_mta-sts") };
    Domain {
        policy: policy("enforce", "mx.sts-servfail.lab.test"),
        ..Domain::new(
            "sts-servfail",
            "MTA-STS: questions for the TXT record get SERVFAIL",
            expect(&["C", "-"], &["sts.record"]),
        )
    }
    .host(mx(&[]))
    .fault(fault)
}
