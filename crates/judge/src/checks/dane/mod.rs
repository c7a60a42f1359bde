//! DANE for SMTP (RFC 7672).

pub mod tlsa;
