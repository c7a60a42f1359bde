//! TLS reporting (RFC 8460).

pub mod record;
