//! Certificates as trees from the leaf to the root, each chain once.

use waxseal_model::{
    CertificateFacts, Observed, PresentedChain, Report,
    certificate::{PathFacts, PathOutcome},
};

use super::issuers::{Line, of_certificate, of_handshake, of_key, of_leaf};
use crate::{
    style::Role,
    when::{self, Term},
};

/// Certificates of a chain that are drawn; servers send three or four.
const LONGEST: usize = 20;
/// DNS names that are listed, if not all are asked for.
const NAMES: usize = 6;

/// One chain and where it is presented.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    /// Ids of the endpoints.
    pub(crate) endpoints: Vec<String>,
    /// The handshakes that got it: `TLS 1.3`, `TLS 1.2 without SNI`.
    pub(crate) handshakes: Vec<String>,
    /// Whether a path to a root was found.
    pub(crate) outcome: (Role, String),
    /// What came along in the handshake.
    pub(crate) lines: Vec<Line>,
    /// Leaf first; each is signed by the next.
    pub(crate) nodes: Vec<Node>,
    /// Subjects of certificates that were sent and that no path needs.
    pub(crate) extra: Vec<&'a str>,
    chain: &'a PresentedChain,
}

/// One certificate of a tree.
#[derive(Debug)]
pub(crate) struct Node {
    /// Distinguished name.
    pub(crate) subject: String,
    /// `leaf`, `intermediate`, `root, from the store` …
    pub(crate) place: &'static str,
    /// What it says, label and text; those of the second list only with `--verbose`.
    pub(crate) lines: Vec<Line>,
    pub(crate) more: Vec<Line>,
}

/// The chains of all endpoints, in the order of the report.
pub(crate) fn trees(report: &Report, now: i64) -> Vec<Tree<'_>> {
    let mut trees: Vec<Tree<'_>> = Vec::new();
    for endpoint in &report.endpoints {
        let id = endpoint.endpoint.id();
        for chain in endpoint.evidence.chains.get().into_iter().flatten() {
            let handshake = handshake(chain, endpoint.endpoint.host.as_deref());
            match trees.iter_mut().find(|t| same(t.chain, chain)) {
                Some(tree) => {
                    if !tree.endpoints.contains(&id) {
                        tree.endpoints.push(id.clone());
                    }
                    if !tree.handshakes.contains(&handshake) {
                        tree.handshakes.push(handshake);
                    }
                }
                None => trees.push(tree(chain, id.clone(), handshake, now)),
            }
        }
    }
    trees
}

fn same(a: &PresentedChain, b: &PresentedChain) -> bool {
    a.path == b.path && a.certificates == b.certificates
}

/// `TLS 1.3`, with what was special about SNI.
fn handshake(chain: &PresentedChain, host: Option<&str>) -> String {
    let version = chain.version.label();
    let unproven = if chain.possession_proven { "" } else { ", key not proven" };
    match &chain.sni {
        None => format!("{version} without SNI{unproven}"),
        Some(name) if host.is_some_and(|h| h != name) => format!("{version} with SNI {name}{unproven}"),
        Some(_) => format!("{version}{unproven}"),
    }
}

fn tree(chain: &PresentedChain, endpoint: String, handshake: String, now: i64) -> Tree<'_> {
    let path = chain.path.get();
    let nodes = match path {
        Some(path) if !path.used.is_empty() => by_path(chain, path, now),
        _ => as_sent(chain, now),
    };
    let used: Vec<usize> = path
        .map_or(Vec::new(), |p| p.used.iter().flatten().filter_map(|i| usize::try_from(*i).ok()).collect());
    let extra = match path {
        Some(path) if !path.used.is_empty() => {
            let unused = chain.certificates.iter().enumerate().filter(|(i, _)| !used.contains(i));
            unused.map(|(_, c)| c.subject.as_str()).collect()
        }
        _ => Vec::new(),
    };
    Tree {
        endpoints: vec![endpoint],
        handshakes: vec![handshake],
        outcome: outcome(&chain.path),
        lines: of_handshake(chain, now),
        nodes,
        extra,
        chain,
    }
}

/// The certificates that a path goes through.
fn by_path(chain: &PresentedChain, path: &PathFacts, now: i64) -> Vec<Node> {
    let last = path.used.len().saturating_sub(1);
    let mut nodes = Vec::new();
    for (i, used) in path.used.iter().enumerate().take(LONGEST) {
        let at = used.and_then(|at| usize::try_from(at).ok());
        let presented = at.and_then(|at| Some((at, chain.certificates.get(at)?)));
        let subject = path.subjects.get(i).map_or("not named", String::as_str);
        nodes.push(match presented {
            Some((at, c)) => node(chain, at, c, place(i, i == last, c), now),
            None => Node {
                subject: subject.to_owned(),
                place: if path.outcome == PathOutcome::Trusted {
                    "root, from the store"
                } else {
                    "from the store"
                },
                lines: vec![("Store", path.roots.clone())],
                more: Vec::new(),
            },
        });
    }
    nodes
}

/// Without a path: as the server sent them.
fn as_sent(chain: &PresentedChain, now: i64) -> Vec<Node> {
    let last = chain.certificates.len().saturating_sub(1);
    let all = chain.certificates.iter().enumerate();
    all.take(LONGEST).map(|(i, c)| node(chain, i, c, place(i, i == last, c), now)).collect()
}

fn place(at: usize, last: bool, certificate: &CertificateFacts) -> &'static str {
    match (at, last, certificate.self_signed) {
        (0, _, true) => "leaf, signed with its own key",
        (0, _, false) => "leaf",
        (_, true, true) => "root, sent by the server",
        _ => "intermediate",
    }
}

fn node(chain: &PresentedChain, at: usize, c: &CertificateFacts, place: &'static str, now: i64) -> Node {
    let mut lines = Vec::new();
    if at == 0 {
        lines.push(("Names", names(c)));
    }
    lines.push(("Key", key(c)));
    lines.push(("Signature", signature(c)));
    lines.push(("Valid", dates(c, now)));
    if at == 0 {
        lines.extend(of_leaf(c));
    }
    if c.must_staple {
        lines.push(("Must staple", "yes".into()));
    }
    lines.extend(of_certificate(chain, at, now));
    let mut more = vec![("Issuer", c.issuer.clone()), ("Serial", c.serial.clone())];
    if c.dns_names.len() > NAMES {
        more.push(("All names", c.dns_names.join(", ")));
    }
    if let Some(usages) = &c.extended_key_usage {
        more.push(("For", usages.join(", ")));
    }
    for (label, urls) in [("OCSP at", &c.ocsp_urls), ("Lists at", &c.crl_urls), ("Issuer at", &c.issuer_urls)]
    {
        if !urls.is_empty() {
            more.push((label, urls.join(", ")));
        }
    }
    more.push(("SHA-256", c.sha256.clone()));
    more.push(("SHA-256 of the key", c.spki_sha256.clone()));
    Node { subject: c.subject.clone(), place, lines, more }
}

fn names(c: &CertificateFacts) -> String {
    let mut names: Vec<&str> = c.dns_names.iter().map(String::as_str).collect();
    names.extend(c.ip_addresses.iter().map(String::as_str));
    match (names.as_slice(), &c.common_name) {
        ([], Some(name)) => format!("{name} (common name only)"),
        ([], None) => "none".into(),
        (names, _) => crate::text::list(names, NAMES),
    }
}

fn key(c: &CertificateFacts) -> String {
    let what = match (&c.key.curve, c.key.bits) {
        (Some(curve), _) => format!("{} {curve}", c.key.algorithm),
        (None, 0) => c.key.algorithm.clone(),
        (None, bits) => format!("{} {bits} bits", c.key.algorithm),
    };
    match c.key.rsa.as_ref().map(of_key).filter(|remarks| !remarks.is_empty()) {
        Some(remarks) => format!("{what}, {remarks}"),
        None => what,
    }
}

fn signature(c: &CertificateFacts) -> String {
    match &c.signature_digest {
        Some(digest) if c.signature_algorithm.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("{} ({digest})", c.signature_algorithm)
        }
        _ => c.signature_algorithm.clone(),
    }
}

/// `2026-10-24 to 2027-01-22, 61 days left`.
fn dates(c: &CertificateFacts, now: i64) -> String {
    let term = match Term::new(c.not_before, c.not_after, now) {
        Term::Left(left) => format!("{} left", when::span(left)),
        Term::Over(ago) => format!("EXPIRED {} ago", when::span(ago)),
        Term::Future(until) => format!("NOT YET VALID, in {}", when::span(until)),
    };
    format!("{} to {}, {term}", when::date(c.not_before), when::date(c.not_after))
}

/// Whether there is a path to a root, in our words and in OpenSSL's.
fn outcome(path: &Observed<PathFacts>) -> (Role, String) {
    match path {
        Observed::Seen { value } => {
            let (code, text) = value.outcome.openssl();
            match value.outcome {
                PathOutcome::Trusted => (Role::Good, "leads to a trusted root".into()),
                PathOutcome::Unsupported => {
                    (Role::Notice, format!("not verifiable here (OpenSSL: verify error {code}, {text})"))
                }
                _ => (Role::Bad, format!("NOT TRUSTED: {text} (OpenSSL's verify error {code})")),
            }
        }
        Observed::NotTried { why } | Observed::Failed { why } => {
            (Role::Notice, format!("path not checked: {}", why.text))
        }
    }
}
