//! From a target to its report: names, endpoints, probing, judgement.
//!
//! Parts, in the order in which a scan meets them:
//!
//! - [`names`]: MX, addresses and reverse names of a domain, and what they mean.
//! - [`published`]: what a domain publishes for senders: MTA-STS, TLS-RPT, TLSA records.
//! - [`ports`]: which port means what, and how TLS starts there.
//! - [`identity`], [`caa`]: who may send as a domain, and who may issue certificates for
//!   its hosts, asked beside the probing.
//! - `clients`: hellos of real clients, sent on request.
//! - [`issuers`]: whether certificates are revoked, asked on request.
//! - [`one`]: one target to one report.
//! - [`many`]: several targets with bounded parallelism; endpoints that several targets
//!   share are questioned once.
//! - [`event`]: what happens meanwhile, for progress bars and streams.
//! - [`confirm`]: the questions that confirm or refute a diagnosis.
//! - [`clock`]: the time of day, handed to the pure floors.
//!
//! Servers are questioned by `waxseal-probe`, names and policy files are asked for through
//! `waxseal-net`; what the answers mean for anybody is for `waxseal-judge` to say.

mod asker;
pub mod caa;
mod clients;
pub mod clock;
pub mod confirm;
pub mod event;
pub mod identity;
pub mod issuers;
pub mod many;
pub mod names;
pub mod one;
pub mod ports;
pub mod published;

pub use confirm::Confirmer;
pub use event::{Events, ScanEvent};
pub use identity::IdentityOptions;
pub use issuers::{CertificateLookups, CertificateOptions};
pub use one::{AuditLookups, ScanOptions, Scanner};
