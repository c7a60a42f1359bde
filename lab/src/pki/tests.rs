//! Certificates as another library reads them.

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use rustls::{SignatureScheme, sign::SigningKey};
use x509_parser::{
    certificate::X509Certificate,
    prelude::{FromDer, GeneralName},
    public_key::PublicKey,
};

use super::{authority::Authority, weak::WeakRsa, *};

const NOW: i64 = 1_790_000_000;
const DAY: i64 = 24 * 3600;

fn with_leaf(leaf: Leaf, check: impl FnOnce(&X509Certificate<'_>, usize)) {
    let authority = Authority::new(NOW).unwrap();
    let identity = authority.issue("mx.example.test", leaf).unwrap();
    let certified = identity.ecdsa.or(identity.rsa).unwrap();
    let (rest, certificate) = X509Certificate::from_der(&certified.cert[0]).unwrap();
    assert!(rest.is_empty());
    check(&certificate, certified.cert.len());
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let dns = extension.value.general_names.iter().filter_map(|n| match n {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    dns.collect()
}

#[test]
fn the_default_leaf_is_sound() {
    with_leaf(Leaf::default(), |certificate, sent| {
        assert_eq!(certificate.version.0, 2, "X.509 v3");
        assert_eq!(names(certificate), ["mx.example.test"]);
        assert_eq!(certificate.issuer().to_string(), "CN=waxseal lab intermediate CA");
        assert!(certificate.validity().not_before.timestamp() < NOW);
        assert!(certificate.validity().not_after.timestamp() > NOW + 80 * DAY);
        assert_eq!(sent, 2);
    });
}

#[test]
fn each_deviation_changes_what_it_says() {
    with_leaf(Leaf { dates: Dates::Expired, ..Leaf::default() }, |certificate, _| {
        assert_eq!(certificate.validity().not_after.timestamp(), NOW - 30 * DAY);
    });
    with_leaf(Leaf { dates: Dates::NotYet, ..Leaf::default() }, |certificate, _| {
        assert_eq!(certificate.validity().not_before.timestamp(), NOW + 30 * DAY);
    });
    with_leaf(Leaf { dates: Dates::Near, ..Leaf::default() }, |certificate, _| {
        assert_eq!((certificate.validity().not_after.timestamp() - NOW) / DAY, 10);
    });
    with_leaf(Leaf { naming: Naming::Other("other.test"), ..Leaf::default() }, |certificate, _| {
        assert_eq!(names(certificate), ["other.test"]);
    });
    with_leaf(Leaf { chain: Chain::SelfSigned, ..Leaf::default() }, |certificate, sent| {
        assert_eq!(certificate.subject().to_string(), certificate.issuer().to_string());
        assert_eq!(sent, 1);
    });
    with_leaf(Leaf { chain: Chain::LeafOnly, ..Leaf::default() }, |certificate, sent| {
        assert_eq!(certificate.issuer().to_string(), "CN=waxseal lab intermediate CA");
        assert_eq!(sent, 1);
    });
    for (naming, expected) in [(Naming::Parent, "example.test"), (Naming::Wildcard, "*.example.test")] {
        with_leaf(Leaf { naming, ..Leaf::default() }, |certificate, _| {
            assert_eq!(names(certificate), [expected]);
        });
    }
    with_leaf(Leaf { naming: Naming::CommonName, ..Leaf::default() }, |certificate, _| {
        assert_eq!(certificate.version.0, 2, "X.509 v3");
        assert!(certificate.subject_alternative_name().unwrap().is_none());
        assert_eq!(certificate.subject().to_string(), "CN=mx.example.test");
    });
    with_leaf(Leaf { chain: Chain::Private, ..Leaf::default() }, |certificate, sent| {
        assert_eq!(certificate.issuer().to_string(), "CN=waxseal lab private CA");
        assert_eq!(sent, 2);
    });
    with_leaf(Leaf { chain: Chain::WithRoot, ..Leaf::default() }, |_, sent| assert_eq!(sent, 3));
    with_leaf(Leaf { chain: Chain::OutOfOrder, ..Leaf::default() }, |_, sent| assert_eq!(sent, 3));
    with_leaf(Leaf { chain: Chain::Huge, ..Leaf::default() }, |certificate, _| {
        assert!(certificate.extensions().iter().any(|e| e.value.len() > 1_000_000));
    });
}

#[test]
fn version_1_has_no_extensions_and_1024_bits_are_1024_bits() {
    with_leaf(Leaf { version: Version::V1, keys: Keys::Rsa, ..Leaf::default() }, |certificate, _| {
        assert_eq!(certificate.version.0, 0, "X.509 v1");
        assert!(certificate.extensions().is_empty());
        assert_eq!(certificate.subject().to_string(), "CN=mx.example.test");
        assert_eq!(certificate.validity().not_after.timestamp(), NOW + 89 * DAY);
    });
    with_leaf(Leaf { keys: Keys::WeakRsa, ..Leaf::default() }, |certificate, _| {
        let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else { panic!("no RSA key") };
        assert_eq!(key.key_size(), 1024);
        assert_eq!(names(certificate), ["mx.example.test"]);
    });
}

#[test]
fn the_weak_key_signs_so_that_another_library_agrees() {
    let signer = WeakRsa.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).unwrap();
    let signature = signer.sign(b"message").unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, WeakRsa::public_key());
    key.verify(b"message", &signature).unwrap();
    key.verify(b"messages", &signature).unwrap_err();
    assert!(WeakRsa.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).is_none());
}
