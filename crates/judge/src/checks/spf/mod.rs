//! SPF (RFC 7208): which hosts may send with the domain in the envelope.

pub mod all;
pub mod evaluation;
pub mod lookups;
pub mod ptr;
pub mod record;
