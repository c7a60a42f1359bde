//! The checks that results refer to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use waxseal_model::{Report, Severity, VerdictKind};

use super::{clean, level, security_severity};
use crate::manual::Manual;

/// Those of this run, by id, each with the worst severity that it was found with.
pub(super) struct Rules<'a> {
    ids: Vec<&'a str>,
    worst: BTreeMap<&'a str, Severity>,
    titles: BTreeMap<&'a str, &'a str>,
    known: &'a [Manual<'a>],
}

impl<'a> Rules<'a> {
    pub(super) fn new(reports: &'a [Report], known: &'a [Manual<'a>]) -> Self {
        let mut worst: BTreeMap<&str, Severity> = BTreeMap::new();
        let mut titles = BTreeMap::new();
        for finding in reports.iter().flat_map(|r| &r.findings) {
            let so_far = worst.entry(&finding.check).or_insert(finding.severity);
            *so_far = finding.severity.max(*so_far);
            titles.entry(finding.check.as_str()).or_insert(finding.title.as_str());
        }
        let open =
            reports.iter().flat_map(|r| &r.verdicts).filter(|v| v.verdict == VerdictKind::Undetermined);
        let ids: BTreeSet<&str> = worst.keys().copied().chain(open.map(|v| v.check.as_str())).collect();
        Self { ids: ids.into_iter().collect(), worst, titles, known }
    }

    /// The place of a check in the list.
    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    pub(super) fn descriptors(&self) -> Vec<Value> {
        self.ids.iter().map(|id| self.descriptor(id)).collect()
    }

    fn descriptor(&self, id: &str) -> Value {
        let known = self.known.iter().find(|rule| rule.id == id);
        let theme = id.split('.').next().unwrap_or_default();
        let mut properties = Map::new();
        properties.insert("tags".into(), json!(["security", "mail", clean(theme)]));
        properties.insert("precision".into(), "high".into());
        let mut out = Map::new();
        out.insert("id".into(), id.into());
        let title = known.map(|rule| rule.title).or_else(|| self.titles.get(id).copied()).unwrap_or(id);
        out.insert("shortDescription".into(), json!({ "text": clean(title) }));
        out.insert("fullDescription".into(), json!({ "text": clean(title) }));
        if let Some(rule) = known {
            let text = plain(rule.markdown);
            out.insert("fullDescription".into(), json!({ "text": description(rule) }));
            out.insert("help".into(), json!({ "text": text, "markdown": rule.markdown }));
        }
        if let Some(severity) = self.worst.get(id) {
            out.insert("defaultConfiguration".into(), json!({ "level": level(*severity) }));
            properties.insert("security-severity".into(), security_severity(*severity).into());
        }
        out.insert("properties".into(), Value::Object(properties));
        Value::Object(out)
    }
}

/// A manual without the marks of its headings.
fn plain(manual: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(heading) => format!("{}:", heading.trim_start_matches('#').trim()),
        None => line.to_owned(),
    };
    manual.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The title, and what the effect is.
fn description(rule: &Manual<'_>) -> String {
    let effect = rule.markdown.lines().skip_while(|l| l.trim() != "# Effect").skip(1);
    let effect: Vec<&str> = effect.take_while(|l| !l.starts_with('#')).map(str::trim).collect();
    format!("{} {}", rule.title, effect.join(" ").trim()).trim().to_owned()
}
