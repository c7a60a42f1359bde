//! The same finding at several endpoints is one block.

use std::collections::{BTreeMap, BTreeSet};

use waxseal_model::{Confidence, Endpoint, Finding, Report, Severity};

/// Host names in a title are not longer than this in sum.
const LONGEST: usize = 40;

/// Findings that say the same of one or several endpoints.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    key: Key<'a>,
    pub(crate) findings: Vec<&'a Finding>,
    /// The first of them, for what they share.
    pub(crate) head: &'a Finding,
    /// What is said in detail, each once, with the first endpoint of which it is said.
    pub(crate) details: Vec<(Option<&'a str>, &'a str)>,
}

/// What findings of one group share: texts with the endpoint's own name left out.
#[derive(Debug, PartialEq, Eq)]
struct Key<'a> {
    check: &'a str,
    severity: Severity,
    confidence: Confidence,
    title: String,
    fix: String,
}

impl Group<'_> {
    /// The ids of the endpoints; none stands for the domain.
    pub(crate) fn endpoints(&self) -> Vec<Option<&str>> {
        self.findings.iter().map(|f| f.endpoint.as_deref()).collect()
    }

    /// The commands that test it again, each once.
    pub(crate) fn retests(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let commands = self.findings.iter().map(|f| f.retest.as_str());
        commands.filter(|c| !c.is_empty() && seen.insert(*c)).collect()
    }

    /// True if what mends this mends the other too.
    pub(crate) fn same_fix(&self, other: &Self) -> bool {
        self.key.fix == other.key.fix
    }
}

/// The findings of a report in groups: worst first, then the most important.
pub(crate) fn groups(report: &Report) -> Vec<Group<'_>> {
    let known: BTreeMap<String, &Endpoint> =
        report.endpoints.iter().map(|e| (e.endpoint.id(), &e.endpoint)).collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in &report.findings {
        let endpoint = finding.endpoint.as_deref().and_then(|id| known.get(id)).copied();
        let key = Key {
            check: &finding.check,
            severity: finding.severity,
            confidence: finding.confidence,
            title: nameless(&finding.title, endpoint),
            fix: nameless(&finding.fix, endpoint),
        };
        let detail = (finding.endpoint.as_deref(), finding.detail.as_str());
        match groups.iter_mut().find(|g| g.key == key) {
            Some(group) => {
                let own = nameless(&finding.detail, endpoint);
                let said = group
                    .details
                    .iter()
                    .any(|(id, text)| nameless(text, id.and_then(|id| known.get(id)).copied()) == own);
                if !said {
                    group.details.push(detail);
                }
                group.findings.push(finding);
            }
            None => groups.push(Group { key, findings: vec![finding], head: finding, details: vec![detail] }),
        }
    }
    groups.sort_by_key(|g| std::cmp::Reverse((g.head.severity, g.head.importance)));
    groups
}

/// A text with the names of its own endpoint left out, for comparing.
pub(crate) fn nameless(text: &str, endpoint: Option<&Endpoint>) -> String {
    let Some(endpoint) = endpoint else { return text.to_owned() };
    let text = text.replace(&endpoint.address.to_string(), "\u{1}");
    match endpoint.host.as_deref() {
        Some(host) if !host.is_empty() => text.replace(host, "\u{1}"),
        _ => text,
    }
}

/// Where: `mx1.example.com[192.0.2.25]:25, …`, `all 4 addresses`, `the domain`. At most
/// `limit` addresses are listed; 0 is no limit.
pub(crate) fn places(report: &Report, endpoints: &[Option<&str>], limit: usize) -> String {
    let named: BTreeSet<&str> = endpoints.iter().flatten().copied().collect();
    let answered: BTreeSet<String> =
        report.endpoints.iter().filter(|e| e.evidence.reached()).map(|e| e.endpoint.id()).collect();
    let all = answered.len() > 1 && answered.iter().all(|id| named.contains(id.as_str()));
    let mut places: Vec<String> = Vec::new();
    if endpoints.iter().any(Option::is_none) {
        places.push("the domain".into());
    }
    if all && named.len() == answered.len() {
        let silent = answered.len() < report.endpoints.len();
        let number = if answered.len() == 2 { "both".into() } else { format!("all {}", answered.len()) };
        places.push(format!("{number} addresses{}", if silent { " that answered" } else { "" }));
    } else {
        places.extend(named.iter().map(|id| (*id).to_owned()));
    }
    super::list(&places, limit)
}

/// The title of a group with the hosts that it does not name: `… (mx2.example.com)`,
/// `mx1.example.com … (likewise mx2.example.com)`, `… (2 of 3 hosts)`. Hosts go without
/// saying where there is but one.
pub(crate) fn title(report: &Report, group: &Group<'_>) -> String {
    let title = &group.head.title;
    let names: BTreeMap<String, String> =
        report.endpoints.iter().map(|e| (e.endpoint.id(), host(&e.endpoint))).collect();
    let all: BTreeSet<&str> = names.values().map(String::as_str).collect();
    let ids = group.endpoints();
    let hosts: BTreeSet<&str> =
        ids.iter().flatten().map(|id| names.get(*id).map_or(*id, String::as_str)).collect();
    let (said, others): (Vec<&str>, Vec<&str>) = hosts.iter().partition(|h| title.contains(**h));
    if others.is_empty() || all.len() < 2 {
        return title.clone();
    }
    let listed = others.join(" and ");
    let fits = listed.len() <= LONGEST;
    match (said.is_empty(), fits) {
        (true, _) if hosts.len() == all.len() && all.len() == 2 => format!("{title} (both hosts)"),
        (true, _) if hosts.len() == all.len() => format!("{title} (all {} hosts)", all.len()),
        (true, true) => format!("{title} ({listed})"),
        (true, false) => format!("{title} ({} of {} hosts)", hosts.len(), all.len()),
        (false, true) => format!("{title} (likewise {listed})"),
        (false, false) => format!("{title} (likewise {})", crate::when::count(others.len(), "other host")),
    }
}

/// The name of an endpoint's host, or its address.
pub(crate) fn host(endpoint: &Endpoint) -> String {
    endpoint.host.clone().filter(|h| !h.is_empty()).unwrap_or_else(|| endpoint.address.to_string())
}
