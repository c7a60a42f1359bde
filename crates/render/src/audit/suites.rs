//! Protocol versions, and the suites of each in the order in which a server takes them.

use waxseal_model::{
    Observed,
    audit::SuiteList,
    tls::{SuiteClass, SuiteOrder, TlsEvidence, TlsVersion},
};
use waxseal_wire::tls::suites;

/// One version and whether it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) version: TlsVersion,
    pub(crate) state: State,
}

/// Whether a version is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Offered,
    NotOffered,
    /// Why not.
    NotKnown(String),
}

impl State {
    /// In words: `offered`, `not offered`, `not known: why`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Offered => "offered".into(),
            Self::NotOffered => "not offered".into(),
            Self::NotKnown(why) => format!("not known: {why}"),
        }
    }
}

/// The suites of one version, or of several that have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Newest first.
    pub(crate) versions: Vec<TlsVersion>,
    /// Whose order it is; empty where there is nothing to order.
    pub(crate) order: String,
    /// `complete`, `not complete: why`, or where the list comes from.
    pub(crate) extent: String,
    pub(crate) suites: Vec<Line>,
}

impl Block {
    /// `TLS 1.1 and TLS 1.0`.
    pub(crate) fn title(&self) -> String {
        versions(&self.versions)
    }

    /// Order and extent in one phrase.
    pub(crate) fn note(&self) -> String {
        let parts = [self.order.as_str(), self.extent.as_str()];
        parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

/// One suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// The code, where the name has one: `0xC02F`.
    pub(crate) code: Option<String>,
    /// What is to be known of it, in words.
    pub(crate) marks: Vec<&'static str>,
}

/// `TLS 1.3, TLS 1.2 and TLS 1.1`.
pub(crate) fn versions(versions: &[TlsVersion]) -> String {
    let labels: Vec<&str> = versions.iter().map(|v| v.label()).collect();
    match labels.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => labels.concat(),
    }
}

/// Every version that was asked about or seen, newest first.
pub(crate) fn protocols(tls: &TlsEvidence) -> Vec<Protocol> {
    let state = |version: TlsVersion| {
        let negotiated = tls.handshake.get().is_some_and(|h| h.version == version);
        match tls.versions.get(&version) {
            Some(Observed::Seen { value: true }) => Some(State::Offered),
            _ if negotiated => Some(State::Offered),
            Some(Observed::Seen { value: false }) => Some(State::NotOffered),
            Some(Observed::NotTried { why } | Observed::Failed { why }) => {
                Some(State::NotKnown(why.text.clone()))
            }
            None => None,
        }
    };
    let newest_first = TlsVersion::ALL.into_iter().rev();
    newest_first.filter_map(|version| state(version).map(|state| Protocol { version, state })).collect()
}

/// The lists of suites, newest version first; neighbours that are alike are one.
pub(crate) fn blocks(tls: &TlsEvidence) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for version in TlsVersion::ALL.into_iter().rev() {
        let Some(block) = block(tls, version) else { continue };
        match blocks.last_mut() {
            Some(last)
                if last.suites == block.suites
                    && last.order == block.order
                    && last.extent == block.extent =>
            {
                last.versions.push(version);
            }
            _ => blocks.push(block),
        }
    }
    blocks
}

fn block(tls: &TlsEvidence, version: TlsVersion) -> Option<Block> {
    let listed = tls.suites.get(&version).map_or(&[][..], Vec::as_slice);
    let list = tls.audit.as_ref().and_then(|a| a.suite_lists.get(&version));
    let accepted = tls.versions.get(&version).and_then(Observed::get) == Some(&true);
    let line = |name: &str, inferred: bool| line(name, inferred);
    if listed.is_empty() && list.is_none() {
        let mut seen: Vec<Line> = Vec::new();
        for s in tls.suites_seen.iter().filter(|s| s.version == version) {
            let line = line(&s.suite.name, false);
            if !seen.contains(&line) {
                seen.push(line);
            }
        }
        let extent = match (seen.is_empty(), tls.audit.is_some()) {
            (true, true) if accepted => "not listed",
            (true, _) => return None,
            (false, _) => "seen in passing, no full list",
        };
        let extent = extent.into();
        return Some(Block { versions: vec![version], order: String::new(), extent, suites: seen });
    }
    let inferred = |name: &String| {
        list.and_then(Observed::get).is_some_and(|l: &SuiteList| l.inferred.iter().any(|i| i == name))
    };
    let suites: Vec<Line> = listed.iter().map(|name| line(name, inferred(name))).collect();
    let order = list.and_then(Observed::get).map(|l| order(l, suites.len())).unwrap_or_default();
    let extent = match list {
        Some(Observed::Seen { value }) if value.complete => "complete".into(),
        Some(Observed::Seen { .. }) => "not complete: whether there are others got no answer".into(),
        Some(Observed::NotTried { why } | Observed::Failed { why }) => format!("not complete: {}", why.text),
        None => "not complete: how far the list goes is not known".into(),
    };
    Some(Block { versions: vec![version], order, extent, suites })
}

fn order(list: &SuiteList, suites: usize) -> String {
    match list.order {
        Some(SuiteOrder::Server) => {
            let chacha = match list.chacha_by_client {
                Some(true) => ", ChaCha20 first for clients that put it first",
                Some(false) | None => "",
            };
            format!("the server's order{chacha}")
        }
        Some(SuiteOrder::Client) => "the client's order decides".into(),
        None if suites > 1 => "whose order decides is not known".into(),
        None => String::new(),
    }
}

fn line(name: &str, inferred: bool) -> Line {
    let code = suites::all().iter().find(|(_, n)| *n == name).map(|(code, _)| *code);
    let mut marks = code.map(marks).unwrap_or_default();
    if inferred {
        marks.push("inferred from a newer version");
    }
    let shown = code.map(|c| if c > 0xffff { format!("0x{c:06X}") } else { format!("0x{c:04X}") });
    Line { name: name.to_owned(), code: shown, marks }
}

/// What a suite is known for, the gravest first.
fn marks(code: u32) -> Vec<&'static str> {
    let mut marks: Vec<&'static str> = suites::classes(code).into_iter().filter_map(mark).collect();
    if !suites::is_ephemeral(code) {
        let before_cbc = marks.iter().position(|m| *m == "CBC").unwrap_or(marks.len());
        marks.insert(before_cbc, "no forward secrecy");
    }
    marks
}

fn mark(class: SuiteClass) -> Option<&'static str> {
    Some(match class {
        SuiteClass::Null => "no encryption",
        SuiteClass::Anonymous => "anonymous",
        SuiteClass::Export => "export",
        SuiteClass::Des => "DES",
        SuiteClass::Rc2 => "RC2",
        SuiteClass::Rc4 => "RC4",
        SuiteClass::TripleDes => "3DES",
        SuiteClass::Idea => "IDEA",
        SuiteClass::Seed => "SEED",
        SuiteClass::Cbc => "CBC",
        SuiteClass::RsaKeyExchange | SuiteClass::Dhe => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_name_what_is_weak_and_sound_suites_have_none() {
        for (name, expected) in [
            ("TLS_AES_128_GCM_SHA256", &[][..]),
            ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", &[]),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", &["CBC"]),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", &["no forward secrecy"]),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", &["3DES", "no forward secrecy", "CBC"]),
            ("TLS_DH_anon_WITH_RC4_128_MD5", &["anonymous", "RC4"]),
            ("TLS_ECDH_anon_WITH_NULL_SHA", &["no encryption", "anonymous"]),
            ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", &["export", "RC4", "no forward secrecy"]),
            ("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", &["no forward secrecy"]),
            ("unknown 0xfedc", &[]),
        ] {
            assert_eq!(line(name, false).marks, expected, "{name}");
        }
        assert_eq!(line("TLS_AES_128_GCM_SHA256", false).code.as_deref(), Some("0x1301"));
    }

    #[test]
    fn versions_with_the_same_suites_are_one_block() {
        let mut tls = TlsEvidence::default();
        let names = vec!["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA".to_owned()];
        for version in [TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12] {
            tls.suites.insert(version, names.clone());
        }
        let blocks = blocks(&tls);
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].title(), "TLS 1.2, TLS 1.1 and TLS 1.0");
        assert!(blocks[0].extent.starts_with("not complete"), "{}", blocks[0].extent);
    }
}
