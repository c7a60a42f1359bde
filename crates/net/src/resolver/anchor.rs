//! Trust anchors: the keys that are believed without a signature above them.

use std::collections::HashMap;

use bytes::Bytes;
use domain::base::name::ToName;
use domain::rdata::{Dnskey, Ds, ZoneRecordData};
use domain::zonefile::inplace::{Entry, Zonefile};

use super::error::ResolverError;
use super::message::DomainName;
use super::record::name_text;

/// The root's key signing keys KSK-2017 and KSK-2024.
///
/// Source: IANA, <https://data.iana.org/root-anchors/root-anchors.xml>.
const ROOT: &str = "\
. 172800 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. 172800 IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// Longest anchor text that is read, in octets; the root's own take 200.
const MAX_TEXT: usize = 1 << 20;

/// What identifies the keys of one zone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Anchor {
    pub(crate) ds: Vec<Ds<Bytes>>,
    pub(crate) keys: Vec<Dnskey<Bytes>>,
}

/// The anchors in use, by zone.
#[derive(Debug, Clone)]
pub(crate) struct TrustAnchors {
    zones: HashMap<DomainName, Anchor>,
}

impl TrustAnchors {
    /// The built-in anchors of the root.
    pub(crate) fn root() -> Result<Self, ResolverError> {
        Self::parse(ROOT)
    }

    /// DS and DNSKEY records in zone-file form (RFC 1035 section 5), for any zones.
    pub(crate) fn parse(text: &str) -> Result<Self, ResolverError> {
        if text.len() > MAX_TEXT {
            return Err(ResolverError::TrustAnchor(format!("it is longer than {MAX_TEXT} octets")));
        }
        let mut file = Zonefile::from(text);
        file.set_origin(DomainName::root_bytes());
        let mut zones: HashMap<DomainName, Anchor> = HashMap::new();
        loop {
            let entry = file.next_entry().map_err(|error| {
                ResolverError::TrustAnchor(format!("it is not in zone-file form ({error})"))
            })?;
            let record = match entry {
                Some(Entry::Record(record)) => record,
                Some(Entry::Include { .. }) => {
                    return Err(ResolverError::TrustAnchor("$INCLUDE is not followed".to_owned()));
                }
                None => break,
            };
            let zone = zones.entry(record.owner().to_bytes());
            match record.data() {
                ZoneRecordData::Ds(ds) => zone.or_default().ds.push(ds.clone()),
                ZoneRecordData::Dnskey(key) => zone.or_default().keys.push(key.clone()),
                other => {
                    let rtype = domain::base::rdata::RecordData::rtype(other);
                    return Err(ResolverError::TrustAnchor(format!(
                        "it holds a record of type {rtype} for {}; only DS and DNSKEY are anchors",
                        name_text(record.owner())
                    )));
                }
            }
        }
        if zones.is_empty() {
            return Err(ResolverError::TrustAnchor("it holds no DS or DNSKEY record".to_owned()));
        }
        Ok(Self { zones })
    }

    /// The zones that have one.
    pub(crate) fn zones(&self) -> Vec<DomainName> {
        self.zones.keys().cloned().collect()
    }

    /// The anchor nearest above a name, or at it.
    pub(crate) fn closest(&self, name: &DomainName) -> Option<(DomainName, &Anchor)> {
        name.iter_suffixes().find_map(|suffix| {
            let suffix = suffix.to_bytes();
            self.zones.get(&suffix).map(|anchor| (suffix, anchor))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        DomainName::bytes_from_str(text).unwrap()
    }

    #[test]
    fn the_built_in_anchors_are_the_two_keys_of_the_root() {
        let anchors = TrustAnchors::root().unwrap();
        let (zone, anchor) = anchors.closest(&name("mx.example.com.")).unwrap();
        assert!(zone.is_root());
        let tags: Vec<u16> = anchor.ds.iter().map(Ds::key_tag).collect();
        assert_eq!(tags, [20326, 38696]);
        assert!(anchor.ds.iter().all(|ds| ds.digest().len() == 32 && ds.digest_type().to_int() == 2));
    }

    #[test]
    fn the_nearest_anchor_applies() {
        let text = "test. IN DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\
                    sub.test. 3600 IN DNSKEY 257 3 15 AAAA\n";
        let anchors = TrustAnchors::parse(text).unwrap();
        assert_eq!(anchors.closest(&name("a.SUB.test.")).unwrap().0, name("sub.test."));
        assert_eq!(anchors.closest(&name("other.test.")).unwrap().0, name("test."));
        assert!(anchors.closest(&name("example.com.")).is_none());
    }

    #[test]
    fn refuses_text_that_is_no_anchor() {
        for (text, hint) in [
            ("", "no DS or DNSKEY"),
            ("; only a comment\n", "no DS or DNSKEY"),
            (". IN A 192.0.2.1\n", "type A"),
            ("<html>not found</html>\n", "zone-file"),
            (". IN DS 20326 8 2 E06D4\n", "zone-file"),
            ("$INCLUDE /etc/passwd\n", "$INCLUDE"),
        ] {
            let error = TrustAnchors::parse(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text:?}: {error}");
        }
    }
}
