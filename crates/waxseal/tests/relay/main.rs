//! `waxseal relay` as a whole: the program itself between clients and servers on loopback.
//!
//! - [`house`]: a relay in a folder of its own, started, killed and started again.
//! - [`crash`]: killed over and over under load, nothing acknowledged may be missing.
//! - [`disk`]: a disk that is full, one that fails to flush, a damaged queue.
//! - [`mended`]: STARTTLS comes back, and the mail goes out by itself.
//! - [`operator`]: what the commands for the queue do.
//! - [`faults`]: the lab's broken and hostile servers; nothing goes in clear.
//! - [`metrics`]: what Prometheus and load balancers read.
//! - [`reports`]: TLS reports of a day that is over.
//! - [`neighbours`]: Postfix, Exim and OpenSMTPD as clients and as servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

mod crash;
mod disk;
mod faults;
mod house;
mod mended;
mod metrics;
mod neighbours;
mod operator;
mod reports;
