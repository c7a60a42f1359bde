//! Names that lead out of loopback, into networks where a scanner for strangers must not
//! go. They are not started unless asked for, and nothing of the lab is there.

use super::{Domain, Expect, Place, Sts, sts};
use crate::servers::smtp::Smtp;

pub(super) fn list() -> Vec<Domain> {
    [policy_hosts(), mail_hosts()].concat()
}

fn policy_hosts() -> Vec<Domain> {
    let at = |label: &'static str, summary, address| {
        let expect = Expect { letters: &["C"], found: &["sts.fetch"], may: &["smtp.unreachable"] };
        let text = sts::text("enforce", &[&format!("mx.{label}.lab.test")]);
        Domain::with_mx(label, summary, expect, Smtp::default())
            .sts(Sts::new(text).place(Place::At(address)))
            .outside()
    };
    vec![
        at("sts-host-private", "The policy host is at 10.0.0.1", "A 10.0.0.1"),
        at("sts-host-link-local", "The policy host is where clouds keep secrets", "A 169.254.169.254"),
        at("sts-host-mapped", "The same place as a mapped address", "AAAA ::ffff:169.254.169.254"),
    ]
}

fn mail_hosts() -> Vec<Domain> {
    let at = |label, summary, address: &str| {
        let expect = Expect { letters: &["-"], found: &[], may: &["smtp.unreachable"] };
        Domain::new(label, summary, expect).record(format!("mx {address}")).outside()
    };
    vec![
        at("mx-private", "The MX is in a private network", "A 192.168.0.1"),
        at("mx-cgnat", "The MX is in the addresses that providers share (100.64/10)", "A 100.64.0.1"),
        at("mx-link-local", "The MX is at an IPv4 link-local address", "A 169.254.169.254"),
        at("mx-this-network", "The MX is at 0.0.0.0", "A 0.0.0.0"),
        at("mx-broadcast", "The MX is at the broadcast address", "A 255.255.255.255"),
        at("mx-multicast", "The MX is at a multicast address", "A 224.0.0.1"),
        at("mx-mapped", "The MX is a private address, mapped into IPv6", "AAAA ::ffff:10.0.0.1"),
        at("mx-compatible", "The MX is loopback, IPv4-compatible in IPv6", "AAAA ::127.0.0.1"),
        at("mx-nat64", "The MX is a private address behind NAT64", "AAAA 64:ff9b::a00:1"),
        at("mx-nat64-local", "The MX is behind a local NAT64", "AAAA 64:ff9b:1::a00:1"),
        at("mx-6to4", "The MX is a private address in 6to4", "AAAA 2002:a00:1::1"),
        at("mx-teredo", "The MX is a private address in Teredo", "AAAA 2001:0:a00:1::f5ff:fffe"),
        at("mx-ula", "The MX is at a unique local address", "AAAA fd00::1"),
        at("mx-link-local-v6", "The MX is at an IPv6 link-local address", "AAAA fe80::1"),
    ]
}
