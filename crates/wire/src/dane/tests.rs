//! Chains against records: what a sender concludes, and which records would fit.

use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PublicKeyData, date_time_ymd,
};

use super::{record::associate, *};

/// 2026-01-01; the certificates below hold from 2025 to 2027 unless a test says otherwise.
const NOW: i64 = 1_767_225_600;

/// A certificate and what it takes to issue others with it.
struct Issued {
    der: Vec<u8>,
    spki: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

fn params(name: &str, ca: bool) -> CertificateParams {
    let names = if ca { vec![] } else { vec![name.to_owned()] };
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    if ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    } else {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    }
    params
}

fn issue(params: CertificateParams, issuer: Option<&Issued>) -> Issued {
    let key = KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(above) => params.signed_by(&key, &Issuer::new(above.params.clone(), &above.key)).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    Issued { der: certificate.der().to_vec(), spki: key.subject_public_key_info(), params, key }
}

/// Root, intermediate and leaf for mx.example.com.
struct Pki {
    root: Issued,
    middle: Issued,
    leaf: Issued,
}

impl Pki {
    fn new() -> Self {
        Self::with(params("mx.example.com", false))
    }

    fn with(leaf: CertificateParams) -> Self {
        let root = issue(params("Root", true), None);
        let middle = issue(params("Intermediate", true), Some(&root));
        let leaf = issue(leaf, Some(&middle));
        Self { root, middle, leaf }
    }

    fn chain(&self) -> Vec<Vec<u8>> {
        vec![self.leaf.der.clone(), self.middle.der.clone(), self.root.der.clone()]
    }
}

fn record(usage: u8, selector: u8, matching_type: u8, of: &Issued) -> TlsaRecord {
    let selected = if selector == 0 { &of.der } else { &of.spki };
    TlsaRecord { usage, selector, matching_type, data: associate(matching_type, selected).unwrap() }
}

/// A usable record that matches nothing.
fn stranger(usage: u8, selector: u8, matching_type: u8) -> TlsaRecord {
    record(usage, selector, matching_type, &issue(params("stranger", true), None))
}

fn decide(records: &[TlsaRecord], chain: &[Vec<u8>]) -> Verdict {
    verify(records, chain, &["mx.example.com".to_owned()], NOW)
}

fn matched(record: usize, depth: u32) -> Verdict {
    Verdict::Match { record, depth, presented: true }
}

fn why(verdict: Verdict) -> String {
    misfit(verdict).1
}

fn misfit(verdict: Verdict) -> (Misfit, String) {
    match verdict {
        Verdict::Mismatch { why, misfit } => (misfit, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_selector_and_matching_type_matches_at_its_depth() {
    let pki = Pki::new();
    let chain = pki.chain();
    for selector in [0, 1] {
        for matching_type in [0, 1, 2] {
            for (usage, of, depth) in [(3, &pki.leaf, 0), (2, &pki.middle, 1), (2, &pki.root, 2)] {
                let record = record(usage, selector, matching_type, of);
                assert_eq!(unusable(&record), None);
                assert_eq!(matches(&record, &chain), Some(depth), "{}", record.short());
                assert_eq!(decide(&[record], &chain), matched(0, depth));
            }
            let wrong = [stranger(3, selector, matching_type), stranger(2, selector, matching_type)];
            assert!(wrong.iter().all(|record| matches(record, &chain).is_none()));
            assert!(why(decide(&wrong, &chain)).contains("none of the 2 records"));
        }
    }
}

#[test]
fn records_of_pkix_usages_match_and_are_not_used() {
    let pki = Pki::new();
    let (ta, ee) = (record(0, 0, 1, &pki.root), record(1, 1, 1, &pki.leaf));
    assert_eq!((matches(&ta, &pki.chain()), matches(&ee, &pki.chain())), (Some(2), Some(0)));
    assert_eq!(decide(&[ta, ee], &pki.chain()), Verdict::AllUnusable);
    assert_eq!(decide(&[], &pki.chain()), Verdict::AllUnusable);
    let unknown = TlsaRecord { usage: 9, ..record(3, 1, 1, &pki.leaf) };
    assert_eq!(matches(&unknown, &pki.chain()), None);
}

#[test]
fn unusable_records_do_not_spoil_usable_ones() {
    let pki = Pki::new();
    let short = TlsaRecord { data: vec![1; 31], ..record(3, 1, 1, &pki.leaf) };
    assert_eq!(decide(std::slice::from_ref(&short), &pki.chain()), Verdict::AllUnusable);
    assert_eq!(decide(&[short, record(3, 1, 1, &pki.leaf)], &pki.chain()), matched(1, 0));
}

#[test]
fn dane_ee_ignores_names_dates_and_signatures() {
    let mut outdated = params("elsewhere.example", false);
    outdated.not_after = date_time_ymd(2025, 6, 1);
    let pki = Pki::with(outdated);
    let records = [record(3, 1, 1, &pki.leaf)];
    assert_eq!(decide(&records, &pki.chain()), matched(0, 0));
    assert_eq!(decide(&records, std::slice::from_ref(&pki.leaf.der)), matched(0, 0));
    assert_eq!(verify(&records, &pki.chain(), &[], 0), matched(0, 0));
    // Not the leaf, though it is presented.
    assert!(
        why(decide(&records, &[pki.middle.der.clone(), pki.leaf.der.clone()])).contains("does not match")
    );
}

#[test]
fn dane_ta_needs_no_root_and_no_self_signature() {
    let pki = Pki::new();
    let chain = [pki.leaf.der.clone(), pki.middle.der.clone()];
    assert_eq!(decide(&[record(2, 0, 1, &pki.middle)], &chain), matched(0, 1));
    // In any order, with strangers in between.
    let other = issue(params("Other", true), None);
    let jumbled = [pki.leaf.der.clone(), other.der, pki.root.der.clone(), pki.middle.der.clone()];
    assert_eq!(decide(&[record(2, 0, 1, &pki.root)], &jumbled), matched(0, 2));
    assert_eq!(matches(&record(2, 0, 1, &pki.middle), &jumbled), Some(3));
}

#[test]
fn a_trust_anchor_that_is_not_presented_is_missed() {
    let pki = Pki::new();
    for selector in [0, 1] {
        let records = [record(2, selector, 1, &pki.root)];
        assert!(
            why(decide(&records, &[pki.leaf.der.clone(), pki.middle.der.clone()])).contains("2 presented")
        );
        assert!(why(decide(&records, std::slice::from_ref(&pki.leaf.der))).contains("section 3.1.2"));
    }
}

#[test]
fn a_trust_anchor_in_full_need_not_be_presented() {
    let pki = Pki::new();
    let out_of_band = |depth| Verdict::Match { record: 0, depth, presented: false };
    let chain = [pki.leaf.der.clone(), pki.middle.der.clone()];
    for (of, chain, by_certificate, by_key) in
        [(&pki.root, &chain[..], 2, 1), (&pki.middle, &chain[..1], 1, 0)]
    {
        let certificate = record(2, 0, 0, of);
        assert_eq!(matches(&certificate, chain), None, "it is in no presented chain");
        assert_eq!(decide(&[certificate], chain), out_of_band(by_certificate));
        // A bare key: the depth of the certificate that it signed.
        assert_eq!(decide(&[record(2, 1, 0, of)], chain), out_of_band(by_key));
    }
}

#[test]
fn a_server_certificate_is_no_trust_anchor_of_its_own() {
    let mut own = params("mx.example.com", false);
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let leaf = issue(own, None);
    let twice = [leaf.der.clone(), leaf.der.clone()];
    for record in [record(2, 0, 1, &leaf), record(2, 1, 1, &leaf), record(2, 0, 0, &leaf)] {
        assert_eq!(matches(&record, &twice), None);
        assert!(!why(decide(&[record], &twice)).is_empty());
    }
    // As in OpenSSL: its bare key has signed it.
    let signed = Verdict::Match { record: 0, depth: 0, presented: false };
    assert_eq!(decide(&[record(2, 1, 0, &leaf)], &twice), signed);
}

#[test]
fn a_trust_anchor_must_have_signed_what_is_below_it() {
    let pki = Pki::new();
    // The same names, other keys.
    let other = Pki::new();
    let chain = [pki.leaf.der.clone(), pki.middle.der.clone(), other.root.der.clone()];
    assert!(why(decide(&[record(2, 0, 1, &other.root)], &chain)).contains("no path leads"));
    let chain = [pki.leaf.der.clone(), other.middle.der.clone()];
    assert!(why(decide(&[record(2, 1, 1, &other.middle)], &chain)).contains("no path leads"));
    // Presented, and not on the path at all.
    let stray = issue(params("Stray", true), None);
    let chain = [pki.leaf.der.clone(), pki.middle.der.clone(), stray.der.clone()];
    assert!(why(decide(&[record(2, 0, 1, &stray)], &chain)).contains("no path leads"));
    // Its key signed nothing here.
    assert!(why(decide(&[record(2, 1, 0, &stray)], &chain)).contains("no path leads"));
}

#[test]
fn an_issuer_must_be_a_ca() {
    let no_ca = issue(params("not a CA", false), None);
    let leaf = issue(params("mx.example.com", false), Some(&no_ca));
    let chain = [leaf.der, no_ca.der.clone()];
    assert!(why(decide(&[record(2, 0, 1, &no_ca)], &chain)).contains("79"));
}

#[test]
fn dane_ta_enforces_the_dates_of_every_certificate() {
    for (name, position) in [("mx.example.com", 0), ("Intermediate", 1), ("Root", 2)] {
        for (from, to, word) in [(2020, 2025, "expired"), (2026, 2027, "not valid yet")] {
            let dated = |n: usize, mut params: CertificateParams| {
                if n == position {
                    params.not_before = date_time_ymd(from, 6, 1);
                    params.not_after = date_time_ymd(to, 6, 1);
                }
                params
            };
            let root = issue(dated(2, params("Root", true)), None);
            let middle = issue(dated(1, params("Intermediate", true)), Some(&root));
            let leaf = issue(dated(0, params("mx.example.com", false)), Some(&middle));
            let pki = Pki { root, middle, leaf };
            let (kind, found) = misfit(decide(&[record(2, 0, 1, &pki.root)], &pki.chain()));
            assert_eq!(kind, Misfit::Date);
            assert!(found.contains(word), "{name}: {found}");
            assert!(found.contains(if position == 0 { "the server's" } else { name }), "{found}");
        }
    }
}

#[test]
fn of_two_paths_one_in_time_is_enough() {
    let root = issue(params("Root", true), None);
    let mut old = params("Intermediate", true);
    old.not_after = date_time_ymd(2025, 6, 1);
    let old = issue(old, Some(&root));
    // The same name and key, renewed.
    let new = params("Intermediate", true);
    let der = new.signed_by(&old.key, &Issuer::new(root.params.clone(), &root.key)).unwrap().der().to_vec();
    let leaf = issue(params("mx.example.com", false), Some(&old));
    let chain = [leaf.der.clone(), old.der.clone(), der, root.der.clone()];
    assert_eq!(decide(&[record(2, 0, 1, &root)], &chain), matched(0, 2));
    let (kind, found) = misfit(decide(&[record(2, 0, 1, &root)], &chain[..2]));
    assert!(kind == Misfit::Record && found.contains("does not match"), "{found}");
}

#[test]
fn dane_ta_compares_names() {
    let pki = Pki::new();
    let records = [record(2, 0, 1, &pki.middle)];
    let ask = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        verify(&records, &pki.chain(), &names, NOW)
    };
    assert_eq!(ask(&["MX.example.com."]), matched(0, 1));
    assert_eq!(ask(&["example.com", "mx.example.com"]), matched(0, 1));
    let (kind, found) = misfit(ask(&["mx.example.net", "example.net"]));
    assert_eq!(kind, Misfit::Name);
    assert!(
        found.contains("for \"mx.example.com\", not for \"mx.example.net\" or \"example.net\""),
        "{found}"
    );
    assert!(!why(ask(&[])).is_empty());
}

#[test]
fn the_common_name_counts_only_without_a_dns_name() {
    let ask = |leaf: CertificateParams| {
        let pki = Pki::with(leaf);
        decide(&[record(2, 0, 1, &pki.middle)], &pki.chain())
    };
    let mut without = params("mx.example.com", false);
    without.subject_alt_names.clear();
    assert_eq!(ask(without), matched(0, 1));
    let mut other = params("other.example.com", false);
    other.distinguished_name.push(DnType::CommonName, "mx.example.com");
    assert!(why(ask(other)).contains("other.example.com"));
}

#[test]
fn of_digests_only_the_strongest_counts() {
    let pki = Pki::new();
    let right = record(3, 1, 1, &pki.leaf);
    assert!(why(decide(&[right.clone(), stranger(3, 1, 2)], &pki.chain())).contains("does not match"));
    assert_eq!(decide(&[right.clone(), stranger(3, 0, 2)], &pki.chain()), matched(0, 0), "another selector");
    let full = [stranger(3, 1, 2), record(3, 1, 0, &pki.leaf)];
    assert_eq!(decide(&full, &pki.chain()), matched(1, 0), "data in full always count");
}

#[test]
fn of_several_matches_the_nearest_is_told() {
    let pki = Pki::new();
    let records = [record(2, 0, 1, &pki.root), record(2, 0, 1, &pki.middle), record(3, 1, 1, &pki.leaf)];
    assert_eq!(decide(&records[..2], &pki.chain()), matched(1, 1));
    assert_eq!(decide(&records, &pki.chain()), matched(2, 0));
}

#[test]
fn a_chain_that_is_none_matches_nothing() {
    let pki = Pki::new();
    let records = [record(3, 1, 1, &pki.leaf), record(2, 0, 1, &pki.root)];
    assert!(why(decide(&records, &[])).contains("no certificate"));
    assert!(!why(decide(&records, &[b"nonsense".to_vec()])).is_empty());
    assert!(records_for(&[]).is_empty() && records_for(&[b"nonsense".to_vec()]).is_empty());
}

#[test]
fn the_records_that_are_proposed_fit() {
    let pki = Pki::new();
    let stray = issue(params("Stray", true), None);
    let mut chain = pki.chain();
    chain.insert(1, stray.der);
    let fitting = records_for(&chain);
    let shapes: Vec<_> = fitting
        .iter()
        .map(|f| (f.record.usage, f.record.selector, f.record.matching_type, f.depth))
        .collect();
    assert_eq!(shapes, [(3, 1, 1, 0), (2, 0, 1, 2), (2, 1, 1, 2), (2, 0, 1, 3), (2, 1, 1, 3)]);
    for found in fitting {
        assert_eq!(matches(&found.record, &chain), Some(found.depth));
        assert!(matches!(decide(&[found.record], &chain), Verdict::Match { presented: true, .. }));
    }
}

#[test]
fn the_record_of_a_file_is_that_of_its_key() {
    let pki = Pki::new();
    let expected = record(3, 1, 1, &pki.leaf);
    let certificate =
        pki.leaf.params.signed_by(&pki.leaf.key, &Issuer::new(pki.middle.params.clone(), &pki.middle.key));
    let certificate = certificate.unwrap().pem();
    let public = pki.leaf.key.public_key_pem();
    for file in [
        pki.leaf.der.clone(),
        pki.leaf.spki.clone(),
        format!("some text\n{certificate}").into_bytes(),
        public.into_bytes(),
        // Chain files often hold the key as well.
        format!("{}{certificate}", pki.leaf.key.serialize_pem()).into_bytes(),
    ] {
        assert_eq!(record_for_file(&file), Ok(expected.clone()));
    }
    let error = record_for_file(pki.leaf.key.serialize_pem().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("-pubout"), "{error}");
    let request = pki.leaf.params.serialize_request(&pki.leaf.key).unwrap().pem().unwrap();
    assert!(record_for_file(request.as_bytes()).unwrap_err().to_string().contains("request"));
    for nonsense in [&b""[..], b"nonsense", b"-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----\n"] {
        assert!(record_for_file(nonsense).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_certificate_is_never_authenticated(which in 0usize..2, at in 0usize..2000, bit in 0u8..8) {
        PKI.with(|pki| {
            let mut chain = pki.chain();
            // The signed part of a certificate of this size begins behind four bytes, and ends
            // well before its signature.
            let signed = chain[which].len() - 100;
            chain[which][4 + at % (signed - 4)] ^= 1 << bit;
            let records = [record(2, 0, 1, &pki.root), record(3, 0, 1, &pki.leaf)];
            let verdict = decide(&records[..1 + usize::from(which == 0)], &chain);
            prop_assert!(matches!(verdict, Verdict::Mismatch { .. }), "{verdict:?}");
            Ok(())
        })?;
    }

    #[test]
    fn any_records_and_chain_are_judged_without_harm(
        records in prop::collection::vec((0u8..5, 0u8..3, 0u8..4, prop::collection::vec(any::<u8>(), 0..70)), 0..6),
        chain in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4),
    ) {
        let records: Vec<TlsaRecord> = records
            .into_iter()
            .map(|(usage, selector, matching_type, data)| TlsaRecord { usage, selector, matching_type, data })
            .collect();
        let usable = !in_use(&records).is_empty();
        prop_assert_eq!(decide(&records, &chain) != Verdict::AllUnusable, usable);
    }
}

thread_local! {
    static PKI: Pki = Pki::new();
}
