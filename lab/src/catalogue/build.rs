//! The shape of a domain before it has addresses.

use super::{AuditExpect, Expect, expect::unprotected};
use crate::{
    dns::spec::{Fault, Signing},
    pki::Leaf,
    servers::{
        Service,
        https::{Policy, Reply},
        smtp::Smtp,
    },
    tlsa::Tlsa,
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
    /// How a zone beside the domain's own is signed, `LABEL-hosts.lab.test`, for hosts that
    /// live there; none where there is no such zone.
    pub(crate) aside: Option<Signing>,
    /// What is published by MTA-STS.
    pub(crate) sts: Option<Sts>,
    /// The domain names addresses beyond loopback, for those who must not go there.
    pub(crate) outside: bool,
    /// What a right audit says, for the cases in `audit`.
    pub(crate) audit: AuditExpect,
}

/// What a domain publishes by MTA-STS (RFC 8461); the default's record is a sound one.
#[derive(Debug, Clone)]
pub(crate) struct Sts {
    /// Zone-file lines of the record.
    pub(crate) record: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) place: Place,
}

/// Where the policy host `mta-sts` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where it serves the policy.
    Here,
    /// At an address of the lab where nothing listens.
    Closed,
    /// Nowhere: the name does not exist.
    Nowhere,
    /// Outside of the lab, `A 10.0.0.1`.
    At(&'static str),
}

/// A host of a domain.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// First label; empty for the domain's own name.
    pub(crate) label: &'static str,
    pub(crate) services: Vec<(u16, Service)>,
    pub(crate) family: Family,
    /// TLSA records for port 25.
    pub(crate) tlsa: Vec<Tlsa>,
    /// The host lives in the zone beside the domain's own.
    pub(crate) aside: bool,
    pub(crate) ptr: Ptr,
}

/// The reverse name of a host's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ptr {
    /// The host's name.
    Own,
    /// None.
    Missing,
    /// This one.
    Other(&'static str),
}

/// Which address a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// A domain with one sound mail server, no policy, and these zone-file lines.
pub(super) fn with_records(
    label: &'static str,
    summary: &'static str,
    found: &'static [&'static str],
    lines: &[&str],
) -> Domain {
    let domain = Domain::with_mx(label, summary, unprotected(found), Smtp::default());
    lines.iter().fold(domain, |domain, line| domain.record(*line))
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
            aside: None,
            sts: None,
            outside: false,
            audit: AuditExpect::default(),
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

    pub(crate) fn sts(mut self, sts: Sts) -> Self {
        self.sts = Some(sts);
        self
    }

    /// Says that the domain names addresses beyond loopback.
    pub(crate) fn outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// Adds a zone beside the domain's own.
    pub(crate) fn with_aside(mut self, signing: Signing) -> Self {
        self.aside = Some(signing);
        self
    }

    pub(crate) fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// The name of the zone beside the domain's own.
    pub(crate) fn name_aside(&self) -> String {
        format!("{}-hosts.lab.test", self.label)
    }

    /// The domain's name in DNS.
    pub(crate) fn name(&self) -> String {
        format!("{}.lab.test", self.label)
    }
}

impl Sts {
    /// A sound record, and this file served as it should be.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            record: vec!["_mta-sts TXT \"v=STSv1; id=20260101T000000\"".to_owned()],
            policy: Policy { text: text.into(), ..Policy::default() },
            place: Place::Here,
        }
    }

    /// Other lines instead of the sound record.
    pub(crate) fn record(mut self, lines: &[&str]) -> Self {
        self.record = lines.iter().map(|l| (*l).to_owned()).collect();
        self
    }

    pub(crate) fn reply(mut self, reply: Reply) -> Self {
        self.policy.reply = reply;
        self
    }

    /// The policy host's certificate.
    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.policy.tls.leaf = leaf;
        self
    }

    pub(crate) fn place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }
}

impl Host {
    pub(crate) fn new(label: &'static str, services: Vec<(u16, Service)>) -> Self {
        Self { label, services, family: Family::V4, tlsa: Vec::new(), aside: false, ptr: Ptr::Own }
    }

    pub(crate) fn tlsa(mut self, tlsa: &[Tlsa]) -> Self {
        self.tlsa = tlsa.to_vec();
        self
    }

    pub(crate) fn ptr(mut self, ptr: Ptr) -> Self {
        self.ptr = ptr;
        self
    }

    /// Puts the host into the zone beside the domain's own.
    pub(crate) fn aside(mut self) -> Self {
        self.aside = true;
        self
    }

    pub(crate) fn v6(mut self) -> Self {
        self.family = Family::V6;
        self
    }
}
