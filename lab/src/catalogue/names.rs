//! What goes wrong in DNS.

use super::{Domain, Expect, Host, expect::expect};
use crate::{
    dns::spec::{Fault, Signing, Trouble},
    servers::{Service, smtp::Smtp},
};

pub(super) fn list() -> Vec<Domain> {
    let sound = expect(&["C"], &[]);
    let none = expect(&["-"], &[]);
    let bogus = expect(&["X"], &["dns.bogus"]);
    vec![
        Domain {
            signing: Signing::Corrupt,
            ..shown("bogus", "The zone's DNSSEC signatures are broken", bogus)
        }
        .demo(),
        Domain::new(
            "null-mx",
            "The domain says that it takes no mail (0 .)",
            expect(&["-"], &["dns.null_mx"]),
        )
        .mx(&["@ MX 0 ."])
        .demo(),
        shown("expired-signatures", "The zone's DNSSEC signatures have expired", bogus)
            .signing(Signing::Expired),
        shown("wrong-ds", "The parent's DS record is that of another key", bogus).signing(Signing::WrongDs),
        shown("unsigned", "The zone is not signed", sound).signing(Signing::Unsigned),
        shown("nsec3", "The zone is signed with NSEC3", sound).signing(Signing::Nsec3),
        shown(
            "ed25519",
            "The zone is signed with Ed25519, which not every validator knows",
            expect(&["C", "-"], &[]),
        )
        .signing(Signing::Ed25519),
        shown("servfail", "The name servers answer SERVFAIL", none).fault(Fault::all(Trouble::ServFail)),
        shown("dns-silent", "The name servers do not answer", none).fault(Fault::all(Trouble::Silence)),
        shown(
            "mx-cname",
            "The MX is an alias, and the certificate does not bear the alias",
            expect(&["D"], &["certificate.name_mismatch", "dns.mx_is_cname"]),
        )
        .mx(&["@ MX 10 alias"])
        .record("alias CNAME mx"),
        shown("mx-address", "The MX is an IP address", expect(&["-", "X"], &["dns.mx_is_ip_literal"]))
            .mx(&["@ MX 10 {mx}."]),
        implicit(),
        Domain::new("dangling-mx", "The MX does not exist", expect(&["X"], &["dns.mx_dangling"]))
            .mx(&["@ MX 10 gone"]),
        Domain::new(
            "mx-loop",
            "The MX is an alias of itself",
            Expect {
                may: &["dns.mx_dangling", "dns.mx_is_cname", "dns.resolver_failure", "smtp.unreachable"],
                ..expect(&["-", "X"], &[])
            },
        )
        .mx(&["@ MX 10 loop"])
        .record("loop CNAME loop"),
        large(),
        idn(),
        ipv6(),
    ]
}

fn server(label: &'static str) -> Host {
    Host::new(label, vec![(25, Service::Smtp(Smtp::default()))])
}

fn shown(label: &'static str, summary: &'static str, expect: Expect) -> Domain {
    Domain::new(label, summary, expect).host(server("mx"))
}

fn implicit() -> Domain {
    Domain::new(
        "implicit-mx",
        "No MX: the domain's own address takes the mail",
        expect(&["C"], &["dns.implicit_mx"]),
    )
    .mx(&[])
    .host(server(""))
}

/// The TXT records take more than 4096 bytes, so every answer with them goes over TCP.
fn large() -> Domain {
    let filler = "x".repeat(200);
    (0..30).fold(
        shown("large-answers", "Its TXT records do not fit into a UDP answer", expect(&["C"], &[])),
        |domain, n| domain.record(format!("@ TXT \"filler {n} {filler}\"")),
    )
}

fn idn() -> Domain {
    Domain {
        unicode: Some("bücher"),
        ..shown("xn--bcher-kva", "A domain with a letter beyond ASCII", expect(&["C"], &[]))
    }
}

fn ipv6() -> Domain {
    Domain::new("ipv6", "The MX has an IPv6 address only", expect(&["C"], &[])).host(server("mx").v6())
}
