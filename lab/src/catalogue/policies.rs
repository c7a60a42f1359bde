//! Sound servers, with policies published right and wrong.

use super::{Domain, Expect, Host, Mark};
use crate::{
    pki::{Keys, Leaf},
    servers::{Service, smtp::Smtp, tls::Tls},
};

pub(super) fn list() -> Vec<Domain> {
    vec![broken_tlsa(), sts_mismatch(), sts_testing()]
}

/// Sound TLS with both kinds of key.
fn sound() -> Smtp {
    Smtp {
        tls: Tls { leaf: Leaf { keys: Keys::Both, ..Leaf::default() }, ..Tls::default() },
        ..Smtp::default()
    }
}

fn mx(tlsa: Mark) -> Host {
    Host::new("mx", vec![(25, Service::Smtp(sound()))]).tlsa(tlsa)
}

const SOUND: Expect = Expect { letters: &["C"], found: &[], may: &[] };

fn policy(mode: &str, mx: &str) -> Option<String> {
    Some(format!("version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n"))
}

/// The one with nothing wrong.
pub(super) fn healthy() -> Domain {
    Domain {
        policy: policy("enforce", "mx.healthy.lab.test"),
        ..Domain::new("healthy", "Everything as it should be: TLS 1.3, DANE, MTA-STS, TLS reports", SOUND)
    }
    .demo()
    .host(mx(Mark::Matching))
    .record("_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls-reports@healthy.lab.test\"")
}

fn broken_tlsa() -> Domain {
    Domain::new("broken-tlsa", "DANE: the TLSA record is that of another key", SOUND)
        .demo()
        .host(mx(Mark::Mismatching))
}

fn sts_mismatch() -> Domain {
    Domain {
        policy: policy("enforce", "mail.elsewhere.test"),
        ..Domain::new("sts-mismatch", "MTA-STS: the policy allows another server than the MX", SOUND)
    }
    .demo()
    .host(mx(Mark::None))
}

fn sts_testing() -> Domain {
    Domain {
        policy: policy("testing", "mx.sts-testing.lab.test"),
        ..Domain::new("sts-testing", "MTA-STS: the policy is in mode testing", SOUND)
    }
    .demo()
    .host(mx(Mark::None))
    .record("_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls-reports@sts-testing.lab.test\"")
}
