//! PLAIN (RFC 4616) and LOGIN: the password itself, which only TLS keeps from others.

use super::{
    exchange::{SaslError, Step},
    passwords::{MAX_PASSWORD, MAX_USER, Password},
};

/// The questions of LOGIN, which its clients do not read.
pub(super) const USERNAME: &[u8] = b"Username:";
/// Likewise.
pub(super) const PASSWORD: &[u8] = b"Password:";

/// `authzid NUL authcid NUL password`.
pub(super) fn plain(response: &[u8]) -> Step {
    let mut parts = response.split(|byte| *byte == 0);
    let (Some(other), Some(name), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Step::Failed(SaslError::Malformed);
    };
    match user(name) {
        Err(error) => Step::Failed(error),
        Ok(_) if !other.is_empty() && other != name => Step::Failed(SaslError::Authorisation),
        Ok(user) => check(user, password),
    }
}

/// A password that could be one is handed out.
pub(super) fn check(user: String, password: &[u8]) -> Step {
    if password.is_empty() || password.len() > MAX_PASSWORD {
        return Step::Failed(SaslError::Malformed);
    }
    Step::Check { user, password: Password::from(password) }
}

/// A user name.
pub(super) fn user(bytes: &[u8]) -> Result<String, SaslError> {
    let name = std::str::from_utf8(bytes).map_err(|_| SaslError::Malformed)?;
    let fits = (1..=MAX_USER).contains(&name.len()) && !name.contains(char::is_control);
    fits.then(|| name.to_owned()).ok_or(SaslError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_parts_are_a_login_and_only_as_oneself() {
        assert!(matches!(plain(b"\0bob\0x"), Step::Check { user, .. } if user == "bob"));
        assert!(matches!(plain(b"bob\0bob\0x"), Step::Check { .. }));
        assert!(matches!(plain(b"eve\0bob\0x"), Step::Failed(SaslError::Authorisation)));
        for bad in
            [&b""[..], b"bob", b"bob\0x", b"\0bob\0", b"\0\0x", b"\0bob\0x\0", b"\0b\x01b\0x", b"\0\xff\0x"]
        {
            assert!(matches!(plain(bad), Step::Failed(SaslError::Malformed)), "{bad:?}");
        }
        let long = [b"\0bob\0".to_vec(), vec![b'x'; MAX_PASSWORD + 1]].concat();
        assert!(matches!(plain(&long), Step::Failed(SaslError::Malformed)));
    }
}
