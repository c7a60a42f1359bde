//! Protection of records: one direction's keys and state (RFC 5246 section 6.2.3, RFC 2246
//! section 6.2.3, RFC 6101 section 5.2.3, RFC 7366).

use aes::{Aes128, Aes256};
use aws_lc_rs::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hmac as mac, rand,
};
use cbc::{
    Decryptor, Encryptor,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding},
};
use md5::{Digest, Md5};

use super::{
    behaviour::{SSL3, TLS10},
    prf::{Derivation, SSL3_MD5_PAD, SSL3_PADS, SSL3_SHA1_PAD, hmac, hmac_md5},
    rsa::sha1,
    suites::{Bulk, Hash, Suite},
};

const BLOCK: usize = 16;
/// Implicit and explicit part of a nonce, and the tag, of AES-GCM (RFC 5288 section 3).
const SALT: usize = 4;
const EXPLICIT: usize = 8;
const TAG: usize = 16;

/// Why a record cannot be opened or sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    #[error("no whole number of blocks")]
    Length,
    #[error("bad padding or MAC")]
    Mac,
    #[error("keys that do not fit")]
    Key,
}

/// One direction.
#[derive(Debug, Clone)]
pub(super) struct Cipher {
    version: u16,
    bulk: Bulk,
    hash: Hash,
    /// RFC 7366.
    encrypt_then_mac: bool,
    mac_key: Vec<u8>,
    key: Vec<u8>,
    /// The next initialisation vector in TLS 1.0 and SSL 3.0, the salt of GCM.
    iv: Vec<u8>,
    sequence: u64,
}

/// The client's and the server's cipher from a master secret; `seed` is both randoms, the
/// server's first.
pub(super) fn ciphers(
    derivation: Derivation,
    suite: Suite,
    master: &[u8],
    seed: &[u8],
    encrypt_then_mac: bool,
) -> (Cipher, Cipher) {
    let (mac_length, key_length, iv_length) = match suite.bulk {
        Bulk::Null => (suite.hash.length(), 0, 0),
        Bulk::Cbc(key) if derivation.version <= TLS10 => (suite.hash.length(), key, BLOCK),
        Bulk::Cbc(key) => (suite.hash.length(), key, 0),
        Bulk::Gcm(key) => (0, key, SALT),
        Bulk::Unmade | Bulk::UnmadeStream => (0, 0, 0),
    };
    let block = derivation.key_block(master, seed, 2 * (mac_length + key_length + iv_length));
    let mut rest = block.into_iter();
    let mut take = |n: usize| -> Vec<u8> { rest.by_ref().take(n).collect() };
    let (client_mac, server_mac) = (take(mac_length), take(mac_length));
    let (client_key, server_key) = (take(key_length), take(key_length));
    let (client_iv, server_iv) = (take(iv_length), take(iv_length));
    let cipher = |mac_key, key, iv| Cipher {
        version: derivation.version,
        bulk: suite.bulk,
        hash: suite.hash,
        encrypt_then_mac: encrypt_then_mac && matches!(suite.bulk, Bulk::Cbc(_)),
        mac_key,
        key,
        iv,
        sequence: 0,
    };
    (cipher(client_mac, client_key, client_iv), cipher(server_mac, server_key, server_iv))
}

impl Cipher {
    /// A record's content from its plaintext.
    pub(super) fn seal(&mut self, kind: u8, data: &[u8]) -> Result<Vec<u8>, Bad> {
        match self.bulk {
            Bulk::Null => Ok([data, &self.mac(kind, data)?].concat()),
            Bulk::Cbc(_) if self.encrypt_then_mac => {
                let mut sealed = self.encrypt(data.to_vec())?;
                sealed.extend(self.mac(kind, &sealed)?);
                Ok(sealed)
            }
            Bulk::Cbc(_) => {
                let block = [data, &self.mac(kind, data)?].concat();
                self.encrypt(block)
            }
            Bulk::Gcm(_) => self.seal_gcm(kind, data),
            Bulk::Unmade | Bulk::UnmadeStream => Err(Bad::Key),
        }
    }

    /// A record's plaintext from its content.
    pub(super) fn open(&mut self, kind: u8, sealed: Vec<u8>) -> Result<Vec<u8>, Bad> {
        match self.bulk {
            Bulk::Null => self.checked(kind, sealed),
            Bulk::Cbc(_) if self.encrypt_then_mac => {
                let sealed = self.checked(kind, sealed)?;
                self.decrypt(&sealed)
            }
            Bulk::Cbc(_) => {
                let block = self.decrypt(&sealed)?;
                self.checked(kind, block)
            }
            Bulk::Gcm(_) => self.open_gcm(kind, sealed),
            Bulk::Unmade | Bulk::UnmadeStream => Err(Bad::Mac),
        }
    }

    /// Cuts off the MAC at the end and compares it.
    fn checked(&mut self, kind: u8, mut data: Vec<u8>) -> Result<Vec<u8>, Bad> {
        let length = data.len().checked_sub(self.hash.length()).ok_or(Bad::Mac)?;
        let theirs = data.split_off(length);
        if self.mac(kind, &data)? == theirs { Ok(data) } else { Err(Bad::Mac) }
    }

    fn mac(&mut self, kind: u8, data: &[u8]) -> Result<Vec<u8>, Bad> {
        let length = u16::try_from(data.len()).map_err(|_| Bad::Length)?.to_be_bytes();
        let sequence = self.next_sequence();
        if self.version == SSL3 {
            return Ok(self.ssl3_mac(&[&sequence[..], &[kind], &length, data].concat()));
        }
        let version = self.version.to_be_bytes();
        let parts: [&[u8]; 5] = [&sequence, &[kind], &version, &length, data];
        Ok(match self.hash {
            Hash::Md5 => hmac_md5(&self.mac_key, &parts),
            Hash::Sha1 => hmac(mac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.mac_key, &parts),
            Hash::Sha256 => hmac(mac::HMAC_SHA256, &self.mac_key, &parts),
            Hash::Sha384 => hmac(mac::HMAC_SHA384, &self.mac_key, &parts),
        })
    }

    fn ssl3_mac(&self, data: &[u8]) -> Vec<u8> {
        let [inner, outer] = SSL3_PADS;
        let both = |hash: fn(&[u8]) -> Vec<u8>, pad: usize| {
            let first = hash(&[&self.mac_key, &vec![inner; pad], data].concat());
            hash(&[&self.mac_key, &vec![outer; pad][..], &first].concat())
        };
        match self.hash {
            Hash::Md5 => both(|m| Md5::digest(m).to_vec(), SSL3_MD5_PAD),
            _ => both(sha1, SSL3_SHA1_PAD),
        }
    }

    fn next_sequence(&mut self) -> [u8; 8] {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        sequence.to_be_bytes()
    }

    /// CBC with padding; from TLS 1.1 on with an initialisation vector in front.
    fn encrypt(&mut self, mut block: Vec<u8>) -> Result<Vec<u8>, Bad> {
        // The padding's bytes each say how many follow them.
        let padding = BLOCK - 1 - block.len() % BLOCK;
        block.extend(std::iter::repeat_n(u8::try_from(padding).unwrap_or(0), padding + 1));
        let chained = self.version <= TLS10;
        let iv = if chained { self.iv.clone() } else { random::<BLOCK>()?.to_vec() };
        let sealed = match self.key.len() {
            16 => Encryptor::<Aes128>::new_from_slices(&self.key, &iv)
                .map(|c| c.encrypt_padded_vec::<NoPadding>(&block)),
            _ => Encryptor::<Aes256>::new_from_slices(&self.key, &iv)
                .map(|c| c.encrypt_padded_vec::<NoPadding>(&block)),
        };
        let sealed = sealed.map_err(|_| Bad::Key)?;
        self.chain(&sealed);
        Ok(if chained { sealed } else { [iv, sealed].concat() })
    }

    /// CBC, without what `encrypt` added.
    fn decrypt(&mut self, sealed: &[u8]) -> Result<Vec<u8>, Bad> {
        let (iv, sealed) = match self.version {
            ..=TLS10 => (self.iv.clone(), sealed),
            _ => {
                let (iv, sealed) = sealed.split_at_checked(BLOCK).ok_or(Bad::Length)?;
                (iv.to_vec(), sealed)
            }
        };
        let block = match self.key.len() {
            16 => Decryptor::<Aes128>::new_from_slices(&self.key, &iv)
                .map(|c| c.decrypt_padded_vec::<NoPadding>(sealed)),
            _ => Decryptor::<Aes256>::new_from_slices(&self.key, &iv)
                .map(|c| c.decrypt_padded_vec::<NoPadding>(sealed)),
        };
        let mut block = block.map_err(|_| Bad::Key)?.map_err(|_| Bad::Length)?;
        self.chain(sealed);
        let padding = *block.last().ok_or(Bad::Length)?;
        let length = block.len().checked_sub(usize::from(padding) + 1).ok_or(Bad::Mac)?;
        let tail = block.split_off(length);
        // SSL 3.0 does not say what the padding's bytes are: that is what POODLE needs.
        if self.version != SSL3 && tail.iter().any(|b| *b != padding) {
            return Err(Bad::Mac);
        }
        Ok(block)
    }

    fn chain(&mut self, sealed: &[u8]) {
        if let Some(last) = sealed.last_chunk::<BLOCK>() {
            self.iv = last.to_vec();
        }
    }

    fn gcm(&mut self, kind: u8, length: usize, explicit: [u8; EXPLICIT]) -> Result<Gcm, Bad> {
        let algorithm = if self.key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, &self.key).map_err(|_| Bad::Key)?;
        let nonce = Nonce::try_assume_unique_for_key(&[&self.iv[..], &explicit].concat());
        let length = u16::try_from(length).map_err(|_| Bad::Length)?.to_be_bytes();
        let sequence = self.next_sequence();
        let aad = [&sequence[..], &[kind], &self.version.to_be_bytes(), &length].concat();
        Ok(Gcm { key: LessSafeKey::new(key), nonce: nonce.map_err(|_| Bad::Key)?, aad })
    }

    fn seal_gcm(&mut self, kind: u8, data: &[u8]) -> Result<Vec<u8>, Bad> {
        let explicit = self.sequence.to_be_bytes();
        let Gcm { key, nonce, aad } = self.gcm(kind, data.len(), explicit)?;
        let mut sealed = data.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed).map_err(|_| Bad::Key)?;
        Ok([&explicit[..], &sealed].concat())
    }

    fn open_gcm(&mut self, kind: u8, sealed: Vec<u8>) -> Result<Vec<u8>, Bad> {
        let (explicit, rest) = sealed.split_first_chunk::<EXPLICIT>().ok_or(Bad::Mac)?;
        let length = rest.len().checked_sub(TAG).ok_or(Bad::Mac)?;
        let Gcm { key, nonce, aad } = self.gcm(kind, length, *explicit)?;
        let mut data = rest.to_vec();
        key.open_in_place(nonce, Aad::from(aad), &mut data).map_err(|_| Bad::Mac)?;
        data.truncate(length);
        Ok(data)
    }
}

struct Gcm {
    key: LessSafeKey,
    nonce: Nonce,
    aad: Vec<u8>,
}

fn random<const N: usize>() -> Result<[u8; N], Bad> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Bad::Key)?;
    Ok(bytes)
}
