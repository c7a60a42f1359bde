//! What is known of the TLS of each endpoint, sorted for reading: the parts that the text
//! page, HTML and Markdown lay out, each in its own way.
//!
//! - `suites`: protocol versions, and the suites of each.
//! - `facts`: groups, signature schemes, extensions and behaviour.
//! - `attacks`: the table of attacks, from the verdicts.
//! - `chains`: certificates as trees, each chain once.
//! - `issuers`: what issuers and logs say about them.
//! - `clients`: which client connects with what.
//!
//! Marks such as `CBC` say what a name means; whether that matters is for findings to say.

pub(crate) mod attacks;
pub(crate) mod chains;
pub(crate) mod clients;
pub(crate) mod facts;
pub(crate) mod issuers;
pub(crate) mod suites;

use waxseal_model::{Endpoint, EndpointEvidence, Report};

use crate::text::group::nameless;

/// The TLS of one or several endpoints that are alike.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    pub(crate) endpoints: Vec<&'a Endpoint>,
    pub(crate) content: Content,
    /// The content with the endpoint's own names left out, for comparing.
    likeness: String,
}

impl Sheet<'_> {
    /// The ids of its endpoints.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.endpoints.iter().map(|e| e.id()).collect()
    }
}

/// What stands on a sheet.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) protocols: Vec<suites::Protocol>,
    pub(crate) suites: Vec<suites::Block>,
    pub(crate) groups: Vec<facts::Names>,
    pub(crate) signatures: Vec<facts::Names>,
    pub(crate) facts: Vec<facts::Fact>,
    pub(crate) attacks: Vec<attacks::Attack>,
}

/// The sheets of all endpoints with which TLS came about, in the order of the report.
pub(crate) fn sheets(report: &Report) -> Vec<Sheet<'_>> {
    let mut sheets: Vec<Sheet<'_>> = Vec::new();
    for endpoint in report.endpoints.iter().filter(|e| has_tls(e)) {
        let content = content(report, endpoint);
        let likeness = nameless(&format!("{content:?}"), Some(&endpoint.endpoint));
        match sheets.iter_mut().find(|s| s.likeness == likeness) {
            Some(sheet) => sheet.endpoints.push(&endpoint.endpoint),
            None => sheets.push(Sheet { endpoints: vec![&endpoint.endpoint], content, likeness }),
        }
    }
    sheets
}

/// True if the report is of an audit, at one endpoint at least.
pub(crate) fn is_audit(report: &Report) -> bool {
    !report.clients.is_empty() || report.endpoints.iter().any(|e| e.evidence.tls.audit.is_some())
}

/// Something was learnt of its TLS. Where nothing was, the one reason stands with what could
/// not be determined, and a sheet that repeats it in every row helps nobody.
fn has_tls(e: &EndpointEvidence) -> bool {
    let tls = &e.evidence.tls;
    tls.handshake.is_seen() || tls.versions.values().any(|v| v.is_seen())
}

fn content(report: &Report, e: &EndpointEvidence) -> Content {
    Content {
        protocols: suites::protocols(&e.evidence.tls),
        suites: suites::blocks(&e.evidence.tls),
        groups: facts::groups(&e.evidence.tls),
        signatures: facts::signatures(&e.evidence.tls),
        facts: facts::facts(&e.evidence),
        attacks: attacks::attacks(report, &e.endpoint.id()),
    }
}
