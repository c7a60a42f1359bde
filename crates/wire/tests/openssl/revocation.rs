//! OCSP against OpenSSL's responder, and facts about revocation and keys that OpenSSL makes.

use waxseal_model::{
    certificate::Validation,
    revocation::{OcspFacts, OcspResponseStatus, OcspSigner, RevocationStatus},
};
use waxseal_wire::x509::{facts, issuer_of, ocsp_facts, ocsp_request};

use crate::pki::{CA, LEAF, Pki, Spec};

/// A CA with a leaf of serial number 0x1234 and what the responder knows about it.
fn workshop(name: &str, index: &str) -> Option<(Pki, Vec<u8>, Vec<u8>)> {
    let pki = Pki::new(name)?;
    let ca = pki.issue(&Spec { name: "ca", extensions: CA, ..Spec::default() });
    let leaf = pki.issue(&Spec { name: "mx", issuer: Some("ca"), extensions: LEAF, ..Spec::default() });
    pki.write("index.txt", index);
    pki.write("request.der", ocsp_request(&leaf, &ca, Some(&NONCE)).unwrap());
    Some((pki, leaf, ca))
}

const NONCE: [u8; 16] = *b"0123456789abcdef";
const GOOD: &str = "V\t361231235959Z\t\t1234\tunknown\t/CN=mx\n";
const REVOKED: &str = "R\t361231235959Z\t260102030405Z,keyCompromise\t1234\tunknown\t/CN=mx\n";

impl Pki {
    /// The responder's answer, signed by `signer`.
    fn respond(&self, signer: &str, options: &str) -> Vec<u8> {
        self.must(&format!(
            "ocsp -index index.txt -CA ca.pem -rsigner {signer}.pem -rkey {signer}.key -reqin request.der -respout \
             response.der -ndays 7{options}"
        ));
        self.read("response.der")
    }
}

fn read(response: &[u8], leaf: &[u8], ca: &[u8]) -> OcspFacts {
    ocsp_facts(response, leaf, Some(ca), Some(&NONCE)).unwrap()
}

#[test]
fn openssl_reads_our_request_and_we_its_answer() {
    let Some((pki, leaf, ca)) = workshop("ocsp-good", GOOD) else { return };
    let text = pki.must("ocsp -reqin request.der -req_text -noverify");
    assert!(text.contains("Serial Number: 1234") && text.contains("OCSP Nonce"), "{text}");
    let found = read(&pki.respond("ca", ""), &leaf, &ca);
    assert_eq!(
        (found.response, found.status.clone()),
        (OcspResponseStatus::Successful, Some(RevocationStatus::Good))
    );
    assert_eq!(found.signer.get(), Some(&OcspSigner::Issuer));
    assert_eq!((found.nonce, found.responder.as_deref()), (Some(true), Some("CN=ca")));
    let (from, to) = (found.this_update.unwrap(), found.next_update.unwrap());
    assert!(
        found.is_current(from)
            && found.is_current(to)
            && !found.is_current(to + 1)
            && !found.is_current(from - 1)
    );
    assert_eq!(to - from, 7 * 86400);
    assert_eq!(found.authentic_status(), Some(&RevocationStatus::Good));
}

#[test]
fn a_revocation_has_its_date_and_reason() {
    let Some((pki, leaf, ca)) = workshop("ocsp-revoked", REVOKED) else { return };
    let found = read(&pki.respond("ca", " -resp_key_id"), &leaf, &ca);
    let reason = Some("keyCompromise".to_owned());
    assert_eq!(found.authentic_status(), Some(&RevocationStatus::Revoked { at: 1_767_323_045, reason }));
    assert!(found.responder.unwrap().starts_with("key "));
}

#[test]
fn a_certificate_that_the_responder_does_not_know_is_unknown() {
    let Some((pki, leaf, ca)) = workshop("ocsp-unknown", "") else { return };
    assert_eq!(read(&pki.respond("ca", ""), &leaf, &ca).authentic_status(), Some(&RevocationStatus::Unknown));
}

#[test]
fn a_delegate_must_be_charged_with_it_by_the_issuer() {
    let Some((pki, leaf, ca)) = workshop("ocsp-delegate", GOOD) else { return };
    let signing: &[&str] = &["extendedKeyUsage=OCSPSigning"];
    let serving: &[&str] = &["extendedKeyUsage=serverAuth"];
    let other_ca = Spec { name: "other", extensions: CA, ..Spec::default() };
    pki.issue(&other_ca);
    for (name, issuer, extensions, wrong) in [
        ("delegate", Some("ca"), signing, None),
        ("server", Some("ca"), serving, Some("OCSPSigning")),
        ("stranger", Some("other"), signing, Some("not charged")),
        ("own", None, signing, Some("not charged")),
    ] {
        pki.issue(&Spec { name, issuer, extensions, ..Spec::default() });
        let found = read(&pki.respond(name, ""), &leaf, &ca);
        match (found.signer.get().unwrap(), wrong) {
            (OcspSigner::Delegate, None) => assert!(found.authentic_status().is_some()),
            (OcspSigner::Wrong { why }, Some(word)) => {
                assert!(why.contains(word), "{name}: {why}");
                assert_eq!(found.authentic_status(), None);
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
    let found = read(&pki.respond("delegate", " -resp_no_certs"), &leaf, &ca);
    assert!(matches!(found.signer.get(), Some(OcspSigner::Wrong { .. })), "{found:?}");
}

#[test]
fn an_answer_for_another_certificate_or_issuer_does_not_count() {
    let Some((pki, leaf, ca)) = workshop("ocsp-other", GOOD) else { return };
    let response = pki.respond("ca", "");
    let other =
        pki.issue(&Spec { name: "mx2", issuer: Some("ca"), extensions: LEAF, serial: 5, ..Spec::default() });
    assert_eq!(read(&response, &other, &ca).status, None);
    let namesake = pki.issue(&Spec { name: "ca2", subject: Some("ca"), extensions: CA, ..Spec::default() });
    let found = read(&response, &leaf, &namesake);
    assert_eq!((found.status.clone(), found.authentic_status()), (None, None));
    let without = ocsp_facts(&response, &leaf, None, None).unwrap();
    assert_eq!((without.status, without.signer.is_seen()), (Some(RevocationStatus::Good), false));
}

#[test]
fn a_changed_answer_does_not_verify() {
    let Some((pki, leaf, ca)) = workshop("ocsp-damaged", REVOKED) else { return };
    let response = pki.respond("ca", "");
    for at in 0..response.len() {
        let mut damaged = response.clone();
        damaged[at] ^= 1;
        if let Ok(found) = ocsp_facts(&damaged, &leaf, Some(&ca), None)
            && let Some(status) = found.authentic_status()
        {
            // What is not signed may change: the certificates that come along.
            assert!(matches!(status, RevocationStatus::Revoked { .. }), "byte {at}: {status:?}");
        }
    }
}

#[test]
fn the_issuer_is_found_by_its_signature() {
    let Some((pki, leaf, ca)) = workshop("issuer-of", GOOD) else { return };
    let namesake = pki.issue(&Spec { name: "ca2", subject: Some("ca"), extensions: CA, ..Spec::default() });
    let chain = vec![leaf.clone(), namesake.clone(), ca.clone()];
    assert_eq!(issuer_of(&leaf, &chain, None), Some(ca.clone()));
    assert_eq!(issuer_of(&leaf, &[leaf.clone(), namesake], None), None);
    assert_eq!(issuer_of(&ca, std::slice::from_ref(&ca), None), None, "its own issuer");
}

#[test]
fn where_to_ask_and_what_was_validated_is_read() {
    let Some(pki) = Pki::new("extensions") else { return };
    let der = pki.issue(&Spec {
        name: "mx.example.com",
        extensions: &[
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature,keyEncipherment",
            "subjectAltName=DNS:other.example.com,DNS:*.example.com",
            "authorityInfoAccess=OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/1.der",
            "crlDistributionPoints=URI:http://crl.example/1.crl",
            "certificatePolicies=2.23.140.1.2.2,1.3.6.1.4.1.44947.1.1.1",
            "subjectKeyIdentifier=hash",
        ],
        ..Spec::default()
    });
    let found = facts(&der).unwrap();
    assert_eq!(found.ocsp_urls, ["http://ocsp.example/"]);
    assert_eq!(found.issuer_urls, ["http://ca.example/1.der"]);
    assert_eq!(found.crl_urls, ["http://crl.example/1.crl"]);
    assert_eq!(found.policies, ["2.23.140.1.2.2", "1.3.6.1.4.1.44947.1.1.1"]);
    assert_eq!(found.validation, Some(Validation::Organization));
    assert_eq!(found.key_usage, Some(vec!["digitalSignature".to_owned(), "keyEncipherment".to_owned()]));
    assert_eq!(found.subject_key_id.unwrap().len(), 40);
    assert_eq!(found.scts.get(), Some(&Vec::new()));
}

#[test]
fn kinds_of_certificates_are_told_apart() {
    let Some(pki) = Pki::new("cert-kinds") else { return };
    for (key, options, kind) in [
        ("RSA:2048", "-sha256", "RSA"),
        ("RSA-PSS", "-sha256", "RSA-PSS"),
        ("EC:P-384", "-sha384", "ECDSA P-384"),
        ("ED25519", "", "Ed25519"),
    ] {
        let name = key.replace(':', "");
        let found = facts(&pki.issue(&Spec { name: &name, key, options, ..Spec::default() })).unwrap();
        assert_eq!(found.kind(), kind);
        let sound = |rsa: &waxseal_model::certificate::RsaFacts| {
            rsa.exponent == "65537" && rsa.factorable.is_none() && !rsa.roca
        };
        assert!(found.key.rsa.as_ref().is_none_or(sound), "{:?}", found.key);
    }
    pki.must(
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out x.key",
    );
    let found = facts(&pki.issue(&Spec { name: "x", ..Spec::default() })).unwrap();
    assert_eq!(found.key.curve.as_deref(), Some("explicit parameters"));
    pki.must("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 -out e3.key");
    let found = facts(&pki.issue(&Spec { name: "e3", ..Spec::default() })).unwrap();
    assert_eq!(found.key.rsa.unwrap().exponent, "3");
}
