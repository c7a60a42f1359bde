//! What a server keeps for SCRAM-SHA-256 (RFC 5803): enough to check a proof, not enough to
//! make one.

use std::{fmt, num::NonZeroU32, str::FromStr};

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::{Engine, prelude::BASE64_STANDARD};

/// Fewest iterations that RFC 7677 section 4 allows.
const LEAST_ITERATIONS: u32 = 4096;
/// More than this is a mistake: the client has to make them at every login.
const MOST_ITERATIONS: u32 = 10_000_000;
/// Longest salt, in bytes.
const MAX_SALT: usize = 64;
const MECHANISM: &str = "SCRAM-SHA-256";

/// Why a text is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not of the form.
    #[error("a SCRAM secret has the form SCRAM-SHA-256$iterations:salt$stored key:server key, in base64")]
    Form,
    /// Too few or far too many.
    #[error("a SCRAM secret has from {LEAST_ITERATIONS} to {MOST_ITERATIONS} iterations")]
    Iterations,
}

/// What is kept of a password: `SCRAM-SHA-256$iterations:salt$stored key:server key`.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramSecret {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

impl ScramSecret {
    /// Makes it from a password and a random salt. Takes as long as there are iterations.
    ///
    /// # Errors
    /// The number of iterations is out of bounds.
    pub fn make(password: &[u8], salt: &[u8], iterations: u32) -> Result<Self, SecretError> {
        let count = NonZeroU32::new(within(iterations)?).ok_or(SecretError::Iterations)?;
        let mut salted = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, count, salt, password, &mut salted);
        let client_key = mac(&salted, b"Client Key");
        Ok(Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: sha256(&client_key),
            server_key: mac(&salted, b"Server Key"),
        })
    }

    /// One for a user that does not exist: always the same for a name, and no proof fits.
    pub(super) fn pretended(key: &[u8; 32], user: &str, iterations: u32) -> Self {
        let made_up = mac(key, user.as_bytes());
        Self {
            iterations,
            salt: made_up.get(..16).unwrap_or_default().to_vec(),
            stored_key: mac(&made_up, b"Stored Key"),
            server_key: mac(&made_up, b"Server Key"),
        }
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// How often the password is hashed.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Whether a proof is right for these messages (RFC 5802 section 3).
    pub(super) fn proves(&self, messages: &[u8], proof: &[u8; 32]) -> bool {
        let signature = mac(&self.stored_key, messages);
        let mut client_key = *proof;
        for (byte, other) in client_key.iter_mut().zip(signature) {
            *byte ^= other;
        }
        constant_time::verify_slices_are_equal(&sha256(&client_key), &self.stored_key).is_ok()
    }

    /// Our own proof.
    pub(super) fn signature(&self, messages: &[u8]) -> [u8; 32] {
        mac(&self.server_key, messages)
    }
}

impl fmt::Display for ScramSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        write!(
            f,
            "{MECHANISM}${}:{}${}:{}",
            self.iterations,
            encode(&self.salt),
            encode(&self.stored_key),
            encode(&self.server_key)
        )
    }
}

impl FromStr for ScramSecret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('$');
        let (Some(MECHANISM), Some(salting), Some(keys), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SecretError::Form);
        };
        let (iterations, salt) = salting.split_once(':').ok_or(SecretError::Form)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(SecretError::Form)?;
        let decode = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| SecretError::Form);
        let key = |text: &str| decode(text)?.try_into().map_err(|_| SecretError::Form);
        let salt = decode(salt)?;
        if salt.is_empty() || salt.len() > MAX_SALT {
            return Err(SecretError::Form);
        }
        Ok(Self {
            iterations: within(iterations.parse().map_err(|_| SecretError::Form)?)?,
            salt,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }
}

/// Keys are kept out of logs.
impl fmt::Debug for ScramSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramSecret").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

fn within(iterations: u32) -> Result<u32, SecretError> {
    (LEAST_ITERATIONS..=MOST_ITERATIONS)
        .contains(&iterations)
        .then_some(iterations)
        .ok_or(SecretError::Iterations)
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    fixed(tag.as_ref())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 has 32 bytes.
fn fixed(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    for (place, byte) in array.iter_mut().zip(bytes) {
        *place = *byte;
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_and_read_again() {
        let secret = ScramSecret::make(b"pencil", b"0123456789abcdef", 4096).unwrap();
        let text = secret.to_string();
        assert!(text.starts_with("SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$"), "{text}");
        assert_eq!(text.parse(), Ok(secret.clone()));
        assert!(!format!("{secret:?}").contains(&text[50..60]));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let good = ScramSecret::make(b"pencil", b"salt", 4096).unwrap().to_string();
        for bad in [
            String::new(),
            good.replace("SHA-256", "SHA-1"),
            good.replace("4096", "many"),
            good.replace(':', ""),
            format!("{good}$"),
            good[..good.len() - 4].to_owned(),
            good.replace("c2FsdA==", ""),
        ] {
            assert_eq!(bad.parse::<ScramSecret>(), Err(SecretError::Form), "{bad}");
        }
        assert_eq!(good.replace("4096", "4095").parse::<ScramSecret>(), Err(SecretError::Iterations));
        assert_eq!(ScramSecret::make(b"x", b"y", 1), Err(SecretError::Iterations));
    }
}
