//! ClientHello read, ServerHello written (RFC 5246 section 7.4.1).

use super::{
    behaviour::Novelty,
    bytes::{length8, length16, pairs, split, vector8, vector16},
};

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 section 3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// TLS_FALLBACK_SCSV (RFC 7507).
pub(super) const FALLBACK_SCSV: u16 = 0x5600;

/// Types of extensions.
pub(super) const SERVER_NAME: u16 = 0;
pub(super) const GROUPS: u16 = 10;
pub(super) const POINT_FORMATS: u16 = 11;
pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const HEARTBEAT: u16 = 15;
pub(super) const ALPN: u16 = 16;
pub(super) const ENCRYPT_THEN_MAC: u16 = 22;
pub(super) const EXTENDED_MASTER_SECRET: u16 = 23;
pub(super) const SESSION_TICKET: u16 = 35;
pub(super) const RENEGOTIATION_INFO: u16 = 0xff01;

/// Extensions that IANA lists: the last in sequence, and those beyond.
const LAST_LISTED: u16 = 64;
const LISTED_BEYOND: [u16; 5] = [13172, 17513, 17613, 0xfe0d, RENEGOTIATION_INFO];

/// The DEFLATE method of compression (RFC 3749).
pub(super) const DEFLATE: u8 = 1;

/// A hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) session_id: Vec<u8>,
    pub(super) suites: Vec<u16>,
    pub(super) compression: Vec<u8>,
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
    /// Length of the whole message.
    length: usize,
}

impl ClientHello {
    /// From a message's body; none if it is malformed.
    pub(super) fn parse(mut body: &[u8]) -> Option<Self> {
        let length = body.len() + 4;
        let version = u16::from_be_bytes(*split(&mut body, 2)?.first_chunk()?);
        let random = *split(&mut body, 32)?.first_chunk()?;
        let session_id = vector8(&mut body)?.to_vec();
        let suites = pairs(vector16(&mut body)?).collect();
        let compression = vector8(&mut body)?.to_vec();
        let mut extensions = Vec::new();
        if !body.is_empty() {
            let mut rest = vector16(&mut body)?;
            while !rest.is_empty() {
                let kind = u16::from_be_bytes(*split(&mut rest, 2)?.first_chunk()?);
                extensions.push((kind, vector16(&mut rest)?.to_vec()));
            }
        }
        Some(Self { version, random, session_id, suites, compression, extensions, length })
    }

    pub(super) fn extension(&self, kind: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(k, _)| *k == kind).map(|(_, content)| content.as_slice())
    }

    /// An extension that is a list of codes.
    pub(super) fn codes(&self, kind: u16) -> Option<Vec<u16>> {
        let mut content = self.extension(kind)?;
        Some(pairs(vector16(&mut content)?).collect())
    }

    /// The content of renegotiation_info; the suite that stands for it is an empty one.
    pub(super) fn renegotiation(&self) -> Option<&[u8]> {
        match self.extension(RENEGOTIATION_INFO) {
            Some(mut content) => vector8(&mut content),
            None => self.suites.contains(&RENEGOTIATION_SCSV).then_some(&[]),
        }
    }

    /// The host's name in SNI (RFC 6066 section 3).
    pub(super) fn server_name(&self) -> Option<String> {
        let mut content = self.extension(SERVER_NAME)?;
        let mut list = vector16(&mut content)?;
        split(&mut list, 1)?;
        Some(String::from_utf8_lossy(vector16(&mut list)?).into_owned())
    }

    /// The protocols in ALPN (RFC 7301); empty where it is not offered.
    pub(super) fn protocols(&self) -> Vec<Vec<u8>> {
        let Some(mut content) = self.extension(ALPN) else { return Vec::new() };
        let mut list = vector16(&mut content).unwrap_or_default();
        std::iter::from_fn(|| vector8(&mut list).map(<[u8]>::to_vec)).collect()
    }

    /// Whether something new is in the hello.
    pub(super) fn has(&self, novelty: Novelty) -> bool {
        match novelty {
            Novelty::Grease => {
                let groups = self.codes(GROUPS).unwrap_or_default();
                self.suites.iter().chain(&groups).any(|c| is_grease(*c))
                    || self.extensions.iter().any(|(kind, _)| is_grease(*kind))
            }
            Novelty::UnknownExtension => self
                .extensions
                .iter()
                .any(|(kind, _)| *kind > LAST_LISTED && !LISTED_BEYOND.contains(kind) && !is_grease(*kind)),
            Novelty::FutureVersion => self.version > super::behaviour::TLS12,
            Novelty::LongerThan(most) => self.length > most,
            Novelty::MiddleLength => (256..512).contains(&self.length),
            Novelty::EmptyLastExtension => {
                self.extensions.last().is_some_and(|(_, content)| content.is_empty())
            }
        }
    }
}

/// A reserved value, 0x0a0a, 0x1a1a and so on (RFC 8701).
fn is_grease(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// What a ServerHello says.
#[derive(Debug, Clone)]
pub(super) struct ServerHello {
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) session_id: Vec<u8>,
    pub(super) suite: u16,
    pub(super) compression: u8,
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
}

impl ServerHello {
    /// The message's body.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = [&self.version.to_be_bytes()[..], &self.random, &length8(&self.session_id)].concat();
        body.extend(self.suite.to_be_bytes());
        body.push(self.compression);
        if !self.extensions.is_empty() {
            let each =
                |(kind, content): &(u16, Vec<u8>)| [&kind.to_be_bytes()[..], &length16(content)].concat();
            body.extend(length16(&self.extensions.iter().flat_map(each).collect::<Vec<_>>()));
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello with these suites and extensions.
    fn hello(suites: &[u16], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let suites: Vec<u8> = suites.iter().flat_map(|s| s.to_be_bytes()).collect();
        let extensions: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &length16(content)].concat())
            .collect();
        [&[3, 3][..], &[7; 32], &[0], &length16(&suites), &[1, 0], &length16(&extensions)].concat()
    }

    #[test]
    fn a_hello_cut_anywhere_is_malformed_or_without_extensions() {
        let body = hello(&[0x002f, 0x00ff], &[(15, &[1])]);
        assert!(ClientHello::parse(&body).is_some());
        let without = body.len() - 7;
        for end in 0..body.len() {
            assert_eq!(ClientHello::parse(&body[..end]).is_some(), end == without, "{end}");
        }
    }

    #[test]
    fn names_and_protocols_are_read() {
        let name = [&[0, 15, 0, 0, 12][..], b"mx.lab.test!"].concat();
        let alpn = [&[0, 9, 2][..], b"h2", &[5], b"smtp!"].concat();
        let hello = ClientHello::parse(&hello(&[], &[(0, &name), (16, &alpn)])).unwrap();
        assert_eq!(hello.server_name().as_deref(), Some("mx.lab.test!"));
        assert_eq!(hello.protocols(), [b"h2".to_vec(), b"smtp!".to_vec()]);
    }

    #[test]
    fn novelties_are_noticed() {
        let plain = ClientHello::parse(&hello(&[0x002f], &[(23, &[]), (15, &[1])])).unwrap();
        let all = [
            Novelty::Grease,
            Novelty::UnknownExtension,
            Novelty::FutureVersion,
            Novelty::LongerThan(4096),
            Novelty::MiddleLength,
            Novelty::EmptyLastExtension,
        ];
        assert!(!all.iter().any(|n| plain.has(*n)));
        let with = |suites: &[u16], extensions: &[(u16, &[u8])]| {
            let hello = ClientHello::parse(&hello(suites, extensions)).unwrap();
            all.iter().map(|n| hello.has(*n)).collect::<Vec<_>>()
        };
        let only = |at: usize| (0..all.len()).map(|n| n == at).collect::<Vec<_>>();
        assert_eq!(with(&[0x1a1a], &[]), only(0));
        assert_eq!(with(&[], &[(0x2a2a, &[1])]), only(0));
        assert_eq!(with(&[], &[(0x1234, &[1])]), only(1));
        assert_eq!(with(&[], &[(21, &[0; 4100])]), only(3));
        assert_eq!(with(&[], &[(21, &[0; 300])]), only(4));
        assert_eq!(with(&[], &[(23, &[])]), only(5));
        let mut future = self::hello(&[], &[]);
        future[1] = 5;
        assert!(ClientHello::parse(&future).unwrap().has(Novelty::FutureVersion));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_hello_or_none(bytes: Vec<u8>) {
            if let Some(hello) = ClientHello::parse(&bytes) {
                let _ = (hello.server_name(), hello.protocols(), hello.renegotiation());
            }
        }
    }
}
