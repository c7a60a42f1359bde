//! Looking for a path from a presented chain to a root.

use std::rc::Rc;

use waxseal_model::certificate::{PathFacts, PathOutcome};

use super::{
    constraints::{self, Violation},
    dn,
    parsed::Parsed,
    roots::RootStore,
    signature::SignatureError,
};

/// Most certificates of a path, the root included. Real paths have up to five.
const MAX_PATH: usize = 10;

/// Most signatures that are verified in search of alternatives.
const MAX_SIGNATURES: u32 = 100;

/// Most presented certificates that are looked at.
const MAX_PRESENTED: usize = 30;

/// Looks for a path from the first certificate to the store. Dates play no part.
///
/// Order of the presented certificates, duplicates and strangers among them do no harm,
/// and where several certificates may have issued one (cross-signing, renewed CAs), all
/// are tried. Where no path is found, the outcome is about the path that OpenSSL would
/// build, in the order in which OpenSSL would complain: end of the chain, CA and purpose,
/// signatures, names.
///
/// It differs from `openssl verify -purpose sslserver -partial_chain -no_check_time` in
/// this, on purpose: it tries alternatives; a lone leaf is `LeafIssuerMissing`, 21, the last
/// code that OpenSSL gives for it (the first is 20); a critical extension that nobody
/// knows, and an empty chain or unreadable leaf, are `Unsupported`; so is what cannot be
/// computed (see [`super::verify_signature`]). More than ten certificates in a path are
/// `PathTooLong`.
pub fn path(chain_der: &[Vec<u8>], roots: &RootStore) -> PathFacts {
    let search = Search::new(chain_der, roots);
    let Some(leaf) = search.presented.first().filter(|node| node.position == Some(0)) else {
        return PathFacts {
            roots: roots.describe(),
            outcome: PathOutcome::Unsupported,
            subjects: Vec::new(),
            depth: 0,
            used: Vec::new(),
            unordered_or_extra: chain_der.len() > 1,
        };
    };
    let first = search.first_path(leaf.clone());
    let (nodes, violation) = match first.1 {
        None => first,
        Some(_) => {
            let mut nodes = vec![leaf.clone()];
            let mut signatures = MAX_SIGNATURES;
            match search.any_path(&mut nodes, &mut signatures) {
                true => (nodes, None),
                false => first,
            }
        }
    };
    let (outcome, depth) = violation.unwrap_or((PathOutcome::Trusted, 0));
    let used: Vec<Option<u32>> = nodes.iter().map(|node| node.position).collect();
    let in_order = used.iter().flatten().copied().eq(0..u32::try_from(chain_der.len()).unwrap_or(u32::MAX));
    PathFacts {
        roots: roots.describe(),
        outcome,
        subjects: nodes.iter().map(|node| dn::rfc4514(&node.parsed.certificate.subject)).collect(),
        depth: u32::try_from(depth).unwrap_or(u32::MAX),
        used,
        unordered_or_extra: !in_order,
    }
}

/// The certificate that issued another one, by names, key identifiers and signature: from the
/// presented chain, else from the store. None if it is in neither, and for a certificate that
/// signed itself. All in DER.
pub fn issuer_of(certificate: &[u8], chain_der: &[Vec<u8>], roots: Option<&RootStore>) -> Option<Vec<u8>> {
    let parsed = Parsed::new(certificate).ok()?;
    let from_store = roots.into_iter().flat_map(|roots| roots.of_subject(&parsed.issuer));
    let presented = chain_der.iter().take(MAX_PRESENTED).map(Vec::as_slice);
    let mut candidates = presented.chain(from_store).filter(|der| *der != certificate);
    let issued = |der: &&[u8]| {
        let issuer = Parsed::new(der);
        issuer
            .is_ok_and(|issuer| parsed.may_be_issued_by(&issuer) && parsed.verify_signed_by(&issuer).is_ok())
    };
    candidates.find(issued).map(<[u8]>::to_vec)
}

/// A certificate that may be part of a path.
#[derive(Clone)]
struct Node<'a> {
    parsed: Rc<Parsed<'a>>,
    /// Where it was presented, if it was.
    position: Option<u32>,
    /// It is in the store.
    anchor: bool,
}

struct Search<'a> {
    /// Readable certificates, each once.
    presented: Vec<Node<'a>>,
    roots: &'a RootStore,
}

impl<'a> Search<'a> {
    fn new(chain: &'a [Vec<u8>], roots: &'a RootStore) -> Self {
        let mut presented: Vec<Node<'a>> = Vec::new();
        for (position, der) in (0u32..).zip(chain.iter().take(MAX_PRESENTED)) {
            let Ok(parsed) = Parsed::new(der) else { continue };
            if presented.iter().any(|node| node.parsed.der == der) {
                continue;
            }
            let anchor = roots.of_subject(&parsed.subject).any(|root| root == der);
            presented.push(Node { parsed: Rc::new(parsed), position: Some(position), anchor });
        }
        Self { presented, roots }
    }

    /// Certificates that may have issued the last one of a path, by names and key
    /// identifiers: those of the store first, then the others in the order presented.
    fn issuers(&self, path: &[Node<'a>]) -> Vec<Node<'a>> {
        let Some(top) = path.last() else { return Vec::new() };
        let position =
            |der: &[u8]| self.presented.iter().find(|n| n.parsed.der == der).and_then(|n| n.position);
        let from_store = self.roots.of_subject(&top.parsed.issuer).filter_map(|der| {
            let parsed = Rc::new(Parsed::new(der).ok()?);
            Some(Node { parsed, position: position(der), anchor: true })
        });
        let from_peer = self.presented.iter().filter(|node| !node.anchor).cloned();
        from_store
            .chain(from_peer)
            .filter(|node| top.parsed.may_be_issued_by(&node.parsed))
            .filter(|node| path.iter().all(|below| below.parsed.der != node.parsed.der))
            .collect()
    }

    /// The path by names alone, taking the first issuer at each step as OpenSSL does, and
    /// what is wrong with it.
    fn first_path(&self, leaf: Node<'a>) -> (Vec<Node<'a>>, Option<Violation>) {
        let mut path = vec![leaf];
        let end = loop {
            match self.step(&path) {
                Step::Anchored => break None,
                Step::End(outcome) => break Some((outcome, path.len() - 1)),
                Step::Issuer(node) => path.push(node),
            }
        };
        let violation = end.or_else(|| {
            let certificates = certificates(&path);
            constraints::extensions(&certificates)
                .or_else(|| signatures(&certificates))
                .or_else(|| constraints::names(&certificates))
        });
        (path, violation)
    }

    fn step(&self, path: &[Node<'a>]) -> Step<'a> {
        let Some(top) = path.last() else { return Step::End(PathOutcome::Unsupported) };
        if top.anchor {
            return Step::Anchored;
        }
        let leaf_only = path.len() == 1;
        if top.parsed.appears_self_signed() {
            return Step::End(if leaf_only { PathOutcome::SelfSignedLeaf } else { PathOutcome::UnknownRoot });
        }
        if path.len() >= MAX_PATH {
            return Step::End(PathOutcome::PathTooLong);
        }
        match self.issuers(path).into_iter().next() {
            Some(node) => Step::Issuer(node),
            None if leaf_only => Step::End(PathOutcome::LeafIssuerMissing),
            None => Step::End(PathOutcome::IssuerMissing),
        }
    }

    /// Extends the path to any that is valid throughout; false if there is none, or the
    /// number of signatures is used up.
    fn any_path(&self, path: &mut Vec<Node<'a>>, signatures: &mut u32) -> bool {
        let Some(top) = path.last().cloned() else { return false };
        if top.anchor {
            let certificates = certificates(path);
            return constraints::extensions(&certificates).is_none()
                && constraints::names(&certificates).is_none();
        }
        if path.len() >= MAX_PATH || top.parsed.appears_self_signed() {
            return false;
        }
        for issuer in self.issuers(path) {
            if *signatures == 0 {
                return false;
            }
            *signatures -= 1;
            if top.parsed.verify_signed_by(&issuer.parsed).is_err() {
                continue;
            }
            path.push(issuer);
            if self.any_path(path, signatures) {
                return true;
            }
            path.pop();
        }
        false
    }
}

/// What comes after the last certificate of a path.
enum Step<'a> {
    /// Nothing: it is in the store.
    Anchored,
    /// Nothing, and that is the outcome.
    End(PathOutcome),
    Issuer(Node<'a>),
}

fn certificates<'p, 'a>(path: &'p [Node<'a>]) -> Vec<&'p Parsed<'a>> {
    path.iter().map(|node| &*node.parsed).collect()
}

/// Verifies the signatures of a path, from the root down. The anchor's own is not needed.
fn signatures(path: &[&Parsed<'_>]) -> Option<Violation> {
    let pairs = path.iter().zip(path.iter().skip(1)).enumerate().collect::<Vec<_>>();
    pairs.into_iter().rev().find_map(|(at, (subject, issuer))| match subject.verify_signed_by(issuer) {
        Ok(()) => None,
        Err(SignatureError::Wrong) => Some((PathOutcome::BadSignature, at)),
        Err(_) => Some((PathOutcome::Unsupported, at)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    fn ca(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    /// A chain of `length` certificates, leaf first, the root last.
    fn chain(length: usize) -> Vec<Vec<u8>> {
        let key = KeyPair::generate().unwrap();
        let params = ca("root");
        let mut ders = vec![params.self_signed(&key).unwrap().der().to_vec()];
        let mut issuer = Issuer::new(params, key);
        for number in 1..length {
            let key = KeyPair::generate().unwrap();
            let params = ca(&format!("ca {number}"));
            ders.insert(0, params.signed_by(&key, &issuer).unwrap().der().to_vec());
            issuer = Issuer::new(params, key);
        }
        ders
    }

    #[test]
    fn a_path_has_at_most_ten_certificates() {
        for (length, outcome) in [(10, PathOutcome::Trusted), (11, PathOutcome::PathTooLong)] {
            let mut chain = chain(length);
            let root = chain.pop().unwrap();
            let found = path(&chain, &RootStore::from_ders("root", vec![root]));
            assert_eq!(found.outcome, outcome, "{length}");
            assert!(found.subjects.len() <= MAX_PATH);
        }
    }

    #[test]
    fn nothing_and_nonsense_have_no_path() {
        let roots = RootStore::from_ders("none", Vec::new());
        let good = chain(1).remove(0);
        for chain in [vec![], vec![b"nonsense".to_vec()], vec![b"nonsense".to_vec(), good.clone()]] {
            let found = path(&chain, &roots);
            assert_eq!((found.outcome, found.subjects.len()), (PathOutcome::Unsupported, 0));
        }
        let found = path(&[good, b"nonsense".to_vec()], &roots);
        assert_eq!(found.outcome, PathOutcome::SelfSignedLeaf);
        assert!(found.unordered_or_extra);
    }

    #[test]
    fn cas_that_certify_each_other_cost_a_bounded_number_of_signatures() {
        // Two names with one key, each certified by the other, over and over: every order
        // of them is a path of valid signatures, and none leads anywhere.
        let key = KeyPair::generate().unwrap();
        let certify = |number: u64| {
            let (subject, issuer) = if number.is_multiple_of(2) { ("a", "b") } else { ("b", "a") };
            let mut params = ca(subject);
            params.serial_number = Some(number.into());
            params.signed_by(&key, &Issuer::new(ca(issuer), &key)).unwrap().der().to_vec()
        };
        let chain: Vec<Vec<u8>> = (1..=40).map(certify).collect();
        let roots = RootStore::from_ders("none", Vec::new());
        let search = Search::new(&chain, &roots);
        assert_eq!(search.presented.len(), MAX_PRESENTED);
        let mut left = MAX_SIGNATURES;
        assert!(!search.any_path(&mut vec![search.presented[0].clone()], &mut left));
        assert_eq!(left, 0, "the limit was met");
        assert_eq!(path(&chain, &roots).outcome, PathOutcome::PathTooLong);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_damaged_certificate_never_leads_to_the_root(which in 0usize..2, at in 0usize..2000, bit in 0u8..8) {
            let mut chain = CHAIN.with(Clone::clone);
            let root = chain.pop().unwrap();
            // The signed part. The few bytes around it, and the form of the signature, can
            // be written in several ways that mean the same.
            let signed = Parsed::new(&chain[which]).unwrap().certificate.tbs_certificate.as_ref().len();
            let outer_header = 4;
            chain[which][outer_header + at % signed] ^= 1 << bit;
            let found = path(&chain, &RootStore::from_ders("root", vec![root]));
            prop_assert_ne!(found.outcome, PathOutcome::Trusted);
        }
    }

    thread_local! {
        static CHAIN: Vec<Vec<u8>> = chain(3);
    }
}
