//! MTA-STS as a sender follows it (RFC 8461): the policy in force for a domain, kept over
//! restarts.
//!
//! - The TXT record is asked for with each new route. Its `id` tells whether the policy that
//!   is kept is the current one.
//! - A policy that is kept counts until its `max_age` is over, whatever becomes of the record
//!   or of the policy host (section 5.1): removing either loosens nothing.
//! - At half of its life a policy is fetched anew in the background, so that it does not end
//!   while mail flows.
//! - A policy that cannot be fetched, with none kept, leaves the domain as if it had none
//!   (section 3.3); it is tried again after five minutes, or at once under a new `id`.
//!
//! Time is the wall clock. Where it jumped back, a policy "from the future" is fetched anew;
//! where it jumped ahead, a policy that seems over is not thrown away for a month, and counts
//! again once the clock is right.

mod client;

use tokio::time::Instant;
use waxseal_judge::delivery::{Sts, StsMode};
use waxseal_model::policy::{self, StsPolicy};
use waxseal_store::ledger::KeptPolicy;
use waxseal_wire::sts::pattern;

pub use client::{StsClient, StsParts};

/// What is known of a domain's MTA-STS policy.
#[derive(Debug, Clone)]
pub struct StsState {
    /// The policy that counts, mode `none` among them.
    pub kept: Option<KeptPolicy>,
    /// The `id` in the TXT record, where there is one that is valid.
    pub record: Option<String>,
    /// Why the policy that the record announces could not be had, where that is so.
    pub failure: Option<String>,
    /// Why it is not known whether there is a record, where that is so.
    pub doubt: Option<String>,
    /// Until when this counts.
    pub until: Instant,
}

impl StsState {
    /// Nothing is asked for: there is no domain to ask.
    pub fn none(until: Instant) -> Self {
        Self { kept: None, record: None, failure: None, doubt: None, until }
    }

    /// The policy in force, if its mode has any effect.
    pub fn policy(&self) -> Option<&StsPolicy> {
        let kept = self.kept.as_ref()?;
        (kept.policy.mode != policy::StsMode::None).then_some(&kept.policy)
    }

    /// What it says of an MX host.
    pub fn of_host(&self, host: &str) -> Sts {
        let Some(policy) = self.policy() else {
            return match (&self.kept, &self.failure) {
                (None, Some(_)) => Sts::FetchFailed,
                _ => Sts::None,
            };
        };
        Sts::Policy {
            mode: match policy.mode {
                policy::StsMode::Enforce => StsMode::Enforce,
                policy::StsMode::Testing | policy::StsMode::None => StsMode::Testing,
            },
            lists_mx: policy.mx.iter().any(|mx| pattern::covers(mx, host)),
            refresh_failed: self.failure.is_some(),
        }
    }
}
