//! What is negotiated: version, suite, group, signature scheme.

use super::{
    Failure,
    behaviour::{Alpn, Behaviour, Limit, Names, Order, TLS12, Unoffered},
    hello::{ClientHello, FALLBACK_SCSV, GROUPS, SIGNATURE_ALGORITHMS},
    suites::{Exchange, Suite},
};

/// secp256r1, for clients that name no groups (RFC 4492 section 4).
const DEFAULT_GROUP: u16 = 0x0017;
/// rsa_pkcs1_sha256, 384 and 512.
const SCHEMES: [u16; 3] = [0x0401, 0x0501, 0x0601];
/// rsa_pkcs1_sha1, for clients that name no schemes (RFC 5246 section 7.4.1.4.1).
const DEFAULT_SCHEME: u16 = 0x0201;

/// What is negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) version: u16,
    pub(super) suite: Suite,
    /// For ECDHE.
    pub(super) group: Option<u16>,
    /// For signatures in TLS 1.2.
    pub(super) scheme: Option<u16>,
}

/// What of a hello the server bears, before anything is chosen.
pub(super) fn admit(behaviour: &Behaviour, host: &str, hello: &mut ClientHello) -> Result<(), Failure> {
    for (novelty, reaction) in behaviour.intolerance {
        if hello.has(*novelty) {
            return Err(Failure::NotBorne(*reaction));
        }
    }
    match behaviour.limit {
        Limit::None => {}
        Limit::Unseen(most) => hello.suites.truncate(most),
        Limit::Closes(most) if hello.suites.len() > most => return Err(Failure::Silent),
        Limit::Closes(_) => {}
    }
    let name = hello.server_name();
    let own = name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(host));
    let refused = match behaviour.names {
        Names::Any | Names::OtherCertificate => false,
        Names::OwnOrNone => !own && name.is_some(),
        Names::Own => !own,
    };
    if refused {
        return Err(Failure::Name);
    }
    let protocols = hello.protocols();
    if behaviour.alpn == Alpn::Strict && !protocols.is_empty() && !protocols.iter().any(|p| p == b"smtp") {
        return Err(Failure::Protocol);
    }
    Ok(())
}

/// The version for a hello.
pub(super) fn version(behaviour: &Behaviour, hello: &ClientHello) -> Result<u16, Failure> {
    let (oldest, newest) = behaviour.versions;
    if hello.version < oldest {
        return Err(Failure::Version);
    }
    let fallback = hello.suites.contains(&FALLBACK_SCSV) && hello.version < newest;
    if fallback && behaviour.fallback_scsv {
        return Err(Failure::Fallback);
    }
    Ok(hello.version.min(newest))
}

/// Suite, group and scheme for a hello.
pub(super) fn choose(behaviour: &Behaviour, hello: &ClientHello, version: u16) -> Result<Choice, Failure> {
    let (wanted, other): (&[u16], &[u16]) = match behaviour.order {
        Order::Server => (behaviour.suites, &hello.suites),
        Order::Client => (&hello.suites, behaviour.suites),
    };
    let common = wanted.iter().filter(|code| other.contains(code));
    if let Some(choice) = common.filter_map(|code| fitting(behaviour, hello, version, *code)).next() {
        return Ok(choice);
    }
    let first = behaviour.suites.first().filter(|_| behaviour.unoffered == Unoffered::Suite);
    first.and_then(|code| fitting(behaviour, hello, version, *code)).ok_or(Failure::Suite)
}

/// The choice with this suite, if group, scheme and version allow it.
fn fitting(behaviour: &Behaviour, hello: &ClientHello, version: u16, code: u16) -> Option<Choice> {
    let suite = Suite::of(code).filter(|s| s.since() <= version)?;
    let group = if suite.exchange == Exchange::Ecdhe { Some(group(behaviour, hello)?) } else { None };
    let signs = suite.exchange.is_signed() && version >= TLS12;
    let scheme = if signs { Some(scheme(hello)?) } else { None };
    Some(Choice { version, suite, group, scheme })
}

fn group(behaviour: &Behaviour, hello: &ClientHello) -> Option<u16> {
    if behaviour.unoffered == Unoffered::Group {
        return behaviour.groups.first().copied();
    }
    let offered = hello.codes(GROUPS).unwrap_or_else(|| vec![DEFAULT_GROUP]);
    behaviour.groups.iter().find(|g| offered.contains(g)).copied()
}

fn scheme(hello: &ClientHello) -> Option<u16> {
    match hello.codes(SIGNATURE_ALGORITHMS) {
        None => Some(DEFAULT_SCHEME),
        Some(offered) => SCHEMES.into_iter().find(|s| offered.contains(s)),
    }
}
