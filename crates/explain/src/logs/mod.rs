//! Many events of logs, counted in bounded memory.
//!
//! - [`input`]: bytes to lines, unpacked if need be; [`LogRun`] reads files one after another.
//! - [`summary`]: the counts of it all: how mail went out, what failed, what waits.
//! - `domains`, `causes`, `waiting`, `times`: one table each. All are bounded: what is folded
//!   away is counted under others, and said.
//! - [`zone`]: how far a zone is from UTC, for times that name none.
//! - [`filter`]: which events count.
//! - `site`: who runs a host.
//! - [`change`]: what differs from an earlier run.
//! - [`policy`]: domains to check, and a table for Postfix of those that may be held to TLS.
//!
//! [`LogRun`]: input::LogRun

mod causes;
pub mod change;
mod domains;
pub mod filter;
pub mod input;
pub mod policy;
mod site;
pub mod summary;
mod times;
mod waiting;
pub mod zone;

pub use filter::Filter;
pub use input::LogRun;
pub use summary::Summarizer;
