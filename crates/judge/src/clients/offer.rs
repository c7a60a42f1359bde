//! A client's hello in the codes of the wire.

use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    groups,
    hello::{HelloSpec, KeyShare, extension},
    scheme, suites,
};

use super::profile::{Client, RenegotiationInfo};

/// Names to codes. Lists that are not known stay none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) versions: Vec<TlsVersion>,
    pub(super) suites: Vec<u16>,
    pub(super) groups: Option<Vec<u16>>,
    pub(super) shares: Option<Vec<u16>>,
    pub(super) schemes: Option<Vec<u16>>,
}

impl Offer {
    pub(super) fn of(client: &Client) -> Self {
        let hello = &client.hello;
        Self {
            versions: hello.versions.clone(),
            suites: codes(&hello.suites, suite),
            groups: hello.groups.as_deref().map(|names| codes(names, groups::code)),
            shares: hello.key_shares.as_deref().map(|names| codes(names, groups::code)),
            schemes: hello.signature_algorithms.as_deref().map(|names| codes(names, scheme::code)),
        }
    }
}

/// The two-byte code of a suite's name.
pub(super) fn suite(name: &str) -> Option<u16> {
    suites::code(name).and_then(|code| u16::try_from(code).ok())
}

/// The codes of names; a code without a name stands as `unknown 0x….`, and what is neither
/// is left out.
pub(super) fn codes(names: &[String], known: impl Fn(&str) -> Option<u16>) -> Vec<u16> {
    let code = |name: &String| {
        let unknown = || u16::from_str_radix(name.strip_prefix("unknown 0x")?, 16).ok();
        known(name).or_else(unknown)
    };
    names.iter().filter_map(code).collect()
}

/// The client's hello to a server of this name, to be sent with [`waxseal_wire::tls::hello`].
///
/// It offers what the client offers, in its order; the order of extensions and the padding
/// are ours. Key shares are named and their values are empty, random bytes and session id
/// are not set: that is for whoever sends it.
///
/// # Errors
/// What of the hello is not known, in a clause.
pub fn hello(client: &Client, server_name: Option<&str>) -> Result<HelloSpec, String> {
    let offer = Offer::of(client);
    let facts = &client.hello;
    let missing = |what: &str| format!("its {what} are not known");
    let max_version = offer.versions.iter().copied().max().ok_or_else(|| missing("versions"))?;
    let shares = match offer.shares {
        Some(shares) => KeyShare::Given(shares.into_iter().map(|group| (group, Vec::new())).collect()),
        None if max_version >= TlsVersion::Tls13 => return Err(missing("key shares")),
        None => KeyShare::Absent,
    };
    let alpn = facts.alpn.as_deref().filter(|protocols| !protocols.is_empty()).map(alpn);
    Ok(HelloSpec {
        max_version,
        min_version: offer.versions.iter().copied().min().unwrap_or(max_version),
        suites: offer.suites,
        groups: offer.groups.ok_or_else(|| missing("groups"))?,
        signature_schemes: offer.schemes.ok_or_else(|| missing("signature algorithms"))?,
        server_name: server_name.filter(|_| facts.sni != Some(false)).map(str::to_owned),
        compression: facts.compression.clone().unwrap_or_default(),
        renegotiation_info: matches!(
            facts.renegotiation_info,
            Some(RenegotiationInfo::Extension | RenegotiationInfo::Signal)
        ),
        extended_master_secret: facts.extended_master_secret == Some(true),
        encrypt_then_mac: facts.encrypt_then_mac == Some(true),
        session_ticket: facts.session_ticket == Some(true),
        status_request: facts.status_request == Some(true),
        key_share: shares,
        extra_extensions: alpn.map(|content| (extension::ALPN, content)).into_iter().collect(),
        ..HelloSpec::default()
    })
}

/// The content of the ALPN extension (RFC 7301 section 3.1). Names are at most 255 bytes
/// long; longer ones are left out.
fn alpn(protocols: &[String]) -> Vec<u8> {
    let mut list = Vec::new();
    for name in protocols {
        if let Ok(length) = u8::try_from(name.len()) {
            list.push(length);
            list.extend_from_slice(name.as_bytes());
        }
    }
    let length = u16::try_from(list.len()).unwrap_or(u16::MAX).to_be_bytes();
    length.into_iter().chain(list).collect()
}
