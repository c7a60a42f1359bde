//! Odd certificates, read and compared with what OpenSSL prints.

use waxseal_wire::x509::{NameMatch, facts, matches_host};

use crate::pki::{LEAF, Pki, Spec};

#[test]
fn keys_and_signatures_of_every_kind_are_read() {
    let Some(pki) = Pki::new("kinds") else { return };
    for (key, options, algorithm, bits, curve, signature, digest) in [
        ("RSA:512", "-sha1", "RSA", 512, None, "sha1WithRSAEncryption", Some("SHA-1")),
        ("RSA:1024", "-md5", "RSA", 1024, None, "md5WithRSAEncryption", Some("MD5")),
        ("RSA:2047", "-sha256", "RSA", 2047, None, "sha256WithRSAEncryption", Some("SHA-256")),
        ("RSA:2048", "-sha384 -sigopt rsa_padding_mode:pss", "RSA", 2048, None, "rsassaPss", Some("SHA-384")),
        ("EC:P-256", "-sha224", "EC", 256, Some("P-256"), "ecdsa-with-SHA224", Some("SHA-224")),
        ("EC:P-521", "-sha512", "EC", 521, Some("P-521"), "ecdsa-with-SHA512", Some("SHA-512")),
        (
            "EC:brainpoolP256r1",
            "-sha256",
            "EC",
            256,
            Some("brainpoolP256r1"),
            "ecdsa-with-SHA256",
            Some("SHA-256"),
        ),
        ("ED25519", "", "Ed25519", 256, None, "ED25519", None),
        ("ED448", "", "Ed448", 456, None, "ED448", None),
    ] {
        let name = key.replace(':', "");
        let der = pki.issue(&Spec { name: &name, key, options, extensions: LEAF, ..Spec::default() });
        let facts = facts(&der).unwrap();
        assert_eq!((facts.key.algorithm.as_str(), facts.key.bits), (algorithm, bits), "{key}");
        assert_eq!(facts.key.curve.as_deref(), curve, "{key}");
        assert_eq!(
            (facts.signature_algorithm.as_str(), facts.signature_digest.as_deref()),
            (signature, digest)
        );
        assert!(facts.self_signed && facts.self_issued, "{key}");
        assert_eq!((facts.x509_version, facts.is_ca), (3, Some(false)));
        assert_eq!(facts.extended_key_usage, Some(vec!["serverAuth".to_owned()]));
        let text = pki.must(&format!("x509 -in {name}.pem -noout -fingerprint -sha256 -text"));
        let fingerprint = text.lines().find_map(|l| l.strip_prefix("sha256 Fingerprint=")).unwrap();
        assert_eq!(facts.sha256, fingerprint.replace(':', "").to_lowercase());
        let printed = text.lines().find_map(|l| l.trim().strip_prefix("Signature Algorithm: ")).unwrap();
        assert_eq!(facts.signature_algorithm, printed);
    }
}

#[test]
fn version_1_without_extensions_is_read() {
    let Some(pki) = Pki::new("v1") else { return };
    let facts = facts(&pki.issue(&Spec { name: "mx.example.com", ..Spec::default() })).unwrap();
    assert_eq!((facts.x509_version, facts.is_ca, facts.extended_key_usage.as_ref()), (1, None, None));
    assert_eq!(facts.serial, "1234");
    assert_eq!(facts.not_after - facts.not_before, 3650 * 86400);
    assert_eq!(matches_host(&facts, "mx.example.com."), NameMatch::CommonNameOnly);
    assert_eq!(matches_host(&facts, "other.example.com"), NameMatch::Mismatch);
}

#[test]
fn names_match_by_subject_alternative_name_first() {
    let Some(pki) = Pki::new("names") else { return };
    let extensions = &["subjectAltName=DNS:*.Example.com,IP:192.0.2.25,IP:2001:db8::25"];
    let der = pki.issue(&Spec { name: "cn.example.net", extensions, ..Spec::default() });
    let facts = facts(&der).unwrap();
    assert_eq!(facts.dns_names, ["*.example.com"]);
    assert_eq!(facts.ip_addresses, ["192.0.2.25", "2001:db8::25"]);
    for (host, result) in [
        ("mx.example.com", NameMatch::San),
        ("example.com", NameMatch::Mismatch),
        ("a.b.example.com", NameMatch::Mismatch),
        ("cn.example.net", NameMatch::Mismatch),
        ("192.0.2.25", NameMatch::San),
        ("192.0.2.26", NameMatch::Mismatch),
        ("[2001:db8::25]", NameMatch::San),
        ("2001:DB8:0::25", NameMatch::San),
        ("", NameMatch::Mismatch),
    ] {
        assert_eq!(matches_host(&facts, host), result, "{host}");
        if host.contains("example") {
            let said = pki.must(&format!("x509 -in cn.example.net.pem -noout -checkhost {host}"));
            assert_eq!(said.contains("does match"), result == NameMatch::San, "{host}: {said}");
        }
    }
}

#[test]
fn names_are_printed_as_rfc_4514_demands() {
    let Some(pki) = Pki::new("dn") else { return };
    for (number, subject) in
        ["mx.example.com", "a,b+c;d<e>f\\\\g\\\"h", "\\#hash", "  spaces  ", "Bücher 邮件"]
            .into_iter()
            .enumerate()
    {
        let name = format!("dn{number}");
        let facts =
            facts(&pki.issue(&Spec { name: &name, subject: Some(subject), ..Spec::default() })).unwrap();
        // RFC2253 without its escaping of characters beyond ASCII is RFC 4514.
        let said = pki.must(&format!("x509 -in {name}.pem -noout -subject -nameopt RFC2253,-esc_msb,utf8"));
        assert_eq!(facts.subject, said.trim_end_matches('\n').strip_prefix("subject=").unwrap());
    }
}

#[test]
fn hostile_text_and_embedded_nul_are_harmless() {
    let Some(pki) = Pki::new("hostile") else { return };
    // GeneralNames: a dNSName with NUL in it, and one that is not UTF-8.
    let dns = b"mx.example.com\0.evil.test";
    let mut der = vec![0x82, u8::try_from(dns.len()).unwrap()];
    der.extend_from_slice(dns);
    der.extend_from_slice(&[0x82, 2, 0xff, 0xfe]);
    let mut names = vec![0x30, u8::try_from(der.len()).unwrap()];
    names.extend_from_slice(&der);
    let hex: Vec<String> = names.iter().map(|b| format!("{b:02x}")).collect();
    let line = format!("subjectAltName=DER:{}", hex.join(":"));
    let subject = "\u{1b}[31mred\u{202e}";
    let spec = Spec { name: "hostile", subject: Some(subject), extensions: &[&line], ..Spec::default() };
    let facts = facts(&pki.issue(&spec)).unwrap();
    assert_eq!(facts.dns_names, [r"mx.example.com\x00.evil.test", r"\xff\xfe"]);
    assert_eq!(matches_host(&facts, "mx.example.com"), NameMatch::Mismatch);
    assert_eq!(facts.common_name.as_deref(), Some(r"\x1b[31mred\u{202e}"));
    assert_eq!(facts.subject, r"CN=\1B[31mred\E2\80\AE");
}

#[test]
fn extensions_of_interest_are_read() {
    let Some(pki) = Pki::new("extensions") else { return };
    let extensions = &[
        "tlsfeature=status_request",
        "authorityInfoAccess=caIssuers;URI:http://ca.example.com/ca.crt,OCSP;URI:http://ocsp.example.com",
        "extendedKeyUsage=clientAuth,anyExtendedKeyUsage,1.2.3.4",
    ];
    let facts = facts(&pki.issue(&Spec { name: "x", extensions, serial: -5, ..Spec::default() })).unwrap();
    assert!(facts.must_staple);
    assert_eq!(facts.issuer_urls, ["http://ca.example.com/ca.crt"]);
    assert_eq!(facts.extended_key_usage.unwrap(), ["anyExtendedKeyUsage", "clientAuth", "1.2.3.4"]);
    assert_eq!(facts.serial, "-05");
}

#[test]
fn thousands_of_names_are_all_kept() {
    let Some(pki) = Pki::new("many") else { return };
    let list: Vec<String> = (0..5000).map(|n| format!("DNS:n{n}.example.com")).collect();
    let line = format!("subjectAltName={}", list.join(","));
    let facts = facts(&pki.issue(&Spec { name: "many", extensions: &[&line], ..Spec::default() })).unwrap();
    assert_eq!(facts.dns_names.len(), 5000);
    assert_eq!(matches_host(&facts, "n4999.example.com"), NameMatch::San);
}
