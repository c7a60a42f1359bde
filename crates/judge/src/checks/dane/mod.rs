//! DANE: TLSA records, whether they count, and whether they fit the server.

pub mod coverage;
pub mod expired;
pub mod insecure_mx;
pub mod lookup;
pub mod mismatch;
pub mod no_tls;
pub mod partial;
pub mod records;
pub mod rollover;
pub mod tlsa;
pub mod unsigned;
pub mod unusable;

use waxseal_model::{Cause, Why, policy::DaneFacts};

use crate::case::{Case, known};

/// The TLSA records of the endpoint, whatever their status; not applicable where there are
/// none.
fn facts<'a>(case: &Case<'a>) -> Result<&'a DaneFacts, Why> {
    known(&case.facts()?.dane)?
        .as_ref()
        .ok_or_else(|| Why::new(Cause::NotApplicable, "there are no TLSA records"))
}

/// The same where the records are secure, so that senders act on them.
fn secure<'a>(case: &Case<'a>) -> Result<&'a DaneFacts, Why> {
    facts(case)?;
    crate::dane::secure_records(case.facts()?)
        .ok_or_else(|| Why::new(Cause::NotApplicable, "there are no secure TLSA records"))
}
