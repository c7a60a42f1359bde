//! Mails that say in their structure what they are.
//!
//! - [`rfc3464`]: delivery status notifications; [`fields`] reads their fields, [`notice`]
//!   what their human-readable part adds.
//! - [`arf`]: complaints (RFC 5965) and what providers send in their place.
//! - [`sns`]: what Amazon SES reports as JSON.
//! - [`mdn`]: rejections in the form of a receipt (RFC 5429).
//! - [`auto`]: automatic answers (RFC 3834).

use super::Decoder;

mod arf;
mod auto;
mod fields;
mod mdn;
mod notice;
mod rfc3464;
mod sns;
mod words;

/// Name and decoder of each format that is read before the bounces for people.
pub(super) const DECODERS: &[(&str, Decoder)] = &[
    ("ses_notification", sns::decode),
    ("arf", arf::decode),
    ("rejection", mdn::decode),
    (RFC3464, rfc3464::decode),
];

/// The format whose events the prose around it may complete.
pub(super) const RFC3464: &str = "rfc3464";

/// Name and decoder of each format that is read after them: bounces that nobody could read
/// as such may also call themselves automatic answers.
pub(super) const LAST: &[(&str, Decoder)] = &[("auto_reply", auto::decode)];

pub(super) use rfc3464::enrich;
pub(super) use words::{same, says_nothing, status, time};

/// The address in a field such as `Name <user@example.com>`.
fn address_of(field: &str) -> Option<String> {
    let inside = match field.rsplit_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => field
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ';'))
            .find(|w| w.contains('@'))?,
    };
    words::mailbox(inside).filter(|address| address.contains('@'))
}
