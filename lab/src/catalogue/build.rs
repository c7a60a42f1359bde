//! The shape of a domain before it has addresses.

use super::Expect;
use crate::{
    dns::spec::{Fault, Signing},
    servers::{Service, smtp::Smtp},
};

/// A mail domain.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    /// First label in DNS; the rest is `lab.test`.
    pub(crate) label: &'static str,
    /// First label as people write it, where that is another.
    pub(crate) unicode: Option<&'static str>,
    pub(crate) summary: &'static str,
    /// Part of the demonstration; the others are for tests.
    pub(crate) demo: bool,
    pub(crate) expect: Expect,
    pub(crate) hosts: Vec<Host>,
    /// MX lines as in a zone file; `{HOST}` stands for that host's address.
    pub(crate) mx: Vec<&'static str>,
    /// Other lines, likewise.
    pub(crate) records: Vec<String>,
    pub(crate) signing: Signing,
    pub(crate) fault: Option<Fault>,
    /// The MTA-STS policy file.
    pub(crate) policy: Option<String>,
}

/// A host of a domain.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// First label; empty for the domain's own name.
    pub(crate) label: &'static str,
    pub(crate) services: Vec<(u16, Service)>,
    pub(crate) family: Family,
    pub(crate) tlsa: Mark,
}

/// Which address a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// A TLSA record `3 1 1` for port 25.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mark {
    #[default]
    None,
    /// Of the host's keys.
    Matching,
    /// Of another key.
    Mismatching,
}

impl Domain {
    /// A domain without hosts, with `@ MX 10 mx` and nothing wrong with its DNS.
    pub(crate) fn new(label: &'static str, summary: &'static str, expect: Expect) -> Self {
        Self {
            label,
            unicode: None,
            summary,
            demo: false,
            expect,
            hosts: Vec::new(),
            mx: vec!["@ MX 10 mx"],
            records: Vec::new(),
            signing: Signing::Nsec,
            fault: None,
            policy: None,
        }
    }

    /// A domain with one mail server, `mx`.
    pub(crate) fn with_mx(label: &'static str, summary: &'static str, expect: Expect, smtp: Smtp) -> Self {
        Self::new(label, summary, expect).host(Host::new("mx", vec![(25, Service::Smtp(smtp))]))
    }

    pub(crate) fn demo(mut self) -> Self {
        self.demo = true;
        self
    }

    pub(crate) fn host(mut self, host: Host) -> Self {
        self.hosts.push(host);
        self
    }

    pub(crate) fn mx(mut self, lines: &[&'static str]) -> Self {
        self.mx = lines.to_vec();
        self
    }

    pub(crate) fn record(mut self, line: impl Into<String>) -> Self {
        self.records.push(line.into());
        self
    }

    pub(crate) fn signing(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }

    /// The domain's name in DNS.
    pub(crate) fn name(&self) -> String {
        format!("{}.lab.test", self.label)
    }
}

impl Host {
    pub(crate) fn new(label: &'static str, services: Vec<(u16, Service)>) -> Self {
        Self { label, services, family: Family::V4, tlsa: Mark::None }
    }

    pub(crate) fn tlsa(mut self, tlsa: Mark) -> Self {
        self.tlsa = tlsa;
        self
    }

    pub(crate) fn v6(mut self) -> Self {
        self.family = Family::V6;
        self
    }
}
