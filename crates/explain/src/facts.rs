//! What follows from an event's own words: codes, stage, hosts.

use waxseal_model::MailEvent;

/// Fills what the reader left open and the event's text says: reply code, enhanced status,
/// stage (`in reply to RCPT TO command`, `after RCPT TO`), the remote host. What is there
/// already stays.
pub fn complete(event: &mut MailEvent) {
    let _ = event;
}
