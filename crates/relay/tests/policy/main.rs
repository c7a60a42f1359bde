//! Routes to the lab's domains: what is demanded there, what is kept over a restart, and what
//! becomes of it when names fail.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may end at the first surprise"
)]

mod cache;
mod explained;
mod stage;
mod sts;
mod table;
mod unsigned;
