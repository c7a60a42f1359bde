//! The file of passwords: who may log in.
//!
//! One user a line, `user:hash` or `user:hash:SCRAM secret`; empty lines and lines that
//! begin with `#` do not count.

use std::{collections::HashMap, fmt};

use super::{
    hash::{Cost, HashError, PasswordHash},
    secret::{ScramSecret, SecretError},
};
use crate::text::is_harmful;

/// Longest user name, in bytes.
pub(super) const MAX_USER: usize = 255;
/// Longest password, in bytes.
pub(super) const MAX_PASSWORD: usize = 1024;
/// Iterations for users that do not exist, where no user has a SCRAM secret.
const USUAL_ITERATIONS: u32 = 100_000;

/// Why a file of passwords cannot be used, or a line not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordsError {
    /// No colon.
    #[error("line {line}: a line has the form user:hash; `waxseal relay password` makes one")]
    Form {
        /// From 1.
        line: usize,
    },
    /// A name that cannot be one.
    #[error("line {line}: a user name has 1 to {MAX_USER} bytes, no colon, no blank, no control character")]
    User {
        /// From 1.
        line: usize,
    },
    /// The name stands there already.
    #[error("line {line}: the user of this line stands in line {first} already")]
    Twice {
        /// From 1.
        line: usize,
        /// The line before.
        first: usize,
    },
    /// The hash.
    #[error("line {line}: {error}")]
    Hash {
        /// From 1.
        line: usize,
        /// What is wrong.
        error: HashError,
    },
    /// The SCRAM secret.
    #[error("line {line}: {error}")]
    Scram {
        /// From 1.
        line: usize,
        /// What is wrong.
        error: SecretError,
    },
    /// A password that cannot be one.
    #[error("a password has 1 to {MAX_PASSWORD} bytes and no NUL")]
    Password,
}

/// A password as a client sent it. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Vec<u8>);

impl Password {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Password {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// All users.
#[derive(Debug)]
pub struct Passwords {
    users: HashMap<String, User>,
    /// For what is told about users that do not exist.
    key: [u8; 32],
    cost: Cost,
    iterations: u32,
    scram: bool,
}

#[derive(Debug)]
struct User {
    line: usize,
    hash: PasswordHash,
    scram: Option<ScramSecret>,
}

/// What to compare the password of one login with.
#[derive(Debug, Clone)]
pub struct Candidate {
    hash: PasswordHash,
    known: bool,
}

impl Candidate {
    /// Whether this is the user's password. Takes as long as the hash costs (some 20 ms and
    /// 19 MB), whether there is such a user or not.
    pub fn matches(&self, password: &Password) -> bool {
        self.hash.matches(password.as_bytes()) && self.known
    }

    /// There is such a user.
    pub fn is_known(&self) -> bool {
        self.known
    }
}

impl Passwords {
    /// Reads a file. `key` is random, made once for each start of the program: from it is
    /// derived what users that do not exist are told.
    ///
    /// # Errors
    /// The first line that is wrong. No hash and no name is told.
    pub fn parse(text: &str, key: [u8; 32]) -> Result<Self, PasswordsError> {
        let mut users: HashMap<String, User> = HashMap::new();
        for (index, content) in text.lines().enumerate() {
            let line = index + 1;
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let (name, rest) = content.split_once(':').ok_or(PasswordsError::Form { line })?;
            if !is_user(name) {
                return Err(PasswordsError::User { line });
            }
            if let Some(first) = users.get(name).map(|user| user.line) {
                return Err(PasswordsError::Twice { line, first });
            }
            let (hash, scram) = match rest.split_once(':') {
                Some((hash, scram)) => (hash, Some(scram)),
                None => (rest, None),
            };
            let hash = hash.parse().map_err(|error| PasswordsError::Hash { line, error })?;
            let scram =
                scram.map(str::parse).transpose().map_err(|error| PasswordsError::Scram { line, error })?;
            users.insert(name.to_owned(), User { line, hash, scram });
        }
        let mut first: Vec<&User> = users.values().collect();
        first.sort_by_key(|user| user.line);
        let cost = first.first().map_or(Cost::default(), |user| user.hash.cost());
        let iterations = first.iter().find_map(|user| user.scram.as_ref()).map(ScramSecret::iterations);
        let scram = iterations.is_some();
        Ok(Self { cost, iterations: iterations.unwrap_or(USUAL_ITERATIONS), scram, users, key })
    }

    /// What to compare a password with. For a user that does not exist it costs as much as
    /// for the first one of the file.
    pub fn candidate(&self, user: &str) -> Candidate {
        match self.users.get(user) {
            Some(found) => Candidate { hash: found.hash.clone(), known: true },
            None => Candidate { hash: PasswordHash::pretended(self.cost), known: false },
        }
    }

    /// What a user proves by SCRAM; made up where there is none.
    pub(super) fn scram(&self, user: &str) -> ScramSecret {
        let known = self.users.get(user).and_then(|found| found.scram.clone());
        known.unwrap_or_else(|| ScramSecret::pretended(&self.key, user, self.iterations))
    }

    /// Some user can log in by SCRAM.
    pub fn has_scram(&self) -> bool {
        self.scram
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

/// Random bytes for a line.
#[derive(Debug, Clone, Copy)]
pub struct Salts {
    /// For the hash.
    pub hash: [u8; 16],
    /// For the SCRAM secret; none for a line without one.
    pub scram: Option<[u8; 16]>,
}

/// A line for the file. Takes as long as hashing costs.
///
/// # Errors
/// Name or password cannot be one, or the cost is out of bounds.
pub fn password_line(
    user: &str,
    password: &[u8],
    cost: Cost,
    iterations: u32,
    salts: &Salts,
) -> Result<String, PasswordsError> {
    if !is_user(user) || user.starts_with('#') {
        return Err(PasswordsError::User { line: 1 });
    }
    if password.is_empty() || password.len() > MAX_PASSWORD || password.contains(&0) {
        return Err(PasswordsError::Password);
    }
    let hash = PasswordHash::make(password, &salts.hash, cost)
        .map_err(|error| PasswordsError::Hash { line: 1, error })?;
    Ok(match salts.scram {
        None => format!("{user}:{hash}"),
        Some(salt) => {
            let secret = ScramSecret::make(password, &salt, iterations)
                .map_err(|error| PasswordsError::Scram { line: 1, error })?;
            format!("{user}:{hash}:{secret}")
        }
    })
}

fn is_user(name: &str) -> bool {
    let fits = |c: char| c != ':' && !c.is_whitespace() && !is_harmful(c);
    (1..=MAX_USER).contains(&name.len()) && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(user: &str, scram: bool) -> String {
        let salts = Salts { hash: [1; 16], scram: scram.then_some([2; 16]) };
        password_line(user, b"pencil", Cost::least(), 5000, &salts).unwrap()
    }

    #[test]
    fn lines_are_made_and_read() {
        let file = format!("# users\n\n{}\r\n  {}\n", line("bob", false), line("alice@example.com", true));
        let passwords = Passwords::parse(&file, [9; 32]).unwrap();
        assert_eq!((passwords.len(), passwords.has_scram()), (2, true));
        let pencil = Password::from(&b"pencil"[..]);
        assert!(passwords.candidate("bob").matches(&pencil));
        assert!(passwords.candidate("alice@example.com").matches(&pencil));
        assert!(!passwords.candidate("alice@example.com").matches(&Password::from(&b"pen"[..])));
        assert!(!passwords.candidate("eve").matches(&pencil));
        // Nothing tells a user without a secret, or none at all, from one with.
        for user in ["bob", "eve"] {
            assert_eq!(passwords.scram(user).iterations(), 5000);
            assert_eq!(passwords.scram(user), passwords.scram(user));
        }
        assert_eq!(format!("{pencil:?}"), "Password(…)");
        assert!(Passwords::parse("", [9; 32]).unwrap().is_empty());
    }

    #[test]
    fn mistakes_name_their_line_and_no_secret() {
        let good = line("bob", true);
        for (file, expected) in [
            ("bob".to_owned(), PasswordsError::Form { line: 1 }),
            (format!("#\n:{good}"), PasswordsError::User { line: 2 }),
            (format!("b ob{}", &good[3..]), PasswordsError::User { line: 1 }),
            (format!("{good}\n\n{good}"), PasswordsError::Twice { line: 3, first: 1 }),
            ("bob:pencil".to_owned(), PasswordsError::Hash { line: 1, error: HashError::Form }),
            (
                format!("{}:SCRAM", line("bob", false)),
                PasswordsError::Scram { line: 1, error: SecretError::Form },
            ),
        ] {
            let error = Passwords::parse(&file, [0; 32]).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("pencil"), "{error}");
        }
        let salts = Salts { hash: [1; 16], scram: None };
        for user in ["", "a:b", "a b", "#a", "a\u{202e}"] {
            assert!(password_line(user, b"x", Cost::least(), 4096, &salts).is_err(), "{user}");
        }
        assert_eq!(password_line("bob", b"", Cost::least(), 4096, &salts), Err(PasswordsError::Password));
    }

    proptest! {
        #[test]
        fn no_file_does_harm(text in "([a-z:$=,0-9+/#\n]|argon2id|v=19|m=8,t=1,p=1|SCRAM-SHA-256){0,60}") {
            let _ = Passwords::parse(&text, [0; 32]);
        }
    }
}
