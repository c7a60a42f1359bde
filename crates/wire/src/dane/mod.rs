//! DANE for SMTP: TLSA records and what they say about a presented chain (RFC 6698, RFC 7671,
//! RFC 7672).
//!
//! Parts: [`parse_presentation`] and [`parse_zone`] read records as people write them,
//! [`unusable`] says which of them SMTP senders leave aside, [`matches()`] compares one record
//! with a chain and [`verify`] decides as a sender does, [`records_for`] gives the records
//! that would fit. DNSSEC is not looked at here: callers hand in what they may trust.

mod fitting;
mod presentation;
mod record;
#[cfg(test)]
mod tests;
mod usable;
mod verify;

pub use fitting::{Fitting, record_for_file, record_for_spki, records_for};
pub use presentation::{MAX_ZONE_TEXT, TlsaTextError, ZoneLine, parse_presentation, parse_zone};
pub use record::TlsaRecord;
pub use usable::{in_use, unusable};
pub use verify::{Misfit, Verdict, matches, verify};
