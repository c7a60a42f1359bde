//! Key exchange: ServerKeyExchange, and the secret out of ClientKeyExchange (RFC 5246
//! sections 7.4.3 and 7.4.7, RFC 4492 sections 5.4 and 5.7, SSL 3.0 for export suites).

use aws_lc_rs::{
    agreement::{self, PrivateKey, UnparsedPublicKey},
    rand,
};

use super::{
    Failure, Server,
    behaviour::{Prime, SSL3},
    bytes::{length8, length16, vector8, vector16},
    choice::Choice,
    dh::Secret,
    rsa::{Block, RsaKey},
    suites::Exchange,
};

/// named_curve (RFC 4492 section 5.4).
const NAMED_CURVE: u8 = 3;
/// An uncompressed point.
const UNCOMPRESSED: u8 = 4;
const X25519: u16 = 0x001d;
/// Groups in which the server computes: code and algorithm.
const MADE: [(u16, &agreement::Algorithm); 4] = [
    (0x0017, &agreement::ECDH_P256),
    (0x0018, &agreement::ECDH_P384),
    (0x0019, &agreement::ECDH_P521),
    (X25519, &agreement::X25519),
];
/// Weak or withdrawn groups that it only names, with any bytes for a point: code, and
/// length of a coordinate (RFC 4492 section 5.1.1).
const NAMED: [(u16, usize); 6] = [(1, 21), (3, 21), (6, 30), (16, 20), (19, 24), (21, 28)];

/// A secret of 48 bytes, of which the first two are the client's version.
const PREMASTER: usize = 48;

/// The server's half of an exchange.
pub(super) enum Half {
    Rsa(RsaKey),
    Dh(Secret),
    Ecdh(PrivateKey),
    /// In a group that is not made here: nobody gets a secret out of it.
    Named,
}

/// What became of a client's encrypted secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// A secret of the right length and version.
    Right,
    /// The block begins as it should; the rest is wrong somehow.
    Padded,
    /// It does not even begin as it should.
    Alien,
}

/// The server's half, and the body of its ServerKeyExchange where there is one; `randoms`
/// are the client's and the server's.
pub(super) fn offer(
    server: &Server,
    choice: &Choice,
    randoms: &[u8],
) -> Result<(Half, Option<Vec<u8>>), Failure> {
    let dh = &server.behaviour.dh;
    let (half, params) = match choice.suite.exchange {
        Exchange::Rsa => return Ok((Half::Rsa(server.key.as_ref().clone()), None)),
        Exchange::RsaExport => {
            let key = RsaKey::export().ok_or(Failure::Key)?;
            let (modulus, exponent) = key.public();
            (Half::Rsa(key), [length16(&modulus), length16(&exponent)].concat())
        }
        Exchange::Dhe | Exchange::DhAnon => finite(server, dh.prime)?,
        Exchange::DheExport | Exchange::DhAnonExport => finite(
            server,
            match dh.prime {
                Prime::Known(_) => Prime::Known(512),
                Prime::Own(_) => Prime::Own(512),
            },
        )?,
        Exchange::Ecdhe => elliptic(choice.group.ok_or(Failure::Suite)?)?,
    };
    let mut body = params;
    if choice.suite.exchange.is_signed() {
        let signed = [randoms, &body].concat();
        let signature = server.key.sign(choice.scheme, &signed).ok_or(Failure::Key)?;
        if let Some(scheme) = choice.scheme {
            body.extend(scheme.to_be_bytes());
        }
        body.extend(length16(&signature));
    }
    Ok((half, Some(body)))
}

fn finite(server: &Server, prime: Prime) -> Result<(Half, Vec<u8>), Failure> {
    let secret = if server.behaviour.dh.fresh { Secret::new(prime) } else { server.memory.dh(prime) };
    let secret = secret.ok_or(Failure::Key)?;
    let params = secret.params().iter().flat_map(|p| length16(p)).collect();
    Ok((Half::Dh(secret), params))
}

fn elliptic(group: u16) -> Result<(Half, Vec<u8>), Failure> {
    let head = [&[NAMED_CURVE][..], &group.to_be_bytes()].concat();
    if let Some((_, algorithm)) = MADE.iter().find(|(code, _)| *code == group) {
        let key = PrivateKey::generate(algorithm).map_err(|_| Failure::Key)?;
        let public = key.compute_public_key().map_err(|_| Failure::Key)?;
        return Ok((Half::Ecdh(key), [head, length8(public.as_ref())].concat()));
    }
    let (_, length) = NAMED.iter().find(|(code, _)| *code == group).ok_or(Failure::Key)?;
    let mut point = vec![0; 2 * length + 1];
    rand::fill(&mut point).map_err(|_| Failure::Key)?;
    if let Some(first) = point.first_mut() {
        *first = UNCOMPRESSED;
    }
    Ok((Half::Named, [head, length8(&point)].concat()))
}

impl Half {
    /// The premaster secret from the body of a ClientKeyExchange, and what the block was
    /// like that brought it. A wrong one is replaced by a random secret (RFC 5246 section
    /// 7.4.7.1). `hello` is the version that the client offered.
    pub(super) fn agree(
        self,
        choice: &Choice,
        hello: u16,
        mut body: &[u8],
    ) -> Result<(Vec<u8>, Opened), Failure> {
        let secret = match self {
            Self::Rsa(key) => {
                let sealed = match choice.version {
                    // SSL 3.0 clients leave the length out.
                    SSL3 => body,
                    _ => vector16(&mut body).ok_or(Failure::Message)?,
                };
                return open(&key, hello, sealed);
            }
            Self::Dh(secret) => secret.agree(vector16(&mut body).ok_or(Failure::Message)?),
            Self::Ecdh(key) => {
                let public = UnparsedPublicKey::new(
                    key.algorithm(),
                    vector8(&mut body).ok_or(Failure::Message)?.to_vec(),
                );
                agreement::agree(&key, public, Failure::Message, |secret| Ok(secret.to_vec()))?
            }
            Self::Named => return Err(Failure::Key),
        };
        Ok((secret, Opened::Right))
    }
}

fn open(key: &RsaKey, hello: u16, sealed: &[u8]) -> Result<(Vec<u8>, Opened), Failure> {
    let opened = match key.open(sealed) {
        Block::Secret(secret) if secret.starts_with(&hello.to_be_bytes()) => {
            return Ok((secret, Opened::Right));
        }
        Block::Secret(_) | Block::Padded => Opened::Padded,
        Block::Alien => Opened::Alien,
    };
    let mut secret = vec![0; PREMASTER];
    rand::fill(&mut secret).map_err(|_| Failure::Key)?;
    Ok((secret, opened))
}
