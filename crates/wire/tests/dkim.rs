//! Signatures of ours, looked at by a verifier that shares no code with the signer and that
//! the vectors of RFC 8463 appendix A show to be right.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may do what tests may")]

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeySize, PublicKeyComponents},
    signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use waxseal_wire::{compose::base64_lines, dkim::DkimSigner};

/// Who signed and with what result.
fn verify(message: &str, key_record: &str) -> Result<(), String> {
    let (head, body) = message.split_once("\r\n\r\n").unwrap_or((message, ""));
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines: Vec<&str> = unfolded.split("\r\n").collect();
    let own =
        *lines.iter().find(|l| l.to_lowercase().starts_with("dkim-signature:")).ok_or("no signature")?;
    let tag = |text: &str, name: &str| {
        let found = text.split(';').find_map(|tag| {
            let (n, value) = tag.split_once('=')?;
            (n.trim() == name).then(|| value.chars().filter(|c| !c.is_whitespace()).collect::<String>())
        });
        found.ok_or(format!("no {name}="))
    };
    let tags = own.split_once(':').unwrap().1;
    // The body: no blanks at the ends of lines, one for several, no empty lines at the end.
    let squeeze = |text: &str| {
        let mut text = text.replace('\t', " ");
        while text.contains("  ") {
            text = text.replace("  ", " ");
        }
        text
    };
    let mut lines_of_body: Vec<String> =
        body.split("\r\n").map(|line| squeeze(line).trim_end().to_owned()).collect();
    while lines_of_body.last().is_some_and(String::is_empty) {
        lines_of_body.pop();
    }
    let canonical: String = lines_of_body.iter().map(|line| format!("{line}\r\n")).collect();
    if STANDARD.encode(digest(&SHA256, canonical.as_bytes())) != tag(tags, "bh")? {
        return Err("the body was changed".into());
    }
    let canonical = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}:{}", name.trim().to_lowercase(), squeeze(value).trim())
    };
    let mut signed = String::new();
    let mut left: Vec<&str> = lines.clone();
    for name in tag(tags, "h")?.split(':') {
        let is = |line: &&str| line.split(':').next().unwrap().trim().eq_ignore_ascii_case(name);
        if let Some(at) = left.iter().rposition(is) {
            signed += &format!("{}\r\n", canonical(left.remove(at)));
        }
    }
    let b = own.find("; b=").ok_or("no b=")? + 4;
    signed += &canonical(&own[..b]);
    let signature = STANDARD.decode(tag(tags, "b")?).map_err(|e| e.to_string())?;
    let key = STANDARD.decode(tag(key_record, "p")?).unwrap();
    let holds = match tag(tags, "a")?.as_str() {
        "ed25519-sha256" => {
            let hash = digest(&SHA256, signed.as_bytes());
            UnparsedPublicKey::new(&ED25519, &key).verify(hash.as_ref(), &signature)
        }
        "rsa-sha256" if key.len() < 200 => {
            // The 1024 bits of the vector, below what the library's own verifiers take.
            return verify_rsa_1024(&key, signed.as_bytes(), &signature);
        }
        "rsa-sha256" => {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key).verify(signed.as_bytes(), &signature)
        }
        other => return Err(format!("{other} is not known")),
    };
    holds.map_err(|_| "the signature does not hold".into())
}

fn verify_rsa_1024(spki: &[u8], data: &[u8], signature: &[u8]) -> Result<(), String> {
    use aws_lc_rs::signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY as OLD;
    // SubjectPublicKeyInfo of a 1024-bit key: the modulus is its 128 octets before the exponent.
    let modulus = &spki[spki.len() - 133..spki.len() - 5];
    let key = PublicKeyComponents { n: modulus, e: &[1, 0, 1] };
    key.verify(&OLD, data, signature).map_err(|_| "the signature does not hold".into())
}

/// The message of RFC 8463 appendix A.3 with one of its two signatures.
fn vector(signature: &str) -> String {
    format!(
        "{signature}From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n\
         Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
         Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\nHi.\r\n\r\n\
         We lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    )
}

const ED25519_SIGNATURE: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
    i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : \
    from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
    b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n";
const ED25519_KEY: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const RSA_SIGNATURE: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
    i=@football.example.com;\r\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from : \
    subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
    b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n \
    dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n";
const RSA_KEY: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id\
    Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3\
    rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

#[test]
fn the_verifier_agrees_with_the_vectors_and_with_nothing_else() {
    for (signature, key) in [(ED25519_SIGNATURE, ED25519_KEY), (RSA_SIGNATURE, RSA_KEY)] {
        let message = vector(signature);
        assert_eq!(verify(&message, key), Ok(()));
        assert!(verify(&message.replace("lost", "won"), key).is_err());
        assert!(verify(&message.replace("dinner", "lunch"), key).is_err());
    }
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\r\n{}-----END PRIVATE KEY-----\r\n", base64_lines(der))
}

#[test]
fn signatures_by_both_algorithms_hold() {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let ed = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
    for key in [pem(rsa.as_ref()), ed] {
        let signer = DkimSigner::from_pem("relay.example.com", "tlsrpt", key.as_bytes()).unwrap();
        let (_, record) = signer.record();
        let message = vector("");
        let field = signer.sign(message.as_bytes(), 1_795_811_577).unwrap();
        assert!(field.split_terminator("\r\n").all(|line| line.len() <= 78), "{field}");
        let signed = format!("{field}{message}");
        assert_eq!(verify(&signed, &record), Ok(()), "{signed}");
        // Its tags are read by the reader of signatures, too.
        let facts = waxseal_wire::dkim::signature(field.split_once(':').unwrap().1).unwrap();
        assert_eq!(
            (facts.domain.as_str(), facts.selector.as_str(), facts.body_length),
            ("relay.example.com", "tlsrpt", None)
        );
        // A second From in front of it breaks it: the field is sealed.
        assert!(verify(&format!("From: eve@example.com\r\n{signed}"), &record).is_err());
        assert!(verify(&signed.replace("Suzie Q", "Suzie R"), &record).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_signature_of_any_message_holds(
        subject in "( |\t|[a-z]|\r\n ){0,60}", body in "([a-zäß]| |\t|\r\n){0,200}", twice: bool,
    ) {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let signer = DkimSigner::from_pem("example.com", "s", key.serialize_pem().as_bytes()).unwrap();
        let more = if twice { "To: a@example.com\r\nTo: b@example.com\r\n" } else { "" };
        let message = format!("From: a@example.com\r\n{more}Subject: {subject}x\r\n\r\n{body}");
        let field = signer.sign(message.as_bytes(), 0).unwrap();
        prop_assert_eq!(verify(&format!("{field}{message}"), &signer.record().1), Ok(()));
    }
}
