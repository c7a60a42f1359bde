//! From the words of a mail system to a cause: text -> [`MailEvent`] -> [`Diagnosis`].
//!
//! Parts, in the order in which a text meets them:
//!
//! - [`mod@read`]: recognises what was given (a reply, a transcript, a bounce, a log, a report)
//!   and reads the facts out of it, one [`MailEvent`] for each recipient. One file a format.
//! - [`facts`]: what follows from an event's own words: codes, stage, hosts.
//! - [`rules`]: what is known, as data: one TOML file a provider or subject in `rules/`,
//!   compiled by `build.rs`; and the causes that they name.
//! - [`engine`]: ranks the rules that fit an event; the verdict, its evidence, the runner-up.
//! - [`digest`]: many verdicts, counted by cause.
//! - [`mod@reference`]: the same knowledge as a book to look things up in.
//! - [`logs`]: many events of a log, counted in bounded memory.
//!
//! A new format touches no rule, and a new rule no code. This crate must not open files or
//! sockets, read a clock or the environment: bytes and the time of day are handed in. It says
//! what the text supports and nothing more: no recipient, code or host is made up.

pub mod digest;
pub mod engine;
pub mod facts;
pub mod logs;
pub mod read;
pub mod reference;
pub mod rules;
pub mod sisimai;

pub use engine::diagnose;
pub use read::{Given, InputKind, Reading, read};
pub use waxseal_model::{Diagnosis, MailEvent};
