//! DMARC (RFC 9989): what receivers are asked to do with mail that nobody vouches for.

pub mod alignment;
pub mod policy;
pub mod record;
pub mod reports;
