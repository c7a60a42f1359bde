//! MTA-STS (RFC 8461): records, policy hosts, policy files and mail servers, each wrong in
//! its own way while the others are right.
//!
//! A domain is [`domain()`] with an [`Sts`]: start from [`enforce`] and change one thing. A
//! new way of answering is a [`crate::servers::https::Reply`]; a new content of the file is
//! only a text here.
//!
//! - `record`: the TXT record.
//! - `host`: the policy host, its certificate and its answers.
//! - `file`: the policy file.
//! - `mx`: MX hosts that a policy speaks of.

mod file;
mod host;
mod mx;
mod record;

use super::{Domain, Expect, Host, Place, Sts, expect::expect};
use crate::servers::{Service, smtp::Smtp};

pub(super) fn list() -> Vec<Domain> {
    [file::list(), record::list(), host::list(), mx::list()].concat()
}

/// A policy file as RFC 8461 section 3.2 shows it, for a week.
pub(super) fn text(mode: &str, mx: &[&str]) -> String {
    let patterns: String = mx.iter().map(|m| format!("mx: {m}\r\n")).collect();
    format!("version: STSv1\r\nmode: {mode}\r\n{patterns}max_age: 604800\r\n")
}

/// The MX host of a domain, as a policy names it.
fn own(label: &str) -> String {
    format!("mx.{label}.lab.test")
}

/// The sound record and policy of a domain with one MX.
fn enforce(label: &str) -> Sts {
    Sts::new(text("enforce", &[&own(label)]))
}

/// A domain with one sound mail server.
fn domain(label: &'static str, summary: &'static str, expect: Expect, sts: Sts) -> Domain {
    Domain::with_mx(label, summary, expect, Smtp::default()).sts(sts)
}

/// A sound mail server.
fn server(label: &'static str) -> Host {
    Host::new(label, vec![(25, Service::Smtp(Smtp::default()))])
}

/// The policy is in force and every MX fits it.
const ENFORCED: Expect = expect(&["A"], &[]);
