//! MTA-STS (RFC 8461): the TXT record, the policy file, the patterns in it.
//!
//! Parts: [`record`] reads `_mta-sts` TXT records, [`policy`] the file that a policy host
//! serves, [`pattern`] says which hosts a policy covers.

pub mod pattern;
pub mod policy;
pub mod record;
