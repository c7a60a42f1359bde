//! The lab's certification authority.

use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CrlDistributionPoint, CustomExtension,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SerialNumber, SigningKey,
};
use rustls::{crypto::aws_lc_rs::sign::any_supported_type, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use super::{
    Chain, Dates, Keys, Leaf, Naming, Version, der,
    status::{Desk, serial_of},
    weak,
};
use crate::{error::LabError, servers::issuer};

const ROOT: &str = "waxseal lab root CA";
const INTERMEDIATE: &str = "waxseal lab intermediate CA";
const PRIVATE: &str = "waxseal lab private CA";
/// An extension of this size makes the certificate larger than any client should read.
const HUGE: usize = 1_100_000;
/// id-pe-authorityInfoAccess and id-pe-tlsfeature.
const AUTHORITY_INFO_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
const TLS_FEATURE: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 24];
/// An arc under which nobody has registered anything (2.25 is for UUIDs).
const PADDING_OID: [u64; 3] = [2, 25, 1];

/// A root, an intermediate under it, and the clock that leaves are dated by.
pub(crate) struct Authority {
    root: Certificate,
    root_key: Vec<u8>,
    intermediate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    private: Certificate,
    private_issuer: Issuer<'static, KeyPair>,
    desk: Desk,
    now: OffsetDateTime,
}

/// What a server has to show: one certificate with its key, or two.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) ecdsa: Option<Arc<CertifiedKey>>,
    pub(crate) rsa: Option<Arc<CertifiedKey>>,
    /// PKCS#8 of the RSA key, for engines other than rustls.
    pub(crate) rsa_pkcs8: Option<Vec<u8>>,
    /// Who signed them.
    pub(crate) issuer: Bearer,
}

/// A certificate and its public key as TLSA records refer to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The whole certificate in DER (selector 0 of RFC 6698 section 2.1.2).
    pub(crate) certificate: Vec<u8>,
    /// SubjectPublicKeyInfo in DER (selector 1).
    pub(crate) key: Vec<u8>,
}

impl Bearer {
    /// The certificate that a server shows; none for a key that cannot say what it is.
    pub(crate) fn of(shown: &CertifiedKey) -> Option<Self> {
        Some(Self {
            certificate: shown.cert.first()?.to_vec(),
            key: shown.key.public_key()?.as_ref().to_vec(),
        })
    }
}

impl Authority {
    /// Makes keys and CA certificates. `now` is in seconds since 1970.
    pub(crate) fn new(now: i64) -> Result<Self, LabError> {
        let now = OffsetDateTime::from_unix_timestamp(now).map_err(|e| LabError::certificate(ROOT, &e))?;
        let make = || -> Result<Self, rcgen::Error> {
            let root_pair = KeyPair::generate()?;
            let root_key = root_pair.subject_public_key_info();
            let root_params = authority_params(ROOT, now, 3650);
            let root = root_params.self_signed(&root_pair)?;
            let root_issuer = Issuer::new(root_params, root_pair);
            let key = KeyPair::generate()?;
            let params = authority_params(INTERMEDIATE, now, 1825);
            let intermediate = params.signed_by(&key, &root_issuer)?;
            let same_key = KeyPair::try_from(key.serialize_der())?;
            let desk = Desk::new(
                INTERMEDIATE,
                Issuer::new(params.clone(), same_key),
                Issuer::new(params.clone(), KeyPair::generate()?),
                now,
            );
            let private_key = KeyPair::generate()?;
            let private_params = authority_params(PRIVATE, now, 1825);
            let private = private_params.self_signed(&private_key)?;
            Ok(Self {
                root,
                root_key,
                intermediate,
                issuer: Issuer::new(params, key),
                private,
                private_issuer: Issuer::new(private_params, private_key),
                desk,
                now,
            })
        };
        make().map_err(|e| LabError::certificate(ROOT, &e))
    }

    /// Where the intermediate answers for its certificates.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The root certificate in PEM.
    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The root certificate.
    pub(crate) fn root(&self) -> &CertificateDer<'static> {
        self.root.der()
    }

    /// The root as TLSA records refer to it.
    pub(crate) fn root_bearer(&self) -> Bearer {
        Bearer { certificate: self.root.der().to_vec(), key: self.root_key.clone() }
    }

    /// Who signs leaves with this chain. A leaf that signs itself has no issuer that a
    /// record could name; the intermediate stands in.
    fn issuer_bearer(&self, chain: Chain) -> Bearer {
        let (certificate, issuer) = match chain {
            Chain::Private => (&self.private, &self.private_issuer),
            _ => (&self.intermediate, &self.issuer),
        };
        Bearer { certificate: certificate.der().to_vec(), key: issuer.key().subject_public_key_info() }
    }

    /// Makes the certificates that `leaf` describes for `host`.
    pub(crate) fn issue(&self, host: &str, leaf: Leaf) -> Result<Identity, LabError> {
        let issuer = self.issuer_bearer(leaf.chain);
        let mut identity = Identity { ecdsa: None, rsa: None, rsa_pkcs8: None, issuer };
        let fail = |e: rcgen::Error| LabError::certificate(host, &e);
        if matches!(leaf.keys, Keys::Ecdsa | Keys::Both) {
            let key = KeyPair::generate().map_err(fail)?;
            identity.ecdsa = Some(self.certify(host, leaf, &key)?);
        }
        if matches!(leaf.keys, Keys::Rsa | Keys::Both) {
            let key = rsa_key().map_err(fail)?;
            identity.rsa = Some(self.certify(host, leaf, &key)?);
            identity.rsa_pkcs8 = Some(key.serialize_der());
        }
        if leaf.keys == Keys::WeakRsa {
            let params = self.leaf_params(host, leaf).map_err(fail)?;
            let certificate = params.signed_by(&weak::WeakRsa, &self.issuer).map_err(fail)?;
            let chain = self.chain(certificate.der().clone(), leaf.chain);
            identity.rsa = Some(Arc::new(CertifiedKey::new(chain, Arc::new(weak::WeakRsa))));
        }
        Ok(identity)
    }

    fn certify(&self, host: &str, leaf: Leaf, key: &KeyPair) -> Result<Arc<CertifiedKey>, LabError> {
        let certificate = self.certificate(host, leaf, key).map_err(|e| LabError::certificate(host, &e))?;
        let pkcs8 = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing_key = any_supported_type(&pkcs8).map_err(|e| LabError::certificate(host, &e))?;
        let mut certified = CertifiedKey::new(self.chain(certificate, leaf.chain), signing_key);
        if let Some(says) = leaf.staple {
            let staple = self.desk.staple(host, says).map_err(|e| LabError::certificate(host, &e))?;
            certified.ocsp = Some(staple);
        }
        Ok(Arc::new(certified))
    }

    fn certificate(
        &self,
        host: &str,
        leaf: Leaf,
        key: &impl SigningKey,
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        if leaf.version == Version::V1 {
            let der = weak::version1(
                INTERMEDIATE,
                host,
                self.dates(leaf.dates),
                &key.subject_public_key_info(),
                self.issuer.key(),
            )?;
            return Ok(CertificateDer::from(der));
        }
        let params = self.leaf_params(host, leaf)?;
        let certificate = match leaf.chain {
            Chain::SelfSigned => params.self_signed(key)?,
            Chain::Private => params.signed_by(key, &self.private_issuer)?,
            _ => params.signed_by(key, &self.issuer)?,
        };
        Ok(certificate.der().clone())
    }

    fn leaf_params(&self, host: &str, leaf: Leaf) -> Result<CertificateParams, rcgen::Error> {
        let parent = host.split_once('.').map_or(host, |(_, parent)| parent);
        let name = match leaf.naming {
            Naming::Host | Naming::CommonName => host.to_owned(),
            Naming::Other(name) => name.to_owned(),
            Naming::Parent => parent.to_owned(),
            Naming::Wildcard => format!("*.{parent}"),
        };
        let alternative = if leaf.naming == Naming::CommonName { Vec::new() } else { vec![name.clone()] };
        let mut params = CertificateParams::new(alternative)?;
        params.distinguished_name = distinguished(&name);
        (params.not_before, params.not_after) = self.dates(leaf.dates);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.use_authority_key_identifier_extension = leaf.chain != Chain::SelfSigned;
        if leaf.issuer_is_named || leaf.staple.is_some() {
            params.serial_number = Some(SerialNumber::from_slice(&serial_of(host)));
        }
        if leaf.issuer_is_named {
            let url = format!("http://issuer.{parent}");
            params.custom_extensions.push(responder_at(&url));
            params.crl_distribution_points =
                vec![CrlDistributionPoint { uris: vec![format!("{url}{}", issuer::LIST)] }];
        }
        if leaf.must_staple {
            // A SEQUENCE with status_request (5).
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(&TLS_FEATURE, vec![0x30, 3, 2, 1, 5]));
        }
        if leaf.chain == Chain::Huge {
            params.custom_extensions.push(CustomExtension::from_oid_content(&PADDING_OID, vec![0; HUGE]));
        }
        Ok(params)
    }

    fn chain(&self, leaf: CertificateDer<'static>, chain: Chain) -> Vec<CertificateDer<'static>> {
        let intermediate = self.intermediate.der().clone();
        match chain {
            Chain::Full | Chain::Huge => vec![leaf, intermediate],
            Chain::LeafOnly | Chain::SelfSigned => vec![leaf],
            Chain::OutOfOrder => vec![leaf, self.root.der().clone(), intermediate],
            Chain::WithRoot => vec![leaf, intermediate, self.root.der().clone()],
            Chain::Private => vec![leaf, self.private.der().clone()],
        }
    }

    fn dates(&self, dates: Dates) -> (OffsetDateTime, OffsetDateTime) {
        let at = |days| self.now + Duration::days(days);
        match dates {
            Dates::Sound => (at(-1), at(89)),
            Dates::Expired => (at(-120), at(-30)),
            Dates::NotYet => (at(30), at(120)),
            // Half a day more, so that ten whole days are left while the lab runs.
            Dates::Near => (at(-80), at(10) + Duration::hours(12)),
        }
    }
}

fn authority_params(name: &str, now: OffsetDateTime, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - Duration::days(365);
    params.not_after = now + Duration::days(days);
    params.serial_number = Some(SerialNumber::from_slice(&[1]));
    params.use_authority_key_identifier_extension = true;
    params
}

/// authorityInfoAccess with an OCSP responder (RFC 5280 section 4.2.2.1).
fn responder_at(url: &str) -> CustomExtension {
    let method = der::value(der::OBJECT_IDENTIFIER, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1]);
    let description = der::group(der::SEQUENCE, &[method, der::value(0x86, url.as_bytes())]);
    CustomExtension::from_oid_content(&AUTHORITY_INFO_ACCESS, der::group(der::SEQUENCE, &[description]))
}

fn distinguished(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// One RSA key for all servers of the process: making one takes longer than all the rest.
fn rsa_key() -> Result<KeyPair, rcgen::Error> {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    let pkcs8 = match KEY.get() {
        Some(der) => der,
        None => {
            let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?;
            KEY.get_or_init(|| key.serialize_der())
        }
    };
    KeyPair::from_pkcs8_der_and_sign_algo(
        &PrivatePkcs8KeyDer::from(pkcs8.as_slice()),
        &rcgen::PKCS_RSA_SHA256,
    )
}
