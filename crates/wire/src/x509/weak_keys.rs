//! Keys that Debian's OpenSSL of 2006 to 2008 could make (CVE-2008-0166): a list of them,
//! in the form of the package `openssl-blacklist`.
//!
//! The package has a file for each length, `blacklist.RSA-2048`; a line is the second half
//! of the SHA-1 of what `openssl rsa -noout -modulus` prints, in hex. waxseal ships no such
//! list: there are some hundred thousand keys of each length, and no source for them that is
//! still maintained.

use std::collections::{BTreeMap, HashSet};

use thiserror::Error;
use waxseal_model::{Cause, Observed};
use x509_parser::der_parser::num_bigint::BigUint;

use super::{algorithms::Digest, parsed::Parsed, rsa::PublicKey};

/// Fingerprints of weak keys by the length of the modulus.
#[derive(Debug, Clone, Default)]
pub struct WeakKeys {
    by_bits: BTreeMap<u32, HashSet<[u8; HALF]>>,
}

/// Bytes of a fingerprint: half of a SHA-1.
const HALF: usize = 10;

/// Why a list is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WeakKeysError {
    /// The name of the file does not tell which keys are in it.
    #[error(
        "{name} is no list of weak keys by its name: it has to end with RSA- and the length, as blacklist.RSA-2048"
    )]
    Name {
        /// The file's name.
        name: String,
    },
    /// A line is no fingerprint.
    #[error("{name} is no list of weak keys: line {line} is not made of 20 hexadecimal digits")]
    Line {
        /// The file's name.
        name: String,
        /// From 1.
        line: usize,
    },
    /// There is no fingerprint in it.
    #[error("{name} has no fingerprint in it")]
    Empty {
        /// The file's name.
        name: String,
    },
}

impl WeakKeys {
    /// The length of the keys in a file, by its name; none if that is no list of RSA keys.
    pub fn bits_of_file(name: &str) -> Option<u32> {
        let (_, bits) = name.rsplit_once("RSA-")?;
        bits.parse().ok().filter(|bits| (256..=16384).contains(bits))
    }

    /// Takes the fingerprints of a file.
    ///
    /// # Errors
    /// Its name does not tell the length of the keys, or a line is no fingerprint.
    pub fn add(&mut self, name: &str, content: &str) -> Result<(), WeakKeysError> {
        let bits = Self::bits_of_file(name).ok_or_else(|| WeakKeysError::Name { name: name.to_owned() })?;
        let mut found = HashSet::new();
        for (at, line) in content.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let print = fingerprint(line)
                .ok_or_else(|| WeakKeysError::Line { name: name.to_owned(), line: at + 1 })?;
            found.insert(print);
        }
        if found.is_empty() {
            return Err(WeakKeysError::Empty { name: name.to_owned() });
        }
        self.by_bits.entry(bits).or_default().extend(found);
        Ok(())
    }

    /// True without any list.
    pub fn is_empty(&self) -> bool {
        self.by_bits.is_empty()
    }

    /// Whether the key of a certificate is on the list. Keys of a length without a list are
    /// not known; keys that are not RSA do not apply, nor do certificates that cannot be read.
    pub fn contains(&self, certificate: &[u8]) -> Observed<bool> {
        let not_rsa = || Observed::not_tried(Cause::NotApplicable, "the lists are of RSA keys");
        let Ok(parsed) = Parsed::new(certificate) else { return not_rsa() };
        let key = parsed.certificate.subject_pki.subject_public_key.data.as_ref();
        match (parsed.key_kind(), PublicKey::from_der(key)) {
            (Some(super::algorithms::KeyKind::Rsa), Some(key)) => self.contains_modulus(key.modulus()),
            _ => not_rsa(),
        }
    }

    fn contains_modulus(&self, modulus: &BigUint) -> Observed<bool> {
        let bits = u32::try_from(modulus.bits()).unwrap_or(u32::MAX);
        match self.by_bits.get(&bits) {
            Some(list) => Observed::seen(list.contains(&print_of(modulus))),
            None => Observed::not_tried(
                Cause::Unsupported,
                format!("there is no list of weak keys of {bits} bits: give one with --weak-keys"),
            ),
        }
    }
}

/// The fingerprint of a modulus, as `openssl-vulnkey` takes it.
fn print_of(modulus: &BigUint) -> [u8; HALF] {
    let line = format!("Modulus={modulus:X}\n");
    let hash = Digest::Sha1.of(line.as_bytes());
    hash.last_chunk().copied().unwrap_or_default()
}

fn fingerprint(line: &str) -> Option<[u8; HALF]> {
    if line.len() != HALF * 2 || !line.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let number = u128::from_str_radix(line, 16).ok()?;
    number.to_be_bytes().last_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHORT: &str = "0123456789abcdef0123";

    #[test]
    fn a_list_is_read_and_its_length_comes_from_its_name() {
        let mut keys = WeakKeys::default();
        keys.add("blacklist.RSA-1024", &format!("# a remark\n\n{SHORT}\n")).unwrap();
        assert!(!keys.is_empty());
        let modulus = BigUint::from(1u32) << 1023;
        assert_eq!(keys.contains_modulus(&modulus), Observed::seen(false));
        assert!(keys.contains_modulus(&(modulus << 1)).why().unwrap().text.contains("1025 bits"));
    }

    #[test]
    fn the_fingerprint_is_the_second_half_of_the_printed_modulus_digest() {
        // printf 'Modulus=FF\n' | sha1sum
        let whole = Digest::Sha1.of(b"Modulus=FF\n");
        assert_eq!(print_of(&BigUint::from(255u32))[..], whole[10..]);
        let text: String = whole[10..].iter().map(|b| format!("{b:02x}")).collect();
        let mut keys = WeakKeys::default();
        keys.by_bits.insert(8, HashSet::from([fingerprint(&text).unwrap()]));
        assert_eq!(keys.contains_modulus(&BigUint::from(255u32)), Observed::seen(true));
    }

    #[test]
    fn files_that_are_no_lists_are_named() {
        let mut keys = WeakKeys::default();
        let mut error = |name: &str, content: &str| keys.add(name, content).unwrap_err().to_string();
        assert!(error("list.txt", SHORT).contains("blacklist.RSA-2048"));
        assert!(error("blacklist.RSA-2048", "hello").contains("line 1"));
        assert!(error("blacklist.RSA-2048", "# nothing\n").contains("no fingerprint"));
        assert_eq!(WeakKeys::bits_of_file("blacklist.DSA-1024"), None);
    }

    proptest! {
        #[test]
        fn any_text_does_no_harm(text in ".{0,200}") {
            let _ = WeakKeys::default().add("blacklist.RSA-2048", &text);
        }
    }
}
