//! Signatures of TLS handshakes by every scheme, made by OpenSSL.

use waxseal_wire::x509::{SignatureError, verify_signature};

use crate::pki::Pki;

const PSS: &str = " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1";

#[test]
fn signatures_of_every_scheme_are_verified() {
    let Some(pki) = Pki::new("schemes") else { return };
    pki.write("message", "what the server signs");
    let rsa = [
        (0x0101, "md5", ""),
        (0x0201, "sha1", ""),
        (0x0301, "sha224", ""),
        (0x0401, "sha256", ""),
        (0x0501, "sha384", ""),
        (0x0601, "sha512", ""),
        (0x0804, "sha256", PSS),
        (0x0805, "sha384", PSS),
        (0x0806, "sha512", PSS),
    ];
    // 1030 bits: the encoding of PSS is a byte shorter than the modulus at 8n + 1 bits.
    for bits in ["1024", "1025", "1030", "2048"] {
        for (scheme, digest, options) in rsa {
            if bits.starts_with("10") && scheme == 0x0806 {
                continue; // OpenSSL finds no room for the salt in 1024 bits.
            }
            check(&pki, &format!("RSA:{bits}"), scheme, digest, options);
        }
    }
    check(&pki, "RSA:512", 0x0201, "sha1", "");
    for (curve, scheme, digest) in [
        ("P-256", 0x0203, "sha1"),
        ("P-256", 0x0403, "sha256"),
        ("P-384", 0x0503, "sha384"),
        ("P-384", 0x0403, "sha256"),
        ("P-521", 0x0603, "sha512"),
        ("P-521", 0x0403, "sha256"),
    ] {
        check(&pki, &format!("EC:{curve}"), scheme, digest, "");
    }
    check(&pki, "ED25519", 0x0807, "", "");
}

#[test]
fn what_cannot_be_verified_is_not_called_wrong() {
    let Some(pki) = Pki::new("unsupported") else { return };
    pki.write("message", "what the server signs");
    for (kind, scheme, digest) in [("ED448", 0x0808, ""), ("EC:brainpoolP256r1", 0x0403, "sha256")] {
        let (spki, signature) = sign(&pki, kind, digest, "");
        let result = verify_signature(&spki, scheme, &pki.read("message"), &signature);
        assert!(matches!(result, Err(SignatureError::Unsupported { .. })), "{kind}: {result:?}");
    }
    let (spki, signature) = sign(&pki, "EC:P-256", "sha256", "");
    let mismatch = verify_signature(&spki, 0x0804, &pki.read("message"), &signature);
    assert_eq!(mismatch.unwrap_err().to_string(), "a signature of this kind cannot be made with an EC key");
    assert_eq!(verify_signature(b"no key", 0x0403, b"", b""), Err(SignatureError::BadKey));
}

fn check(pki: &Pki, kind: &str, scheme: u16, digest: &str, options: &str) {
    let (spki, signature) = sign(pki, kind, digest, options);
    let message = pki.read("message");
    let what = format!("{kind} 0x{scheme:04x}");
    assert_eq!(verify_signature(&spki, scheme, &message, &signature), Ok(()), "{what}");
    let wrong = Err(SignatureError::Wrong);
    assert_eq!(verify_signature(&spki, scheme, b"another message", &signature), wrong, "{what}");
    for at in [0, signature.len() / 2, signature.len() - 1] {
        let mut broken = signature.clone();
        broken[at] ^= 1;
        assert_eq!(verify_signature(&spki, scheme, &message, &broken), wrong, "{what}, byte {at}");
    }
    assert_eq!(verify_signature(&spki, scheme, &message, &[]), wrong, "{what}, empty");
}

/// A new key's SubjectPublicKeyInfo and its signature over the file `message`.
fn sign(pki: &Pki, kind: &str, digest: &str, options: &str) -> (Vec<u8>, Vec<u8>) {
    pki.key("signer", kind);
    pki.must("pkey -in signer.key -pubout -outform DER -out signer.spki");
    if digest.is_empty() {
        pki.must("pkeyutl -sign -inkey signer.key -rawin -in message -out signature");
    } else {
        pki.must(&format!("dgst -{digest} -sign signer.key{options} -out signature message"));
    }
    (pki.read("signer.spki"), pki.read("signature"))
}
