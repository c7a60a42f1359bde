//! What the certificates of a path allow each other: CA or not, length, purpose, names
//! (RFC 5280 section 6.1, in the order and with the leniency of OpenSSL 3).

use std::net::IpAddr;

use waxseal_model::certificate::PathOutcome;
use x509_parser::{
    extensions::GeneralName,
    oid_registry::{
        OID_PKCS9_EMAIL_ADDRESS, OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_BASIC_CONSTRAINTS,
        OID_X509_EXT_CERTIFICATE_POLICIES, OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
        OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_INHIBIT_ANY_POLICY, OID_X509_EXT_KEY_USAGE,
        OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_POLICY_CONSTRAINTS, OID_X509_EXT_POLICY_MAPPINGS,
        OID_X509_EXT_SUBJECT_ALT_NAME, OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
    },
    prelude::FromDer,
    x509::{X509Name, X509Version},
};

use super::{
    der,
    dn::{self, CanonicalName},
    facts::ip_address,
    parsed::{
        DIGITAL_SIGNATURE, Extension, KEY_AGREEMENT, KEY_CERT_SIGN, KEY_ENCIPHERMENT, MS_SGC, NS_SGC, Parsed,
        SERVER_AUTH,
    },
};

/// What a path breaks, and at which certificate (0 is the leaf).
pub(super) type Violation = (PathOutcome, usize);

/// Comparisons of names with constraints for one certificate, above which it is given up.
const MAX_COMPARISONS: usize = 1 << 18;

/// Checks everything but signatures and names, from the leaf up. The last certificate is
/// the trust anchor.
pub(super) fn extensions(path: &[&Parsed<'_>]) -> Option<Violation> {
    // CAs below the one at hand; self-issued ones do not count (RFC 5280 section 6.1.4).
    let mut below = 0u32;
    for (at, certificate) in path.iter().enumerate() {
        if has_unknown_critical(certificate) {
            return Some((PathOutcome::Unsupported, at));
        }
        if at > 0 && !is_ca(certificate, at + 1 == path.len()) {
            return Some((PathOutcome::NotACa, at));
        }
        if !serves_servers(certificate, at == 0) {
            return Some((PathOutcome::WrongPurpose, at));
        }
        let limit = certificate.basic_constraints().present().and_then(|found| found.path_len_constraint);
        if at > 1 && limit.is_some_and(|limit| below > limit) {
            return Some((PathOutcome::PathTooLong, at));
        }
        if at > 0 && !certificate.is_self_issued() {
            below += 1;
        }
    }
    None
}

/// A critical extension that nothing here takes into account. Policies are: without a
/// policy that is asked for, they restrict nothing.
fn has_unknown_critical(certificate: &Parsed<'_>) -> bool {
    let known = [
        OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
        OID_X509_EXT_BASIC_CONSTRAINTS,
        OID_X509_EXT_CERTIFICATE_POLICIES,
        OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
        OID_X509_EXT_EXTENDED_KEY_USAGE,
        OID_X509_EXT_INHIBIT_ANY_POLICY,
        OID_X509_EXT_KEY_USAGE,
        OID_X509_EXT_NAME_CONSTRAINTS,
        OID_X509_EXT_POLICY_CONSTRAINTS,
        OID_X509_EXT_POLICY_MAPPINGS,
        OID_X509_EXT_SUBJECT_ALT_NAME,
        OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
    ];
    certificate.certificate.extensions().iter().any(|e| e.critical && !known.contains(&e.oid))
}

/// Intermediates must say that they are CAs; a trust anchor may be an old one that does
/// not: v1 and self-signed, or with a keyUsage that lets it sign.
fn is_ca(certificate: &Parsed<'_>, is_anchor: bool) -> bool {
    if !certificate.may_sign() {
        return false;
    }
    match certificate.basic_constraints() {
        Extension::Present(found) => found.ca,
        Extension::Unreadable => false,
        Extension::Missing => {
            let v1 = certificate.certificate.version == X509Version::V1;
            let may_sign = certificate.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN != 0);
            is_anchor && ((v1 && certificate.appears_self_signed()) || may_sign)
        }
    }
}

/// Extended key usage, in every certificate of the path, and the leaf's key usage.
fn serves_servers(certificate: &Parsed<'_>, is_leaf: bool) -> bool {
    let usage = certificate.extended_key_usage();
    // OpenSSL does not take anyExtendedKeyUsage for serverAuth, nor does rustls.
    let fits = |oid: &String| [SERVER_AUTH, MS_SGC, NS_SGC].contains(&oid.as_str());
    let extended = usage.is_none_or(|oids| oids.iter().any(fits));
    let bits = DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT;
    extended && (!is_leaf || certificate.key_usage().is_none_or(|usage| usage & bits != 0))
}

/// Checks name constraints, from the anchor down: those of each CA against the names of
/// every certificate below it.
///
/// DNS names, IP addresses and directory names are compared. Where a constraint of
/// another kind (mail addresses, URIs) meets a name of its kind, the outcome is
/// `Unsupported`.
pub(super) fn names(path: &[&Parsed<'_>]) -> Option<Violation> {
    for (at, certificate) in path.iter().enumerate().rev() {
        let issuers = path.get(at + 1..).unwrap_or_default();
        if issuers.iter().all(|issuer| issuer.extension(&OID_X509_EXT_NAME_CONSTRAINTS).is_none()) {
            continue;
        }
        if at > 0 && certificate.is_self_issued() {
            continue;
        }
        let names = Name::all_of(certificate, at == 0);
        for issuer in issuers {
            let Some(extension) = issuer.extension(&OID_X509_EXT_NAME_CONSTRAINTS) else { continue };
            let outcome = match Constraints::read(extension.value) {
                Some(constraints) => constraints.check(&names),
                None => Some(PathOutcome::Unsupported),
            };
            if let Some(outcome) = outcome {
                return Some((outcome, at));
            }
        }
    }
    None
}

/// Numbers of the kinds of GeneralName (RFC 5280 section 4.2.1.6).
const MAIL: u8 = 1;
const DNS: u8 = 2;
const DIRECTORY: u8 = 4;
const URI: u8 = 6;
const ADDRESS: u8 = 7;

/// A name of a certificate.
enum Name<'a> {
    Dns(Vec<u8>),
    Address(&'a [u8]),
    Directory(CanonicalName),
    /// A kind that is not compared.
    Other(u8),
}

impl<'a> Name<'a> {
    fn kind(&self) -> u8 {
        match self {
            Self::Dns(_) => DNS,
            Self::Address(_) => ADDRESS,
            Self::Directory(_) => DIRECTORY,
            Self::Other(kind) => *kind,
        }
    }

    fn all_of(certificate: &'a Parsed<'_>, is_leaf: bool) -> Vec<Self> {
        let mut names: Vec<Self> = certificate.alternative_names().iter().map(Self::from_general).collect();
        let subject = &certificate.certificate.subject;
        if !certificate.subject.is_empty() {
            names.push(Self::Directory(certificate.subject.clone()));
        }
        if subject.iter_by_oid(&OID_PKCS9_EMAIL_ADDRESS).next().is_some() {
            names.push(Self::Other(MAIL));
        }
        if is_leaf && names.iter().all(|name| name.kind() != DNS) {
            // Without a DNS name the common name may be taken for one.
            names.extend(
                dn::common_name(subject).filter(|cn| is_host_name(cn)).map(|cn| Self::Dns(cn.into_bytes())),
            );
        }
        names
    }

    fn from_general(name: &GeneralName<'a>) -> Self {
        match name {
            GeneralName::DNSName(text) => Self::Dns(text.as_bytes().to_vec()),
            GeneralName::Invalid(tag, data) if tag.0 == u32::from(DNS) => Self::Dns(data.to_vec()),
            GeneralName::IPAddress(bytes) => Self::Address(bytes),
            GeneralName::DirectoryName(name) => Self::Directory(CanonicalName::new(name)),
            GeneralName::RFC822Name(_) => Self::Other(MAIL),
            GeneralName::URI(_) => Self::Other(URI),
            GeneralName::OtherName(..) => Self::Other(0),
            GeneralName::X400Address(_) => Self::Other(3),
            GeneralName::EDIPartyName(_) => Self::Other(5),
            GeneralName::RegisteredID(_) => Self::Other(8),
            GeneralName::Invalid(tag, _) => Self::Other(u8::try_from(tag.0).unwrap_or(u8::MAX)),
        }
    }
}

fn is_host_name(text: &str) -> bool {
    text.contains('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'*'))
}

/// The base of a subtree.
enum Base<'a> {
    Dns(&'a [u8]),
    Address(&'a [u8]),
    Directory(CanonicalName),
    Other(u8),
}

impl Base<'_> {
    fn kind(&self) -> u8 {
        match self {
            Self::Dns(_) => DNS,
            Self::Address(_) => ADDRESS,
            Self::Directory(_) => DIRECTORY,
            Self::Other(kind) => *kind,
        }
    }

    fn contains(&self, name: &Name<'_>) -> bool {
        match (self, name) {
            (Self::Dns(base), Name::Dns(name)) => dns_is_within(name, base),
            (Self::Address(base), Name::Address(address)) => address_is_within(address, base),
            (Self::Directory(base), Name::Directory(name)) => name.is_within(base),
            _ => false,
        }
    }
}

/// The extension, read strictly: what is not understood must not be ignored.
struct Constraints<'a> {
    permitted: Vec<Base<'a>>,
    excluded: Vec<Base<'a>>,
}

impl<'a> Constraints<'a> {
    fn read(value: &'a [u8]) -> Option<Self> {
        let mut found = Self { permitted: Vec::new(), excluded: Vec::new() };
        for list in der::elements(der::whole(value, der::SEQUENCE)?)? {
            let bases: Option<Vec<Base<'a>>> =
                der::elements(list.content)?.into_iter().map(read_subtree).collect();
            match list.tag {
                0xa0 => found.permitted.extend(bases?),
                0xa1 => found.excluded.extend(bases?),
                _ => return None,
            }
        }
        Some(found)
    }

    fn check(&self, names: &[Name<'_>]) -> Option<PathOutcome> {
        let bases = self.permitted.len() + self.excluded.len();
        if bases.saturating_mul(names.len()) > MAX_COMPARISONS {
            return Some(PathOutcome::Unsupported);
        }
        for name in names {
            let same_kind = |base: &&Base<'_>| base.kind() == name.kind();
            let mut permitted = self.permitted.iter().filter(same_kind).peekable();
            let mut excluded = self.excluded.iter().filter(same_kind).peekable();
            let constrained = permitted.peek().is_some() || excluded.peek().is_some();
            if constrained && matches!(name, Name::Other(_)) {
                return Some(PathOutcome::Unsupported);
            }
            let outside = permitted.peek().is_some() && !permitted.any(|base| base.contains(name));
            if outside || excluded.any(|base| base.contains(name)) {
                return Some(PathOutcome::NameConstraint);
            }
        }
        None
    }
}

/// One GeneralSubtree. Minimum and maximum, which RFC 5280 forbids, are not understood.
fn read_subtree(subtree: der::Element<'_>) -> Option<Base<'_>> {
    let fields = der::elements(subtree.content).filter(|_| subtree.tag == der::SEQUENCE)?;
    let [base] = fields.as_slice() else { return None };
    if base.tag & 0xc0 != 0x80 {
        return None;
    }
    Some(match base.tag & 0x1f {
        DNS => Base::Dns(base.content),
        ADDRESS if matches!(base.content.len(), 8 | 32) => Base::Address(base.content),
        ADDRESS => return None,
        DIRECTORY => match X509Name::from_der(base.content) {
            Ok(([], name)) => Base::Directory(CanonicalName::new(&name)),
            _ => return None,
        },
        kind => Base::Other(kind),
    })
}

/// `mx.example.com` lies within `example.com`, `.example.com` and the empty base.
fn dns_is_within(name: &[u8], base: &[u8]) -> bool {
    let Some(at) = name.len().checked_sub(base.len()) else { return false };
    let (before, tail) = name.split_at_checked(at).unwrap_or_default();
    let at_boundary =
        before.is_empty() || base.is_empty() || base.starts_with(b".") || before.ends_with(b".");
    at_boundary && tail.eq_ignore_ascii_case(base)
}

/// An address within address and mask, of the same family.
fn address_is_within(address: &[u8], base: &[u8]) -> bool {
    let (network, mask) = base.split_at_checked(base.len() / 2).unwrap_or_default();
    let same_family = matches!(
        (ip_address(address), ip_address(network)),
        (Some(IpAddr::V4(_)), Some(IpAddr::V4(_))) | (Some(IpAddr::V6(_)), Some(IpAddr::V6(_)))
    );
    same_family && address.iter().zip(network).zip(mask).all(|((a, n), m)| a & m == n & m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_subtrees_end_at_labels() {
        for (name, base, within) in [
            ("mx.example.com", "example.com", true),
            ("example.com", "example.com", true),
            ("MX.EXAMPLE.COM", "example.com", true),
            ("badexample.com", "example.com", false),
            ("mx.example.com", ".example.com", true),
            ("example.com", ".example.com", false),
            ("*.example.com", "example.com", true),
            ("anything.test", "", true),
            ("com", "example.com", false),
        ] {
            assert_eq!(dns_is_within(name.as_bytes(), base.as_bytes()), within, "{name} in {base}");
        }
    }

    #[test]
    fn address_subtrees_keep_to_their_family() {
        let net = [192, 0, 2, 0, 255, 255, 255, 0];
        assert!(address_is_within(&[192, 0, 2, 25], &net));
        assert!(!address_is_within(&[192, 0, 3, 25], &net));
        assert!(!address_is_within(&[0; 16], &net));
        assert!(address_is_within(&[7; 16], &[0; 32]), "the mask of everything");
        assert!(!address_is_within(&[7; 4], &[0; 32]), "other family");
        assert!(!address_is_within(&[7; 5], &net), "no address");
    }

    #[test]
    fn constraints_that_are_not_understood_are_not_ignored() {
        for value in [&[][..], &[0x30, 2, 0xa0, 5], &[0x30, 2, 0xa2, 0], &[0x30, 6, 0xa0, 4, 0x30, 2, 2, 0]] {
            assert!(Constraints::read(value).is_none(), "{value:?}");
        }
        let minimum = [0x30, 12, 0xa0, 10, 0x30, 8, 0x82, 3, b'a', b'.', b'b', 0x80, 1, 1];
        assert!(Constraints::read(&minimum).is_none());
    }
}
