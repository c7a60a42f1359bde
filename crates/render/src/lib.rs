//! Reports for people and for programs: values in, a `String` out.
//!
//! One file per format, in the order in which a reader meets them:
//!
//! - [`mod@text`]: the page that `waxseal check` prints for one target.
//! - [`text::story`]: the same in a few lines, for many targets in a row.
//! - [`mod@summary`]: several targets, one line each.
//! - [`mod@html`]: one file for browsers, paper and screen readers.
//! - [`mod@markdown`]: for tickets and pull requests.
//! - [`mod@transcript`]: what was said, line by line, with times.
//! - [`mod@json`] and [`mod@schema`]: what `--json` prints, and its JSON Schema.
//! - [`mod@csv`], [`mod@junit`], [`mod@sarif`], [`mod@nagios`]: for spreadsheets, pipelines, code
//!   hosts and monitoring.
//! - [`mod@changes`]: what changed since an earlier scan.
//! - [`mod@evidence`]: evidence files, written and read.
//! - [`mod@diagnosis`]: why a message was not delivered, and what to change.
//! - [`mod@logs`]: many deliveries of mail logs, counted.
//! - [`mod@dns`]: one DNS answer with its DNSSEC status.
//! - [`mod@publication`]: what to publish, and DANE at a host.
//! - [`mod@lint`]: a text that is about to be published.
//! - [`mod@senders`]: one sender's verdict, and the list of senders.
//! - [`mod@clients`]: the list of clients whose hellos are known.
//! - [`mod@manual`]: the list of checks, and the manual of one.
//!
//! Beneath them: `audit` sorts what is known of TLS for all formats, `guard` makes foreign
//! text harmless, `page` and `table` lay out text, `paste` tells commands from sentences,
//! `words` and `when` hold the words, symbols and dates that the formats share.
//!
//! This crate chooses layout and nothing else. It does no I/O, reads no clock (`now` is
//! handed in) and never decides whether something is good or bad: every judgement that
//! it prints stands in the report.

mod audit;
pub mod changes;
pub mod clients;
pub mod csv;
pub mod diagnosis;
pub mod dns;
pub mod evidence;
mod guard;
pub mod html;
pub mod json;
pub mod junit;
pub mod lint;
pub mod logs;
pub mod manual;
pub mod markdown;
pub mod nagios;
mod page;
mod paste;
pub mod publication;
pub mod queue;
pub mod sarif;
pub mod schema;
pub mod senders;
mod style;
pub mod summary;
mod table;
pub mod text;
pub mod transcript;
mod when;
mod words;

pub use changes::changes;
pub use csv::csv;
pub use guard::harmless;
pub use html::{HtmlOptions, html};
pub use json::{json, jsonl};
pub use junit::junit;
pub use markdown::{MarkdownOptions, markdown};
pub use nagios::nagios;
pub use sarif::sarif;
pub use style::Style;
pub use summary::summary;
pub use text::{TextOptions, story, text};
pub use transcript::transcript;
