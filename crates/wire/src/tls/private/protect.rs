//! Records encrypted and decrypted: one direction of a connection (RFC 5246 section 6.2.3,
//! RFC 6101 section 5.2.3, RFC 7366, RFC 7905, RFC 8446 section 5.2).

use aes::{Aes128, Aes256};
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use cbc::{
    Decryptor, Encryptor,
    cipher::{
        BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit,
        block_padding::NoPadding,
    },
};
use des::{Des, TdesEde3};
use rc4::{Rc4, StreamCipher};
use waxseal_model::tls::TlsVersion;

use super::{
    Fault,
    entropy::Entropy,
    hash::Hash,
    record::{Record, kind, plain},
    suite::{Bulk, Parameters},
};

/// One direction, with its keys and the number of the next record.
pub(super) struct Protection {
    keys: Keys,
    version: TlsVersion,
    sequence: u64,
}

/// The keys of one direction, by the kind of cipher.
enum Keys {
    /// Nothing, or RC4, and a code within.
    Stream { cipher: Option<Box<Rc4>>, mac: Mac },
    /// CBC.
    Block {
        bulk: Bulk,
        key: Vec<u8>,
        /// The last block of the record before, until TLS 1.0.
        chained: Option<Vec<u8>>,
        mac: Mac,
        encrypt_then_mac: bool,
    },
    /// GCM of TLS 1.2: part of the nonce is in the record.
    Gcm { key: Box<LessSafeKey>, salt: [u8; 4] },
    /// ChaCha20-Poly1305 of TLS 1.2, and all of TLS 1.3: the nonce is counted.
    Counted { key: Box<LessSafeKey>, iv: [u8; 12] },
}

/// The code apart from the cipher.
struct Mac {
    hash: Hash,
    key: Vec<u8>,
}

/// The parts of a key block for one direction.
pub(super) struct Material {
    pub(super) mac: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) iv: Vec<u8>,
}

impl Protection {
    /// For versions up to TLS 1.2.
    ///
    /// # Errors
    /// The material does not fit the suite.
    pub(super) fn old(
        parameters: &Parameters,
        version: TlsVersion,
        material: Material,
        encrypt_then_mac: bool,
    ) -> Result<Self, Fault> {
        let Material { mac, key, iv } = material;
        let mac = parameters.mac.map(|hash| Mac { hash, key: mac });
        let keys = match (parameters.bulk, mac) {
            (Bulk::Null, Some(mac)) => Keys::Stream { cipher: None, mac },
            (Bulk::Rc4, Some(mac)) => {
                let cipher = Rc4::new_from_slice(&key).map_err(|_| wrong_length())?;
                Keys::Stream { cipher: Some(Box::new(cipher)), mac }
            }
            (bulk @ (Bulk::Des | Bulk::TripleDes | Bulk::Aes), Some(mac)) => {
                let chained = (version <= TlsVersion::Tls10).then_some(iv);
                Keys::Block { bulk, key, chained, mac, encrypt_then_mac }
            }
            (bulk @ Bulk::AesGcm, None) => {
                let salt = iv.try_into().map_err(|_| wrong_length())?;
                Keys::Gcm { key: aead_key(bulk, &key)?, salt }
            }
            (bulk @ Bulk::ChaCha20, None) => Self::counted(bulk, &key, iv)?,
            _ => return Err(Fault::Unsupported("this combination of cipher and code".into())),
        };
        Ok(Self { keys, version, sequence: 0 })
    }

    /// For TLS 1.3.
    ///
    /// # Errors
    /// As [`Self::old`].
    pub(super) fn new(parameters: &Parameters, key: &[u8], iv: Vec<u8>) -> Result<Self, Fault> {
        let keys = Self::counted(parameters.bulk, key, iv)?;
        Ok(Self { keys, version: TlsVersion::Tls13, sequence: 0 })
    }

    fn counted(bulk: Bulk, key: &[u8], iv: Vec<u8>) -> Result<Keys, Fault> {
        let iv = iv.try_into().map_err(|_| wrong_length())?;
        Ok(Keys::Counted { key: aead_key(bulk, key)?, iv })
    }

    fn next(&mut self) -> [u8; 8] {
        let sequence = self.sequence.to_be_bytes();
        self.sequence = self.sequence.wrapping_add(1);
        sequence
    }

    /// A complete record. More than 2^14 bytes do not fit into one.
    ///
    /// # Errors
    /// A defect of ours: a key of a wrong length.
    pub(super) fn seal(
        &mut self,
        record: u8,
        payload: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Vec<u8>, Fault> {
        let sequence = self.next();
        let version = self.version;
        let code = version.clamp(TlsVersion::Ssl3, TlsVersion::Tls12).code();
        let body = match &mut self.keys {
            Keys::Stream { cipher, mac } => {
                let mut body = [payload, &mac.of(version, sequence, record, payload)].concat();
                if let Some(cipher) = cipher {
                    cipher.apply_keystream(&mut body);
                }
                body
            }
            Keys::Block { bulk, key, chained, mac, encrypt_then_mac } => {
                let code =
                    if *encrypt_then_mac { Vec::new() } else { mac.of(version, sequence, record, payload) };
                let block = block_length(*bulk);
                let mut body = [payload, &code].concat();
                // The bytes of the padding each say how many follow them.
                let padding = (block - (body.len() + 1) % block) % block;
                body.extend(std::iter::repeat_n(u8::try_from(padding).unwrap_or(0), padding + 1));
                let iv = chained.clone().unwrap_or_else(|| entropy.bytes(block));
                let sealed = cbc_encrypt(*bulk, key, &iv, &body)?;
                let mut out = match chained {
                    Some(last) => {
                        *last = last_block(&sealed, block);
                        sealed
                    }
                    None => [iv, sealed].concat(),
                };
                if *encrypt_then_mac {
                    out.extend(mac.of(version, sequence, record, &out));
                }
                out
            }
            Keys::Gcm { key, salt } => {
                let nonce = [&salt[..], &sequence].concat();
                let head = aad(sequence, record, code, payload.len());
                [sequence.to_vec(), aead_seal(key, &nonce, &head, payload.to_vec())?].concat()
            }
            Keys::Counted { key, iv } => {
                let nonce = counted_nonce(iv, sequence);
                if version < TlsVersion::Tls13 {
                    aead_seal(key, &nonce, &aad(sequence, record, code, payload.len()), payload.to_vec())?
                } else {
                    let mut inner = payload.to_vec();
                    inner.push(record);
                    let head = plain_header(kind::APPLICATION_DATA, inner.len() + key.algorithm().tag_len());
                    aead_seal(key, &nonce, &head, inner)?
                }
            }
        };
        let outer = if version < TlsVersion::Tls13 { record } else { kind::APPLICATION_DATA };
        Ok(plain(outer, code, &body))
    }

    /// Type and content of a record.
    ///
    /// # Errors
    /// It was not encrypted with these keys, or was changed on the way.
    pub(super) fn open(&mut self, record: Record) -> Result<(u8, Vec<u8>), Fault> {
        let sequence = self.next();
        let version = self.version;
        let Record { kind: record, payload: mut body, .. } = record;
        let code = version.clamp(TlsVersion::Ssl3, TlsVersion::Tls12).code();
        match &mut self.keys {
            Keys::Stream { cipher, mac } => {
                if let Some(cipher) = cipher {
                    cipher.apply_keystream(&mut body);
                }
                mac.check(version, sequence, record, body).map(|body| (record, body))
            }
            Keys::Block { bulk, key, chained, mac, encrypt_then_mac } => {
                let block = block_length(*bulk);
                if *encrypt_then_mac {
                    body = mac.check(version, sequence, record, body)?;
                }
                let iv = match chained {
                    Some(last) => std::mem::replace(last, last_block(&body, block)),
                    None if body.len() >= block => body.drain(..block).collect(),
                    None => return Err(damaged()),
                };
                let mut body = cbc_decrypt(*bulk, key, &iv, &body)?;
                let padding = usize::from(*body.last().ok_or_else(damaged)?);
                body.truncate(body.len().checked_sub(padding + 1).ok_or_else(damaged)?);
                if !*encrypt_then_mac {
                    body = mac.check(version, sequence, record, body)?;
                }
                Ok((record, body))
            }
            Keys::Gcm { key, salt } => {
                let explicit: Vec<u8> = body.drain(..8.min(body.len())).collect();
                let nonce = [&salt[..], &explicit].concat();
                let length = body.len().checked_sub(key.algorithm().tag_len()).ok_or_else(damaged)?;
                let head = aad(sequence, record, code, length);
                aead_open(key, &nonce, &head, body).map(|body| (record, body))
            }
            Keys::Counted { key, iv } => {
                let nonce = counted_nonce(iv, sequence);
                if version < TlsVersion::Tls13 {
                    let length = body.len().checked_sub(key.algorithm().tag_len()).ok_or_else(damaged)?;
                    let head = aad(sequence, record, code, length);
                    return aead_open(key, &nonce, &head, body).map(|body| (record, body));
                }
                let head = plain_header(record, body.len());
                let mut inner = aead_open(key, &nonce, &head, body)?;
                // Zeros may follow the type (RFC 8446 section 5.4).
                while inner.last() == Some(&0) {
                    inner.pop();
                }
                let record = inner.pop().ok_or_else(damaged)?;
                Ok((record, inner))
            }
        }
    }
}

impl Mac {
    fn of(&self, version: TlsVersion, sequence: [u8; 8], record: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
        if version <= TlsVersion::Ssl3 {
            return self.hash.ssl3(&self.key, &[&sequence, &[record], &length, content], &[]);
        }
        self.hash.hmac(&self.key, &[&sequence, &[record], &version.code().to_be_bytes(), &length, content])
    }

    /// Takes the code off the end.
    fn check(
        &self,
        version: TlsVersion,
        sequence: [u8; 8],
        record: u8,
        mut content: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        let length = content.len().checked_sub(self.hash.length()).ok_or_else(damaged)?;
        let code = content.split_off(length);
        if self.of(version, sequence, record, &content) == code { Ok(content) } else { Err(damaged()) }
    }
}

fn damaged() -> Fault {
    Fault::Protocol("a record cannot be decrypted with the keys that were agreed".into())
}

fn wrong_length() -> Fault {
    Fault::Unsupported("keys of this length".into())
}

fn block_length(bulk: Bulk) -> usize {
    if bulk == Bulk::Aes { 16 } else { 8 }
}

fn last_block(sealed: &[u8], block: usize) -> Vec<u8> {
    sealed.get(sealed.len().saturating_sub(block)..).unwrap_or_default().to_vec()
}

/// The bytes that authenticated encryption guards besides the content (RFC 5246 section
/// 6.2.3.3).
fn aad(sequence: [u8; 8], record: u8, version: u16, length: usize) -> Vec<u8> {
    let [major, minor] = version.to_be_bytes();
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [&sequence[..], &[record, major, minor, high, low]].concat()
}

fn plain_header(record: u8, length: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    vec![record, 3, 3, high, low]
}

fn counted_nonce(iv: &[u8; 12], sequence: [u8; 8]) -> Vec<u8> {
    let counter = [&[0; 4][..], &sequence].concat();
    iv.iter().zip(counter).map(|(a, b)| a ^ b).collect()
}

fn aead_key(bulk: Bulk, key: &[u8]) -> Result<Box<LessSafeKey>, Fault> {
    let algorithm = match (bulk, key.len()) {
        (Bulk::AesGcm, 16) => &aead::AES_128_GCM,
        (Bulk::AesGcm, 32) => &aead::AES_256_GCM,
        (Bulk::ChaCha20, 32) => &aead::CHACHA20_POLY1305,
        _ => return Err(wrong_length()),
    };
    UnboundKey::new(algorithm, key).map(|key| Box::new(LessSafeKey::new(key))).map_err(|_| wrong_length())
}

fn aead_seal(key: &LessSafeKey, nonce: &[u8], head: &[u8], mut content: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong_length())?;
    key.seal_in_place_append_tag(nonce, Aad::from(head), &mut content).map_err(|_| wrong_length())?;
    Ok(content)
}

fn aead_open(key: &LessSafeKey, nonce: &[u8], head: &[u8], mut content: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
    let length = key.open_in_place(nonce, Aad::from(head), &mut content).map_err(|_| damaged())?.len();
    content.truncate(length);
    Ok(content)
}

fn cbc_encrypt(bulk: Bulk, key: &[u8], iv: &[u8], content: &[u8]) -> Result<Vec<u8>, Fault> {
    fn with<C: KeyInit + BlockCipherEncrypt>(key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>>
    where
        Encryptor<C>: KeyIvInit,
    {
        Some(Encryptor::<C>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<NoPadding>(content))
    }
    match (bulk, key.len()) {
        (Bulk::Aes, 16) => with::<Aes128>(key, iv, content),
        (Bulk::Aes, 32) => with::<Aes256>(key, iv, content),
        (Bulk::TripleDes, _) => with::<TdesEde3>(key, iv, content),
        (Bulk::Des, _) => with::<Des>(key, iv, content),
        _ => None,
    }
    .ok_or_else(wrong_length)
}

fn cbc_decrypt(bulk: Bulk, key: &[u8], iv: &[u8], content: &[u8]) -> Result<Vec<u8>, Fault> {
    fn with<C: KeyInit + BlockCipherDecrypt>(key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>>
    where
        Decryptor<C>: KeyIvInit,
    {
        Decryptor::<C>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<NoPadding>(content).ok()
    }
    match (bulk, key.len()) {
        (Bulk::Aes, 16) => with::<Aes128>(key, iv, content),
        (Bulk::Aes, 32) => with::<Aes256>(key, iv, content),
        (Bulk::TripleDes, _) => with::<TdesEde3>(key, iv, content),
        (Bulk::Des, _) => with::<Des>(key, iv, content),
        _ => None,
    }
    .ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::private::record::RecordReader;

    /// Both ends of one direction.
    fn pair(suite: u16, version: TlsVersion, encrypt_then_mac: bool) -> [Protection; 2] {
        let parameters = Parameters::of(suite).unwrap();
        [(); 2].map(|()| {
            if version == TlsVersion::Tls13 {
                return Protection::new(&parameters, &vec![3; parameters.key], vec![5; 12]).unwrap();
            }
            let key = vec![3; parameters.stretched.unwrap_or(parameters.key)];
            let material = Material { mac: vec![7; 20], key, iv: vec![5; parameters.iv()] };
            Protection::old(&parameters, version, material, encrypt_then_mac).unwrap()
        })
    }

    fn all() -> Vec<(u16, TlsVersion, bool)> {
        use TlsVersion::*;
        let mut list = vec![(0x1301, Tls13, false), (0x1303, Tls13, false)];
        for suite in [0xc02f, 0xc030, 0xcca8, 0xc028, 0x003d] {
            list.push((suite, Tls12, false));
        }
        for version in [Ssl3, Tls10, Tls11, Tls12] {
            for suite in [0x0002, 0x0004, 0x0005, 0x0009, 0x000a, 0x002f, 0x0035, 0x0014] {
                list.push((suite, version, false));
            }
        }
        for version in [Tls10, Tls11, Tls12] {
            list.push((0x0035, version, true));
        }
        list
    }

    fn one(bytes: &[u8]) -> Record {
        let mut reader = RecordReader::default();
        reader.push(bytes);
        reader.next_record().unwrap().unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_in_order_and_nothing_else_is() {
        let mut entropy = Entropy::new([1; 32]);
        for (suite, version, etm) in all() {
            let [mut ours, mut theirs] = pair(suite, version, etm);
            for text in [&b"EHLO a.example\r\n"[..], b"", &[b'x'; 4000]] {
                let sealed = ours.seal(kind::APPLICATION_DATA, text, &mut entropy).unwrap();
                let opened = theirs.open(one(&sealed)).unwrap();
                assert_eq!(opened, (kind::APPLICATION_DATA, text.to_vec()), "{suite:04x} {version:?}");
            }
            let mut sealed = one(&ours.seal(kind::ALERT, &[1, 0], &mut entropy).unwrap());
            sealed.payload[0] ^= 1;
            if suite != 0x0002 {
                assert!(theirs.open(sealed).is_err(), "{suite:04x} {version:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_record_is_opened_without_harm(
            which in 0..42usize,
            payload in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let (suite, version, etm) = all()[which];
            let [mut ours, _] = pair(suite, version, etm);
            let _ = ours.open(Record { kind: 23, version: 0x0303, payload });
        }
    }
}
