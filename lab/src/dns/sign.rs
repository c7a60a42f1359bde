//! Zone-file text to signed records.

use bytes::Bytes;
use domain::{
    base::{
        Name, Record, Ttl,
        iana::{Class, DigestAlgorithm, Rtype},
        name::FlattenInto,
    },
    crypto::sign::{GenerateParams, KeyPair, generate},
    dnssec::{
        sign::{
            SigningConfig,
            denial::{config::DenialConfig, nsec3::GenerateNsec3Config},
            keys::SigningKey,
            records::{DefaultSorter, Rrset, SortedRecords},
            signatures::rrsigs::sign_rrset,
            traits::SignableZoneInPlace,
        },
        validator::base::DnskeyExt,
    },
    rdata::{Dnskey, Ds, Rrsig, ZoneRecordData, dnssec::Timestamp},
    zonefile::inplace::{Entry, Zonefile},
};

use super::spec::Signing;
use crate::error::LabError;

/// An owned name.
pub(crate) type LabName = Name<Bytes>;
/// The data of a record.
pub(crate) type LabData = ZoneRecordData<Bytes, LabName>;
/// An owned record.
pub(crate) type LabRecord = Record<LabName, LabData>;
/// The key of a zone; one key signs everything.
pub(crate) type ZoneKey = SigningKey<Bytes, KeyPair>;

/// Time to live of every record, in seconds.
pub(crate) const TTL: Ttl = Ttl::from_secs(300);

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Reads zone-file lines with names relative to `apex`.
pub(crate) fn parse(apex: &LabName, text: &str) -> Result<Vec<LabRecord>, LabError> {
    // A class that the text does not give, and a line end that the last line may lack.
    let mut file = Zonefile::from(format!("$TTL {}\n{text}\n", TTL.as_secs()).as_str());
    file.set_origin(apex.clone());
    file.set_default_class(Class::IN);
    let mut records = Vec::new();
    while let Some(entry) = file.next_entry().map_err(|e| LabError::zone(apex, &e))? {
        if let Entry::Record(record) = entry {
            records.push(record.try_flatten_into().map_err(|e| LabError::zone(apex, &e))?);
        }
    }
    Ok(records)
}

/// A fresh key for a zone; none where the zone has none.
pub(crate) fn key(apex: &LabName, signing: Signing) -> Result<Option<ZoneKey>, LabError> {
    let params = match signing {
        Signing::Unsigned => return Ok(None),
        Signing::Ed25519 => GenerateParams::Ed25519,
        _ => GenerateParams::EcdsaP256Sha256,
    };
    let (secret, public) = generate(&params, 257).map_err(|e| LabError::zone(apex, &e))?;
    let pair = KeyPair::from_bytes(&secret, &public).map_err(|e| LabError::zone(apex, &e))?;
    Ok(Some(SigningKey::new(apex.clone(), 257, pair)))
}

/// The DS record that the parent publishes for `key`.
pub(crate) fn ds(apex: &LabName, key: &ZoneKey, signing: Signing) -> Result<LabRecord, LabError> {
    let dnskey = key.dnskey();
    let digest = dnskey.digest(apex, DigestAlgorithm::SHA256).map_err(|e| LabError::zone(apex, &e))?;
    let mut digest = digest.as_ref().to_vec();
    if signing == Signing::WrongDs {
        flip_last_byte(&mut digest);
    }
    let ds = Ds::new(dnskey.key_tag(), dnskey.algorithm(), DigestAlgorithm::SHA256, Bytes::from(digest))
        .map_err(|e| LabError::zone(apex, &e))?;
    Ok(Record::new(apex.clone(), Class::IN, TTL, ZoneRecordData::Ds(ds)))
}

/// Signs a zone: adds NSEC or NSEC3 records, the DNSKEY set and all signatures.
///
/// `now` is in seconds since 1970; sound signatures hold from an hour before to 30 days
/// after it.
pub(crate) fn sign(
    apex: &LabName,
    records: Vec<LabRecord>,
    key: &ZoneKey,
    signing: Signing,
    now: i64,
) -> Result<Vec<LabRecord>, LabError> {
    let sound = (timestamp(now - HOUR), timestamp(now + 30 * DAY));
    let (inception, expiration) = match signing {
        Signing::Expired => (timestamp(now - 30 * DAY), timestamp(now - 7 * DAY)),
        _ => sound,
    };
    let denial = match signing {
        Signing::Nsec3 => DenialConfig::Nsec3(GenerateNsec3Config::<Bytes, DefaultSorter>::default()),
        _ => DenialConfig::Nsec(domain::dnssec::sign::denial::nsec::GenerateNsecConfig::default()),
    };
    let mut zone: SortedRecords<LabName, LabData> = SortedRecords::from(records);
    let config = SigningConfig::new(denial, inception, expiration);
    zone.sign_zone(apex, &config, &[key]).map_err(|e| LabError::zone(apex, &e))?;
    let mut records = zone.into_inner();
    let damaged = |covered: Rtype| match signing {
        Signing::Corrupt => true,
        Signing::CorruptOnly(rtype) => covered == rtype,
        _ => false,
    };
    records =
        records.into_iter().map(|r| if covered(&r).is_some_and(damaged) { corrupt(r) } else { r }).collect();
    records.extend(signed_dnskey(apex, key, sound)?);
    Ok(records)
}

/// The DNSKEY set and its signature.
fn signed_dnskey(
    apex: &LabName,
    key: &ZoneKey,
    (inception, expiration): (Timestamp, Timestamp),
) -> Result<[LabRecord; 2], LabError> {
    let dnskey: Dnskey<Vec<u8>> = key.dnskey();
    let dnskey = Dnskey::new(
        dnskey.flags(),
        dnskey.protocol(),
        dnskey.algorithm(),
        Bytes::from(dnskey.public_key().clone()),
    )
    .map_err(|e| LabError::zone(apex, &e))?;
    let record: LabRecord = Record::new(apex.clone(), Class::IN, TTL, ZoneRecordData::Dnskey(dnskey));
    let set = [record.clone()];
    let set = Rrset::new_from_owned(&set).map_err(|e| LabError::zone(apex, &e))?;
    let signature: Record<LabName, Rrsig<Bytes, LabName>> =
        sign_rrset(key, &set, inception, expiration).map_err(|e| LabError::zone(apex, &e))?;
    Ok([record, Record::from_record(signature)])
}

/// A record with its signature damaged; any other record as it is.
fn corrupt(record: LabRecord) -> LabRecord {
    let (owner, class, ttl) = (record.owner().clone(), record.class(), record.ttl());
    let data = match record.into_data() {
        ZoneRecordData::Rrsig(sig) => {
            let mut bytes = sig.signature().to_vec();
            flip_last_byte(&mut bytes);
            let damaged = Rrsig::new(
                sig.type_covered(),
                sig.algorithm(),
                sig.labels(),
                sig.original_ttl(),
                sig.expiration(),
                sig.inception(),
                sig.key_tag(),
                sig.signer_name().clone(),
                Bytes::from(bytes),
            );
            // The length is the old one, so this does not fail.
            damaged.map_or(ZoneRecordData::Rrsig(sig), ZoneRecordData::Rrsig)
        }
        other => other,
    };
    Record::new(owner, class, ttl, data)
}

fn flip_last_byte(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}

/// RFC 4034 section 3.1.5: seconds since 1970 modulo 2^32.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from(u32::try_from(seconds.rem_euclid(1 << 32)).unwrap_or(0))
}

/// The type that a signature covers.
pub(crate) fn covered(record: &LabRecord) -> Option<Rtype> {
    match record.data() {
        ZoneRecordData::Rrsig(sig) => Some(sig.type_covered()),
        _ => None,
    }
}
