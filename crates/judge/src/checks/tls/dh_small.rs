//! Check [`tls.dh_small`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// The Diffie-Hellman group is too small (Logjam).
    ///
    /// # Effect
    /// Groups of 1024 bits can be broken by a state, the widespread ones once for all
    /// servers that use them; 512 and 768 bits by anyone.
    /// # Method
    /// The prime in the server's key exchange, when the client names no groups, is measured
    /// and compared with the published ones.
    /// # Fix
    /// Use a group of 2048 bits or more, or ECDHE only.
    /// # Sources
    /// CVE-2015-4000 (Logjam, weakdh.org); RFC 7919; RFC 9325 section 4.4.
    "tls.dh_small", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    // Where DHE is known to be refused there is no group to be small.
    if matches!(super::accepted(case, SuiteClass::Dhe), Ok(None)) {
        return CLEAR;
    }
    let Some(dh) = known_if_applicable(&case.tls()?.dh)? else { return CLEAR };
    if dh.bits >= case.profile.thresholds.dh_min_bits {
        return CLEAR;
    }
    let severity = if dh.bits <= 1024 { Severity::High } else { Severity::Medium };
    let shared = match &dh.known_prime {
        Some(name) => {
            format!(" The prime is a published one ({name}): the work to break it pays for many servers.")
        }
        None => String::new(),
    };
    case.finding(&CHECK, severity, format!("{} uses a Diffie-Hellman group of {} bits", case.host(), dh.bits))
        .detail(format!("Senders that choose DHE are that weakly protected.{shared}"))
        .fix("dh")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::accept(e, SuiteClass::Dhe);
        sample::dh(e).bits = 1024;
    },
    undetermined: |e| {
        sample::accept(e, SuiteClass::Dhe);
        sample::tls(e).dh = sample::failed();
    },
}
