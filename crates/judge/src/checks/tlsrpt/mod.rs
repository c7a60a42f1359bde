//! TLS-RPT: whether senders are asked for reports, and can send them.

pub mod addresses;
pub mod record;
