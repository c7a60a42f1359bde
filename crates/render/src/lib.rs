//! Reports for people and for programs: values in, a `String` out.
//!
//! One file per format, in the order in which a reader meets them:
//!
//! - [`mod@text`]: the page that `waxseal check` prints for one target.
//! - [`text::story`]: the same in a few lines, for many targets in a row.
//! - [`mod@summary`]: several targets, one line each.
//! - [`mod@transcript`]: what was said, line by line, with times.
//! - [`mod@json`] and [`mod@schema`]: what `--json` prints, and its JSON Schema.
//! - [`mod@evidence`]: evidence files, written and read.
//! - [`mod@dns`]: one DNS answer with its DNSSEC status.
//! - [`mod@publication`]: what to publish, and DANE at a host.
//! - [`mod@lint`]: a text that is about to be published.
//! - [`mod@senders`]: one sender's verdict, and the list of senders.
//! - [`mod@clients`]: the list of clients whose hellos are known.
//! - [`mod@manual`]: the list of checks, and the manual of one.
//!
//! Beneath them: `guard` makes foreign text harmless, `page` and `table` lay out, `words`
//! and `when` hold the words, symbols and dates that the formats share.
//!
//! This crate chooses layout and nothing else. It does no I/O, reads no clock (`now` is
//! handed in) and never decides whether something is good or bad: every judgement that
//! it prints stands in the report.

pub mod clients;
pub mod dns;
pub mod evidence;
mod guard;
pub mod json;
pub mod lint;
pub mod manual;
mod page;
pub mod publication;
pub mod schema;
pub mod senders;
mod style;
pub mod summary;
mod table;
pub mod text;
pub mod transcript;
mod when;
mod words;

pub use guard::harmless;
pub use json::json;
pub use style::Style;
pub use summary::summary;
pub use text::{TextOptions, story, text};
pub use transcript::transcript;
