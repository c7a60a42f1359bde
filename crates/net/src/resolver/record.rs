//! Records as the model states them: names without trailing dot and in lower case, text
//! joined and made harmless, everything unknown in presentation form.

use domain::base::iana::Rtype;
use domain::base::name::ToName;
use domain::rdata::Txt;
use waxseal_model::dns::{DnsRecord, RecordData};
use waxseal_wire::text::neutralise;

use super::message::{Data, DomainName, RecordSet};

/// Longest text kept of one record, in characters. TXT data ends at 65,535 octets.
const MAX_TEXT: usize = 65_535;

/// A name in lower case, without a trailing dot; `.` for the root.
pub(crate) fn name_text(name: &impl ToName) -> String {
    let text = name.to_bytes().to_string().to_ascii_lowercase();
    if text.is_empty() { ".".to_owned() } else { text }
}

/// A type as IANA spells it, or `TYPE123` (RFC 3597 section 5).
pub(crate) fn type_text(rtype: Rtype) -> String {
    rtype.to_mnemonic_str().map_or_else(|| format!("TYPE{}", rtype.to_int()), str::to_owned)
}

/// The records of a set, one by one.
pub(crate) fn from_set(set: &RecordSet) -> Vec<DnsRecord> {
    let name = name_text(&set.owner);
    set.data.iter().map(|data| DnsRecord { name: name.clone(), ttl: set.ttl, data: content(data) }).collect()
}

/// A CNAME record as it follows from a DNAME (RFC 6672 section 3.1).
pub(crate) fn synthesised_cname(owner: &DomainName, ttl: u32, target: &DomainName) -> DnsRecord {
    DnsRecord { name: name_text(owner), ttl, data: RecordData::Cname { target: name_text(target) } }
}

fn content(data: &Data) -> RecordData {
    match data {
        Data::A(a) => RecordData::A { address: a.addr() },
        Data::Aaaa(aaaa) => RecordData::Aaaa { address: aaaa.addr() },
        Data::Mx(mx) => RecordData::Mx { preference: mx.preference(), exchange: exchange(mx.exchange()) },
        Data::Cname(cname) => RecordData::Cname { target: name_text(cname.cname()) },
        Data::Ptr(ptr) => RecordData::Ptr { target: name_text(ptr.ptrdname()) },
        Data::Txt(txt) => RecordData::Txt { text: joined(txt) },
        Data::Tlsa(tlsa) => RecordData::Tlsa {
            usage: tlsa.usage().to_int(),
            selector: tlsa.selector().to_int(),
            matching_type: tlsa.matching_type().to_int(),
            data: tlsa.data().iter().map(|octet| format!("{octet:02x}")).collect(),
        },
        Data::Caa(caa) => RecordData::Caa {
            flags: caa.flags().bits(),
            tag: neutralise(caa.tag().to_string().as_bytes(), 255),
            value: neutralise(caa.value(), MAX_TEXT),
        },
        other => RecordData::Other {
            rtype: type_text(domain::base::rdata::RecordData::rtype(other)),
            data: neutralise(other.to_string().as_bytes(), MAX_TEXT),
        },
    }
}

/// The model writes the null MX (RFC 7505) as an empty host name.
fn exchange(name: &DomainName) -> String {
    if name.is_root() { String::new() } else { name_text(name) }
}

fn joined(txt: &Txt<bytes::Bytes>) -> String {
    let octets: Vec<u8> = txt.iter().flat_map(|string| string.iter().copied()).collect();
    neutralise(&octets, MAX_TEXT)
}
