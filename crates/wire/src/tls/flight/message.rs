//! Handshake messages of a server (RFC 5246 section 7.4, RFC 8446 section 4).

use waxseal_model::tls::TlsVersion;

use super::{KeyExchange, ServerFlight};
use crate::tls::{
    bytes::Cursor,
    hello::extension,
    suites::{self, Authentication},
};

pub(crate) const HELLO_REQUEST: u8 = 0;
pub(crate) const SERVER_HELLO: u8 = 2;
pub(crate) const NEW_SESSION_TICKET: u8 = 4;
pub(crate) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(crate) const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(crate) const FINISHED: u8 = 20;
const CERTIFICATE_STATUS: u8 = 22;
const SUPPLEMENTAL_DATA: u8 = 23;
pub(crate) const KEY_UPDATE: u8 = 24;

/// The random that makes a ServerHello a HelloRetryRequest: SHA-256 of "HelloRetryRequest".
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The two meanings of a ServerHello.
pub(super) enum Hello {
    Server(Box<ServerFlight>),
    Retry { version: TlsVersion, suite: u16, group: Option<u16>, cookie: Option<Vec<u8>> },
}

/// The fields of a ServerHello in order.
struct Fields {
    version: u16,
    random: [u8; 32],
    session_id: Vec<u8>,
    suite: u16,
    compression: u8,
    extensions: Vec<(u16, Vec<u8>)>,
}

pub(super) fn server_hello(body: &[u8]) -> Result<Hello, String> {
    let Some(fields) = fields(body) else { return Err("its ServerHello ends too early".to_owned()) };
    let has = |number| fields.extensions.iter().any(|(n, _)| *n == number);
    let content = |number| fields.extensions.iter().find(|(n, _)| *n == number).map(|(_, c)| Cursor(c));
    let selected = content(extension::SUPPORTED_VERSIONS).map(|mut c| c.u16().unwrap_or_default());
    let code = selected.unwrap_or(fields.version);
    let known = TlsVersion::from_code(code).filter(|v| *v >= TlsVersion::Ssl3);
    let Some(version) = known else {
        return Err(format!("its ServerHello chose the unknown version 0x{code:04x}"));
    };
    let is_tls13 = version == TlsVersion::Tls13;
    if is_tls13 && fields.random == RETRY_RANDOM {
        let group = content(extension::KEY_SHARE).and_then(|mut c| c.u16());
        let cookie = content(extension::COOKIE).and_then(|mut c| c.vector16()).map(<[u8]>::to_vec);
        return Ok(Hello::Retry { version, suite: fields.suite, group, cookie });
    }
    Ok(Hello::Server(Box::new(ServerFlight {
        version,
        suite: fields.suite,
        compression: fields.compression,
        random: fields.random,
        session_id: fields.session_id,
        secure_renegotiation: has(extension::RENEGOTIATION_INFO),
        extended_master_secret: has(extension::EXTENDED_MASTER_SECRET),
        encrypt_then_mac: has(extension::ENCRYPT_THEN_MAC),
        session_ticket: has(extension::SESSION_TICKET),
        heartbeat: has(extension::HEARTBEAT),
        extensions: fields.extensions,
        ocsp: None,
        certificates: None,
        key_exchange: None,
        certificate_requested: false,
        done: is_tls13,
        resumed: false,
        warning: None,
        alert: None,
        problems: Vec::new(),
    })))
}

fn fields(body: &[u8]) -> Option<Fields> {
    let mut cursor = Cursor(body);
    let version = cursor.u16()?;
    let random = cursor.array()?;
    let session_id = cursor.vector8().filter(|id| id.len() <= 32)?.to_vec();
    let suite = cursor.u16()?;
    let compression = cursor.u8()?;
    let mut extensions = Vec::new();
    if !cursor.is_empty() {
        let mut list = Cursor(cursor.vector16()?);
        while !list.is_empty() {
            extensions.push((list.u16()?, list.vector16()?.to_vec()));
        }
    }
    Some(Fields { version, random, session_id, suite, compression, extensions })
}

/// Reads a message after the ServerHello into the flight.
///
/// # Errors
/// What is wrong with it, in words; the flight keeps what could be read.
pub(super) fn read(kind: u8, body: &[u8], flight: &mut ServerFlight) -> Result<(), String> {
    match kind {
        CERTIFICATE => {
            let mut certificates = Vec::new();
            let complete = certificate_list(body, &mut certificates).is_some();
            flight.certificates = Some(certificates);
            if complete {
                Ok(())
            } else {
                Err("the lengths in its Certificate message do not fit".to_owned())
            }
        }
        CERTIFICATE_STATUS => {
            flight.ocsp = ocsp_response(body);
            Ok(())
        }
        SERVER_KEY_EXCHANGE => {
            let (exchange, complete) = key_exchange(body, flight.version, flight.suite);
            flight.key_exchange = Some(exchange);
            if complete { Ok(()) } else { Err("its ServerKeyExchange cannot be read".to_owned()) }
        }
        CERTIFICATE_REQUEST => {
            flight.certificate_requested = true;
            Ok(())
        }
        SERVER_HELLO_DONE => {
            flight.done = true;
            Ok(())
        }
        HELLO_REQUEST | NEW_SESSION_TICKET | SUPPLEMENTAL_DATA => Ok(()),
        other => Err(format!("a handshake message of type {other} has no place in its flight")),
    }
}

/// The response in a CertificateStatus (RFC 6066 section 8): none if it is empty or no
/// OCSP.
pub(crate) fn ocsp_response(body: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor(body);
    if cursor.u8() != Some(1) {
        return None;
    }
    cursor.vector24().filter(|response| !response.is_empty()).map(<[u8]>::to_vec)
}

/// Collects the certificates, as far as their lengths fit.
fn certificate_list(body: &[u8], certificates: &mut Vec<Vec<u8>>) -> Option<()> {
    let mut list = Cursor(Cursor(body).vector24()?);
    while !list.is_empty() {
        certificates.push(list.vector24()?.to_vec());
    }
    Some(())
}

/// The key exchange, and whether it could be read as the suite demands.
fn key_exchange(body: &[u8], version: TlsVersion, suite: u16) -> (KeyExchange, bool) {
    let Some(properties) = suites::properties(u32::from(suite)) else { return (KeyExchange::Other, true) };
    let mut cursor = Cursor(body);
    // With a pre-shared key a hint comes first (RFC 4279, RFC 5489).
    if properties.authentication == Authentication::SharedSecret && cursor.vector16().is_none() {
        return (KeyExchange::Other, false);
    }
    let is_signed =
        !matches!(properties.authentication, Authentication::SharedSecret | Authentication::Anonymous);
    let has_scheme = is_signed && version >= TlsVersion::Tls12;
    let read = match properties.key_exchange {
        suites::KeyExchange::Ecdhe => ecdhe(cursor, has_scheme),
        suites::KeyExchange::Dhe => dhe(cursor, has_scheme),
        suites::KeyExchange::Rsa if properties.export => rsa(cursor),
        _ => return (KeyExchange::Other, true),
    };
    read.map_or((KeyExchange::Other, false), |exchange| (exchange, true))
}

fn ecdhe(mut cursor: Cursor<'_>, has_scheme: bool) -> Option<KeyExchange> {
    // 3: named_curve; 1 and 2 spell the curve out (RFC 4492 section 5.4).
    match cursor.u8()? {
        3 => {}
        1 | 2 => return Some(KeyExchange::Other),
        _ => return None,
    }
    let group = cursor.u16()?;
    let public = cursor.vector8()?.to_vec();
    let scheme = if has_scheme { Some(cursor.u16()?) } else { None };
    Some(KeyExchange::Ecdhe { group, public, scheme })
}

fn rsa(mut cursor: Cursor<'_>) -> Option<KeyExchange> {
    let [modulus, exponent] = [cursor.vector16()?, cursor.vector16()?].map(<[u8]>::to_vec);
    Some(KeyExchange::Rsa { modulus, exponent })
}

fn dhe(mut cursor: Cursor<'_>, has_scheme: bool) -> Option<KeyExchange> {
    let [p, g, y] = [cursor.vector16()?, cursor.vector16()?, cursor.vector16()?].map(<[u8]>::to_vec);
    let scheme = if has_scheme { Some(cursor.u16()?) } else { None };
    Some(KeyExchange::Dhe { p, g, y, scheme })
}
