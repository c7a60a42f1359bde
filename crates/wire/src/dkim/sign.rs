//! Signatures made (RFC 6376, with RFC 8301 and RFC 8463): relaxed/relaxed, by RSA with
//! SHA-256 or by Ed25519.

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use thiserror::Error;

use crate::{
    compose::wrap,
    target::{TargetError, name_to_ascii},
};

/// The shortest RSA key that signs, in bits (RFC 8301 section 3.2 asks for 2048).
const LEAST_BITS: usize = 2048;
/// Fields that are signed where they are there (RFC 6376 section 5.4.1, RFC 8460).
const SIGNED: [&str; 18] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "tls-report-domain",
    "tls-report-submitter",
    "tls-required",
    "list-unsubscribe",
];
/// Fields that nobody may add behind our back: they are named once more than they are there
/// (RFC 6376 section 5.4).
const SEALED: [&str; 4] = ["from", "to", "subject", "date"];

/// Signs messages for one domain.
pub struct DkimSigner {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// Why nothing can be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DkimSignError {
    /// The file holds no private key.
    #[error("there is no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\"): {detail}")]
    NoKey {
        /// The reader's words.
        detail: String,
    },
    /// A key of another kind.
    #[error("the private key is neither RSA nor Ed25519, which are what DKIM knows")]
    Kind,
    /// Too short to be believed.
    #[error("the RSA key has {bits} bits: receivers want {LEAST_BITS} or more")]
    TooShort {
        /// How many it has.
        bits: usize,
    },
    /// `d=` or `s=` is no name.
    #[error("{text} is no name for a signature: {source}")]
    Name {
        /// What was given.
        text: String,
        /// What is wrong with it.
        source: TargetError,
    },
    /// The message has no From, which every signature must cover.
    #[error("the message has no From field to sign")]
    NoFrom,
    /// The cryptographic library failed.
    #[error("signing failed")]
    Failed,
}

impl fmt::Debug for DkimSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DkimSigner")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .field("algorithm", &self.key.algorithm())
            .finish_non_exhaustive()
    }
}

impl DkimSigner {
    /// A signer for `domain` with the key whose record is at `SELECTOR._domainkey.DOMAIN`.
    /// The key is in PEM form: PKCS #8, or `RSA PRIVATE KEY`.
    ///
    /// # Errors
    /// The operator's: no usable key, no usable name.
    pub fn from_pem(domain: &str, selector: &str, pem: &[u8]) -> Result<Self, DkimSignError> {
        let name = |text: &str| {
            name_to_ascii(text)
                .map_err(|source| DkimSignError::Name { text: crate::reading::quote(text), source })
        };
        let (domain, selector) = (name(domain)?, name(selector)?);
        let der =
            PrivateKeyDer::from_pem_slice(pem).map_err(|e| DkimSignError::NoKey { detail: e.to_string() })?;
        let key = match &der {
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                match RsaKeyPair::from_pkcs8(der) {
                    Ok(key) => Key::Rsa(Box::new(key)),
                    Err(_) => {
                        Ed25519KeyPair::from_pkcs8(der).map(Key::Ed25519).map_err(|_| DkimSignError::Kind)?
                    }
                }
            }
            PrivateKeyDer::Pkcs1(der) => {
                let key = RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| DkimSignError::Kind)?;
                Key::Rsa(Box::new(key))
            }
            _ => return Err(DkimSignError::Kind),
        };
        if let Key::Rsa(key) = &key
            && key.public_modulus_len() * 8 < LEAST_BITS
        {
            return Err(DkimSignError::TooShort { bits: key.public_modulus_len() * 8 });
        }
        Ok(Self { domain, selector, key })
    }

    /// The signing domain, A-labels.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Where the record has to be, and what it has to say: name and text.
    pub fn record(&self) -> (String, String) {
        let (kind, key) = match &self.key {
            Key::Rsa(key) => {
                let der: Option<PublicKeyX509Der<'_>> = key.public_key().as_der().ok();
                ("rsa", der.map(|der| STANDARD.encode(der.as_ref())).unwrap_or_default())
            }
            Key::Ed25519(key) => ("ed25519", STANDARD.encode(key.public_key().as_ref())),
        };
        (super::key_name(&self.selector, &self.domain), format!("v=DKIM1; k={kind}; p={key}"))
    }

    /// The `DKIM-Signature` field for a message whose lines end in CRLF, with its own CRLF:
    /// to be put in front of it. `at` goes into `t=`, seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// The message cannot be signed.
    pub fn sign(&self, message: &[u8], at: i64) -> Result<String, DkimSignError> {
        let (head, body) = split(message);
        let fields = fields(head);
        let mut names: Vec<&str> = Vec::new();
        for name in SIGNED {
            let times = fields.iter().filter(|field| field.name == name).count();
            names.extend(std::iter::repeat_n(name, times));
            if SEALED.contains(&name) {
                names.push(name);
            }
        }
        if !fields.iter().any(|field| field.name == "from") {
            return Err(DkimSignError::NoFrom);
        }
        let hash = digest(&SHA256, &relaxed_body(body));
        let tags = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={}; s={}; t={at}; h={}; bh={}; b=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            names.join(": "),
            STANDARD.encode(hash),
        );
        let field = wrap(&tags, 76, " ").replace('\n', "\r\n");
        let signature = STANDARD.encode(self.key.sign(&signed_data(&fields, &names, field.as_bytes()))?);
        let mut out = field;
        for (i, piece) in signature.as_bytes().chunks(72).enumerate() {
            if i > 0 || out.len() - out.rfind('\n').map_or(0, |at| at + 1) > 3 {
                out.push_str("\r\n ");
            }
            out.extend(piece.iter().copied().map(char::from));
        }
        out.push_str("\r\n");
        Ok(out)
    }
}

impl Key {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, DkimSignError> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                // The library asks for a source of randomness, and PKCS #1 v1.5 uses none.
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature)
                    .map_err(|_| DkimSignError::Failed)?;
                Ok(signature)
            }
            // RFC 8463 section 3: Ed25519 over the SHA-256 of the data.
            Self::Ed25519(key) => key
                .try_sign(digest(&SHA256, data).as_ref())
                .map(|s| s.as_ref().to_vec())
                .map_err(|_| DkimSignError::Failed),
        }
    }
}

/// A field of the header: its name in lower case, and all of it as it stands there, without
/// its last CRLF.
struct RawField<'m> {
    name: String,
    whole: &'m [u8],
}

/// Header and body; the empty line belongs to neither.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    match message.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(at) => (message.get(..at + 2).unwrap_or_default(), message.get(at + 4..).unwrap_or_default()),
        None => (message, &[]),
    }
}

fn fields(head: &[u8]) -> Vec<RawField<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < head.len() {
        let rest = head.get(at..).unwrap_or_default();
        let end = rest.windows(2).position(|window| window == b"\r\n").map_or(head.len(), |n| at + n + 2);
        let folded = head.get(end).is_some_and(|b| matches!(b, b' ' | b'\t'));
        if !folded {
            let whole = head.get(start..end).unwrap_or_default();
            let whole = whole.strip_suffix(b"\r\n").unwrap_or(whole);
            let name = whole.split(|b| *b == b':').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name.trim_ascii_end()).to_ascii_lowercase();
            found.push(RawField { name, whole });
            start = end;
        }
        at = end;
    }
    found
}

/// What is signed (RFC 6376 section 3.7): the named fields, of several with one name the
/// last first, then the signature's own field with an empty `b=`.
fn signed_data(fields: &[RawField<'_>], names: &[&str], own: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut taken = vec![false; fields.len()];
    for name in names {
        let last = fields.iter().zip(&mut taken).rfind(|(field, taken)| field.name == *name && !**taken);
        if let Some((field, taken)) = last {
            *taken = true;
            data.extend_from_slice(&relaxed_field(field.whole));
            data.extend_from_slice(b"\r\n");
        }
    }
    data.extend_from_slice(&relaxed_field(own));
    data
}

/// RFC 6376 section 3.4.2.
fn relaxed_field(field: &[u8]) -> Vec<u8> {
    let colon = field.iter().position(|b| *b == b':').unwrap_or(field.len());
    let (name, value) = field.split_at_checked(colon).unwrap_or_default();
    let mut out = name.trim_ascii_end().to_ascii_lowercase();
    out.push(b':');
    let begin = out.len();
    let mut blank = false;
    for byte in value.get(1..).unwrap_or_default() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => blank = true,
            _ => {
                if blank && out.len() > begin {
                    out.push(b' ');
                }
                blank = false;
                out.push(*byte);
            }
        }
    }
    out
}

/// RFC 6376 section 3.4.4.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    // Empty lines that are not yet known to have a full one behind them.
    let mut empty = 0usize;
    let body = body.strip_suffix(b"\r\n").unwrap_or(body);
    if body.is_empty() {
        return out;
    }
    let mut rest = body;
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n");
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let begin = out.len();
        let mut blank = false;
        for byte in line {
            if matches!(byte, b' ' | b'\t') {
                blank = true;
                continue;
            }
            if out.len() == begin {
                (0..std::mem::take(&mut empty)).for_each(|_| out.extend_from_slice(b"\r\n"));
            }
            if blank {
                out.push(b' ');
            }
            blank = false;
            out.push(*byte);
        }
        if out.len() == begin {
            empty += 1
        } else {
            out.extend_from_slice(b"\r\n")
        }
        match end {
            Some(end) => rest = rest.get(end + 2..).unwrap_or_default(),
            None => return out,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The message of RFC 8463 appendix A.3.
    const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
        \r\n\
        Hi.\r\n\
        \r\n\
        We lost the game.  Are you hungry yet?\r\n\
        \r\n\
        Joe.\r\n";

    #[test]
    fn the_signature_of_rfc_8463_comes_out() {
        let seed = STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
        let key = Key::Ed25519(Ed25519KeyPair::from_seed_unchecked(&seed).unwrap());
        let own = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
                   d=football.example.com; i=@football.example.com;\r\n \
                   q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
                   subject : date : message-id : from : subject : date;\r\n \
                   bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
        let (head, body) = split(MESSAGE.as_bytes());
        let names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"];
        let data = signed_data(&fields(head), &names, own.as_bytes());
        let signature = STANDARD.encode(key.sign(&data).unwrap());
        assert_eq!(
            signature,
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
        );
        let hash = STANDARD.encode(digest(&SHA256, &relaxed_body(body)));
        assert_eq!(hash, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    }

    #[test]
    fn the_examples_of_rfc_6376_are_canonical() {
        // Section 3.4.5.
        let head = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let canonical: Vec<Vec<u8>> = fields(head).iter().map(|field| relaxed_field(field.whole)).collect();
        assert_eq!(canonical, [b"a:X".to_vec(), b"b:Y Z".to_vec()]);
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        for (body, canonical) in [
            ("", ""),
            ("\r\n", ""),
            ("\r\n\r\n \r\n", ""),
            ("a", "a\r\n"),
            ("\r\na\r\n\t\r\nb", "\r\na\r\n\r\nb\r\n"),
        ] {
            assert_eq!(relaxed_body(body.as_bytes()), canonical.as_bytes(), "{body:?}");
        }
    }

    #[test]
    fn keys_that_nobody_would_believe_are_refused() {
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", crate::compose::base64_lines(der))
        };
        let signer = |pem: &str| DkimSigner::from_pem("example.com", "s1", pem.as_bytes()).map(|_| ());
        assert!(matches!(signer("nothing"), Err(DkimSignError::NoKey { .. })));
        assert_eq!(signer(&pem("PRIVATE KEY", b"junk")), Err(DkimSignError::Kind));
        let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        assert_eq!(signer(&ec.serialize_pem()), Err(DkimSignError::Kind));
        let ed = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
        assert_eq!(signer(&ed), Ok(()));
        let error = DkimSigner::from_pem("exa mple.com", "s1", ed.as_bytes()).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("\"exa mple.com\" is no name"), "{error}");
        let good = DkimSigner::from_pem("example.com", "s1", ed.as_bytes()).unwrap();
        assert_eq!(good.sign(b"To: a@example.com\r\n\r\nhi\r\n", 0), Err(DkimSignError::NoFrom));
        let (name, text) = good.record();
        assert_eq!(name, "s1._domainkey.example.com");
        assert_eq!(super::super::key(&text).unwrap().algorithm, "ed25519");
        assert!(!format!("{good:?}").contains("seed"));
    }

    proptest! {
        #[test]
        fn what_blanks_do_not_change_is_canonical(body in "([a-z]| |\t|\r\n){0,60}") {
            let once = relaxed_body(body.as_bytes());
            prop_assert_eq!(relaxed_body(&once), once.clone());
            prop_assert!(!once.ends_with(b"\r\n\r\n"));
        }
    }
}
