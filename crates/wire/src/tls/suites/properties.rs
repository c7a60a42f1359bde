//! What a suite's name says it is made of.

use waxseal_model::tls::SuiteClass;

/// How the keys come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyExchange {
    /// TLS 1.3: the suite does not say (a key share, a pre-shared key, or both).
    Any,
    /// Not at all (`TLS_NULL_WITH_NULL_NULL`).
    Null,
    /// Encrypted to the server's RSA key; with `RSA_PSK` a shared secret besides.
    Rsa,
    /// Diffie-Hellman with the key in the certificate.
    Dh,
    /// Ephemeral Diffie-Hellman, anonymous or not.
    Dhe,
    /// Elliptic-curve Diffie-Hellman with the key in the certificate.
    Ecdh,
    /// Ephemeral elliptic-curve Diffie-Hellman, anonymous or not.
    Ecdhe,
    /// From a pre-shared key alone.
    Psk,
    /// Password (RFC 5054).
    Srp,
    /// Password over elliptic curves (RFC 8492).
    Eccpwd,
    /// Kerberos ticket (RFC 2712).
    Kerberos,
    /// GOST R 34.10 (RFC 9189, RFC 9367).
    Gost,
    /// Fortezza cards (SSLv3).
    Fortezza,
}

/// How the server proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// TLS 1.3: the suite does not say.
    Any,
    /// Not at all.
    Anonymous,
    /// Certificate with an RSA key, or signed by one.
    Rsa,
    /// Certificate with a DSA key, or signed by one.
    Dss,
    /// Certificate with an EC (or EdDSA) key, or signed by one.
    Ecdsa,
    /// Certificate with a GOST key.
    Gost,
    /// A secret that both sides hold beforehand: pre-shared key, password, ticket.
    SharedSecret,
}

/// The cipher, apart from its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the ciphers' own")]
pub enum Cipher {
    Null,
    Rc2,
    Rc4,
    Des,
    TripleDes,
    Idea,
    Seed,
    Fortezza,
    Aes,
    Camellia,
    Aria,
    ChaCha20,
    Sm4,
    Aegis,
    Gost28147,
    Kuznyechik,
    Magma,
}

/// How the cipher is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// No encryption.
    Null,
    /// A stream cipher, or a block cipher in counter mode with a MAC apart.
    Stream,
    /// Cipher block chaining with a MAC apart.
    Cbc,
    /// Authenticated encryption: GCM, CCM, Poly1305, MGM, AEGIS.
    Aead,
}

/// Who guards the records against change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mac {
    /// Nobody.
    Null,
    /// The cipher itself.
    Aead,
    /// HMAC-MD5 (or SSL's like).
    Md5,
    /// HMAC-SHA-1 (or SSL's like).
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-384.
    Sha384,
    /// One of the GOST family.
    Gost,
}

/// The parts of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Properties {
    /// How the keys come about.
    pub key_exchange: KeyExchange,
    /// How the server proves who it is.
    pub authentication: Authentication,
    /// The cipher.
    pub cipher: Cipher,
    /// Strength of the cipher in bits against brute force: 40 for export ciphers, 112
    /// for 3DES, 0 without encryption.
    pub bits: u16,
    /// How the cipher is used.
    pub mode: Mode,
    /// Who guards the records.
    pub mac: Mac,
    /// Weakened by law of the 1990s.
    pub export: bool,
}

impl Properties {
    /// Whether a suite with these properties is in a class.
    pub fn is_in(&self, class: SuiteClass) -> bool {
        match class {
            SuiteClass::Null => self.cipher == Cipher::Null,
            SuiteClass::Anonymous => self.authentication == Authentication::Anonymous,
            SuiteClass::Export => self.export,
            SuiteClass::Des => self.cipher == Cipher::Des,
            SuiteClass::Rc2 => self.cipher == Cipher::Rc2,
            SuiteClass::Rc4 => self.cipher == Cipher::Rc4,
            SuiteClass::TripleDes => self.cipher == Cipher::TripleDes,
            SuiteClass::Idea => self.cipher == Cipher::Idea,
            SuiteClass::Seed => self.cipher == Cipher::Seed,
            SuiteClass::RsaKeyExchange => self.key_exchange == KeyExchange::Rsa,
            SuiteClass::Dhe => self.key_exchange == KeyExchange::Dhe,
            SuiteClass::Cbc => self.mode == Mode::Cbc,
        }
    }

    /// The key exchange runs over elliptic curves.
    pub fn is_elliptic(&self) -> bool {
        matches!(self.key_exchange, KeyExchange::Ecdh | KeyExchange::Ecdhe | KeyExchange::Eccpwd)
    }
}

/// The properties that a name tells; none if a part of it is unknown.
pub(super) fn of_name(name: &str) -> Option<Properties> {
    let (exchange, protection) = split(name)?;
    let (key_exchange, authentication) = exchange_of(exchange)?;
    let (cipher, bits) = cipher_of(protection)?;
    let export = name.contains("EXPORT");
    // SSLv2 writes the length of the key before it is cut: RC4_128_EXPORT40.
    let bits = if protection.contains("EXPORT40") { 40 } else { bits };
    let mode = match cipher {
        Cipher::Null => Mode::Null,
        Cipher::ChaCha20 | Cipher::Aegis => Mode::Aead,
        _ if ["_GCM", "_CCM", "_MGM"].iter().any(|m| protection.contains(m)) => Mode::Aead,
        _ if protection.contains("_CBC") => Mode::Cbc,
        _ => Mode::Stream,
    };
    let mac = if mode == Mode::Aead { Mac::Aead } else { mac_of(protection)? };
    Some(Properties { key_exchange, authentication, cipher, bits, mode, mac, export })
}

/// Divides a name into key exchange and record protection.
fn split(name: &str) -> Option<(&str, &str)> {
    if let Some(kind) = name.strip_prefix("SSL_CK_") {
        return Some(("RSA", kind));
    }
    let rest = name.strip_prefix("TLS_").or_else(|| name.strip_prefix("SSL_"))?;
    Some(rest.split_once("_WITH_").unwrap_or(("", rest)))
}

fn exchange_of(text: &str) -> Option<(KeyExchange, Authentication)> {
    use {Authentication as A, KeyExchange as K};
    let text = text.strip_suffix("_EXPORT1024").or_else(|| text.strip_suffix("_EXPORT")).unwrap_or(text);
    let pair = match text {
        "" => (K::Any, A::Any),
        "NULL" => (K::Null, A::Anonymous),
        "RSA" | "RSA_FIPS" => (K::Rsa, A::Rsa),
        "RSA_PSK" => (K::Rsa, A::SharedSecret),
        "DH_RSA" => (K::Dh, A::Rsa),
        "DH_DSS" => (K::Dh, A::Dss),
        "DH_anon" => (K::Dhe, A::Anonymous),
        "DHE_RSA" => (K::Dhe, A::Rsa),
        "DHE_DSS" => (K::Dhe, A::Dss),
        "DHE_PSK" | "PSK_DHE" => (K::Dhe, A::SharedSecret),
        "ECDH_RSA" => (K::Ecdh, A::Rsa),
        "ECDH_ECDSA" => (K::Ecdh, A::Ecdsa),
        "ECDH_anon" => (K::Ecdhe, A::Anonymous),
        "ECDHE_RSA" => (K::Ecdhe, A::Rsa),
        "ECDHE_ECDSA" => (K::Ecdhe, A::Ecdsa),
        "ECDHE_PSK" => (K::Ecdhe, A::SharedSecret),
        "PSK" => (K::Psk, A::SharedSecret),
        "SRP_SHA" => (K::Srp, A::SharedSecret),
        "SRP_SHA_RSA" => (K::Srp, A::Rsa),
        "SRP_SHA_DSS" => (K::Srp, A::Dss),
        "ECCPWD" => (K::Eccpwd, A::SharedSecret),
        "KRB5" => (K::Kerberos, A::SharedSecret),
        "FORTEZZA_KEA" => (K::Fortezza, A::Dss),
        _ if text.starts_with("GOSTR34") => (K::Gost, A::Gost),
        _ => return None,
    };
    Some(pair)
}

/// Beginnings of the second half of a name; the first that fits counts.
const CIPHERS: &[(&str, Cipher, u16)] = &[
    ("NULL", Cipher::Null, 0),
    ("SHA256_SHA256", Cipher::Null, 0),
    ("SHA384_SHA384", Cipher::Null, 0),
    ("RC2_CBC_40", Cipher::Rc2, 40),
    ("RC2_CBC_56", Cipher::Rc2, 56),
    ("RC2_128", Cipher::Rc2, 128),
    ("RC4_40", Cipher::Rc4, 40),
    ("RC4_56", Cipher::Rc4, 56),
    ("RC4_128", Cipher::Rc4, 128),
    ("3DES_EDE", Cipher::TripleDes, 112),
    ("DES_192_EDE3", Cipher::TripleDes, 112),
    ("DES40", Cipher::Des, 40),
    ("DES_CBC_40", Cipher::Des, 40),
    ("DES_CBC", Cipher::Des, 56),
    ("DES_64_CBC", Cipher::Des, 56),
    ("IDEA", Cipher::Idea, 128),
    ("SEED", Cipher::Seed, 128),
    ("FORTEZZA", Cipher::Fortezza, 80),
    ("AES_128", Cipher::Aes, 128),
    ("AES_256", Cipher::Aes, 256),
    ("CAMELLIA_128", Cipher::Camellia, 128),
    ("CAMELLIA_256", Cipher::Camellia, 256),
    ("ARIA_128", Cipher::Aria, 128),
    ("ARIA_256", Cipher::Aria, 256),
    ("CHACHA20", Cipher::ChaCha20, 256),
    ("SM4", Cipher::Sm4, 128),
    ("AEGIS_128", Cipher::Aegis, 128),
    ("AEGIS_256", Cipher::Aegis, 256),
    ("28147", Cipher::Gost28147, 256),
    ("KUZNYECHIK", Cipher::Kuznyechik, 256),
    ("MAGMA", Cipher::Magma, 256),
];

fn cipher_of(text: &str) -> Option<(Cipher, u16)> {
    CIPHERS.iter().find(|(start, ..)| text.starts_with(start)).map(|(_, cipher, bits)| (*cipher, *bits))
}

fn mac_of(text: &str) -> Option<Mac> {
    let (_, last) = text.rsplit_once('_').unwrap_or(("", text));
    match last {
        "NULL" => Some(Mac::Null),
        "MD5" => Some(Mac::Md5),
        "SHA" => Some(Mac::Sha1),
        "SHA256" => Some(Mac::Sha256),
        "SHA384" => Some(Mac::Sha384),
        "GOSTR3411" | "IMIT" | "OMAC" => Some(Mac::Gost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_parts() {
        let p = of_name("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384").unwrap();
        assert_eq!(p.key_exchange, KeyExchange::Ecdhe);
        assert_eq!(p.authentication, Authentication::Rsa);
        assert_eq!((p.cipher, p.bits, p.mode, p.mac), (Cipher::Aes, 256, Mode::Cbc, Mac::Sha384));
        assert!(!p.export);

        let p = of_name("TLS_RSA_EXPORT1024_WITH_RC2_CBC_56_MD5").unwrap();
        assert_eq!((p.key_exchange, p.cipher, p.bits), (KeyExchange::Rsa, Cipher::Rc2, 56));
        assert!(p.export);

        let p = of_name("SSL_CK_RC4_128_EXPORT40_WITH_MD5").unwrap();
        assert_eq!((p.cipher, p.bits, p.mac, p.export), (Cipher::Rc4, 40, Mac::Md5, true));

        let p = of_name("TLS_DHE_RSA_WITH_AES_128_CCM_8").unwrap();
        assert_eq!((p.mode, p.mac), (Mode::Aead, Mac::Aead));
    }

    #[test]
    fn an_unknown_part_is_not_guessed() {
        for name in
            ["", "TLS_", "TLS_RSA_WITH_", "TLS_FOO_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_FOO"]
        {
            assert_eq!(of_name(name), None, "{name}");
        }
    }
}
