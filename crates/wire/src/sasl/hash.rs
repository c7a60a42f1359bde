//! Passwords hashed by Argon2id (RFC 9106), in the usual form
//! `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.

use std::{fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};

/// More memory than this, in KiB, is a mistake: a gigabyte for each login.
const MOST_MEMORY: u32 = 1 << 20;
/// More passes than this are a mistake.
const MOST_PASSES: u32 = 64;
/// More lanes than this are a mistake.
const MOST_LANES: u32 = 16;
/// Shortest and longest salt, in bytes.
const SALT: std::ops::RangeInclusive<usize> = 8..=64;
/// Shortest and longest hash, in bytes.
const HASH: std::ops::RangeInclusive<usize> = 16..=64;

/// What hashing a password costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// How often it is gone over.
    pub passes: u32,
    /// Lanes that could be computed side by side.
    pub lanes: u32,
}

/// The least that OWASP's cheat sheet on password storage advises: some 20 ms.
impl Default for Cost {
    fn default() -> Self {
        Self { memory: 19_456, passes: 2, lanes: 1 }
    }
}

impl Cost {
    /// The cheapest that Argon2 knows: for tests.
    pub fn least() -> Self {
        Self { memory: 8, passes: 1, lanes: 1 }
    }
}

/// Why a text is no hash, or none can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not of the form.
    #[error("a password hash has the form $argon2id$v=19$m=19456,t=2,p=1$salt$hash")]
    Form,
    /// Hashed by something else.
    #[error("passwords are hashed by argon2id, version 19; this one is by {found}")]
    Algorithm {
        /// The name that stands there, as far as it is letters and digits.
        found: String,
    },
    /// Parameters beyond what makes sense.
    #[error(
        "the parameters of a password hash are out of bounds: m from 8 for each lane to {MOST_MEMORY}, \
         t from 1 to {MOST_PASSES}, p from 1 to {MOST_LANES}, salt of 8 to 64 bytes, hash of 16 to 64"
    )]
    Bounds,
}

/// A hashed password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl PasswordHash {
    /// Hashes a password with a random salt. Takes as long as it costs.
    ///
    /// # Errors
    /// Cost or salt is out of bounds.
    pub fn make(password: &[u8], salt: &[u8], cost: Cost) -> Result<Self, HashError> {
        let mut made = Self { cost, salt: salt.to_vec(), hash: vec![0; 32] };
        made.hash = made.compute(password).ok_or(HashError::Bounds)?;
        Ok(made)
    }

    /// One that no password has, and that costs as much to try.
    pub(super) fn pretended(cost: Cost) -> Self {
        Self { cost, salt: vec![0; 16], hash: vec![0; 32] }
    }

    /// Whether this is the password. Takes as long as it costs.
    pub fn matches(&self, password: &[u8]) -> bool {
        self.compute(password)
            .is_some_and(|hash| constant_time::verify_slices_are_equal(&hash, &self.hash).is_ok())
    }

    /// What trying it costs.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    fn compute(&self, password: &[u8]) -> Option<Vec<u8>> {
        let Cost { memory, passes, lanes } = self.cost;
        let bounded = memory <= MOST_MEMORY && passes <= MOST_PASSES && (1..=MOST_LANES).contains(&lanes);
        if !bounded || !SALT.contains(&self.salt.len()) || !HASH.contains(&self.hash.len()) {
            return None;
        }
        let mut hash = vec![0; self.hash.len()];
        let params = Params::new(memory, passes, lanes, Some(hash.len())).ok()?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(password, &self.salt, &mut hash).ok()?;
        Some(hash)
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { memory, passes, lanes } = self.cost;
        let encode = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
        write!(
            f,
            "$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}",
            encode(&self.salt),
            encode(&self.hash)
        )
    }
}

impl FromStr for PasswordHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.strip_prefix('$').ok_or(HashError::Form)?.split('$');
        let algorithm = parts.next().ok_or(HashError::Form)?;
        if algorithm != "argon2id" {
            let found = algorithm.chars().take(20).filter(char::is_ascii_alphanumeric).collect();
            return Err(HashError::Algorithm { found });
        }
        let (Some("v=19"), Some(cost), Some(salt), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(HashError::Form);
        };
        let decode = |text: &str| BASE64_STANDARD_NO_PAD.decode(text).map_err(|_| HashError::Form);
        let (salt, hash, cost) = (decode(salt)?, decode(hash)?, parameters(cost).ok_or(HashError::Form)?);
        let Cost { memory, passes, lanes } = cost;
        let bounded = (1..=MOST_LANES).contains(&lanes)
            && (1..=MOST_PASSES).contains(&passes)
            && (8 * lanes..=MOST_MEMORY).contains(&memory);
        if !bounded || !SALT.contains(&salt.len()) || !HASH.contains(&hash.len()) {
            return Err(HashError::Bounds);
        }
        Ok(Self { cost, salt, hash })
    }
}

fn parameters(text: &str) -> Option<Cost> {
    let mut parts = text.split(',');
    let mut next = |name: &str| parts.next()?.strip_prefix(name)?.parse::<u32>().ok();
    let (memory, passes, lanes) = (next("m=")?, next("t=")?, next("p=")?);
    parts.next().is_none().then_some(Cost { memory, passes, lanes })
}

/// Hashes are kept out of logs.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_the_reference_implementation_are_understood() {
        // From its own tests: "password" and "somesalt".
        let text = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hash: PasswordHash = text.parse().unwrap();
        assert!(hash.matches(b"password"));
        assert!(!hash.matches(b"passwort"));
        assert!(!hash.matches(b""));
        assert_eq!(hash.to_string(), text);
        assert_eq!(
            format!("{hash:?}"),
            "PasswordHash { cost: Cost { memory: 256, passes: 2, lanes: 1 }, .. }"
        );
    }

    #[test]
    fn what_is_made_is_read_again() {
        let made = PasswordHash::make(b"pencil", &[3; 16], Cost::default()).unwrap();
        assert!(made.to_string().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(made.to_string().parse(), Ok(made.clone()));
        assert!(made.matches(b"pencil"));
        assert!(PasswordHash::make(b"x", b"short", Cost::least()).is_err());
        assert!(!PasswordHash::pretended(Cost::least()).matches(b""));
    }

    #[test]
    fn what_would_cost_too_much_is_refused_before_it_costs_anything() {
        let good = PasswordHash::make(b"x", &[3; 16], Cost::least()).unwrap().to_string();
        for (from, to, error) in [
            ("$argon2id$", "$2y$", HashError::Algorithm { found: "2y".into() }),
            ("$argon2id$", "argon2id$", HashError::Form),
            ("v=19", "v=16", HashError::Form),
            ("m=8,", "", HashError::Form),
            ("p=1", "p=1,x=2", HashError::Form),
            ("m=8", "m=4294967295", HashError::Bounds),
            ("m=8", "m=7", HashError::Bounds),
            ("t=1", "t=0", HashError::Bounds),
            ("t=1", "t=65", HashError::Bounds),
            ("p=1", "p=0", HashError::Bounds),
            ("p=1", "p=4294967295", HashError::Bounds),
            ("AwMDAwMDAwMDAwMDAwMDAw", "Aw!M", HashError::Form),
            ("AwMDAwMDAwMDAwMDAwMDAw", "AwMD", HashError::Bounds),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert_eq!(bad.parse::<PasswordHash>(), Err(error), "{bad}");
        }
    }
}
