//! Whether two sides can use a suite, and which of the common ones they take.

use std::collections::BTreeSet;

use waxseal_model::tls::{SuiteOrder, TlsVersion};
use waxseal_wire::tls::{
    groups::{self, Kind},
    scheme::{self, KeyKind},
    suites::{self, Authentication, Cipher, KeyExchange},
};

use super::{
    offer::Offer,
    server::{Known, Server, Suites, group_names, scheme_names, suite_names},
};

/// Why there is no negotiated suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// They have none in common: one sentence.
    None(String),
    /// It cannot be told: one sentence.
    Unknown(String),
}

/// Whether a suite that both know can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Use {
    Yes,
    /// Something that it needs is not common: what.
    No(String),
    Unknown(String),
}

/// The suite that the two take in this version.
pub(super) fn negotiate(offer: &Offer, server: &Server<'_>, version: TlsVersion) -> Result<u16, Stop> {
    let suites = server.suites(version);
    let offered: Vec<u16> = offer.suites.iter().copied().filter(|c| fits(*c, version)).collect();
    let common: Vec<u16> = offered.iter().copied().filter(|c| suites.list.codes.contains(c)).collect();
    if common.is_empty() {
        return Err(nothing_common(&offered, &suites.list, version));
    }
    let needs =
        Needs { offer, server, version, groups: server.groups(version), schemes: server.schemes(version) };
    let choices: BTreeSet<Choice> =
        orders(&suites, &offered).iter().map(|order| choose(order, &common, &suites.list, &needs)).collect();
    let mut choices = choices.into_iter();
    match (choices.next(), choices.next()) {
        (Some(Choice::Suite(code)), None) => Ok(code),
        (Some(Choice::Unknown(why)), None) => Err(Stop::Unknown(why)),
        (Some(Choice::Refused(why)), None) => Err(Stop::None(why)),
        _ => Err(Stop::Unknown("whose order of suites decides is not known".into())),
    }
}

/// TLS 1.3 has suites of its own; the others begin with a certain version.
fn fits(code: u16, version: TlsVersion) -> bool {
    suites::versions(u32::from(code)).is_some_and(|(first, last)| {
        if version == TlsVersion::Tls13 {
            first == version
        } else {
            first <= version && last < TlsVersion::Tls13
        }
    })
}

fn nothing_common(offered: &[u16], list: &Known, version: TlsVersion) -> Stop {
    if !list.complete && !offered.is_empty() {
        return Stop::Unknown(format!("no common suite of {} is known: {}", version.label(), list.gap()));
    }
    let label = version.label();
    Stop::None(format!(
        "no common suite: in {label} the server has {}, it offers {}",
        suite_names(&list.codes),
        suite_names(offered)
    ))
}

/// The orders in which the suites may be gone through. One, where it is known whose order
/// decides.
fn orders(suites: &Suites, offered: &[u16]) -> Vec<Vec<u16>> {
    let client = || offered.to_vec();
    // What an incomplete list does not settle may stand anywhere in the server's order, and so
    // goes first.
    let open = |c: &u16| !suites.list.complete && !suites.list.codes.contains(c);
    let server = || {
        let unsettled = offered.iter().copied().filter(open);
        unsettled.chain(suites.list.codes.iter().copied()).collect::<Vec<u16>>()
    };
    let chacha_first = || {
        let (first, rest): (Vec<u16>, Vec<u16>) = server().into_iter().partition(|c| is_chacha(*c));
        first.into_iter().chain(rest).collect()
    };
    let asks_for_chacha = offered.first().is_some_and(|c| is_chacha(*c));
    match (suites.order, suites.chacha_by_client) {
        (Some(SuiteOrder::Client), _) => vec![client()],
        (Some(SuiteOrder::Server), Some(true)) if asks_for_chacha => vec![chacha_first()],
        (Some(SuiteOrder::Server), None) if asks_for_chacha => vec![server(), chacha_first()],
        (Some(SuiteOrder::Server), _) => vec![server()],
        (None, _) => vec![client(), server()],
    }
}

fn is_chacha(code: u16) -> bool {
    suites::properties(u32::from(code)).is_some_and(|p| p.cipher == Cipher::ChaCha20)
}

/// What one order leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    Suite(u16),
    Refused(String),
    Unknown(String),
}

fn choose(order: &[u16], common: &[u16], list: &Known, needs: &Needs<'_>) -> Choice {
    let mut refusals = Vec::new();
    // Suites of the client that the list does not settle may be taken before those it has.
    let unsettled = |code: u16| !list.complete && !list.codes.contains(&code);
    for code in order.iter().copied() {
        if !common.contains(&code) {
            if unsettled(code) {
                return Choice::Unknown(list.gap());
            }
            continue;
        }
        match needs.usable(code) {
            Use::Yes => return Choice::Suite(code),
            Use::No(why) if refusals.contains(&why) => {}
            Use::No(why) => refusals.push(why),
            Use::Unknown(why) => return Choice::Unknown(why),
        }
    }
    if !list.complete {
        return Choice::Unknown(list.gap());
    }
    Choice::Refused(refusals.join("; "))
}

/// What the signature algorithms are to key exchange without a signature.
const SERVERS_DIFFER: &str = "no signature algorithm is common; without a signature in the key exchange some servers go on, and some refuse";

/// What suites need besides themselves.
struct Needs<'a> {
    offer: &'a Offer,
    server: &'a Server<'a>,
    version: TlsVersion,
    groups: Known,
    schemes: Known,
}

impl Needs<'_> {
    fn usable(&self, code: u16) -> Use {
        let Some(p) = suites::properties(u32::from(code)) else {
            return Use::Unknown(format!("what the suite 0x{code:04x} needs is not known"));
        };
        if self.version == TlsVersion::Tls13 {
            return self.group().and(|| self.scheme(&[]));
        }
        let group = if p.key_exchange == KeyExchange::Ecdhe { self.group() } else { Use::Yes };
        group.and(|| self.curve(p.authentication)).and(|| match p.key_exchange {
            KeyExchange::Ecdhe | KeyExchange::Dhe => self.scheme_for(p.authentication),
            _ => self.scheme_beside(),
        })
    }

    /// Suites without a signature: OpenSSL ends the handshake all the same where there is no
    /// common scheme at all, GnuTLS goes on.
    fn scheme_beside(&self) -> Use {
        let offered = self.offer.schemes.as_deref().unwrap_or_default();
        let signs = !self.schemes.codes.is_empty() && self.schemes.complete;
        let common = offered.iter().any(|c| self.schemes.codes.contains(c));
        if self.version < TlsVersion::Tls12 || offered.is_empty() || common || !signs {
            return Use::Yes;
        }
        Use::Unknown(SERVERS_DIFFER.into())
    }

    /// A group for the key exchange. A client without a list takes whatever comes (RFC 8422
    /// section 4).
    fn group(&self) -> Use {
        let Some(offered) = &self.offer.groups else {
            return Use::Unknown("its groups are not known".into());
        };
        let old = self.version < TlsVersion::Tls13;
        if old && offered.is_empty() {
            return Use::Yes;
        }
        let is_curve = |code: &u16| groups::info(*code).is_some_and(|g| g.kind != Kind::FiniteField);
        let offered: Vec<u16> = offered.iter().copied().filter(|c| !old || is_curve(c)).collect();
        if offered.iter().any(|c| self.groups.codes.contains(c)) {
            return Use::Yes;
        }
        if !self.groups.complete {
            return Use::Unknown(format!("no common group is known: {}", self.groups.gap()));
        }
        let (theirs, ours) = (group_names(&self.groups.codes), group_names(&offered));
        Use::No(format!("no common group: the server has {theirs}, it offers {ours}"))
    }

    /// Up to TLS 1.2 the list of groups also names the curves of certificates (RFC 8422
    /// section 5.1.1).
    fn curve(&self, authentication: Authentication) -> Use {
        let curves = self.server.certificate_curves();
        let offered = self.offer.groups.as_deref().unwrap_or_default();
        let listed = |c: &u16| offered.contains(c);
        if authentication != Authentication::Ecdsa
            || curves.is_empty()
            || offered.is_empty()
            || curves.iter().any(listed)
        {
            return Use::Yes;
        }
        Use::No(format!("it does not know the curve of the server's certificate, {}", group_names(&curves)))
    }

    fn scheme_for(&self, authentication: Authentication) -> Use {
        match authentication {
            Authentication::Rsa => self.scheme(&[KeyKind::Rsa, KeyKind::RsaPss]),
            Authentication::Ecdsa => self.scheme(&[KeyKind::Ecdsa, KeyKind::EdDsa]),
            Authentication::Dss => self.scheme(&[KeyKind::Dsa]),
            _ => Use::Yes,
        }
    }

    /// A scheme for the server's signature with a key of one of these kinds; of any where
    /// there are none. Before TLS 1.2 it is given by the version.
    fn scheme(&self, kinds: &[KeyKind]) -> Use {
        if self.version < TlsVersion::Tls12 {
            return Use::Yes;
        }
        let Some(offered) = &self.offer.schemes else {
            return Use::Unknown("its signature algorithms are not known".into());
        };
        let new = self.version == TlsVersion::Tls13;
        let fits = |c: &u16| if new { is_for_tls13(*c) } else { kinds.contains(&scheme::key_kind(*c)) };
        // Without a list the server signs with SHA-1 (RFC 5246 section 7.4.1.4.1).
        let defaults = [0x0201, 0x0202, 0x0203];
        let list: &[u16] = if offered.is_empty() && !new { &defaults } else { offered };
        let offered: Vec<u16> = list.iter().copied().filter(fits).collect();
        if offered.iter().any(|c| self.schemes.codes.contains(c)) {
            return Use::Yes;
        }
        if !self.schemes.complete {
            return Use::Unknown(format!("no common signature algorithm is known: {}", self.schemes.gap()));
        }
        let theirs: Vec<u16> = self.schemes.codes.iter().copied().filter(fits).collect();
        let (theirs, ours) = (scheme_names(&theirs), scheme_names(&offered));
        Use::No(format!("no common signature algorithm: the server has {theirs}, it offers {ours}"))
    }
}

impl Use {
    /// The first that is not a yes.
    fn and(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes => next(),
            other => other,
        }
    }
}

/// TLS 1.3 takes no RSA PKCS #1 signatures, no DSA and no SHA-1 or SHA-224 in handshakes (RFC
/// 8446 section 4.2.3).
fn is_for_tls13(code: u16) -> bool {
    match scheme::key_kind(code) {
        KeyKind::Rsa => (0x0804..=0x0806).contains(&code),
        KeyKind::Ecdsa => code >= 0x0403,
        KeyKind::Dsa => false,
        _ => true,
    }
}
