//! TLSA records beside the certificates that they speak of, right and wrong.
//!
//! A record of a new kind is a value of [`Tlsa`]; only what it says something about may
//! need a variant of [`Of`] and its arm in [`Tlsa::bearers`]. The domain that publishes it
//! goes into `catalogue/dane.rs`.

use aws_lc_rs::digest::{SHA256, SHA512, digest};

use crate::pki::authority::{Bearer, Identity};

/// A TLSA record for port 25 of a host (RFC 6698 section 2.1), or one for each of the
/// host's certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tlsa {
    pub(crate) usage: u8,
    pub(crate) selector: u8,
    pub(crate) matching: u8,
    /// What the record is about.
    pub(crate) of: Of,
    /// Time to live in seconds, where it is not that of every record.
    pub(crate) ttl: Option<u32>,
    /// The record's name relative to the domain, where it is not that of the host's port 25.
    pub(crate) owner: Option<&'static str>,
}

/// What a TLSA record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The host's certificate, or each of them.
    Leaf,
    /// The host's RSA certificate.
    RsaLeaf,
    /// The authority that signed the host's certificate.
    Issuer,
    /// The lab's root.
    Root,
    /// A key that no host has; each number is another one.
    OtherKey(u8),
    /// A key that no host has yet: its record stands ready for the next certificate.
    NextKey,
    /// Nothing: these hexadecimal digits are the data, whatever selector and matching type.
    Digits(&'static str),
}

impl Tlsa {
    pub(crate) const fn new(usage: u8, selector: u8, matching: u8, of: Of) -> Self {
        Self { usage, selector, matching, of, ttl: None, owner: None }
    }

    /// `3 1 1` of the host's own certificates: what operators are asked to publish.
    pub(crate) const fn usual() -> Self {
        Self::new(3, 1, 1, Of::Leaf)
    }

    pub(crate) const fn ttl(self, seconds: u32) -> Self {
        Self { ttl: Some(seconds), ..self }
    }

    pub(crate) const fn owner(self, owner: &'static str) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// The zone-file lines. `host` is the host's name in its zone; `root` is the lab's.
    pub(crate) fn lines(self, host: &str, identity: &Identity, root: &Bearer) -> Vec<String> {
        let Self { usage, selector, matching, .. } = self;
        let port = if host == "@" { "_25._tcp".to_owned() } else { format!("_25._tcp.{host}") };
        let owner = self.owner.map_or(port, str::to_owned);
        let ttl = self.ttl.map_or_else(String::new, |t| format!(" {t}"));
        self.data(identity, root)
            .into_iter()
            .map(|data| format!("{owner}{ttl} TLSA {usage} {selector} {matching} {data}"))
            .collect()
    }

    /// The data of each record in hexadecimal digits.
    fn data(self, identity: &Identity, root: &Bearer) -> Vec<String> {
        if let Of::Digits(digits) = self.of {
            return vec![digits.to_owned()];
        }
        let selected = self.bearers(identity, root).into_iter().map(|bearer| match self.selector {
            0 => bearer.certificate,
            _ => bearer.key,
        });
        selected.map(|bytes| matched(self.matching, &bytes)).collect()
    }

    fn bearers(self, identity: &Identity, root: &Bearer) -> Vec<Bearer> {
        let shown = match self.of {
            Of::Leaf => identity.ecdsa.iter().chain(&identity.rsa).collect(),
            Of::RsaLeaf => identity.rsa.iter().collect(),
            Of::Issuer => return vec![identity.issuer.clone()],
            Of::Root => return vec![root.clone()],
            Of::OtherKey(number) => return vec![nobodys(&format!("another key {number}"))],
            Of::NextKey => return vec![nobodys("the next key")],
            Of::Digits(_) => Vec::new(),
        };
        shown.into_iter().filter_map(|k| Bearer::of(k)).collect()
    }
}

/// What stands for a certificate and key that the lab never made: records about them hold
/// digests that nothing matches.
fn nobodys(what: &str) -> Bearer {
    Bearer { certificate: what.into(), key: what.into() }
}

/// The data under a matching type (RFC 6698 section 2.1.3). Types that are not assigned
/// get a digest too, so that only the type is wrong.
fn matched(matching: u8, bytes: &[u8]) -> String {
    match matching {
        0 => hexadecimal(bytes),
        2 => hexadecimal(digest(&SHA512, bytes).as_ref()),
        _ => hexadecimal(digest(&SHA256, bytes).as_ref()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;
    use crate::pki::{Chain, Keys, Leaf, authority::Authority};

    fn data(leaf: Leaf, tlsa: Tlsa) -> Vec<String> {
        let authority = Authority::new(1_790_000_000).unwrap();
        let identity = authority.issue("mx.example.test", leaf).unwrap();
        let lines = tlsa.lines("mx", &identity, &authority.root_bearer());
        // The certificates' own words, read by another library.
        for bearer in identity.ecdsa.iter().chain(&identity.rsa).filter_map(|k| Bearer::of(k)) {
            let (_, certificate) = X509Certificate::from_der(&bearer.certificate).unwrap();
            assert_eq!(certificate.public_key().raw, bearer.key);
        }
        for bearer in [&identity.issuer, &authority.root_bearer()] {
            let (_, certificate) = X509Certificate::from_der(&bearer.certificate).unwrap();
            assert_eq!(certificate.public_key().raw, bearer.key);
            assert!(certificate.is_ca());
        }
        lines
    }

    #[test]
    fn a_record_for_each_certificate_or_for_one() {
        let both = Leaf { keys: Keys::Both, ..Leaf::default() };
        assert_eq!(data(both, Tlsa::usual()).len(), 2);
        assert_eq!(data(both, Tlsa::new(3, 1, 1, Of::RsaLeaf)).len(), 1);
        assert_eq!(data(Leaf::default(), Tlsa::new(2, 0, 1, Of::Issuer)).len(), 1);
    }

    #[test]
    fn lengths_are_those_of_the_matching_type_and_words_those_of_the_record() {
        let line = |tlsa: Tlsa| data(Leaf::default(), tlsa).remove(0);
        assert!(line(Tlsa::usual()).starts_with("_25._tcp.mx TLSA 3 1 1 "));
        let owned = Tlsa::new(2, 1, 2, Of::Root).ttl(60).owner("_25._tcp.alias");
        let owned = line(owned);
        assert!(owned.starts_with("_25._tcp.alias 60 TLSA 2 1 2 "), "{owned}");
        assert_eq!(owned.rsplit(' ').next().unwrap().len(), 128);
        assert!(line(Tlsa::new(3, 0, 0, Of::Leaf)).len() > 500, "a whole certificate");
        assert_eq!(line(Tlsa::new(3, 1, 1, Of::Digits("ab"))), "_25._tcp.mx TLSA 3 1 1 ab");
        assert_ne!(line(Tlsa::new(3, 1, 1, Of::OtherKey(1))), line(Tlsa::new(3, 1, 1, Of::NextKey)));
    }

    #[test]
    fn the_issuer_is_the_one_that_signed() {
        let private = Leaf { chain: Chain::Private, ..Leaf::default() };
        let authority = Authority::new(1_790_000_000).unwrap();
        for (leaf, issuer) in
            [(private, "CN=waxseal lab private CA"), (Leaf::default(), "CN=waxseal lab intermediate CA")]
        {
            let identity = authority.issue("mx.example.test", leaf).unwrap();
            let (_, certificate) = X509Certificate::from_der(&identity.issuer.certificate).unwrap();
            assert_eq!(certificate.subject().to_string(), issuer);
        }
    }
}
