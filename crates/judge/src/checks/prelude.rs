//! What nearly every check needs.

pub(crate) use waxseal_model::{Cause, Confidence, DnssecStatus, Observed, Severity, Why, dns::DnsOutcome};

pub(crate) use crate::{
    case::{Case, known, known_if_applicable},
    check::{CLEAR, Outcome, check, fixtures},
    state, text,
};

#[cfg(test)]
pub(crate) use crate::fixtures as sample;
