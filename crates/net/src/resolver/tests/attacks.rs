//! Single attacks by someone on the path who has no key, or only the key of another zone.

use domain::base::iana::Rtype;
use domain::rdata::{Dnskey, ZoneRecordData};

use super::server::{Fault, TestServer};
use super::tree::{How, TestZone, belongs_to, delegation, name, signed, unsigned};
use super::{Bogus, Insecure, NxDomain, Records, Secure, expect, resolver};
use crate::resolver::chain::now;
use crate::resolver::message::{Data, RecordSet};
use crate::resolver::rrset::{self, Zone, check};

/// A zone with a wildcard alias and an unsigned delegation, below the root.
fn with_wildcard(how: &How) -> (Vec<TestZone>, String) {
    let plain = unsigned("plain.wild.", "www A 192.0.2.1");
    let text = format!("* CNAME www.wild.\nwww A 192.0.2.2\n{}", delegation(&plain));
    let wild = signed("wild.", &text, how);
    let root = signed(".", &delegation(&wild), &How::default());
    let anchor = root.ds.clone();
    (vec![plain, wild, root], anchor)
}

#[tokio::test]
async fn a_wildcard_of_the_parent_does_not_hide_a_delegation() {
    for nsec3 in [None, Some((1, false)), Some((0, true))] {
        let how = How { nsec3, ..How::default() };
        for fault in [Fault::Wildcard, Fault::ProvenWildcard] {
            let (zones, anchor) = with_wildcard(&how);
            let server = TestServer::start(zones, &[("plain.wild.", Rtype::DS, fault)]).await;
            let answer = resolver(vec![server.address], Some(anchor)).lookup("www.plain.wild", "A").await;
            // With opt-out the zone itself proves nothing about its unsigned delegations.
            if fault == Fault::ProvenWildcard && nsec3 == Some((0, true)) {
                expect(&answer, Records, Insecure, "opt-out");
            } else {
                expect(&answer, Records, Bogus, "does not prove that plain.wild has no DS record");
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_a_wildcard_alias_answers_is_no_zone() {
    for nsec3 in [None, Some((1, false))] {
        let (zones, anchor) = with_wildcard(&How { nsec3, ..How::default() });
        let server = TestServer::start(zones, &[("x.wild.", Rtype::DS, Fault::ProvenWildcard)]).await;
        let resolver = resolver(vec![server.address], Some(anchor));
        let below = name("y.x.wild.");
        let deadline = tokio::time::Instant::now() + resolver.timeout;
        let zone = resolver.chain.zone_of(&below, deadline).await.unwrap();
        assert_eq!(zone.apex, name("wild."), "{nsec3:?}");
        expect(&resolver.lookup("www.wild", "A").await, Records, Secure, "zone wild");
    }
}

/// The record set of a zone and its keys.
fn set_of(zone: &TestZone, owner: &str, rtype: Rtype) -> (RecordSet, Zone) {
    let (owner, mut data, mut signatures, mut keys) = (name(owner), Vec::new(), Vec::new(), Vec::new());
    for record in &zone.records {
        if let ZoneRecordData::Dnskey(key) = record.data() {
            keys.push(key.clone());
        }
        if *record.owner() != owner || belongs_to(record) != rtype {
            continue;
        }
        match record.data() {
            ZoneRecordData::Rrsig(signature) => signatures.push(signature.clone()),
            ZoneRecordData::A(a) => data.push(Data::A(a.clone())),
            other => panic!("{other} is not expected"),
        }
    }
    (RecordSet { owner, rtype, ttl: 300, data, signatures }, Zone { apex: zone.apex.clone(), keys })
}

#[test]
fn only_a_zone_key_that_is_not_revoked_signs() {
    let zone = signed("a.test.", "www A 192.0.2.1", &How::default());
    let (set, keys) = set_of(&zone, "www.a.test.", Rtype::A);
    assert!(check(&set, &keys, now()).is_ok());
    let key = keys.keys[0].clone();
    // The tag covers the flags: the signature has to name the altered key to be tried at all.
    for (flags, protocol) in [(257 | 0x80, 3), (1, 3), (257, 2)] {
        let altered = Dnskey::new(flags, protocol, key.algorithm(), key.public_key().clone()).unwrap();
        let mut set = set.clone();
        let old = &set.signatures[0];
        set.signatures[0] = domain::rdata::Rrsig::new(
            old.type_covered(),
            old.algorithm(),
            old.labels(),
            old.original_ttl(),
            old.expiration(),
            old.inception(),
            altered.key_tag(),
            old.signer_name().clone(),
            old.signature().clone(),
        )
        .unwrap();
        let tag = altered.key_tag();
        let zone = Zone { apex: keys.apex.clone(), keys: vec![altered] };
        let fault = check(&set, &zone, now()).unwrap_err();
        assert_eq!(fault, rrset::Fault::NoKey(tag, 13), "{flags} {protocol}");
    }
}

#[test]
fn a_signature_counts_for_its_own_zone_name_and_time_only() {
    let zone = signed("a.test.", "www A 192.0.2.1\n*.w A 192.0.2.2", &How::default());
    let (set, keys) = set_of(&zone, "www.a.test.", Rtype::A);
    let elsewhere = RecordSet { owner: name("www.b.test."), ..set.clone() };
    assert_eq!(check(&elsewhere, &keys, now()), Err(rrset::Fault::Malformed), "a sibling zone's name");
    let shorter = RecordSet { owner: name("a.test."), ..set.clone() };
    assert_eq!(check(&shorter, &keys, now()), Err(rrset::Fault::Malformed), "more labels than the owner has");
    let deeper = RecordSet { owner: name("www.www.a.test."), ..set.clone() };
    assert!(check(&deeper, &keys, now()).is_err(), "an ordinary record passed off as a wildcard's");
    let other = Zone { apex: name("test."), keys: keys.keys.clone() };
    assert_eq!(check(&set, &other, now()), Err(rrset::Fault::Missing), "another signer");
    for later in [-7200, 7200, 1 << 31] {
        assert!(check(&set, &keys, now() + later).is_err(), "{later} seconds from now");
    }
    let (mut wildcard, keys) = set_of(&zone, "*.w.a.test.", Rtype::A);
    assert_eq!(check(&wildcard, &keys, now()).unwrap().expanded_from, None);
    wildcard.owner = name("X.y.W.a.test.");
    assert_eq!(check(&wildcard, &keys, now()).unwrap().expanded_from, Some(name("w.a.test.")));
}

#[tokio::test]
async fn of_several_ds_records_those_that_can_be_checked_decide() {
    for more in ["1 16 2", "1 13 3", "1 200 2"] {
        let mut zone = signed("mixed.", "www A 192.0.2.1", &How::default());
        zone.ds.push_str(&format!("mixed. 300 IN DS {more} {}\n", "00".repeat(32)));
        let root = signed(".", &delegation(&zone), &How::default());
        let anchor = root.ds.clone();
        let stripped = [("stripped.mixed.", Rtype::A, Fault::Stripped)];
        let server = TestServer::start(vec![zone, root], &stripped).await;
        let resolver = resolver(vec![server.address], Some(anchor));
        expect(&resolver.lookup("www.mixed", "A").await, Records, Secure, "zone mixed");
        expect(&resolver.lookup("stripped.mixed", "A").await, NxDomain, Bogus, "zone mixed");
    }
}
