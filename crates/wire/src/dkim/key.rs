//! Key records (RFC 6376 section 3.6.1).

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use thiserror::Error;
use waxseal_model::identity::DkimKey;

use crate::{
    tags::{TagError, Tags, list, solid},
    text::neutralise,
    x509,
};

/// Longest record that is read, in bytes: keys of 16384 bits have some 2800.
const MAX_RECORD: usize = 8192;
/// Octets of an Ed25519 key (RFC 8463 section 4.2).
const ED25519: usize = 32;
/// Digests, services and flags of a record that are kept.
const MOST_WORDS: usize = 16;

/// Why a record holds no key that could be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DkimKeyError {
    /// Not a tag list.
    #[error("the record cannot be read: {0}")]
    Tags(#[from] TagError),
    /// More than any key needs.
    #[error("the record is longer than {MAX_RECORD} octets")]
    TooLong,
    /// `v=` is not first, or not DKIM1.
    #[error("v= must come first and say DKIM1")]
    Version,
    /// There is no `p=`.
    #[error("there is no p=, the key itself")]
    NoKey,
    /// `p=` is not base64.
    #[error("p= is not valid base64")]
    Base64,
    /// `p=` holds no RSA key.
    #[error("p= holds no RSA key")]
    NotRsa,
    /// `p=` holds no Ed25519 key.
    #[error("an Ed25519 key has {ED25519} octets, this one has {octets}")]
    NotEd25519 {
        /// How many it has.
        octets: usize,
    },
}

/// Where the key of a selector is, `SELECTOR._domainkey.DOMAIN`.
pub fn key_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// Reads a key record. A key that was revoked (`p=` is empty) is read, and says so; so is
/// one of a kind that nobody knows, without its length.
///
/// # Errors
/// The record is malformed, so that receivers ignore it.
pub fn key(record: &str) -> Result<DkimKey, DkimKeyError> {
    if record.len() > MAX_RECORD {
        return Err(DkimKeyError::TooLong);
    }
    let tags = Tags::parse(record)?;
    if tags.get("v").is_some_and(|v| v != "DKIM1" || tags.first() != Some(("v", v))) {
        return Err(DkimKeyError::Version);
    }
    let data = solid(tags.get("p").ok_or(DkimKeyError::NoKey)?);
    let algorithm = tags.get("k").unwrap_or("rsa").to_ascii_lowercase();
    let bits = if data.is_empty() { None } else { bits(&algorithm, &data)? };
    let flags: Vec<String> = words(tags.get("t"));
    Ok(DkimKey {
        bits,
        revoked: data.is_empty(),
        testing: flags.iter().any(|f| f == "y"),
        strict: flags.iter().any(|f| f == "s"),
        hashes: words(tags.get("h")),
        services: words(tags.get("s")).into_iter().filter(|s| s != "*").collect(),
        notes: tags.get("n").map(|n| neutralise(n.as_bytes(), 200)),
        algorithm: neutralise(algorithm.as_bytes(), 40),
    })
}

fn words(value: Option<&str>) -> Vec<String> {
    let words = value.into_iter().flat_map(|v| list(v, ':')).take(MOST_WORDS);
    words.map(|w| neutralise(w.to_ascii_lowercase().as_bytes(), 40)).collect()
}

fn bits(algorithm: &str, data: &str) -> Result<Option<u32>, DkimKeyError> {
    let octets = STANDARD_NO_PAD.decode(data.trim_end_matches('=')).map_err(|_| DkimKeyError::Base64)?;
    match algorithm {
        "rsa" => x509::rsa_key_bits(&octets).map(Some).ok_or(DkimKeyError::NotRsa),
        "ed25519" if octets.len() == ED25519 => Ok(Some(256)),
        "ed25519" => Err(DkimKeyError::NotEd25519 { octets: octets.len() }),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The key of RFC 6376 appendix C, 1024 bits.
    const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\
                       IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfV\
                       jH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
    /// A bare RSAPublicKey of 1024 bits, which the letter of RFC 6376 asks for (erratum 3017).
    const BARE: &str = "MIGJAoGBALVI635dLK4cJJAH3Lx6upo3X/Lm1tQz3mezcWTA3BUBnyIsdnRf57aD5BtNmhPrYYDlWlzw3Ugn\
                        KisIxktkk5+iMQMlFtAS10JB8L3YadXNJY+JBcbeSi5TgJe4WFzNgW95FWDAuSTRXSWZfA/8xjflbTLDx0eu\
                        FZOM7C4T0GwLAgMBAAE=";

    #[test]
    fn the_keys_of_the_standards() {
        let rsa = key(&format!("v=DKIM1; p={RSA}")).unwrap();
        assert_eq!((rsa.algorithm.as_str(), rsa.bits, rsa.revoked), ("rsa", Some(1024), false));
        assert_eq!(key(&format!("p={BARE}")).unwrap().bits, Some(1024));
        // RFC 8463 appendix A.2.
        let ed = key("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").unwrap();
        assert_eq!((ed.algorithm.as_str(), ed.bits), ("ed25519", Some(256)));
    }

    #[test]
    fn every_tag_is_understood() {
        let text = format!(
            "v=DKIM1 ; k=rsa; t=y:s; h=sha1 : sha256; s=email:*; n=old one; p={}",
            RSA.replace("Jk", "J k")
        );
        let key = key(&text).unwrap();
        assert!(key.testing && key.strict && !key.revoked);
        assert_eq!(
            (key.hashes, key.services),
            (vec!["sha1".to_owned(), "sha256".into()], vec!["email".to_owned()])
        );
        assert_eq!(key.notes.as_deref(), Some("old one"));
    }

    #[test]
    fn revoked_and_unknown_keys_are_no_errors() {
        assert!(key("v=DKIM1; p=").unwrap().revoked);
        let other = key("v=DKIM1; k=mldsa44; p=AAAA").unwrap();
        assert_eq!((other.algorithm.as_str(), other.bits), ("mldsa44", None));
    }

    #[test]
    fn malformed_records_say_why() {
        for (text, word) in [
            ("v=DKIM1; k=rsa", "no p="),
            ("k=rsa; v=DKIM1; p=", "first"),
            ("v=dkim1; p=", "DKIM1"),
            ("v=DKIM1; p=!!!!", "base64"),
            ("v=DKIM1; p=AAAA", "no RSA key"),
            ("v=DKIM1; k=ed25519; p=AAAA", "has 3"),
            ("v=DKIM1; p=; p=", "twice"),
            ("some text", "tag=value"),
            (RSA, "tag=value"),
        ] {
            let error = key(text).map(|k| k.algorithm).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_record_is_read_without_harm(text in "(v=DKIM1;)?( ?[vkptshn]=[a-zA-Z0-9+/:=;é ]{0,40}){0,6}") {
            if let Ok(key) = key(&text) {
                prop_assert!(key.revoked == key.bits.is_none() || !matches!(key.algorithm.as_str(), "rsa" | "ed25519"));
            }
        }
    }
}
