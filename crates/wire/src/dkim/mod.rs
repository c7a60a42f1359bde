//! DKIM (RFC 6376, with RFC 8301 and RFC 8463): keys in DNS, signatures in messages.
//!
//! Parts: [`key()`] reads a key record, [`signature()`] the tags of a DKIM-Signature that
//! tell who signed, [`DkimSigner`] makes one. Signatures are not verified here.

mod key;
mod sign;
mod signature;

pub use key::{DkimKeyError, key, key_name};
pub use sign::{DkimSignError, DkimSigner};
pub use signature::{DkimSignatureError, signature};
