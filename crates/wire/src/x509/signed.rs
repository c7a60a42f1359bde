//! What OCSP responses and revocation lists have in common: something signed, and
//! extensions.

use x509_parser::{
    oid_registry::Oid,
    prelude::FromDer,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

use super::{
    algorithms::signature_algorithm,
    der,
    signature::{self, SignatureError},
};

/// A signed structure: `SEQUENCE { what is signed, algorithm, signature, … }`.
pub(super) struct Signed<'a> {
    /// What is signed, header included.
    pub(super) message: &'a [u8],
    /// Its algorithm, header included.
    pub(super) algorithm: &'a [u8],
    signature: &'a [u8],
    /// What follows the signature.
    pub(super) rest: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads the parts of the structure that the bytes consist of.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut content = der::whole(bytes, der::SEQUENCE)?;
        let message = der::expect_raw(&mut content, der::SEQUENCE)?;
        let algorithm = der::expect_raw(&mut content, der::SEQUENCE)?;
        let signature = der::whole_bits(der::expect(&mut content, der::BIT_STRING)?)?;
        Some(Self { message, algorithm, signature, rest: content })
    }

    /// Verifies the signature with a key.
    pub(super) fn verify(&self, key: &SubjectPublicKeyInfo<'_>) -> Result<(), SignatureError> {
        let unreadable = || SignatureError::Unsupported { what: "an unreadable algorithm".to_owned() };
        let (_, identifier) = AlgorithmIdentifier::from_der(self.algorithm).map_err(|_| unreadable())?;
        let algorithm = signature_algorithm(&identifier);
        let scheme = algorithm.scheme.ok_or(SignatureError::Unsupported { what: algorithm.name })?;
        signature::verify(key, scheme, self.message, self.signature)
    }
}

/// One extension: dotted OID, critical, content of its OCTET STRING.
pub(super) struct Extension<'a> {
    pub(super) oid: String,
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// Extensions of a list (RFC 5280 section 4.1) from an encoded SEQUENCE.
pub(super) fn extensions(bytes: &[u8]) -> Option<Vec<Extension<'_>>> {
    const BOOLEAN: u8 = 1;
    let list = der::elements(der::whole(bytes, der::SEQUENCE)?)?;
    list.into_iter()
        .map(|element| {
            let mut content = (element.tag == der::SEQUENCE).then_some(element.content)?;
            let oid = oid(der::expect(&mut content, der::OBJECT_IDENTIFIER)?);
            let critical = der::optional(&mut content, BOOLEAN)?.is_some_and(|c| c.iter().any(|b| *b != 0));
            let value = der::expect(&mut content, der::OCTET_STRING)?;
            content.is_empty().then_some(Extension { oid, critical, value })
        })
        .collect()
}

/// The dotted form of an OID from its content.
pub(super) fn oid(content: &[u8]) -> String {
    Oid::new(content.into()).to_id_string()
}

/// Reasons for a revocation (RFC 5280 section 5.3.1).
pub(super) fn reason(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => return None,
    })
}

/// The reason in an encoded ENUMERATED; the number where it has no name.
pub(super) fn reason_in(bytes: &[u8]) -> Option<String> {
    let number = der::small_integer(der::whole(bytes, der::ENUMERATED)?)?;
    Some(reason(number).map_or_else(|| format!("reason {number}"), str::to_owned))
}
