//! Passwords that were right a moment ago: programs that log in for every message need not
//! wait, and we not work, for a hash each time.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;

use super::Password;

/// Remembers logins that succeeded, under a key that only this run of the program has. There
/// are at most as many as there are users.
pub struct RecentLogins {
    key: hmac::Key,
    keep: Duration,
    seen: HashMap<String, Seen>,
}

struct Seen {
    tag: hmac::Tag,
    at: Instant,
}

impl RecentLogins {
    /// None yet. `key` is random.
    pub fn new(key: [u8; 32], keep: Duration) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), keep, seen: HashMap::new() }
    }

    /// Whether the user logged in with this password a moment ago. If not, nothing follows
    /// from it.
    pub fn knows(&self, user: &str, password: &Password, now: Instant) -> bool {
        self.seen.get(user).is_some_and(|seen| {
            now.saturating_duration_since(seen.at) < self.keep
                && hmac::verify(&self.key, &joined(user, password), seen.tag.as_ref()).is_ok()
        })
    }

    /// The user has logged in with this password.
    pub fn remember(&mut self, user: &str, password: &Password, now: Instant) {
        let tag = hmac::sign(&self.key, &joined(user, password));
        self.seen.insert(user.to_owned(), Seen { tag, at: now });
    }

    /// Forgets all.
    pub fn forget(&mut self) {
        self.seen.clear();
    }
}

/// A user name contains no NUL.
fn joined(user: &str, password: &Password) -> Vec<u8> {
    [user.as_bytes(), b"\0", password.as_bytes()].concat()
}

impl fmt::Debug for RecentLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentLogins").field("users", &self.seen.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_of_the_same_user_is_known_and_not_for_long() {
        let start = Instant::now();
        let password = |text: &str| Password::from(text.as_bytes());
        let mut recent = RecentLogins::new([1; 32], Duration::from_secs(60));
        assert!(!recent.knows("bob", &password("pencil"), start));
        recent.remember("bob", &password("pencil"), start);
        assert!(recent.knows("bob", &password("pencil"), start + Duration::from_secs(59)));
        assert!(!recent.knows("bob", &password("pencil"), start + Duration::from_secs(60)));
        assert!(!recent.knows("bob", &password("pen"), start));
        assert!(!recent.knows("alice", &password("pencil"), start));
        recent.forget();
        assert!(!recent.knows("bob", &password("pencil"), start));
    }
}
