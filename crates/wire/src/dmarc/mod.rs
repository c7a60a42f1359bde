//! DMARC (RFC 9989, which replaces RFC 7489): what to do with mail that nobody vouches for.
//!
//! Parts: [`parse()`] reads a record, [`discover()`] walks up the tree to the record in
//! force and the organizational domain, [`aligned()`] compares domains, and
//! [`external_name()`] is where another organization agrees to take reports.
//!
//! Nothing here asks DNS: see [`crate::query`].

mod align;
mod record;
mod walk;

pub use align::{Aligning, aligned};
pub use record::{DmarcError, external_name, is_dmarc, parse, report_domain};
pub use walk::{Discovery, DmarcPlace, discover, policy_for};
