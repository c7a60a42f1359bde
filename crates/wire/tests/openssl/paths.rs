//! Paths to a root: our outcome, OpenSSL's code and rustls-webpki's opinion side by side.

use rustls_pki_types::{CertificateDer, UnixTime};
use waxseal_model::certificate::{
    PathFacts,
    PathOutcome::{self, *},
};
use waxseal_wire::x509::{RootStore, facts, path};

use crate::pki::{CA, LEAF, Pki, Spec};

/// What a chain of certificates (by name) must come to.
struct Case<'a> {
    chain: &'a [&'a str],
    store: &'a [&'a str],
    outcome: PathOutcome,
    depth: u32,
    /// What OpenSSL says where it differs: its code.
    openssl: Option<u32>,
    /// rustls-webpki is of another opinion, or cannot have one.
    webpki_differs: bool,
}

impl<'a> Case<'a> {
    fn new(chain: &'a [&'a str], store: &'a [&'a str], outcome: PathOutcome, depth: u32) -> Self {
        Self { chain, store, outcome, depth, openssl: None, webpki_differs: false }
    }

    fn openssl(self, code: u32) -> Self {
        Self { openssl: Some(code), ..self }
    }

    fn webpki_differs(self) -> Self {
        self.webpki_differs_if(true)
    }

    fn webpki_differs_if(self, webpki_differs: bool) -> Self {
        Self { webpki_differs, ..self }
    }

    fn check(self, pki: &Pki) -> PathFacts {
        let what = format!("{:?} with {:?}", self.chain, self.store);
        let chain: Vec<Vec<u8>> = self.chain.iter().map(|name| pki.der(name)).collect();
        let store: Vec<Vec<u8>> = self.store.iter().map(|name| pki.der(name)).collect();
        let found = path(&chain, &RootStore::from_ders("store", store.clone()));
        assert_eq!((found.outcome, found.depth), (self.outcome, self.depth), "{what}: {found:?}");
        let code = self.openssl.unwrap_or_else(|| match self.outcome {
            // Its first complaint; the last is the 21 of the model.
            LeafIssuerMissing => 20,
            other => other.openssl().0,
        });
        let (said, depth) = openssl_says(pki, self.chain, self.store);
        assert_eq!(said, code, "OpenSSL on {what}");
        if self.openssl.is_none() {
            assert_eq!(depth, self.depth, "OpenSSL on {what}");
        }
        let accepted = webpki_accepts(&chain, &store);
        let agrees = accepted == (self.outcome == Trusted);
        assert_eq!(agrees, !self.webpki_differs, "rustls-webpki on {what}: accepted {accepted}");
        found
    }
}

/// The first code of `openssl verify` and its depth; (0, 0) for OK.
fn openssl_says(pki: &Pki, chain: &[&str], store: &[&str]) -> (u32, u32) {
    let bundle =
        |names: &[&str]| names.iter().flat_map(|name| pki.read(&format!("{name}.pem"))).collect::<Vec<u8>>();
    let mut options = String::from("-no-CApath -no-CAstore");
    if store.is_empty() {
        options.push_str(" -no-CAfile");
    } else {
        pki.write("store.pem", bundle(store));
        options.push_str(" -CAfile store.pem");
    }
    if chain.len() > 1 {
        pki.write("untrusted.pem", bundle(&chain[1..]));
        options.push_str(" -untrusted untrusted.pem");
    }
    let leaf = chain[0];
    let out =
        pki.run(&format!("verify -purpose sslserver -partial_chain -no_check_time {options} {leaf}.pem"));
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    match text.lines().find_map(|line| line.strip_prefix("error ")) {
        Some(rest) => {
            let (code, rest) = rest.split_once(" at ").unwrap();
            let (depth, _) = rest.split_once(' ').unwrap();
            (code.parse().unwrap(), depth.parse().unwrap())
        }
        None => {
            assert!(out.status.success(), "{text}");
            (0, 0)
        }
    }
}

fn webpki_accepts(chain: &[Vec<u8>], store: &[Vec<u8>]) -> bool {
    let ders: Vec<CertificateDer<'_>> =
        chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let roots: Vec<CertificateDer<'_>> =
        store.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors: Vec<_> = roots.iter().filter_map(|der| webpki::anchor_from_trusted_cert(der).ok()).collect();
    let Ok(leaf) = webpki::EndEntityCert::try_from(&ders[0]) else { return false };
    let day_one = u64::try_from(facts(&chain[0]).unwrap().not_before).unwrap() + 86400;
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(day_one));
    let usage = webpki::KeyUsage::server_auth();
    leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &anchors, &ders[1..], time, usage, None, None)
        .is_ok()
}

fn ca<'a>(name: &'a str, issuer: Option<&'a str>) -> Spec<'a> {
    Spec { name, issuer, extensions: CA, ..Spec::default() }
}

fn leaf<'a>(name: &'a str, issuer: &'a str, extensions: &'a [&'a str]) -> Spec<'a> {
    Spec { name, issuer: Some(issuer), extensions, ..Spec::default() }
}

/// A root, two intermediates below it and leaves below these.
fn house(name: &str) -> Option<Pki> {
    let pki = Pki::new(name)?;
    pki.issue(&ca("root", None));
    pki.issue(&ca("other", None));
    pki.issue(&ca("inter", Some("root")));
    pki.issue(&leaf("leaf", "inter", LEAF));
    Some(pki)
}

#[test]
fn complete_and_incomplete_chains() {
    let Some(pki) = house("complete") else { return };
    let good = Case::new(&["leaf", "inter"], &["root"], Trusted, 0).check(&pki);
    assert_eq!(good.subjects, ["CN=leaf", "CN=inter", "CN=root"]);
    assert_eq!(good.used, [Some(0), Some(1), None]);
    assert_eq!(good.roots, "store (1 root)");
    assert!(!good.unordered_or_extra);
    let with_root = Case::new(&["leaf", "inter", "root"], &["other", "root"], Trusted, 0).check(&pki);
    assert_eq!(with_root.used, [Some(0), Some(1), Some(2)]);
    assert!(!with_root.unordered_or_extra);
    for chain in [&["leaf", "root", "inter"][..], &["leaf", "leaf", "inter"], &["leaf", "other", "inter"]] {
        assert!(Case::new(chain, &["root"], Trusted, 0).check(&pki).unordered_or_extra, "{chain:?}");
    }
    Case::new(&["leaf"], &["root"], LeafIssuerMissing, 0).check(&pki);
    Case::new(&["leaf", "other"], &["root"], LeafIssuerMissing, 0).check(&pki);
    Case::new(&["leaf", "inter"], &["other"], IssuerMissing, 1).check(&pki);
    Case::new(&["leaf", "inter"], &[], IssuerMissing, 1).check(&pki);
    Case::new(&["leaf", "inter", "root"], &["other"], UnknownRoot, 2).check(&pki);
    Case::new(&["leaf", "inter"], &["inter"], Trusted, 0).check(&pki);
    // rustls-webpki knows no certificate that vouches for itself.
    Case::new(&["leaf"], &["leaf"], Trusted, 0).webpki_differs().check(&pki);
    pki.issue(&Spec { name: "self", extensions: LEAF, ..Spec::default() });
    Case::new(&["self"], &["root"], SelfSignedLeaf, 0).check(&pki);
    Case::new(&["self"], &["self"], Trusted, 0).check(&pki);
}

#[test]
fn broken_signatures() {
    let Some(pki) = house("broken") else { return };
    for name in ["leaf", "inter"] {
        let mut der = pki.der(name);
        let last = der.len() - 1;
        der[last] ^= 1;
        pki.write("broken.der", der);
        pki.must(&format!("x509 -inform DER -in broken.der -out broken-{name}.pem"));
    }
    Case::new(&["broken-leaf", "inter"], &["root"], BadSignature, 0).check(&pki);
    Case::new(&["leaf", "broken-inter"], &["root"], BadSignature, 1).check(&pki);
    Case::new(&["broken-leaf", "inter", "root"], &["other"], UnknownRoot, 2).check(&pki);
    // The same CA with and without a flaw: the sound one leads to the root.
    Case::new(&["leaf", "broken-inter", "inter"], &["root"], Trusted, 0).openssl(7).check(&pki);
}

#[test]
fn issuers_that_are_no_cas() {
    let Some(pki) = house("cas") else { return };
    let with_ids = |line| vec![line, "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"];
    for (name, extensions) in [
        ("noca", with_ids("basicConstraints=CA:FALSE")),
        ("nobc", with_ids("keyUsage=keyCertSign")),
        ("v1", vec![]),
    ] {
        pki.issue(&Spec { name, issuer: Some("root"), extensions: &extensions, ..Spec::default() });
        let below = format!("below-{name}");
        let ids: &[&str] = if name == "v1" { &LEAF[..4] } else { LEAF };
        pki.issue(&leaf(&below, name, ids));
        Case::new(&[&below, name], &["root"], NotACa, 1).check(&pki);
    }
    let no_sign = ["basicConstraints=CA:TRUE", "keyUsage=cRLSign", "subjectKeyIdentifier=hash"];
    pki.issue(&Spec { name: "nosign", issuer: Some("root"), extensions: &no_sign, ..Spec::default() });
    pki.issue(&leaf("below-nosign", "nosign", LEAF));
    // rustls-webpki does not read keyUsage.
    Case::new(&["below-nosign", "nosign"], &["root"], NotACa, 1).webpki_differs().check(&pki);
}

#[test]
fn old_roots() {
    let Some(pki) = Pki::new("oldroots") else { return };
    pki.issue(&Spec { name: "v1root", ..Spec::default() });
    pki.issue(&leaf("below-v1", "v1root", &LEAF[..4]));
    Case::new(&["below-v1"], &["v1root"], Trusted, 0).check(&pki);
    let bare = ["subjectKeyIdentifier=hash"];
    pki.issue(&Spec { name: "bare", extensions: &bare, ..Spec::default() });
    pki.issue(&leaf("below-bare", "bare", LEAF));
    // rustls-webpki takes every anchor for a CA.
    Case::new(&["below-bare"], &["bare"], NotACa, 1).webpki_differs().check(&pki);
    let signing = ["keyUsage=keyCertSign", "subjectKeyIdentifier=hash"];
    pki.issue(&Spec { name: "signing", extensions: &signing, ..Spec::default() });
    pki.issue(&leaf("below-signing", "signing", LEAF));
    Case::new(&["below-signing"], &["signing"], Trusted, 0).check(&pki);
}

#[test]
fn path_lengths() {
    let Some(pki) = Pki::new("lengths") else { return };
    let limited = |limit| {
        [["basicConstraints=critical,CA:TRUE,pathlen:", limit].concat(), "subjectKeyIdentifier=hash".into()]
    };
    let (zero, one) = (limited("0"), limited("1"));
    let zero = [zero[0].as_str(), zero[1].as_str()];
    let one = [one[0].as_str(), one[1].as_str()];
    pki.issue(&ca("root", None));
    pki.issue(&Spec { name: "a", issuer: Some("root"), extensions: &zero, ..Spec::default() });
    pki.issue(&ca("b", Some("a")));
    pki.issue(&leaf("below-a", "a", LEAF));
    pki.issue(&leaf("below-b", "b", LEAF));
    Case::new(&["below-a", "a"], &["root"], Trusted, 0).check(&pki);
    Case::new(&["below-b", "b", "a"], &["root"], PathTooLong, 2).check(&pki);
    // The root's own limit counts too; rustls-webpki does not look at it.
    pki.issue(&Spec { name: "short", extensions: &one, ..Spec::default() });
    pki.issue(&ca("c", Some("short")));
    pki.issue(&ca("d", Some("c")));
    pki.issue(&leaf("below-c", "c", LEAF));
    pki.issue(&leaf("below-d", "d", LEAF));
    Case::new(&["below-c", "c"], &["short"], Trusted, 0).check(&pki);
    Case::new(&["below-d", "d", "c"], &["short"], PathTooLong, 3).webpki_differs().check(&pki);
}

#[test]
fn purposes() {
    let Some(pki) = house("purposes") else { return };
    let usage = |line: &'static str| ["basicConstraints=CA:FALSE", line, "authorityKeyIdentifier=keyid"];
    for (name, line, fits, differs) in [
        ("client", "extendedKeyUsage=clientAuth", false, false),
        ("any", "extendedKeyUsage=anyExtendedKeyUsage", false, false),
        ("both", "extendedKeyUsage=clientAuth,serverAuth", true, false),
        ("sgc", "extendedKeyUsage=msSGC", true, true),
        ("none", "subjectKeyIdentifier=hash", true, false),
        ("crlsign", "keyUsage=cRLSign", false, true),
        ("agree", "keyUsage=keyAgreement", true, false),
    ] {
        pki.issue(&leaf(name, "inter", &usage(line)));
        let outcome = if fits { Trusted } else { WrongPurpose };
        Case::new(&[name, "inter"], &["root"], outcome, 0).webpki_differs_if(differs).check(&pki);
    }
    let client_ca = [CA, &["extendedKeyUsage=clientAuth"]].concat();
    pki.issue(&Spec { name: "clientca", issuer: Some("root"), extensions: &client_ca, ..Spec::default() });
    pki.issue(&leaf("below-clientca", "clientca", LEAF));
    Case::new(&["below-clientca", "clientca"], &["root"], WrongPurpose, 1).check(&pki);
    let critical = ["1.2.3.4=critical,DER:05:00", "authorityKeyIdentifier=keyid"];
    pki.issue(&leaf("critical", "inter", &critical));
    Case::new(&["critical", "inter"], &["root"], Unsupported, 0).openssl(34).check(&pki);
}

#[test]
fn name_constraints() {
    let Some(pki) = house("constraints") else { return };
    for (number, constraint, name, outcome, openssl, differs) in [
        (0, "permitted;DNS:example.com", "DNS:mx.example.com", Trusted, 0, false),
        (1, "permitted;DNS:example.com", "DNS:mx.example.net", NameConstraint, 47, false),
        (2, "permitted;DNS:example.com", "DNS:mx.example.com,DNS:mx.example.net", NameConstraint, 47, false),
        (3, "excluded;DNS:example.com", "DNS:mx.example.com", NameConstraint, 48, false),
        (4, "excluded;DNS:example.net", "DNS:mx.example.com", Trusted, 0, false),
        (5, "permitted;DNS:.example.com", "DNS:mx.example.com", Trusted, 0, false),
        (6, "permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.25", Trusted, 0, false),
        (7, "permitted;IP:192.0.2.0/255.255.255.0", "IP:198.51.100.25", NameConstraint, 47, false),
        (8, "excluded;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.25", NameConstraint, 48, false),
        (9, "permitted;IP:192.0.2.0/255.255.255.0", "DNS:mx.example.com", Trusted, 0, false),
        // Mail addresses are not compared, so nothing is claimed of them.
        (10, "permitted;email:example.com", "email:a@example.net,DNS:mx.example.com", Unsupported, 47, false),
        (11, "permitted;email:example.com", "DNS:mx.example.com", Trusted, 0, false),
        // rustls-webpki compares no directory names.
        (12, "permitted;dirName:wrong", "DNS:mx.example.com", NameConstraint, 47, false),
        (13, "excluded;dirName:cn", "DNS:mx.example.com", NameConstraint, 48, false),
        (14, "excluded;dirName:wrong", "DNS:mx.example.com", Trusted, 0, true),
        // Without a DNS name the common name counts; not for rustls-webpki.
        (15, "permitted;DNS:example.com", "IP:192.0.2.25", NameConstraint, 47, true),
    ] {
        let (ca, below) = (format!("nc{number}"), format!("nc{number}.host.test"));
        let line = format!("nameConstraints=critical,{constraint}");
        let cn = format!("[cn]\nCN={below}\n[wrong]\nCN=someone else");
        let extensions = [CA, &[line.as_str(), cn.as_str()]].concat();
        pki.issue(&Spec { name: &ca, issuer: Some("root"), extensions: &extensions, ..Spec::default() });
        let names = format!("subjectAltName={name}");
        pki.issue(&leaf(
            &below,
            &ca,
            &["extendedKeyUsage=serverAuth", &names, "authorityKeyIdentifier=keyid"],
        ));
        Case::new(&[&below, &ca], &["root"], outcome, 0)
            .openssl(openssl)
            .webpki_differs_if(differs)
            .check(&pki);
    }
}

#[test]
fn alternatives_and_loops() {
    let Some(pki) = house("alternatives") else { return };
    // One key of a CA, certified by two roots, of which one is trusted.
    pki.issue(&Spec { subject: Some("inter"), key_of: Some("inter"), ..ca("cross", Some("other")) });
    for chain in [["leaf", "cross", "inter"], ["leaf", "inter", "cross"]] {
        for root in ["root", "other"] {
            let case = Case::new(&chain, std::slice::from_ref(&root), Trusted, 0);
            let first = if root == "root" { "inter" } else { "cross" };
            // OpenSSL goes on with the first issuer that it finds.
            if chain[1] == first { case } else { case.openssl(20) }.check(&pki);
        }
    }
    // Two CAs of one name without key identifiers.
    const NO_IDS: [&str; 2] = ["subjectKeyIdentifier=none", "authorityKeyIdentifier=none"];
    let plain = ["basicConstraints=CA:TRUE", NO_IDS[0], NO_IDS[1]];
    let below_plain = ["subjectAltName=DNS:mx.example.com", NO_IDS[0], NO_IDS[1]];
    pki.issue(&Spec { name: "twin1", subject: Some("twin"), extensions: &plain, ..Spec::default() });
    pki.issue(&Spec { name: "twin2", subject: Some("twin"), extensions: &plain, ..Spec::default() });
    for (below, twin, other) in [("below1", "twin1", "twin2"), ("below2", "twin2", "twin1")] {
        pki.issue(&leaf(below, twin, &below_plain));
        // Which of the two OpenSSL takes is left to chance.
        let store = RootStore::from_ders("twins", vec![pki.der("twin1"), pki.der("twin2")]);
        assert_eq!(path(&[pki.der(below)], &store).outcome, Trusted, "{below}");
        Case::new(&[below], &[other], BadSignature, 0).check(&pki);
    }
    // A key identifier of another key, and a CA pair that certifies each other.
    pki.issue(&Spec { subject: Some("inter"), ..ca("namesake", Some("root")) });
    Case::new(&["leaf", "namesake"], &["root"], LeafIssuerMissing, 0).check(&pki);
    pki.issue(&Spec { subject: Some("root"), key_of: Some("root"), ..ca("root-by-inter", Some("inter")) });
    Case::new(&["leaf", "inter", "root-by-inter"], &["other"], IssuerMissing, 2).check(&pki);
}

#[test]
fn algorithms_of_every_kind() {
    let Some(pki) = Pki::new("algorithms") else { return };
    for (number, (key, options, outcome, openssl, differs)) in [
        ("RSA:2048", "-sha256", Trusted, 0, false),
        ("RSA:2048", "-sha1", Trusted, 0, true),
        ("RSA:1024", "-sha256", Trusted, 0, true),
        ("RSA:1024", "-sha384", Trusted, 0, true),
        ("RSA:512", "-md5", Trusted, 0, true),
        ("RSA:2048", "-sha224", Trusted, 0, true),
        ("RSA:2048", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32", Trusted, 0, false),
        ("RSA:2048", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20", Trusted, 0, true),
        ("EC:P-256", "-sha512", Trusted, 0, false),
        ("EC:P-384", "-sha384", Trusted, 0, false),
        ("EC:P-521", "-sha512", Trusted, 0, false),
        ("EC:P-256", "-sha1", Trusted, 0, true),
        ("ED25519", "", Trusted, 0, false),
        ("ED448", "", Unsupported, 0, false),
        ("EC:brainpoolP256r1", "-sha256", Unsupported, 0, false),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, root) = (format!("leaf{number}"), format!("root{number}"));
        pki.issue(&Spec { key, options, ..ca(&root, None) });
        pki.issue(&Spec { options, ..leaf(&name, &root, LEAF) });
        Case::new(&[&name], &[&root], outcome, 0).openssl(openssl).webpki_differs_if(differs).check(&pki);
    }
}
