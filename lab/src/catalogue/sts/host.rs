//! The policy host: where it is, its certificate, and how it answers (RFC 8461 section 3.3).

use super::{Domain, ENFORCED, Expect, Host, Place, domain, enforce, expect};
use crate::{
    pki::{Chain, Dates, Keys, Leaf, Naming},
    servers::{
        Service,
        https::Reply,
        tls::{Kind, Sni},
    },
};

/// Senders get no policy.
const NONE: Expect = expect(&["C"], &["sts.fetch"]);
/// Senders get one that they must not believe.
const UNTRUSTED: Expect = expect(&["C"], &["sts.certificate"]);

pub(super) fn list() -> Vec<Domain> {
    [useless_answers(), endless_answers(), usable_answers(), certificates(), places()].concat()
}

fn with(label: &'static str, summary: &'static str, expect: Expect, reply: Reply) -> Domain {
    domain(label, summary, expect, enforce(label).reply(reply))
}

fn useless_answers() -> Vec<Domain> {
    let none = |label, summary, reply| with(label, summary, NONE, reply);
    vec![
        none("sts-redirect", "The policy host redirects, which senders must not follow", Reply::Redirect)
            .demo(),
        none("sts-404", "The policy host answers 404", Reply::Status("404 Not Found")),
        none("sts-500", "The policy host answers 500", Reply::Status("500 Internal Server Error")),
        none("sts-206", "The policy host answers 206 Partial Content", Reply::Status("206 Partial Content")),
        none("sts-html", "The policy is served as text/html", Reply::Type("text/html; charset=utf-8")),
        none("sts-oversize", "The policy has more than 64 KiB", Reply::Oversize),
        none("sts-http09", "The policy comes without status and headers", Reply::Bare),
        none("sts-garbage", "The policy host's answer is no HTTP", Reply::Garbage),
        none("sts-truncated", "The answer ends before its announced length", Reply::Truncated),
        none("sts-gzip", "The policy is compressed, unasked", Reply::Gzip),
    ]
}

fn endless_answers() -> Vec<Domain> {
    let none = |label, summary, reply| with(label, summary, NONE, reply);
    // Who waits less than the minute that senders wait does not know what they get.
    let unknown = Expect { letters: &["C"], found: &[], may: &["sts.fetch"] };
    let slow = |label, summary, reply| with(label, summary, unknown, reply);
    vec![
        none("sts-endless", "The policy never ends", Reply::Endless),
        none("sts-endless-head", "The answer's headers never end", Reply::EndlessHead),
        slow("sts-slow", "The policy comes a byte a second", Reply::Drip),
        slow("sts-silent", "The policy host takes the request and says nothing", Reply::Silent),
    ]
}

fn usable_answers() -> Vec<Domain> {
    // Media type and charset are a SHOULD (RFC 8461 section 3.2).
    let doubtful = expect(&["A", "C"], &[]);
    vec![
        with("sts-no-type", "The policy is served without a media type", doubtful, Reply::Untyped),
        with(
            "sts-odd-charset",
            "The policy is served as UTF-16, which it is not",
            doubtful,
            Reply::Type("text/plain; charset=utf-16"),
        ),
        with(
            "sts-plain-type",
            "The media type is text/plain in odd spelling",
            ENFORCED,
            Reply::Type("Text/Plain ;charset=\"US-ASCII\""),
        ),
        with("sts-chunked", "The policy comes in chunks", ENFORCED, Reply::Chunked),
    ]
}

fn certificates() -> Vec<Domain> {
    let of = |label, summary, expect, leaf| domain(label, summary, expect, enforce(label).leaf(leaf));
    let bad = |label, summary, leaf| of(label, summary, UNTRUSTED, leaf);
    let leaf = Leaf::default();
    let chain = |chain| Leaf { chain, ..leaf };
    let naming = |naming| Leaf { naming, ..leaf };
    let dates = |dates| Leaf { dates, ..leaf };
    vec![
        bad("sts-cert-expired", "The policy host's certificate has expired", dates(Dates::Expired)),
        bad(
            "sts-cert-self-signed",
            "The policy host signed its certificate itself",
            chain(Chain::SelfSigned),
        ),
        bad(
            "sts-cert-name-mismatch",
            "The policy host's certificate names another host",
            naming(Naming::Other("www.elsewhere.test")),
        )
        .demo(),
        bad(
            "sts-cert-domain",
            "The policy host's certificate is that of the domain itself",
            naming(Naming::Parent),
        ),
        bad(
            "sts-cert-cn-only",
            "The policy host's certificate bears its name as common name only",
            naming(Naming::CommonName),
        ),
        bad("sts-cert-untrusted", "An unknown authority signed for the policy host", chain(Chain::Private)),
        bad(
            "sts-cert-incomplete",
            "The policy host sends no intermediate certificate",
            chain(Chain::LeafOnly),
        ),
        of(
            "sts-cert-expires-soon",
            "The policy host's certificate ends in 10 days",
            ENFORCED,
            dates(Dates::Near),
        ),
        of("sts-cert-wildcard", "The policy host has a wildcard", ENFORCED, naming(Naming::Wildcard)),
        of("sts-cert-rsa", "The policy host has an RSA key", ENFORCED, Leaf { keys: Keys::Rsa, ..leaf }),
    ]
}

fn places() -> Vec<Domain> {
    let at = |label, summary, place| domain(label, summary, NONE, enforce(label).place(place));
    vec![
        at("sts-no-https", "There is a record, but nothing listens at the policy host", Place::Closed),
        at("sts-no-host", "There is a record, but no policy host", Place::Nowhere),
        delegated(),
        half_dead(),
        choosing(),
        old(),
    ]
}

/// As RFC 8461 section 8.2 has it for providers.
fn delegated() -> Domain {
    let label = "sts-host-cname";
    let sts = enforce(label)
        .leaf(Leaf { naming: Naming::Other("mta-sts.sts-host-cname.lab.test"), ..Leaf::default() });
    let web = Host::new("web", vec![(443, Service::Policy(sts.policy.clone()))]);
    domain(label, "The policy host is an alias of a provider's", ENFORCED, sts.place(Place::Nowhere))
        .host(web)
        .record("mta-sts CNAME web")
}

fn half_dead() -> Domain {
    let label = "sts-host-half-dead";
    domain(label, "The policy host has two addresses, one of them dead", ENFORCED, enforce(label))
        .host(Host::new("spare", Vec::new()))
        .record("mta-sts A {spare}")
}

fn choosing() -> Domain {
    let label = "sts-host-sni";
    let mut sts = enforce(label);
    sts.policy.tls.sni = Sni::Chooses;
    domain(label, "The policy host has its certificate only for who names it", ENFORCED, sts)
}

fn old() -> Domain {
    let label = "sts-host-tls10";
    let mut sts = enforce(label).leaf(Leaf { keys: Keys::Rsa, ..Leaf::default() });
    sts.policy.tls.kind = Kind::ONLY10;
    domain(label, "The policy host knows TLS 1.0 only", NONE, sts)
}
