//! Zones signed in the test itself, with keys made for it.

use bytes::Bytes;
use domain::base::iana::{DigestAlgorithm, Rtype};
use domain::base::name::{FlattenInto, ToName};
use domain::base::rdata::RecordData;
use domain::base::{Record, Ttl};
use domain::crypto::sign::{GenerateParams, KeyPair, generate};
use domain::dnssec::sign::SigningConfig;
use domain::dnssec::sign::denial::config::DenialConfig;
use domain::dnssec::sign::denial::nsec3::GenerateNsec3Config;
use domain::dnssec::sign::keys::SigningKey;
use domain::dnssec::sign::records::{DefaultSorter, Rrset, SortedRecords};
use domain::dnssec::sign::signatures::rrsigs::sign_rrset;
use domain::dnssec::sign::traits::SignableZoneInPlace;
use domain::rdata::dnssec::Timestamp;
use domain::rdata::nsec3::Nsec3Salt;
use domain::rdata::{Ds, Nsec3param, ZoneRecordData};
use domain::zonefile::inplace::{Entry, Zonefile};

use crate::resolver::algorithm::ds_digest;
use crate::resolver::chain::now;
use crate::resolver::message::{DomainName, canonical_data};
use crate::resolver::rrset::canonical;

pub(super) type ZoneRecord = Record<DomainName, ZoneRecordData<Bytes, DomainName>>;

/// One zone as a server loads it.
pub(super) struct TestZone {
    pub(super) apex: DomainName,
    pub(super) records: Vec<ZoneRecord>,
    /// What the parent publishes, in zone-file form; empty for an unsigned zone.
    pub(super) ds: String,
}

/// How a zone is signed.
#[derive(Clone)]
pub(super) struct How {
    pub(super) algorithm: GenerateParams,
    /// `Some`: NSEC3 with these iterations, and opt-out or not.
    pub(super) nsec3: Option<(u16, bool)>,
    /// Seconds from now at which the signatures begin and end.
    pub(super) validity: (i64, i64),
}

impl Default for How {
    fn default() -> Self {
        Self { algorithm: GenerateParams::EcdsaP256Sha256, nsec3: None, validity: (-3600, 3600) }
    }
}

pub(super) fn name(text: &str) -> DomainName {
    DomainName::bytes_from_str(text).unwrap()
}

fn parse(apex: &str, text: &str) -> SortedRecords<DomainName, ZoneRecordData<Bytes, DomainName>> {
    let text = format!(
        "$ORIGIN {apex}\n$TTL 300\n@ 300 IN SOA ns.test. host.test. 1 2 3 4 300\n@ 300 IN NS ns.test.\n{text}\n"
    );
    let mut file = Zonefile::from(text.as_str());
    let mut records = SortedRecords::new();
    while let Some(entry) = file.next_entry().unwrap() {
        let Entry::Record(record) = entry else { panic!("a record was expected") };
        let owner = record.owner().to_bytes();
        let data = record.data().clone().try_flatten_into().unwrap();
        records.insert(Record::new(owner, record.class(), Ttl::from_secs(300), data)).unwrap();
    }
    records
}

/// A zone without signatures.
pub(super) fn unsigned(apex: &str, text: &str) -> TestZone {
    TestZone { apex: name(apex), records: parse(apex, text).into_inner(), ds: String::new() }
}

/// A zone with a key of its own.
pub(super) fn signed(apex: &str, text: &str, how: &How) -> TestZone {
    let apex_name = name(apex);
    let mut records = parse(apex, text);
    let (secret, public) = generate(&how.algorithm, 257).unwrap();
    let pair = KeyPair::from_bytes(&secret, &public).unwrap();
    let key = SigningKey::new(apex_name.clone(), 257, pair);
    let dnskey = key.dnskey().convert();
    let class = domain::base::iana::Class::IN;
    records
        .insert(Record::new(apex_name.clone(), class, Ttl::from_secs(300), dnskey.clone().into()))
        .unwrap();
    let denial = match how.nsec3 {
        None => DenialConfig::default(),
        Some((iterations, opt_out)) => {
            let salt = Nsec3Salt::from_octets(Bytes::from_static(&[0xaa, 0xbb])).unwrap();
            let sha1 = domain::base::iana::Nsec3HashAlgorithm::SHA1;
            let config = GenerateNsec3Config::new(Nsec3param::new(sha1, 0, iterations, salt));
            DenialConfig::Nsec3(if opt_out { config.with_opt_out() } else { config })
        }
    };
    let at = |offset: i64| Timestamp::from(u32::try_from(now() + offset).unwrap());
    let config: SigningConfig<Bytes, DefaultSorter> =
        SigningConfig::new(denial, at(how.validity.0), at(how.validity.1));
    records.sign_zone(&apex_name, &config, &[&key]).unwrap();
    // Signing a zone leaves the keys themselves out.
    let keys: Vec<ZoneRecord> =
        records.iter().filter(|record| record.data().rtype() == Rtype::DNSKEY).cloned().collect();
    let keys = Rrset::new_from_owned(&keys).unwrap();
    let over_keys = sign_rrset(&key, &keys, config.inception, config.expiration).unwrap();
    records.insert(Record::from_record(over_keys)).unwrap();
    let digest = ds_digest(2, &canonical(&apex_name), &canonical_data(&dnskey)).unwrap();
    let digest = Bytes::from(digest);
    let ds = Ds::new(dnskey.key_tag(), dnskey.algorithm(), DigestAlgorithm::SHA256, digest).unwrap();
    let ds = format!("{apex} 300 IN DS {ds}\n");
    TestZone { apex: apex_name, records: records.into_inner(), ds }
}

/// The delegation of a zone in its parent.
pub(super) fn delegation(zone: &TestZone) -> String {
    format!("{}. 300 IN NS ns.test.\n{}", zone.apex, zone.ds)
}

/// The type that a record belongs to: a signature belongs to what it covers.
pub(super) fn belongs_to(record: &ZoneRecord) -> Rtype {
    match record.data() {
        ZoneRecordData::Rrsig(signature) => signature.type_covered(),
        data => data.rtype(),
    }
}
