//! The questions, and the differences from unbound that are meant.

use waxseal_model::dns::DnsOutcome::{self, NoData, NxDomain, Records, Unusable};
use waxseal_model::dns::DnssecStatus::{self, Bogus, Indeterminate, Insecure, Secure};

/// One question.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rtype: &'static str,
    /// How our lookup must end.
    pub(crate) outcome: DnsOutcome,
    /// What our reason must contain.
    pub(crate) says: &'static str,
}

const fn case(name: &'static str, rtype: &'static str, outcome: DnsOutcome, says: &'static str) -> Case {
    Case { name, rtype, outcome, says }
}

pub(crate) const CASES: &[Case] = &[
    // Secure zones of every algorithm, answers and denials.
    case(".", "NS", Records, "root"),
    case("test.", "SOA", Records, "zone test"),
    case("test.", "DS", Records, "root"),
    case("_25._tcp.mx.ecdsa.test.", "TLSA", Records, "zone ecdsa.test"),
    case("ecdsa.test.", "MX", Records, ""),
    case("ecdsa.test.", "DNSKEY", Records, ""),
    case("ecdsa.test.", "DS", Records, "zone test"),
    case("ECDSA.Test", "NS", Records, ""),
    case("www.ecdsa.test.", "AAAA", NoData, ""),
    case("nothing.ecdsa.test.", "A", NxDomain, ""),
    case("a.b.c.ecdsa.test.", "A", Records, ""),
    case("b.c.ecdsa.test.", "A", NoData, ""),
    case("c.ecdsa.test.", "A", NoData, ""),
    case("x.c.ecdsa.test.", "A", NxDomain, ""),
    case("www.ecdsa.test.", "DS", NoData, ""),
    case("_25._tcp.mx.nsec3.test.", "TLSA", Records, "zone nsec3.test"),
    case("nsec3.test.", "CAA", NoData, ""),
    case("www.nsec3.test.", "AAAA", NoData, ""),
    case("nothing.nsec3.test.", "A", NxDomain, ""),
    case("b.c.nsec3.test.", "A", NoData, ""),
    case("x.y.z.nsec3.test.", "A", NxDomain, ""),
    case("_25._tcp.mx.rsa.test.", "TLSA", Records, ""),
    case("nothing.rsa.test.", "A", NxDomain, ""),
    case("_25._tcp.mx.rsa512.test.", "TLSA", Records, ""),
    case("_25._tcp.mx.sha1.test.", "TLSA", Records, ""),
    case("nothing.sha1.test.", "A", NxDomain, ""),
    case("_25._tcp.mx.p384.test.", "TLSA", Records, ""),
    case("nothing.p384.test.", "A", NxDomain, ""),
    case("www.p384.test.", "AAAA", NoData, ""),
    case("_25._tcp.mx.ed25519.test.", "TLSA", Records, ""),
    case("nothing.ed25519.test.", "A", NxDomain, ""),
    case("www.ed25519.test.", "AAAA", NoData, ""),
    case(
        "_25._tcp.mx.ed448.test.",
        "TLSA",
        Records,
        "zone ed448.test is signed only with algorithm 16 (ED448)",
    ),
    case("nothing.ed448.test.", "A", NxDomain, "16 (ED448)"),
    case("www.below.ed448.test.", "A", Records, "zone ed448.test"),
    // Broken zones.
    case(
        "www.badsig.test.",
        "A",
        Records,
        "signature of zone badsig.test over www.badsig.test A does not verify",
    ),
    case("www.badsig.test.", "TXT", Records, ""),
    case("www.nosig.test.", "A", Records, "signature over www.nosig.test A is missing"),
    case("www.nosig.test.", "TXT", Records, ""),
    case("www.nodnskey.test.", "A", Records, "zone nodnskey.test has no DNSKEY record"),
    case("www.dsmismatch.test.", "A", Records, "no DNSKEY of zone dsmismatch.test matches the DS"),
    case("nothing.dsmismatch.test.", "A", NxDomain, "dsmismatch.test"),
    case("www.expired.test.", "A", Records, "expired on 2020-02-01 00:00 UTC"),
    case("nothing.expired.test.", "A", NxDomain, "expired on 2020-02-01"),
    case("www.future.test.", "A", Records, "valid only from 2037-01-01"),
    case("nothing.baddenial.test.", "A", NxDomain, "over baddenial.test NSEC does not verify"),
    case("www.baddenial.test.", "MX", NoData, "over www.baddenial.test NSEC does not verify"),
    // Insecure delegations.
    case("www.plain.test.", "A", Records, "zone plain.test has no DS record, as its parent test proves"),
    case("nothing.plain.test.", "A", NxDomain, "plain.test"),
    case("plain.test.", "DS", NoData, "zone test"),
    case("www.plain.n3.test.", "A", Records, "n3.test proves"),
    case("nothing.plain.n3.test.", "A", NxDomain, ""),
    case("www.signed.n3.test.", "A", Records, "zone signed.n3.test"),
    case("www.plain.opt.test.", "A", Records, "opt-out"),
    case("www.plain.opt.test.", "MX", NoData, "opt-out"),
    case("www.signed.opt.test.", "A", Records, "zone signed.opt.test"),
    case("www.opt.test.", "A", Records, ""),
    case("www.opt.test.", "MX", NoData, ""),
    case("nothing.opt.test.", "A", NxDomain, "opt-out"),
    case("plain.opt.test.", "DS", NoData, "opt-out"),
    case("www.island.test.", "A", Records, "zone island.test has no DS record"),
    case("nothing.island.test.", "A", NxDomain, "island.test"),
    case("www.gost.test.", "A", Records, "12 (ECC-GOST)"),
    case("www.digest.test.", "A", Records, "digest type 3"),
    case("www.unknown.test.", "A", Records, "algorithm 200"),
    case("www.deep.er.test.", "A", Records, "zone deep.er.test"),
    case("er.test.", "A", NoData, "zone test"),
    // Wildcards.
    case("_25._tcp.mx.wild.test.", "TLSA", Records, ""),
    case("_465._tcp.mx.wild.test.", "TLSA", Records, ""),
    case("_25._tcp.mx.wild.test.", "MX", NoData, ""),
    case("any.wild.test.", "TXT", Records, ""),
    case("any.thing.wild.test.", "TXT", Records, ""),
    case("any.wild.test.", "MX", NoData, ""),
    case("any.deep.wild.test.", "TXT", NxDomain, ""),
    case("_25._tcp.mx.wild3.test.", "TLSA", Records, ""),
    case("_25._tcp.mx.wild3.test.", "MX", NoData, ""),
    case("any.wild3.test.", "TXT", Records, ""),
    case("any.wild3.test.", "MX", NoData, ""),
    case("any.deep.wild3.test.", "TXT", NxDomain, ""),
    // Aliases.
    case("tlsa.alias.test.", "TLSA", Records, "signed by zone alias.test, signed by zone ecdsa.test;"),
    case("n3.alias.test.", "TLSA", Records, ""),
    case("plain.alias.test.", "A", Records, "plain.test"),
    case("broken.alias.test.", "A", Records, "badsig.test"),
    case("dangling.alias.test.", "A", NxDomain, ""),
    case("empty.alias.test.", "AAAA", NoData, ""),
    case("chain1.alias.test.", "A", Records, ""),
    case("www.old.alias.test.", "A", Records, ""),
    case("_25._tcp.mx.old.alias.test.", "TLSA", Records, ""),
    case(
        "nothing.old.alias.test.",
        "A",
        NxDomain,
        "signed by zone alias.test, absence proven by zone ecdsa.test;",
    ),
    case("old.alias.test.", "DNAME", Records, ""),
    case("www.old.alias.test.", "CNAME", Records, "zone alias.test"),
    case("tlsa.alias.test.", "CNAME", Records, ""),
    case("ed448.alias.test.", "A", Records, "ed448.test"),
    case("self.alias.test.", "A", Unusable, "self.alias.test is an alias (CNAME) of itself"),
    case("loop1.alias.test.", "A", Unusable, "loop1.alias.test -> loop2.alias.test -> loop1.alias.test"),
    // Limits.
    case("nothing.iterations.test.", "A", NxDomain, "150 NSEC3 iterations"),
    case("www.iterations.test.", "MX", NoData, "150 NSEC3 iterations"),
    case("www.iterations.test.", "A", Records, "zone iterations.test"),
    case("large.big.test.", "TXT", Records, ""),
];

/// A question on which we and unbound differ, on purpose.
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    pub(crate) rtype: &'static str,
    pub(crate) theirs: DnssecStatus,
    pub(crate) ours: DnssecStatus,
}

const fn differs(
    name: &'static str,
    rtype: &'static str,
    theirs: DnssecStatus,
    ours: DnssecStatus,
) -> Difference {
    Difference { name, rtype, theirs, ours }
}

/// Explained in docs/dnssec.md, in this order.
pub(crate) const DIFFERENCES: &[Difference] = &[
    // We have no Ed448 and say so; unbound has it from OpenSSL.
    differs("_25._tcp.mx.ed448.test.", "TLSA", Secure, Indeterminate),
    differs("nothing.ed448.test.", "A", Secure, Indeterminate),
    differs("www.below.ed448.test.", "A", Insecure, Indeterminate),
    differs("ed448.alias.test.", "A", Secure, Indeterminate),
    // What cannot be checked is insecure to unbound, as RFC 4035 section 5.2 allows.
    differs("www.gost.test.", "A", Insecure, Indeterminate),
    differs("www.digest.test.", "A", Insecure, Indeterminate),
    differs("www.unknown.test.", "A", Insecure, Indeterminate),
    // A loop of aliases is SERVFAIL to unbound; to us it is not a matter of DNSSEC.
    differs("self.alias.test.", "A", Bogus, Indeterminate),
    differs("loop1.alias.test.", "A", Bogus, Indeterminate),
    // The CNAME that a server makes from a signed DNAME follows from it.
    differs("www.old.alias.test.", "CNAME", Bogus, Secure),
    // We treat NSEC3 as unsigned above 100 iterations, unbound above 150 (RFC 9276).
    differs("nothing.iterations.test.", "A", Secure, Insecure),
    differs("www.iterations.test.", "MX", Secure, Insecure),
];
