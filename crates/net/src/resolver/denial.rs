//! Proofs that something does not exist: NSEC (RFC 4035 section 5.4) and NSEC3
//! (RFC 5155 section 8). Pure: verified records in, a proof or the reason why not out.

use domain::base::iana::Rtype;
use domain::base::name::ToName;
use domain::rdata::dnssec::RtypeBitmap;

use bytes::Bytes;

use super::message::{Data, DomainName, RecordSet};
use super::nsec3::Nsec3Set;
use super::rrset::{Fault, Zone, ancestor, check};

/// Denial records that are verified in one message; a complete proof needs three.
const MAX_RECORDS: usize = 20;

/// How far a non-existence is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// In full.
    Proven,
    /// As far as an opt-out range allows: an unsigned delegation may hide there
    /// (RFC 5155 section 6).
    OptOut,
    /// The zone's NSEC3 iterations, this many, are above the limit (RFC 9276).
    Iterations(u16),
    /// Not at all.
    Unproven,
}

/// What the parent zone proves of a name without DS record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delegation {
    /// An unsigned zone begins here.
    Unsigned,
    /// An opt-out range covers the name: anything below is unsigned.
    OptOut,
    /// As for [`Proof::Iterations`].
    Iterations(u16),
    /// No zone begins here.
    NoCut,
    /// Nothing exists here or below.
    NoName,
    /// Nothing is proven.
    Unproven,
}

/// The verified denial records of one zone in one message.
#[derive(Debug)]
pub(crate) struct Denial {
    nsec: Vec<Nsec>,
    nsec3: Nsec3Set,
    /// Why denial records of the zone were not used, if some were not.
    pub(crate) fault: Option<(Fault, DomainName, Rtype)>,
}

/// One NSEC record.
#[derive(Debug)]
struct Nsec {
    owner: DomainName,
    next: DomainName,
    types: RtypeBitmap<Bytes>,
}

impl Denial {
    /// Verifies the NSEC and NSEC3 records of a zone.
    pub(crate) fn new(authority: &[RecordSet], zone: &Zone, now: i64) -> Self {
        let mut denial = Self { nsec: Vec::new(), nsec3: Nsec3Set::default(), fault: None };
        let signed_here = |set: &&RecordSet| {
            matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3)
                && set.signatures.iter().any(|s| *s.signer_name() == zone.apex)
        };
        for set in authority.iter().filter(signed_here).take(MAX_RECORDS) {
            match check(set, zone, now) {
                // A denial record made from a wildcard denies nothing.
                Ok(signed) if signed.expanded_from.is_some() => {}
                Ok(_) => denial.add(set, zone),
                Err(fault) => denial.fault = Some((fault, set.owner.clone(), set.rtype)),
            }
        }
        denial
    }

    fn add(&mut self, set: &RecordSet, zone: &Zone) {
        for data in &set.data {
            match data {
                Data::Nsec(nsec) => self.nsec.push(Nsec {
                    owner: set.owner.clone(),
                    next: nsec.next_name().clone(),
                    types: nsec.types().clone(),
                }),
                Data::Nsec3(nsec3) => self.nsec3.add(&set.owner, nsec3, &zone.apex),
                _ => {}
            }
        }
    }

    /// The name exists, without this type.
    pub(crate) fn no_data(&self, name: &DomainName, rtype: Rtype) -> Proof {
        if self.nsec_no_data(name, rtype) { Proof::Proven } else { self.nsec3.no_data(name, rtype) }
    }

    /// The name does not exist, nor a wildcard in its place.
    pub(crate) fn no_name(&self, name: &DomainName) -> Proof {
        let proven = self.closest_encloser(name).is_some_and(|closest| {
            wildcard(&closest).is_none_or(|wildcard| self.nsec_covering(&wildcard).is_some())
        });
        if proven { Proof::Proven } else { self.nsec3.no_name(name) }
    }

    /// Nothing nearer to the name than the wildcard below `closest` exists.
    pub(crate) fn no_closer(&self, name: &DomainName, closest: &DomainName) -> Proof {
        let proven = self.closest_encloser(name).is_some_and(|found| found == *closest);
        if proven { Proof::Proven } else { self.nsec3.no_closer(name, closest) }
    }

    /// What is proven of a name for which the parent zone gave no DS record.
    pub(crate) fn delegation(&self, name: &DomainName) -> Delegation {
        if let Some(nsec) = self.nsec.iter().find(|nsec| nsec.owner == *name) {
            return delegation_of(&nsec.types);
        }
        let Some(nsec) = self.nsec.iter().find(|nsec| nsec.covers(name)) else {
            return self.nsec3.delegation(name);
        };
        if nsec.next.ends_with(name) { Delegation::NoCut } else { Delegation::NoName }
    }

    fn nsec_no_data(&self, name: &DomainName, rtype: Rtype) -> bool {
        if let Some(nsec) = self.nsec.iter().find(|nsec| nsec.owner == *name) {
            return lacks(&nsec.types, name, rtype);
        }
        // An empty non-terminal: something exists below the name.
        if self.nsec.iter().any(|nsec| nsec.covers(name) && nsec.next.ends_with(name)) {
            return true;
        }
        self.closest_encloser(name).and_then(|closest| wildcard(&closest)).is_some_and(|wildcard| {
            self.nsec.iter().any(|nsec| nsec.owner == wildcard && lacks(&nsec.types, &wildcard, rtype))
        })
    }

    /// The longest ancestor of a non-existing name that exists.
    fn closest_encloser(&self, name: &DomainName) -> Option<DomainName> {
        let nsec = self.nsec_covering(name)?;
        let labels = common_labels(name, &nsec.owner).max(common_labels(name, &nsec.next));
        Some(ancestor(name, labels))
    }

    /// The record that proves that a name does not exist.
    fn nsec_covering(&self, name: &DomainName) -> Option<&Nsec> {
        self.nsec.iter().find(|nsec| nsec.covers(name) && !nsec.next.ends_with(name))
    }
}

impl Nsec {
    /// True if a name lies between owner and next, in a place for which this zone may
    /// speak: not below a delegation or DNAME of the owner (RFC 6840 section 4.1).
    fn covers(&self, name: &DomainName) -> bool {
        let after = self.owner < *name;
        let before = *name < self.next || self.next <= self.owner;
        let elsewhere = name.ends_with(&self.owner) && is_cut_or_dname(&self.types);
        after && before && !elsewhere
    }
}

/// True for the types of a delegation seen from above, or of a DNAME.
pub(crate) fn is_cut_or_dname(types: &RtypeBitmap<Bytes>) -> bool {
    (types.contains(Rtype::NS) && !types.contains(Rtype::SOA)) || types.contains(Rtype::DNAME)
}

/// True if the types at a name prove that one type is not there, and the zone may say
/// so: the parent speaks for DS, the child for everything else (RFC 6840 section 4.1).
pub(crate) fn lacks(types: &RtypeBitmap<Bytes>, name: &DomainName, rtype: Rtype) -> bool {
    let by_right_side = if rtype == Rtype::DS && !name.is_root() {
        !types.contains(Rtype::SOA)
    } else {
        !types.contains(Rtype::NS) || types.contains(Rtype::SOA)
    };
    by_right_side && !types.contains(rtype) && !types.contains(Rtype::CNAME)
}

/// What the types at a name without DS answer say of a delegation.
pub(crate) fn delegation_of(types: &RtypeBitmap<Bytes>) -> Delegation {
    if types.contains(Rtype::DS) || types.contains(Rtype::SOA) {
        Delegation::Unproven
    } else if types.contains(Rtype::NS) {
        Delegation::Unsigned
    } else {
        Delegation::NoCut
    }
}

/// `*.name`; `None` if that would be too long to exist.
pub(crate) fn wildcard(name: &DomainName) -> Option<DomainName> {
    let mut octets = b"\x01*".to_vec();
    octets.extend_from_slice(name.as_slice());
    DomainName::from_octets(octets.into()).ok()
}

/// How many labels two names share, from the root, which is not counted.
fn common_labels(a: &DomainName, b: &DomainName) -> usize {
    let shared = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    shared.saturating_sub(1)
}

/// The name one label longer than `closest` on the way to `name`.
pub(crate) fn next_closer(name: &DomainName, closest: &DomainName) -> DomainName {
    ancestor(name, closest.label_count()).to_bytes()
}

#[cfg(test)]
mod tests {
    use domain::base::name::FlattenInto;
    use domain::base::rdata::RecordData;
    use domain::rdata::ZoneRecordData;
    use domain::zonefile::inplace::{Entry, Zonefile};

    use super::*;

    /// The zone of RFC 4035 appendix A.
    const RFC_4035: &str = "\
        example. NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY\n\
        a.example. NSEC ai.example. NS DS RRSIG NSEC\n\
        ai.example. NSEC b.example. A HINFO AAAA RRSIG NSEC\n\
        b.example. NSEC ns1.example. NS RRSIG NSEC\n\
        ns1.example. NSEC ns2.example. A RRSIG NSEC\n\
        ns2.example. NSEC *.w.example. A RRSIG NSEC\n\
        *.w.example. NSEC x.w.example. MX RRSIG NSEC\n\
        x.w.example. NSEC x.y.w.example. MX RRSIG NSEC\n\
        x.y.w.example. NSEC xx.example. MX RRSIG NSEC\n\
        xx.example. NSEC example. A HINFO AAAA RRSIG NSEC\n";

    /// The zone of RFC 5155 appendix A; `%` stands for the flags.
    const RFC_5155: &str = "\
        0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 % 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG\n\
        2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 % 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG\n\
        2vptu5timamqttgl4luu9kg21e0aor3s.example. NSEC3 1 % 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl MX RRSIG\n\
        35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3 1 % 12 aabbccdd b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG\n\
        b4um86eghhds6nea196smvmlo4ors995.example. NSEC3 1 % 12 aabbccdd gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG\n\
        gjeqe526plbf1g8mklp59enfd789njgi.example. NSEC3 1 % 12 aabbccdd ji6neoaepv8b5o6k4ev33abha8ht9fgc HINFO A AAAA RRSIG\n\
        ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. NSEC3 1 % 12 aabbccdd k8udemvp1j2f7eg6jebps17vp3n8i58h\n\
        k8udemvp1j2f7eg6jebps17vp3n8i58h.example. NSEC3 1 % 12 aabbccdd kohar7mbb8dc2ce8a9qvl8hon4k53uhi\n\
        kohar7mbb8dc2ce8a9qvl8hon4k53uhi.example. NSEC3 1 % 12 aabbccdd q04jkcevqvmu85r014c7dkba38o0ji5r A RRSIG\n\
        q04jkcevqvmu85r014c7dkba38o0ji5r.example. NSEC3 1 % 12 aabbccdd r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG\n\
        r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. NSEC3 1 % 12 aabbccdd t644ebqk9bibcna874givr6joj62mlhv MX RRSIG\n\
        t644ebqk9bibcna874givr6joj62mlhv.example. NSEC3 1 % 12 aabbccdd 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom HINFO A AAAA RRSIG\n";

    fn name(text: &str) -> DomainName {
        DomainName::bytes_from_str(text).unwrap()
    }

    /// The records of a text as if their signatures had been checked.
    fn denial(text: &str) -> Denial {
        let zone = Zone { apex: name("example."), keys: Vec::new() };
        let mut denial = Denial { nsec: Vec::new(), nsec3: Nsec3Set::default(), fault: None };
        let mut file = Zonefile::from(format!("$TTL 300\nexample. IN TXT x\n{text}").as_str());
        file.next_entry().unwrap();
        while let Some(Entry::Record(record)) = file.next_entry().unwrap() {
            let data: ZoneRecordData<Bytes, DomainName> = record.data().clone().try_flatten_into().unwrap();
            let (owner, rtype) = (record.owner().to_bytes(), data.rtype());
            let data = match data {
                ZoneRecordData::Nsec(nsec) => Data::Nsec(nsec),
                ZoneRecordData::Nsec3(nsec3) => Data::Nsec3(nsec3),
                other => panic!("{other} denies nothing"),
            };
            denial
                .add(&RecordSet { owner, rtype, ttl: 300, data: vec![data], signatures: Vec::new() }, &zone);
        }
        denial
    }

    #[test]
    fn nsec_examples_of_rfc_4035_appendix_b() {
        let denial = denial(RFC_4035);
        assert_eq!(denial.no_name(&name("ml.example.")), Proof::Proven, "B.2");
        assert_eq!(denial.no_data(&name("ns1.example."), Rtype::MX), Proof::Proven, "B.3");
        assert_eq!(denial.delegation(&name("b.example.")), Delegation::Unsigned, "B.5");
        assert_eq!(denial.no_closer(&name("a.z.w.example."), &name("w.example.")), Proof::Proven, "B.6");
        assert_eq!(denial.no_data(&name("a.z.w.example."), Rtype::AAAA), Proof::Proven, "B.7");
        assert_eq!(denial.no_data(&name("example."), Rtype::DS), Proof::Unproven, "B.8: the parent's to say");
        assert_eq!(denial.no_name(&name("zz.example.")), Proof::Proven, "behind the last name");
    }

    #[test]
    fn nsec_records_prove_nothing_beyond_their_right() {
        let all = denial(RFC_4035);
        let proofs = [
            ("below a delegation", all.no_name(&name("mc.b.example."))),
            ("the child's types, by the parent", all.no_data(&name("b.example."), Rtype::A)),
            ("a type that is there", all.no_data(&name("ns1.example."), Rtype::A)),
            ("a name that is there", all.no_name(&name("ns1.example."))),
            ("an empty non-terminal", all.no_name(&name("y.w.example."))),
            ("a name that a wildcard answers", all.no_name(&name("q.w.example."))),
            ("a type that a wildcard has", all.no_data(&name("q.w.example."), Rtype::MX)),
            ("a wildcard further up", all.no_closer(&name("a.z.w.example."), &name("example."))),
        ];
        for (what, proof) in proofs {
            assert_eq!(proof, Proof::Unproven, "{what}");
        }
        assert_eq!(all.no_data(&name("y.w.example."), Rtype::A), Proof::Proven);
        assert_eq!(all.delegation(&name("example.")), Delegation::Unproven, "the child's own apex");
        assert_eq!(all.delegation(&name("a.example.")), Delegation::Unproven, "a DS is there");
        assert_eq!(all.delegation(&name("y.w.example.")), Delegation::NoCut);
        assert_eq!(all.delegation(&name("nothing.example.")), Delegation::NoName);
        let half = denial("b.example. NSEC ns1.example. NS RRSIG NSEC\n");
        assert_eq!(half.no_name(&name("ml.example.")), Proof::Unproven, "a wildcard may exist");
        let dname = denial("a.example. NSEC c.example. DNAME RRSIG NSEC\n");
        assert_eq!(dname.no_name(&name("b.a.example.")), Proof::Unproven, "a DNAME answers there");
    }

    #[test]
    fn nsec3_examples_of_rfc_5155_appendix_b() {
        for (flags, full) in [("1", Proof::OptOut), ("0", Proof::Proven)] {
            let denial = denial(&RFC_5155.replace('%', flags));
            assert_eq!(denial.no_name(&name("c.x.w.example.")), full, "B.1");
            assert_eq!(denial.no_data(&name("ns1.example."), Rtype::MX), Proof::Proven, "B.2");
            assert_eq!(denial.no_data(&name("y.w.example."), Rtype::A), Proof::Proven, "B.2.1");
            assert_eq!(denial.no_closer(&name("a.z.w.example."), &name("w.example.")), full, "B.4");
            assert_eq!(denial.no_data(&name("a.z.w.example."), Rtype::AAAA), full, "B.5");
            assert_eq!(
                denial.no_data(&name("example."), Rtype::DS),
                Proof::Unproven,
                "B.6: the parent's to say"
            );
        }
        let delegation = |flags| denial(&RFC_5155.replace('%', flags)).delegation(&name("c.example."));
        assert_eq!(delegation("1"), Delegation::OptOut, "B.3");
        assert_eq!(delegation("0"), Delegation::NoName);
    }

    #[test]
    fn nsec3_records_prove_nothing_beyond_their_right() {
        let all = denial(&RFC_5155.replace('%', "0"));
        let proofs = [
            ("below a delegation", all.no_name(&name("x.a.example."))),
            ("the child's types, by the parent", all.no_data(&name("a.example."), Rtype::A)),
            ("a type that is there", all.no_data(&name("ns1.example."), Rtype::A)),
            ("a name that is there", all.no_name(&name("ns1.example."))),
            ("an empty non-terminal", all.no_name(&name("y.w.example."))),
            ("a name that a wildcard answers", all.no_name(&name("q.w.example."))),
            ("a type that a wildcard has", all.no_data(&name("q.w.example."), Rtype::MX)),
            ("another zone", all.no_name(&name("ns1.elsewhere."))),
        ];
        for (what, proof) in proofs {
            assert_eq!(proof, Proof::Unproven, "{what}");
        }
        let lines: Vec<&str> = RFC_5155.lines().collect();
        for missing in [0, 3, 4] {
            let mut lines = lines.clone();
            lines.remove(missing);
            let part = denial(&(lines.join("\n").replace('%', "0") + "\n"));
            assert_eq!(part.no_name(&name("c.x.w.example.")), Proof::Unproven, "without line {missing}");
        }
        for unusable in ["2 0 12", "1 2 12"] {
            let part = denial(&RFC_5155.replace("1 % 12", unusable));
            assert_eq!(part.no_name(&name("c.x.w.example.")), Proof::Unproven, "{unusable}");
        }
        let many = denial(&RFC_5155.replace("1 % 12", "1 0 101"));
        assert_eq!(many.no_name(&name("c.x.w.example.")), Proof::Iterations(101));
    }
}
