//! Reading a DNS message: record sets with their signatures, the response code, and the
//! extended error. Pure: bytes in, owned values out.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use bytes::Bytes;
use domain::base::iana::{Class, Rtype};
use domain::base::message::RecordSection;
use domain::base::name::{FlattenInto, ParsedName};
use domain::base::opt::ExtendedError;
use domain::base::rdata::ComposeRecordData;
use domain::base::{Message, Name, ParsedRecord};
use domain::rdata::{AllRecordData, Rrsig};
use waxseal_model::dns::DnsRecord;
use waxseal_wire::text::neutralise;

use super::record;

/// A name that owns its octets. Comparing and hashing ignore case; the order is the
/// canonical one of RFC 4034 section 6.1.
pub(crate) type DomainName = Name<Bytes>;
/// The content of one record.
pub(crate) type Data = AllRecordData<Bytes, DomainName>;
/// A signature over a record set.
pub(crate) type Signature = Rrsig<Bytes, DomainName>;

/// Signatures of one record set beyond this number are dropped (CVE-2023-50387,
/// "KeyTrap": each costs a cryptographic operation).
const MAX_SIGNATURES: usize = 8;

/// A message that is not DNS, or not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Fewer octets than a header has.
    #[error("the message is shorter than a DNS header")]
    Short,
    /// A section or record does not follow RFC 1035 section 4.
    #[error("the message is malformed: {0}")]
    Malformed(String),
}

/// All records of one name and type, with the signatures over them.
#[derive(Debug, Clone)]
pub(crate) struct RecordSet {
    pub(crate) owner: DomainName,
    pub(crate) rtype: Rtype,
    /// The smallest time to live in the set, in seconds.
    pub(crate) ttl: u32,
    pub(crate) data: Vec<Data>,
    pub(crate) signatures: Vec<Signature>,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// The response code with the upper bits of EDNS (RFC 6891 section 6.1.3).
    pub(crate) rcode: u16,
    /// Extended DNS error (RFC 8914): its code and text.
    pub(crate) extended_error: Option<(u16, String)>,
    pub(crate) answer: Vec<RecordSet>,
    pub(crate) authority: Vec<RecordSet>,
}

impl Response {
    /// Reads a message. Records of other classes than IN are left out.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, MessageError> {
        let message = Message::from_octets(bytes).map_err(|_| MessageError::Short)?;
        let answer = record_sets(message.answer().map_err(malformed)?)?;
        let authority = record_sets(message.authority().map_err(malformed)?)?;
        let extended_error = message.opt().and_then(|opt| {
            let error = opt.opt().first::<ExtendedError<Bytes>>()?;
            let text = error.text_slice().map(|text| neutralise(text, 120)).unwrap_or_default();
            Some((error.code().to_int(), text))
        });
        let rcode = message.opt_rcode().to_int();
        Ok(Self { rcode, extended_error, answer, authority })
    }

    /// The record set of a name and type in the answer section.
    pub(crate) fn answer_set(&self, owner: &DomainName, rtype: Rtype) -> Option<&RecordSet> {
        self.answer.iter().find(|set| set.rtype == rtype && set.owner == *owner && !set.data.is_empty())
    }

    /// The smallest time to live in the message, in seconds.
    pub(crate) fn ttl(&self) -> Option<u32> {
        self.answer.iter().chain(&self.authority).map(|set| set.ttl).min()
    }
}

fn malformed(error: impl std::fmt::Display) -> MessageError {
    MessageError::Malformed(error.to_string())
}

/// Groups the records of a section by owner and type, in the order of their first
/// appearance, and hands every signature to the set that it covers.
fn record_sets(section: RecordSection<'_, Bytes>) -> Result<Vec<RecordSet>, MessageError> {
    let mut sets: Vec<RecordSet> = Vec::new();
    let mut index: HashMap<(DomainName, Rtype), usize> = HashMap::new();
    for record in section {
        let record = record.map_err(malformed)?;
        if record.class() != Class::IN {
            continue;
        }
        let (owner, ttl, data) = owned(&record)?;
        let rtype = match &data {
            Data::Rrsig(signature) => signature.type_covered(),
            _ => record.rtype(),
        };
        let position = *index.entry((owner.clone(), rtype)).or_insert_with(|| {
            sets.push(RecordSet { owner, rtype, ttl, data: Vec::new(), signatures: Vec::new() });
            sets.len() - 1
        });
        let Some(set) = sets.get_mut(position) else { continue };
        set.ttl = set.ttl.min(ttl);
        if let Data::Rrsig(signature) = &data {
            // RFC 4035 section 5.3.3.
            set.ttl = set.ttl.min(signature.original_ttl().as_secs());
        }
        match data {
            Data::Rrsig(signature) if set.signatures.len() < MAX_SIGNATURES => set.signatures.push(signature),
            Data::Rrsig(_) => {}
            data => set.data.push(data),
        }
    }
    sets.iter_mut().for_each(|set| without_duplicates(&mut set.data));
    Ok(sets)
}

/// A set holds no record twice (RFC 2181 section 5); messages sometimes do.
fn without_duplicates(data: &mut Vec<Data>) {
    if data.len() > 1 {
        let mut seen = HashSet::new();
        data.retain(|data| seen.insert(canonical_data(data)));
    }
}

/// The content of a record in canonical form (RFC 4034 section 6.2).
pub(crate) fn canonical_data(data: &impl ComposeRecordData) -> Vec<u8> {
    let mut octets = Vec::new();
    // Writing to a vector cannot fail.
    let _: Result<(), Infallible> = data.compose_canonical_rdata(&mut octets);
    octets
}

fn owned(record: &ParsedRecord<'_, Bytes>) -> Result<(DomainName, u32, Data), MessageError> {
    let record = record
        .to_any_record::<AllRecordData<Bytes, ParsedName<Bytes>>>()
        .map_err(|e| MessageError::Malformed(format!("a record of type {} ({e})", record.rtype())))?;
    let ttl = record.ttl().as_secs();
    let (owner, data) = record.into_owner_and_data();
    let owner = owner.try_flatten_into().map_err(|_| MessageError::Malformed("a name".to_owned()))?;
    let data = data.try_flatten_into().map_err(|_| MessageError::Malformed("a record".to_owned()))?;
    Ok((owner, ttl, data))
}

/// The records of a message's answer and authority sections as the model states them,
/// without signatures.
///
/// The entry point for fuzzing: any octets give records or an error, in bounded time.
pub fn records_from_message(bytes: &[u8]) -> Result<Vec<DnsRecord>, MessageError> {
    let response = Response::parse(Bytes::copy_from_slice(bytes))?;
    Ok(response.answer.iter().chain(&response.authority).flat_map(record::from_set).collect())
}
