//! Facts from extensions that say how a certificate was issued and where to ask about it.

use waxseal_model::{Cause, Observed, certificate::Validation, revocation::SctFacts};
use x509_parser::{
    extensions::{DistributionPointName, GeneralName, ParsedExtension, X509Extension},
    oid_registry::{
        OID_CT_LIST_SCT, OID_PKIX_AUTHORITY_INFO_ACCESS, OID_X509_EXT_CERTIFICATE_POLICIES,
        OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    },
};

use super::{
    der,
    facts::{MAX_TEXT, hex},
    parsed::Parsed,
    sct::sct_list,
};
use crate::text::neutralise;

/// Most URLs of one kind, and most policies, that are kept.
const MAX_ENTRIES: usize = 10;

/// Access methods of authorityInfoAccess (RFC 5280 section 4.2.2.1).
pub(super) const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
pub(super) const OCSP: &str = "1.3.6.1.5.5.7.48.1";

/// Names of the bits of keyUsage, the first first (RFC 5280 section 4.2.1.3).
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// Locations of one method in authorityInfoAccess.
pub(super) fn access_urls(parsed: &Parsed<'_>, method: &str) -> Vec<String> {
    let extension = parsed.extension(&OID_PKIX_AUTHORITY_INFO_ACCESS).map(X509Extension::parsed_extension);
    let Some(ParsedExtension::AuthorityInfoAccess(access)) = extension else { return Vec::new() };
    let of_method = access.iter().filter(|d| d.access_method.to_id_string() == method);
    of_method.filter_map(|d| url(&d.access_location)).take(MAX_ENTRIES).collect()
}

/// Locations of revocation lists.
pub(super) fn crl_urls(parsed: &Parsed<'_>) -> Vec<String> {
    let extension =
        parsed.extension(&OID_X509_EXT_CRL_DISTRIBUTION_POINTS).map(X509Extension::parsed_extension);
    let Some(ParsedExtension::CRLDistributionPoints(points)) = extension else { return Vec::new() };
    let names = points.iter().filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.flatten().filter_map(url).take(MAX_ENTRIES).collect()
}

fn url(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) => Some(neutralise(uri.as_bytes(), MAX_TEXT)),
        _ => None,
    }
}

/// Key usages by name; none if the extension is missing.
pub(super) fn key_usage(parsed: &Parsed<'_>) -> Option<Vec<String>> {
    let bits = parsed.key_usage()?;
    let set = |(at, name): (usize, &&str)| (bits >> at & 1 == 1).then(|| (*name).to_owned());
    Some(KEY_USAGES.iter().enumerate().filter_map(set).collect())
}

/// subjectKeyIdentifier in hex.
pub(super) fn subject_key_id(parsed: &Parsed<'_>) -> Option<String> {
    parsed.subject_key_id().map(hex)
}

/// keyIdentifier of authorityKeyIdentifier in hex.
pub(super) fn authority_key_id(parsed: &Parsed<'_>) -> Option<String> {
    parsed.authority_key_id()?.key_identifier.map(|id| hex(id.0))
}

/// OIDs of certificatePolicies.
pub(super) fn policies(parsed: &Parsed<'_>) -> Vec<String> {
    let extension = parsed.extension(&OID_X509_EXT_CERTIFICATE_POLICIES).map(X509Extension::parsed_extension);
    let Some(ParsedExtension::CertificatePolicies(policies)) = extension else { return Vec::new() };
    policies.iter().take(MAX_ENTRIES).map(|p| p.policy_id.to_id_string()).collect()
}

/// What the policies of the CA/Browser Forum say about how the subject was validated
/// (Baseline Requirements 7.1.6.1, EV Guidelines 9.3.2, S/MIME Baseline Requirements 7.1.6.1).
pub(super) fn validation(policies: &[String]) -> Option<Validation> {
    policies.iter().find_map(|oid| match oid.as_str() {
        "2.23.140.1.1" => Some(Validation::Extended),
        "2.23.140.1.2.1" => Some(Validation::Domain),
        "2.23.140.1.2.2" => Some(Validation::Organization),
        "2.23.140.1.2.3" => Some(Validation::Individual),
        other if other.starts_with("2.23.140.1.5.") => Some(Validation::Smime),
        _ => None,
    })
}

/// The timestamps within the certificate (RFC 6962 section 3.3).
pub(super) fn scts(parsed: &Parsed<'_>) -> Observed<Vec<SctFacts>> {
    let Some(extension) = parsed.extension(&OID_CT_LIST_SCT) else { return Observed::seen(Vec::new()) };
    match der::whole(extension.value, der::OCTET_STRING).map(sct_list) {
        Some(Ok(list)) => Observed::seen(list),
        _ => {
            Observed::failed(Cause::Protocol, "the certificate timestamps in the certificate cannot be read")
        }
    }
}
