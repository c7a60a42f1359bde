//! The product's words, as types: what was asked ([`Target`]), what was observed
//! ([`Evidence`]), what it means ([`Finding`], [`Verdict`], [`Grade`]) and the whole
//! answer ([`Report`]).
//!
//! Parts, in the order in which a scan meets them:
//!
//! - [`observed`]: every fact is seen, not tried, or failed, and the last two say why.
//! - [`target`]: what the user named.
//! - [`dns`]: answers and their DNSSEC status.
//! - [`smtp`]: replies, EHLO, the stages of a conversation, transcripts.
//! - [`software`]: the mail servers whose settings are known.
//! - [`tls`]: versions, suites, groups and what a server did with them.
//! - [`audit`]: what only an audit asks: whole lists, and how the server bears attacks.
//! - [`certificate`]: certificates as presented, and the path to a root.
//! - [`policy`]: what a domain published (MTA-STS, DANE, TLS-RPT, CAA).
//! - [`identity`]: who may send as a domain (SPF, DKIM, DMARC).
//! - [`evidence`]: all of the above for one target.
//! - [`publication`]: what should be published, ready to be copied.
//! - [`finding`], [`grade`], [`sender`], [`client`], [`report`]: the judgement.
//! - [`change`]: what differs from an earlier scan.
//! - [`threshold`]: when a report is a failure.
//! - [`lint`]: texts that are about to be published.
//! - [`mail`]: what became of a message, whoever told it.
//! - [`diagnosis`]: why, who must act, and what to change; [`reference`](mod@reference): the same
//!   knowledge to look things up in.
//! - [`tls_report`], [`dmarc_report`]: what other people's servers report about a domain.
//! - [`logs`]: many of them, counted.
//! - [`confirmation`]: what tests said of a diagnosis.
//!
//! This crate holds data and the small functions that follow from it alone. It never
//! does I/O, never reads a clock and never decides whether something is good or bad.

pub mod audit;
pub mod certificate;
pub mod change;
pub mod client;
pub mod confirmation;
pub mod diagnosis;
pub mod dmarc_report;
pub mod dns;
pub mod evidence;
pub mod finding;
pub mod grade;
pub mod identity;
pub mod lint;
pub mod logs;
pub mod mail;
pub mod observed;
pub mod policy;
pub mod publication;
pub mod queue;
pub mod reference;
pub mod report;
pub mod revocation;
pub mod sender;
pub mod smtp;
pub mod software;
pub mod target;
pub mod threshold;
pub mod tls;
pub mod tls_report;

pub use certificate::{CertificateFacts, PresentedChain};
pub use change::Comparison;
pub use confirmation::Confirmation;
pub use diagnosis::Diagnosis;
pub use dmarc_report::DmarcReport;
pub use dns::{DnsAnswer, DnssecStatus};
pub use evidence::{DomainEvidence, Endpoint, EndpointEvidence, Evidence, TlsStart, Usage};
pub use finding::{Confidence, Finding, Severity, Verdict, VerdictKind};
pub use grade::{Grade, Letter};
pub use logs::LogSummary;
pub use mail::MailEvent;
pub use observed::{Cause, Observed, Party, Why};
pub use report::Report;
pub use software::Mta;
pub use target::Target;
pub use threshold::{Standing, Threshold};
pub use tls_report::TlsReport;

/// Version of the JSON that reports and evidence carry in `schema_version`.
///
/// It changes only by addition: a reader of version 1 reads every later 1.
pub const SCHEMA_VERSION: u32 = 1;
