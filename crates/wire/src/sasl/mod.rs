//! Logins (SASL, RFC 4422) as a server sees them: mechanisms, and the file of passwords.
//!
//! Parts: [`Exchange`] is one login by one [`Mechanism`]; [`Passwords`] is the file that
//! says who may log in, [`PasswordHash`] and [`ScramSecret`] what it keeps of a password;
//! [`RecentLogins`] saves hashing one again and again.
//!
//! Pure: nonces, salts and channel bindings are handed in, and a password that takes time
//! to check is handed out ([`Step::Check`]), so that a caller can do it aside.
//!
//! User names and passwords are compared byte by byte as UTF-8. SASLprep (RFC 4013) changes
//! nothing about ASCII; with other characters a client has to send the form in which the
//! password was set.

mod exchange;
mod hash;
mod passwords;
mod plain;
mod recent;
mod scram;
mod secret;

pub use exchange::{Channel, Exchange, Mechanism, SaslError, Step};
pub use hash::{Cost, HashError, PasswordHash};
pub use passwords::{Candidate, Password, Passwords, PasswordsError, Salts, password_line};
pub use recent::RecentLogins;
pub use secret::{ScramSecret, SecretError};
