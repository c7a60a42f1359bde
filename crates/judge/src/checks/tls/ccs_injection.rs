//! Check [`tls.ccs_injection`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::CcsInjection;

check! {
    /// The server takes a ChangeCipherSpec before keys are agreed (CCS injection).
    ///
    /// # Effect
    /// An attacker on the path between this server and a client with an equally old OpenSSL
    /// gives both the same, empty keys, and reads and changes the session.
    /// # Method
    /// ChangeCipherSpec right after the server's hello. A sound server refuses it; a
    /// vulnerable one switches to keys that everybody knows, and says of the next record that
    /// it is ill deciphered (bad_record_mac, decryption_failed).
    /// # Fix
    /// Update OpenSSL to 0.9.8za, 1.0.0m, 1.0.1h or newer.
    /// # Sources
    /// CVE-2014-0224; RFC 5246 section 7.1 (when the message is due).
    "tls.ccs_injection", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(CcsInjection::Accepted { alert }) = known_if_applicable(&case.audit()?.ccs_injection)? else {
        return CLEAR;
    };
    case.finding(&CHECK, Severity::High, format!("{} takes keys before they are agreed (CCS injection)", case.host()))
        .detail(format!(
            "It took an early ChangeCipherSpec and tried to decipher what followed (alert {alert}). Between it and a \
             client with an OpenSSL from before June 2014, an attacker on the path reads and changes the mail."
        ))
        .fix("library")
        .found()
}

fixtures! {
    clear: |e| sample::audit(e).ccs_injection = Observed::seen(CcsInjection::Refused { alert: None }),
    found: |e| sample::audit(e).ccs_injection = Observed::seen(CcsInjection::Accepted { alert: 20 }),
    undetermined: |e| sample::audit(e).ccs_injection = sample::failed(),
}
