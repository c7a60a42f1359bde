//! DKIM (RFC 6376): keys by which receivers verify signatures.

pub mod domainkey;
pub mod keys;
