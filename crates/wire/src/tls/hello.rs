//! A ClientHello made to measure (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).
//!
//! Every field is the caller's, so that each question to a server is one hello. What
//! servers are known to choke on is avoided on the way:
//!
//! - a ClientHello of 256 to 511 bytes (RFC 7685), and lengths of 10 or 14 beyond a
//!   multiple of 256, by a padding extension;
//! - an empty extension at the end, by padding too;
//! - a record version above TLS 1.0 (RFC 8446 section 5.1);
//! - TLS 1.3 without psk_key_exchange_modes.
//!
//! In TLS 1.3 a key share may be left out: a server that knows one of the groups then
//! asks for it by name (HelloRetryRequest), which tells its choice without any key
//! material of ours.

use std::net::IpAddr;

use waxseal_model::tls::TlsVersion;

use super::{
    bytes::{put_codes, put_vector8, put_vector16},
    flight::{Answer, KeyExchange},
    suites::{EMPTY_RENEGOTIATION_INFO_SCSV, FALLBACK_SCSV},
};

/// Numbers of the extensions that hellos carry (IANA "TLS ExtensionType Values").
pub mod extension {
    #![allow(missing_docs, reason = "the names are IANA's")]
    pub const SERVER_NAME: u16 = 0;
    pub const STATUS_REQUEST: u16 = 5;
    pub const SUPPORTED_GROUPS: u16 = 10;
    pub const EC_POINT_FORMATS: u16 = 11;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const HEARTBEAT: u16 = 15;
    pub const ALPN: u16 = 16;
    pub const SIGNED_CERTIFICATE_TIMESTAMP: u16 = 18;
    pub const PADDING: u16 = 21;
    pub const ENCRYPT_THEN_MAC: u16 = 22;
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    pub const SESSION_TICKET: u16 = 35;
    pub const EARLY_DATA: u16 = 42;
    pub const SUPPORTED_VERSIONS: u16 = 43;
    pub const COOKIE: u16 = 44;
    pub const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    pub const KEY_SHARE: u16 = 51;
    pub const RENEGOTIATION_INFO: u16 = 0xff01;
}

/// Longest payload of one record.
const MAX_RECORD: usize = 1 << 14;

/// What goes into the key_share extension.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyShare {
    /// No such extension.
    #[default]
    Absent,
    /// An empty list: the server asks for the group it wants (HelloRetryRequest).
    Empty,
    /// Groups with public keys, for servers that do not ask.
    Given(Vec<(u16, Vec<u8>)>),
}

/// How a hello ends, and with that how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// Padded where its length, or an empty extension at the end, is known to fail somewhere.
    #[default]
    Harmless,
    /// As long as it comes out, ending in whatever extension is last.
    AsItComes,
    /// Padded to a length of 256 to 511 bytes where it is shorter, which RFC 7685 is about.
    MiddleLength,
    /// With an empty extension last (session_ticket).
    EmptyExtension,
    /// Padded to more than 4 KiB.
    Long,
}

/// What a ClientHello is to say. [`HelloSpec::default`] is a TLS 1.2 hello without any
/// suite or extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloSpec {
    /// Highest version offered: SSLv3 to TLS 1.3 (for SSLv2 see [`super::ssl2`]).
    pub max_version: TlsVersion,
    /// Lowest version offered; it shows only in TLS 1.3's supported_versions.
    pub min_version: TlsVersion,
    /// Suites, best first. The two signals are set by the flags below.
    pub suites: Vec<u16>,
    /// supported_groups, best first; none leaves the extension out, and with it
    /// ec_point_formats.
    pub groups: Vec<u16>,
    /// signature_algorithms, best first; none leaves the extension out. Sent from TLS
    /// 1.2 on.
    pub signature_schemes: Vec<u16>,
    /// Name for SNI. Sent only where it is a DNS name: addresses have no place in it
    /// (RFC 6066 section 3).
    pub server_name: Option<String>,
    /// Compression methods: 0 none, 1 DEFLATE, 64 LZS. None given means `[0]`, the only
    /// list that TLS 1.3 allows.
    pub compression: Vec<u8>,
    /// The signal 0x5600 (RFC 7507).
    pub fallback_scsv: bool,
    /// Secure renegotiation (RFC 5746): the extension, or the signal 0x00ff where no
    /// extension is sent.
    pub renegotiation_info: bool,
    /// RFC 7627.
    pub extended_master_secret: bool,
    /// RFC 7366.
    pub encrypt_then_mac: bool,
    /// RFC 5077, with an empty ticket.
    pub session_ticket: bool,
    /// RFC 6520; the peer is told not to send any.
    pub heartbeat: bool,
    /// A stapled OCSP response is welcome (RFC 6066 section 8).
    pub status_request: bool,
    /// key_share; sent with TLS 1.3 only.
    pub key_share: KeyShare,
    /// Other extensions, number and content, before those that come last.
    pub extra_extensions: Vec<(u16, Vec<u8>)>,
    /// The version in the fixed part of the hello, where it is not to follow from
    /// `max_version`: one that does not exist, for instance.
    pub legacy_version: Option<u16>,
    /// What the hello ends with.
    pub ending: Ending,
    /// Random bytes; the caller makes them.
    pub random: [u8; 32],
    /// Session id, up to 32 bytes; 32 random ones make TLS 1.3 look like TLS 1.2 to
    /// middleboxes (RFC 8446 appendix D.4).
    pub session_id: Vec<u8>,
}

impl Default for HelloSpec {
    fn default() -> Self {
        Self {
            max_version: TlsVersion::Tls12,
            min_version: TlsVersion::Tls10,
            suites: Vec::new(),
            groups: Vec::new(),
            signature_schemes: Vec::new(),
            server_name: None,
            compression: Vec::new(),
            fallback_scsv: false,
            renegotiation_info: false,
            extended_master_secret: false,
            encrypt_then_mac: false,
            session_ticket: false,
            heartbeat: false,
            status_request: false,
            key_share: KeyShare::Absent,
            extra_extensions: Vec::new(),
            legacy_version: None,
            ending: Ending::Harmless,
            random: [0; 32],
            session_id: Vec::new(),
        }
    }
}

impl HelloSpec {
    /// The versions on offer, highest first.
    pub fn versions(&self) -> Vec<TlsVersion> {
        let listed = |v: &TlsVersion| (self.min_version..=self.max_version).contains(v);
        TlsVersion::ALL.into_iter().rev().filter(listed).collect()
    }
}

/// The complete TLS record, or records where the hello is longer than one may be.
///
/// Lists that are longer than their length field can tell are cut.
pub fn client_hello(spec: &HelloSpec) -> Vec<u8> {
    let message = client_hello_message(spec);
    let [major, minor] = spec.max_version.clamp(TlsVersion::Ssl3, TlsVersion::Tls10).code().to_be_bytes();
    let mut out = Vec::with_capacity(message.len() + 5);
    for part in message.chunks(MAX_RECORD) {
        out.extend_from_slice(&[22, major, minor]);
        put_vector16(&mut out, part);
    }
    out
}

/// The handshake message by itself: header, fixed fields, extensions with padding. It is
/// what the hash over the handshake begins with, and what goes into an encrypted record
/// where a session is renegotiated.
pub fn client_hello_message(spec: &HelloSpec) -> Vec<u8> {
    let mut extensions = extensions(spec);
    let mut body = Vec::with_capacity(512);
    body.extend_from_slice(&legacy_version(spec).to_be_bytes());
    body.extend_from_slice(&spec.random);
    put_vector8(&mut body, spec.session_id.get(..32).unwrap_or(&spec.session_id));
    let mut suites = Vec::new();
    put_codes(&mut suites, &spec.suites);
    if spec.renegotiation_info && extensions.is_empty() {
        put_codes(&mut suites, &[EMPTY_RENEGOTIATION_INFO_SCSV]);
    }
    if spec.fallback_scsv {
        put_codes(&mut suites, &[FALLBACK_SCSV]);
    }
    // The list ends on a whole suite even if it must be cut.
    suites.truncate(0xfffe);
    put_vector16(&mut body, &suites);
    put_vector8(&mut body, if spec.compression.is_empty() { &[0] } else { &spec.compression });
    end(&mut extensions, body.len(), spec.ending);
    let block = serialise(&extensions);
    if !block.is_empty() {
        put_vector16(&mut body, &block);
    }
    // A body has at most 2 + 32 + 33 + 65,536 + 256 + 65,537 bytes: three bytes tell it.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut message = vec![1];
    message.extend(length.into_iter().skip(1));
    message.append(&mut body);
    message
}

/// The version in the fixed part of the hello, which ends at TLS 1.2.
fn legacy_version(spec: &HelloSpec) -> u16 {
    spec.legacy_version.unwrap_or(spec.max_version.clamp(TlsVersion::Ssl3, TlsVersion::Tls12).code())
}

fn serialise(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (number, content) in extensions {
        block.extend_from_slice(&number.to_be_bytes());
        put_vector16(&mut block, content);
    }
    block
}

/// All extensions but padding. SSLv3 knows none.
fn extensions(spec: &HelloSpec) -> Vec<(u16, Vec<u8>)> {
    let mut list = Vec::new();
    if spec.max_version <= TlsVersion::Ssl3 {
        return list;
    }
    if let Some(name) = spec.server_name.as_deref().and_then(dns_name) {
        list.push((extension::SERVER_NAME, server_name(name)));
    }
    for (wanted, number) in [
        (spec.extended_master_secret, extension::EXTENDED_MASTER_SECRET),
        (spec.encrypt_then_mac, extension::ENCRYPT_THEN_MAC),
        (spec.session_ticket, extension::SESSION_TICKET),
    ] {
        if wanted {
            list.push((number, Vec::new()));
        }
    }
    if spec.status_request {
        // OCSP, any responder, no extensions.
        list.push((extension::STATUS_REQUEST, vec![1, 0, 0, 0, 0]));
    }
    if !spec.groups.is_empty() {
        list.push((extension::EC_POINT_FORMATS, vec![1, 0]));
        list.push((extension::SUPPORTED_GROUPS, code_list(&spec.groups)));
    }
    if !spec.signature_schemes.is_empty() && spec.max_version >= TlsVersion::Tls12 {
        list.push((extension::SIGNATURE_ALGORITHMS, code_list(&spec.signature_schemes)));
    }
    list.extend(spec.extra_extensions.iter().cloned());
    if spec.heartbeat {
        // 2: peer_not_allowed_to_send.
        list.push((extension::HEARTBEAT, vec![2]));
    }
    if spec.renegotiation_info {
        list.push((extension::RENEGOTIATION_INFO, vec![0]));
    }
    if spec.max_version >= TlsVersion::Tls13 {
        list.extend(tls13_extensions(spec));
    }
    if list.iter().all(|(number, _)| *number == extension::RENEGOTIATION_INFO) {
        // Nothing else: the signal does as well, for servers that know no extensions.
        list.clear();
    }
    list
}

/// What makes a hello one of TLS 1.3 (RFC 8446 section 9.2).
fn tls13_extensions(spec: &HelloSpec) -> Vec<(u16, Vec<u8>)> {
    let mut versions = Vec::new();
    for version in spec.versions() {
        if version >= TlsVersion::Tls10 {
            versions.extend_from_slice(&version.code().to_be_bytes());
        }
    }
    let mut supported_versions = Vec::new();
    put_vector8(&mut supported_versions, &versions);
    // 1: psk_dhe_ke.
    let mut list = vec![
        (extension::SUPPORTED_VERSIONS, supported_versions),
        (extension::PSK_KEY_EXCHANGE_MODES, vec![1, 1]),
    ];
    let shares: &[(u16, Vec<u8>)] = match &spec.key_share {
        KeyShare::Absent => return list,
        KeyShare::Empty => &[],
        KeyShare::Given(shares) => shares,
    };
    let mut content = Vec::new();
    put_vector16(&mut content, &serialise(shares));
    list.push((extension::KEY_SHARE, content));
    list
}

fn code_list(codes: &[u16]) -> Vec<u8> {
    let mut list = Vec::new();
    put_codes(&mut list, codes);
    list.truncate(0xfffe);
    let mut content = Vec::new();
    put_vector16(&mut content, &list);
    content
}

/// The name without a final dot, if it is one that may stand in SNI.
fn dns_name(name: &str) -> Option<&str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = !name.is_empty() && name.len() <= 253 && name.is_ascii();
    let address = name.parse::<IpAddr>().is_ok() || name.starts_with('[');
    (fits && !address).then_some(name)
}

fn server_name(name: &str) -> Vec<u8> {
    // 0: host_name.
    let mut entry = vec![0];
    put_vector16(&mut entry, name.as_bytes());
    let mut content = Vec::new();
    put_vector16(&mut content, &entry);
    content
}

/// Bytes of header in a padding extension.
const PADDING_HEADER: usize = 4;

/// Length of the message with these extensions: 4 bytes of message header, 2 of the length
/// of the extensions.
fn message_length(extensions: &[(u16, Vec<u8>)], body_without: usize) -> usize {
    4 + body_without + 2 + serialise(extensions).len()
}

/// Gives the hello its ending. One without extensions is left alone: that it has none may be
/// the point.
fn end(extensions: &mut Vec<(u16, Vec<u8>)>, body_without: usize, ending: Ending) {
    if extensions.is_empty() {
        return;
    }
    let length = message_length(extensions, body_without);
    let mut pad_to = |target: usize| {
        let room = target.saturating_sub(length + PADDING_HEADER);
        extensions.push((extension::PADDING, vec![0; room]));
    };
    match ending {
        Ending::Harmless => pad(extensions, body_without),
        Ending::AsItComes => {}
        Ending::MiddleLength if length < MIDDLE_LENGTH => pad_to(MIDDLE_LENGTH),
        Ending::MiddleLength => {}
        Ending::EmptyExtension => {
            extensions.retain(|(number, _)| *number != extension::SESSION_TICKET);
            extensions.push((extension::SESSION_TICKET, Vec::new()));
        }
        Ending::Long => pad_to(LONG_HELLO),
    }
}

/// Between 256 and 511.
const MIDDLE_LENGTH: usize = 400;
/// More than 4 KiB, less than a record may hold.
const LONG_HELLO: usize = 4700;

/// Appends a padding extension where the message would have a length that some servers
/// cannot bear, or would end in an empty extension. A hello without extensions is left
/// alone: that it has none may be the point.
fn pad(extensions: &mut Vec<(u16, Vec<u8>)>, body_without: usize) {
    let Some((_, last)) = extensions.last() else { return };
    let length = message_length(extensions, body_without);
    if !last.is_empty() && !is_risky(length) {
        return;
    }
    let shortest = length + PADDING_HEADER + 1;
    let target = (shortest..).find(|l| !is_risky(*l)).unwrap_or(shortest);
    extensions.push((extension::PADDING, vec![0; target - length - PADDING_HEADER]));
}

/// Lengths of the message that are known to fail somewhere. The rules are told with and
/// without the four bytes of header, so both readings are avoided.
fn is_risky(length: usize) -> bool {
    (256..516).contains(&length) || matches!(length % 256, 10 | 14 | 18)
}

/// A choice of the server that the hello did not offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// The version.
    #[error("the server chose {} without being offered it", .0.label())]
    Version(TlsVersion),
    /// The cipher suite.
    #[error("the server chose the cipher suite 0x{0:04x} without being offered it")]
    Suite(u16),
    /// The compression method.
    #[error("the server chose the compression method {0} without being offered it")]
    Compression(u8),
    /// The group.
    #[error("the server chose the group 0x{0:04x} without being offered it")]
    Group(u16),
    /// The signature scheme.
    #[error("the server signed with the scheme 0x{0:04x} without being offered it")]
    Scheme(u16),
}

/// Whether a server chose among what it was offered. An answer without a choice (an
/// alert, for instance) is fine by this measure.
///
/// # Errors
/// The first choice that was not offered: such an answer proves nothing about what the
/// server accepts.
pub fn chosen_was_offered(spec: &HelloSpec, answer: &Answer) -> Result<(), NotOffered> {
    match answer {
        Answer::Hello(flight) => {
            version_and_suite(spec, flight.version, flight.suite)?;
            let methods: &[u8] = if spec.compression.is_empty() { &[0] } else { &spec.compression };
            if !methods.contains(&flight.compression) {
                return Err(NotOffered::Compression(flight.compression));
            }
            let (group, scheme) = match &flight.key_exchange {
                Some(KeyExchange::Ecdhe { group, scheme, .. }) => (Some(*group), *scheme),
                Some(KeyExchange::Dhe { scheme, .. }) => (None, *scheme),
                Some(KeyExchange::Rsa { .. } | KeyExchange::Other) | None => (None, None),
            };
            group_and_scheme(spec, group, scheme)
        }
        Answer::HelloRetry { version, suite, group, .. } => {
            version_and_suite(spec, *version, *suite)?;
            group_and_scheme(spec, *group, None)
        }
        _ => Ok(()),
    }
}

fn version_and_suite(spec: &HelloSpec, version: TlsVersion, suite: u16) -> Result<(), NotOffered> {
    // Only supported_versions tells the server where to stop.
    let lowest = if spec.max_version >= TlsVersion::Tls13 { spec.min_version } else { TlsVersion::Ssl3 };
    if !(lowest..=spec.max_version).contains(&version) {
        return Err(NotOffered::Version(version));
    }
    if spec.suites.contains(&suite) { Ok(()) } else { Err(NotOffered::Suite(suite)) }
}

fn group_and_scheme(spec: &HelloSpec, group: Option<u16>, scheme: Option<u16>) -> Result<(), NotOffered> {
    // Without a list the server is free.
    if let Some(group) = group.filter(|g| !spec.groups.is_empty() && !spec.groups.contains(g)) {
        return Err(NotOffered::Group(group));
    }
    match scheme.filter(|s| !spec.signature_schemes.is_empty() && !spec.signature_schemes.contains(s)) {
        Some(scheme) => Err(NotOffered::Scheme(scheme)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
