//! A certificate taken apart, as `facts` and `path` need it.

use x509_parser::{
    certificate::X509Certificate,
    extensions::{AuthorityKeyIdentifier, BasicConstraints, GeneralName, ParsedExtension, X509Extension},
    oid_registry::{
        OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_BASIC_CONSTRAINTS,
        OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME,
        OID_X509_EXT_SUBJECT_KEY_IDENTIFIER, Oid,
    },
    prelude::FromDer,
    x509::SubjectPublicKeyInfo,
};

use super::{
    algorithms::{KeyKind, signature_algorithm},
    dn::CanonicalName,
    facts::{MAX_CERTIFICATE, X509Error},
    signature::{self, SignatureError},
};

/// A bounded, parsed certificate.
pub(super) struct Parsed<'a> {
    pub(super) certificate: X509Certificate<'a>,
    pub(super) der: &'a [u8],
    pub(super) subject: CanonicalName,
    pub(super) issuer: CanonicalName,
}

/// Bits of keyUsage in the order of RFC 5280 section 4.2.1.3.
pub(super) const DIGITAL_SIGNATURE: u16 = 1;
pub(super) const KEY_ENCIPHERMENT: u16 = 1 << 2;
pub(super) const KEY_AGREEMENT: u16 = 1 << 4;
pub(super) const KEY_CERT_SIGN: u16 = 1 << 5;

/// OIDs of extended key usages.
pub(super) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub(super) const ANY_USAGE: &str = "2.5.29.37.0";
pub(super) const MS_SGC: &str = "1.3.6.1.4.1.311.10.3.3";
pub(super) const NS_SGC: &str = "2.16.840.1.113730.4.1";

/// An extension that need not be there, and may be unreadable.
pub(super) enum Extension<T> {
    Missing,
    Unreadable,
    Present(T),
}

impl<T> Extension<T> {
    pub(super) fn present(self) -> Option<T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Missing | Self::Unreadable => None,
        }
    }
}

impl<'a> Parsed<'a> {
    /// Parses one certificate.
    pub(super) fn new(der: &'a [u8]) -> Result<Self, X509Error> {
        if der.len() > MAX_CERTIFICATE {
            return Err(X509Error::TooLarge { size: der.len() });
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| X509Error::Malformed {
            what: match error {
                x509_parser::nom::Err::Incomplete(_) => "it is cut short".to_owned(),
                x509_parser::nom::Err::Error(e) | x509_parser::nom::Err::Failure(e) => e.to_string(),
            },
        })?;
        if !rest.is_empty() {
            return Err(X509Error::Malformed { what: format!("{} bytes follow its end", rest.len()) });
        }
        let subject = CanonicalName::new(&certificate.subject);
        let issuer = CanonicalName::new(&certificate.issuer);
        Ok(Self { certificate, der, subject, issuer })
    }

    /// The first extension of a type. RFC 5280 section 4.2 forbids a second.
    pub(super) fn extension(&self, oid: &Oid<'_>) -> Option<&X509Extension<'a>> {
        self.certificate.extensions().iter().find(|e| e.oid == *oid)
    }

    fn read<T>(&self, oid: &Oid<'_>, pick: impl Fn(&ParsedExtension<'a>) -> Option<T>) -> Extension<T> {
        match self.extension(oid) {
            None => Extension::Missing,
            Some(extension) => match pick(extension.parsed_extension()) {
                Some(value) => Extension::Present(value),
                None => Extension::Unreadable,
            },
        }
    }

    pub(super) fn basic_constraints(&self) -> Extension<BasicConstraints> {
        self.read(&OID_X509_EXT_BASIC_CONSTRAINTS, |parsed| match parsed {
            ParsedExtension::BasicConstraints(found) => Some(found.clone()),
            _ => None,
        })
    }

    /// Bits of keyUsage; none if the extension is missing. An unreadable one allows
    /// nothing.
    pub(super) fn key_usage(&self) -> Option<u16> {
        let found = self.read(&OID_X509_EXT_KEY_USAGE, |parsed| match parsed {
            ParsedExtension::KeyUsage(usage) => Some(usage.flags),
            _ => None,
        });
        match found {
            Extension::Missing => None,
            Extension::Unreadable => Some(0),
            Extension::Present(flags) => Some(flags),
        }
    }

    /// OIDs of extendedKeyUsage; none if the extension is missing. An unreadable one
    /// allows nothing.
    pub(super) fn extended_key_usage(&self) -> Option<Vec<String>> {
        let found = self.read(&OID_X509_EXT_EXTENDED_KEY_USAGE, |parsed| match parsed {
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let flags = [
                    (usage.any, ANY_USAGE),
                    (usage.server_auth, SERVER_AUTH),
                    (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
                    (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
                    (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
                    (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
                    (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
                ];
                let known = flags.into_iter().filter(|(set, _)| *set).map(|(_, oid)| oid.to_owned());
                Some(known.chain(usage.other.iter().map(Oid::to_id_string)).collect())
            }
            _ => None,
        });
        match found {
            Extension::Missing => None,
            Extension::Unreadable => Some(Vec::new()),
            Extension::Present(oids) => Some(oids),
        }
    }

    /// The names in subjectAltName.
    pub(super) fn alternative_names(&self) -> &[GeneralName<'a>] {
        match self.extension(&OID_X509_EXT_SUBJECT_ALT_NAME).map(X509Extension::parsed_extension) {
            Some(ParsedExtension::SubjectAlternativeName(names)) => &names.general_names,
            _ => &[],
        }
    }

    pub(super) fn subject_key_id(&self) -> Option<&'a [u8]> {
        self.read(&OID_X509_EXT_SUBJECT_KEY_IDENTIFIER, |parsed| match parsed {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
            _ => None,
        })
        .present()
    }

    pub(super) fn authority_key_id(&self) -> Option<AuthorityKeyIdentifier<'a>> {
        self.read(&OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, |parsed| match parsed {
            ParsedExtension::AuthorityKeyIdentifier(id) => Some(id.clone()),
            _ => None,
        })
        .present()
    }

    /// True if subject and issuer are the same name.
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Self-issued, with key identifiers that do not say otherwise: what OpenSSL takes for
    /// self-signed when it builds a chain (EXFLAG_SS). The signature is not looked at.
    pub(super) fn appears_self_signed(&self) -> bool {
        self.is_self_issued() && self.may_be_issued_by(self)
    }

    /// True if names, key identifiers and the kind of key allow `issuer` to have issued
    /// this certificate (X509_check_issued without keyUsage). Nothing is verified.
    pub(super) fn may_be_issued_by(&self, issuer: &Parsed<'_>) -> bool {
        self.issuer == issuer.subject && self.key_ids_match(issuer) && self.key_kind_matches(issuer)
    }

    fn key_ids_match(&self, issuer: &Parsed<'_>) -> bool {
        let Some(authority) = self.authority_key_id() else { return true };
        if let (Some(wanted), Some(id)) = (&authority.key_identifier, issuer.subject_key_id())
            && wanted.0 != id
        {
            return false;
        }
        if authority.authority_cert_serial.is_some_and(|serial| serial != issuer.certificate.raw_serial()) {
            return false;
        }
        let names = authority.authority_cert_issuer.unwrap_or_default();
        let directory_name = names.iter().find_map(|name| match name {
            GeneralName::DirectoryName(name) => Some(CanonicalName::new(name)),
            _ => None,
        });
        directory_name.is_none_or(|name| name == issuer.issuer)
    }

    fn key_kind_matches(&self, issuer: &Parsed<'_>) -> bool {
        let needed = signature_algorithm(&self.certificate.signature_algorithm).key;
        let kind = issuer.key_kind();
        needed.is_none() || kind.is_none() || needed == kind
    }

    /// The kind of the public key, if it is a known one.
    pub(super) fn key_kind(&self) -> Option<KeyKind> {
        KeyKind::from_oid(&self.certificate.subject_pki.algorithm.algorithm.to_id_string())
    }

    /// True unless keyUsage forbids it to sign certificates.
    pub(super) fn may_sign(&self) -> bool {
        self.key_usage().is_none_or(|bits| bits & KEY_CERT_SIGN != 0)
    }

    /// Verifies the signature of this certificate with the key of `issuer`.
    pub(super) fn verify_signed_by(&self, issuer: &Parsed<'_>) -> Result<(), SignatureError> {
        self.verify_with(&issuer.certificate.subject_pki)
    }

    /// The same with a key alone.
    pub(super) fn verify_with(&self, key: &SubjectPublicKeyInfo<'_>) -> Result<(), SignatureError> {
        let algorithm = signature_algorithm(&self.certificate.signature_algorithm);
        let scheme = algorithm.scheme.ok_or(SignatureError::Unsupported { what: algorithm.name })?;
        let bits = &self.certificate.signature_value;
        if self.certificate.signature_algorithm != self.certificate.tbs_certificate.signature {
            // RFC 5280 section 4.1.1.2: the two must be equal. OpenSSL refuses as well.
            return Err(SignatureError::Wrong);
        }
        let message = self.certificate.tbs_certificate.as_ref();
        signature::verify(key, scheme, message, bits.data.as_ref())
    }

    /// Signed with its own key. Where the signature is of a kind that cannot be verified,
    /// the names and key identifiers decide.
    pub(super) fn is_self_signed(&self) -> bool {
        self.is_self_issued()
            && match self.verify_signed_by(self) {
                Ok(()) => true,
                Err(SignatureError::Unsupported { .. }) => self.appears_self_signed(),
                Err(_) => false,
            }
    }
}
