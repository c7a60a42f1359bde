//! DANE for SMTP (RFC 7672): TLSA records right, wrong, unprovable and out of reach.
//!
//! A domain is a host's certificate, the records about it ([`Tlsa`]), and what is special
//! about the zone: its [`Signing`], its [`Fault`], or hosts in a zone beside it.

use domain::base::iana::Rtype;

use super::{Domain, Expect, Host, expect::expect};
use crate::{
    dns::spec::{Fault, Signing, Trouble, With},
    pki::{Chain, Dates, Keys, Leaf, Naming},
    servers::{
        Service,
        smtp::{Smtp, StartTls},
        tls::{Sni, Tls},
    },
    tlsa::{Of, Tlsa},
};

pub(super) fn list() -> Vec<Domain> {
    [kinds(), certificates(), unusable(), rollovers(), answers(), servers(), aliases(), several()].concat()
}

const USUAL: Tlsa = Tlsa::usual();
const STALE: Tlsa = Tlsa::new(3, 1, 1, Of::OtherKey(0));
/// The usual record where the authority is named instead of the key.
const AUTHORITY: Tlsa = Tlsa::new(2, 1, 1, Of::Issuer);

const VALID: Expect = expect(&["A"], &[]);
const MISMATCH: Expect = expect(&["X"], &["dane.mismatch"]);

/// With checks of the certificate that DANE makes nothing of, but which are true.
const fn besides(expect: Expect, may: &'static [&'static str]) -> Expect {
    Expect { may, ..expect }
}

fn smtp(leaf: Leaf) -> Smtp {
    Smtp { tls: Tls { leaf, ..Tls::default() }, ..Smtp::default() }
}

fn server(label: &'static str, leaf: Leaf, tlsa: &[Tlsa]) -> Host {
    Host::new(label, vec![(25, Service::Smtp(smtp(leaf)))]).tlsa(tlsa)
}

fn shown(label: &'static str, summary: &'static str, expect: Expect, leaf: Leaf, tlsa: &[Tlsa]) -> Domain {
    Domain::new(label, summary, expect).host(server("mx", leaf, tlsa))
}

/// Every usage, selector and matching type that is fine, each alone.
fn kinds() -> Vec<Domain> {
    let of = |label, summary, tlsa| shown(label, summary, VALID, Leaf::default(), &[tlsa]);
    let doubtful = expect(&["A"], &["dane.records"]);
    let doubted = |label, summary, tlsa| shown(label, summary, doubtful, Leaf::default(), &[tlsa]);
    vec![
        shown("dane-only", "DANE and no MTA-STS", VALID, Leaf::default(), &[USUAL]).demo(),
        of("dane-3-1-1", "DANE-EE: SHA-256 of the server's key", USUAL),
        of("dane-3-0-1", "DANE-EE: SHA-256 of the server's certificate", Tlsa::new(3, 0, 1, Of::Leaf)),
        doubted("dane-3-1-2", "DANE-EE: only SHA-512 of the server's key", Tlsa::new(3, 1, 2, Of::Leaf)),
        doubted("dane-3-1-0", "DANE-EE: the server's whole key", Tlsa::new(3, 1, 0, Of::Leaf)),
        doubted("dane-3-0-0", "DANE-EE: the server's whole certificate", Tlsa::new(3, 0, 0, Of::Leaf)),
        of("dane-2-0-1", "DANE-TA: SHA-256 of the issuer's certificate", Tlsa::new(2, 0, 1, Of::Issuer)),
        doubted("dane-2-1-1", "DANE-TA: SHA-256 of the issuer's key", AUTHORITY),
        doubted("dane-2-1-2", "DANE-TA: only SHA-512 of the issuer's key", Tlsa::new(2, 1, 2, Of::Issuer)),
    ]
}

/// What DANE makes of certificates that nobody else would trust.
fn certificates() -> Vec<Domain> {
    let leaf = Leaf::default();
    let (expired, wrong) = (
        Leaf { dates: Dates::Expired, ..leaf },
        Leaf { naming: Naming::Other("www.elsewhere.test"), ..leaf },
    );
    const WRONG: &[&str] = &["certificate.name_mismatch"];
    const OLD: &[&str] = &["certificate.expired"];
    let old_but_fine = besides(expect(&["A"], &["dane.expired"]), OLD);
    let private = besides(VALID, &["certificate.untrusted", "certificate.missing_intermediate"]);
    let own = Leaf { chain: Chain::SelfSigned, ..leaf };
    let root = [Tlsa::new(2, 1, 1, Of::Root)];
    let with_root = Leaf { chain: Chain::WithRoot, ..leaf };
    let next_hop = Leaf { naming: Naming::Parent, ..leaf };
    vec![
        shown("dane-ee-expired", "DANE-EE: the certificate has expired", old_but_fine, expired, &[USUAL]),
        shown(
            "dane-ee-self-signed",
            "DANE-EE: the certificate is signed with its own key",
            besides(VALID, &["certificate.self_signed"]),
            own,
            &[USUAL],
        ),
        shown(
            "dane-ee-wrong-name",
            "DANE-EE: the certificate names another host",
            besides(VALID, WRONG),
            wrong,
            &[USUAL],
        ),
        shown(
            "dane-ta-expired",
            "DANE-TA: expired certificate",
            besides(MISMATCH, OLD),
            expired,
            &[AUTHORITY],
        ),
        shown("dane-ta-wrong-name", "DANE-TA: wrong name", besides(MISMATCH, WRONG), wrong, &[AUTHORITY]),
        shown(
            "dane-ta-next-hop",
            "DANE-TA: the certificate names the domain, not the MX",
            besides(VALID, WRONG),
            next_hop,
            &[AUTHORITY],
        ),
        shown(
            "dane-ta-private",
            "DANE-TA: an authority of the domain's own",
            private,
            Leaf { chain: Chain::Private, ..leaf },
            &[AUTHORITY],
        ),
        shown("dane-ta-not-in-chain", "DANE-TA: names the root, which is not sent", MISMATCH, leaf, &root),
        shown("dane-ta-root-in-chain", "DANE-TA: names the root, which is sent", VALID, with_root, &root),
    ]
}

/// Records that are there but say nothing to a sender (RFC 7672 section 3.1.3).
fn unusable() -> Vec<Domain> {
    let expect = expect(&["C"], &["dane.unusable"]);
    let of = |label, summary, tlsa: &[Tlsa]| shown(label, summary, expect, Leaf::default(), tlsa);
    let digest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    vec![
        of("dane-pkix-ta-only", "PKIX-TA, which SMTP does not use", &[Tlsa::new(0, 1, 1, Of::Issuer)]),
        of("dane-pkix-ee-only", "PKIX-EE, which SMTP does not use", &[Tlsa::new(1, 1, 1, Of::Leaf)]),
        of(
            "dane-unusable-only",
            "TLSA records of unknown kinds and with digests of a wrong length",
            &[
                Tlsa::new(3, 7, 1, Of::Digits(digest)),
                Tlsa::new(3, 1, 9, Of::Digits(digest)),
                Tlsa::new(9, 1, 1, Of::Digits(digest)),
                Tlsa::new(3, 1, 1, Of::Digits("0011223344")),
                Tlsa::new(3, 1, 2, Of::Digits(digest)),
            ],
        ),
        shown(
            "dane-not-a-key",
            "A whole key is published that is none",
            // Whether that is unusable or matches nothing, is left to senders.
            self::expect(&["C", "X"], &[]),
            Leaf::default(),
            &[Tlsa::new(3, 1, 0, Of::Digits("3003020101"))],
        ),
        shown(
            "dane-some-unusable",
            "A record that matches among some that are unusable",
            self::expect(&["A"], &["dane.unusable"]),
            Leaf::default(),
            &[USUAL, Tlsa::new(1, 1, 1, Of::Leaf), Tlsa::new(3, 1, 1, Of::Digits("00"))],
        ),
    ]
}

/// Several records at once.
fn rollovers() -> Vec<Domain> {
    let leaf = Leaf::default();
    let both = Leaf { keys: Keys::Both, ..leaf };
    let near = Leaf { dates: Dates::Near, ..leaf };
    let next = Tlsa::new(3, 1, 1, Of::NextKey);
    let stale: Vec<Tlsa> = (1..=12).map(|n| Tlsa::new(3, 1, 1, Of::OtherKey(n))).collect();
    vec![
        shown("broken-tlsa", "DANE: the TLSA record is that of another key", MISMATCH, both, &[STALE]).demo(),
        shown("dane-one-matches", "The old key's record still stands", VALID, leaf, &[USUAL, STALE]),
        shown(
            "dane-rollover",
            "Records of the key and of the next one, kept for an hour",
            VALID,
            leaf,
            &[USUAL.ttl(3600), next.ttl(3600)],
        ),
        shown(
            "dane-lone",
            "One record, and its certificate ends in 10 days",
            expect(&["A"], &["certificate.expires_soon", "dane.rollover"]),
            near,
            &[USUAL],
        ),
        shown(
            "dane-stale-kind",
            "The key's record matches, the certificate's is stale",
            expect(&["A"], &["dane.records"]),
            leaf,
            &[USUAL, Tlsa::new(3, 0, 1, Of::OtherKey(0))],
        ),
        shown(
            "dane-sha512-mismatch",
            "SHA-256 matches, the stronger SHA-512 does not",
            MISMATCH,
            leaf,
            &[USUAL, Tlsa::new(3, 1, 2, Of::OtherKey(0))],
        ),
        shown(
            "dane-rsa-only-record",
            "RSA and ECDSA certificates, a record for RSA only",
            expect(&["B", "X"], &["dane.mismatch"]),
            both,
            &[Tlsa::new(3, 1, 1, Of::RsaLeaf)],
        ),
        shown(
            "dane-many-records",
            "Thirteen records, one of which matches",
            VALID,
            leaf,
            &[&stale[..], &[USUAL]].concat(),
        ),
    ]
}

/// Names and answers that prove more or less.
fn answers() -> Vec<Domain> {
    let of = |label, summary, expect| shown(label, summary, expect, Leaf::default(), &[USUAL]);
    let tlsa = |trouble| Fault { trouble, with: With::Type(Rtype::TLSA) };
    let unproved = besides(expect(&["X"], &["dane.lookup"]), &["dns.bogus", "dns.resolver_failure"]);
    // An answer that never comes may be our own network's fault.
    let unanswered = Expect { letters: &["C"], found: &[], may: &[] };
    let bogus = besides(expect(&["X"], &[]), &["dns.bogus", "dns.resolver_failure", "smtp.unreachable"]);
    vec![
        of("dane-bogus", "The TLSA record's signature is broken", unproved)
            .signing(Signing::CorruptOnly(Rtype::TLSA))
            .demo(),
        of("dane-bogus-address", "The signature of the MX host's address is broken", bogus)
            .signing(Signing::CorruptOnly(Rtype::A)),
        of("dane-servfail", "Questions for TLSA get SERVFAIL", unproved).fault(tlsa(Trouble::ServFail)),
        of("dane-silent", "Questions for TLSA get no answer", unanswered).fault(tlsa(Trouble::Silence)),
        of("dane-unsigned", "TLSA records in a zone without DNSSEC", expect(&["C"], &["dane.unsigned"]))
            .signing(Signing::Unsigned),
        // Senders need not ask for TLSA there at all (RFC 7672 section 2.2.2).
        of("dane-unsigned-servfail", "No DNSSEC, and questions for TLSA get SERVFAIL", expect(&["C"], &[]))
            .signing(Signing::Unsigned)
            .fault(tlsa(Trouble::ServFail)),
        of("dane-nsec3", "DANE in a zone with NSEC3", VALID).signing(Signing::Nsec3),
        Domain::new(
            "dane-insecure-mx",
            "The domain is unsigned, its MX host has DANE",
            expect(&["B"], &["dane.insecure_mx"]),
        )
        .signing(Signing::Unsigned)
        .with_aside(Signing::Nsec)
        .mx(&["@ MX 10 mx.dane-insecure-mx-hosts.lab.test."])
        .host(server("mx", Leaf::default(), &[USUAL]).aside()),
        Domain::new(
            "dane-insecure-host",
            "The domain is signed, the zone of its MX host is not",
            Expect { letters: &["C"], found: &[], may: &[] },
        )
        .with_aside(Signing::Unsigned)
        .mx(&["@ MX 10 mx.dane-insecure-host-hosts.lab.test."])
        .host(server("mx", Leaf::default(), &[USUAL]).aside()),
    ]
}

/// What the server does with its part of it.
fn servers() -> Vec<Domain> {
    let clear = Smtp { starttls: StartTls::Absent, ..Smtp::default() };
    let choosing = Smtp { tls: Tls { sni: Sni::Chooses, ..Tls::default() }, ..Smtp::default() };
    let server = |smtp| Host::new("mx", vec![(25, Service::Smtp(smtp))]).tlsa(&[USUAL]);
    vec![
        Domain::new(
            "dane-no-starttls",
            "TLSA records are published, STARTTLS is not offered",
            expect(&["F", "X"], &["smtp.starttls_missing"]),
        )
        .host(server(clear)),
        Domain::new("dane-sni", "The right certificate only for clients that name the host", VALID)
            .host(server(choosing)),
    ]
}

/// Aliases on the way to the server or to the record (RFC 7672 section 2.2.3).
fn aliases() -> Vec<Domain> {
    let expect = besides(
        expect(&["A"], &["dns.mx_is_cname"]),
        &["certificate.name_mismatch", "certificate.self_signed"],
    );
    let aliased = |label, summary, target, host| {
        let alias = Domain::new(label, summary, expect).mx(&["@ MX 10 alias"]);
        alias.record(format!("alias CNAME {target}")).host(host)
    };
    let choosing = Smtp { tls: Tls { sni: Sni::Chooses, ..Tls::default() }, ..Smtp::default() };
    let original = USUAL.owner("_25._tcp.alias");
    let leaf = Leaf::default();
    vec![
        aliased(
            "dane-cname-host",
            "The MX is an alias of a host that has DANE",
            "mx.dane-cname-host-hosts.lab.test.",
            Host::new("mx", vec![(25, Service::Smtp(choosing))]).tlsa(&[USUAL]).aside(),
        )
        .with_aside(Signing::Nsec),
        aliased(
            "dane-cname-original",
            "The MX is an alias, and the TLSA record is at the alias",
            "mx",
            server("mx", leaf, &[original]),
        ),
        aliased(
            "dane-cname-both",
            "The MX is an alias: a sound record at its target, a stale one at the alias",
            "mx",
            server("mx", leaf, &[USUAL, STALE.owner("_25._tcp.alias")]),
        ),
        aliased(
            "dane-cname-insecure",
            "The MX is an alias into an unsigned zone, the record is at the alias",
            "mx.dane-cname-insecure-hosts.lab.test.",
            server("mx", leaf, &[original]).aside(),
        )
        .with_aside(Signing::Unsigned),
        Domain::new("dane-tlsa-cname", "The TLSA name is an alias of another TLSA set", VALID)
            .record("_25._tcp.mx CNAME _dane")
            .host(server("mx", leaf, &[USUAL.owner("_dane")])),
    ]
}

/// Several servers or addresses.
fn several() -> Vec<Domain> {
    let leaf = Leaf::default();
    let partial = expect(&["B"], &["dane.coverage"]);
    let two = |label, summary, expect, second: &[Tlsa]| {
        let mx = ["@ MX 10 mx1", "@ MX 20 mx2"];
        let first = server("mx1", leaf, &[USUAL]);
        Domain::new(label, summary, expect).mx(&mx).host(first).host(server("mx2", leaf, second))
    };
    let namesake = Leaf { naming: Naming::Other("mx.dane-one-address.lab.test"), ..leaf };
    vec![
        two("dane-both", "Two MX, both with DANE", VALID, &[USUAL]),
        two("dane-one-of-two", "Two MX, the second without TLSA records", partial, &[]),
        two(
            "dane-one-mx-mismatch",
            "Two MX, the second does not match its TLSA record",
            expect(&["B"], &["dane.mismatch"]),
            &[STALE],
        ),
        Domain::new(
            "dane-one-address",
            "An MX with two addresses, with another key at the second",
            expect(&["B", "X"], &["dane.mismatch"]),
        )
        .host(server("mx", leaf, &[USUAL]))
        .host(server("spare", namesake, &[]))
        .record("mx A {spare}"),
    ]
}
