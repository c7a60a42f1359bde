//! What a record and all that it includes cost: the most lookups that any evaluation can
//! come to, and what would end it with an error (RFC 7208 section 4.6.4).

use waxseal_model::identity::{SpfCost, SpfPart};

use super::record::{self, Directive, Mechanism, Record};
use crate::{
    query::{Answer, Question, RecordType, is_askable},
    text::neutralise,
};

/// Records that are read: far more than any evaluation gets to.
const MOST_RECORDS: usize = 30;
/// Names of `a`, `mx` and `exists` terms that are asked for.
const MOST_NAMES: usize = 20;
/// Entries of one kind that are kept.
const MOST_NOTES: usize = 20;

/// How far the counting came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CostStep {
    /// These answers are missing; it is to be begun again with them. All of them can be
    /// looked up at once.
    Needs(Vec<Question>),
    /// It is done.
    Done(SpfCost),
}

/// Counts what the policy of a domain costs whoever evaluates it for the sender that is
/// dearest to it: the one that no term matches before the end.
///
/// Includes and redirects are followed; what depends on the sender (macros) is counted
/// and not followed.
pub fn cost(domain: &str, answers: &dyn Fn(&Question) -> Option<Answer>) -> CostStep {
    let mut count = Count { answers, missing: Vec::new(), cost: SpfCost::default(), names: 0 };
    count.record(domain, 0, &mut Vec::new());
    if count.missing.is_empty() { CostStep::Done(count.cost) } else { CostStep::Needs(count.missing) }
}

struct Count<'a> {
    answers: &'a dyn Fn(&Question) -> Option<Answer>,
    missing: Vec<Question>,
    cost: SpfCost,
    names: usize,
}

impl Count<'_> {
    /// Counts the record of `domain`; `path` are the records that led here.
    fn record(&mut self, domain: &str, depth: u32, path: &mut Vec<String>) {
        let shown = neutralise(domain.as_bytes(), 255);
        if path.iter().any(|p| p.eq_ignore_ascii_case(domain)) {
            self.error(format!("{shown} includes itself: {} -> {shown}", path.join(" -> ")));
            return;
        }
        if self.cost.parts.len() >= MOST_RECORDS {
            self.uncounted(format!("{shown}: more than {MOST_RECORDS} records"));
            return;
        }
        let Some(record) = self.read(domain, &shown) else { return };
        let terms = counted(&record);
        let redirect = record.redirect.as_ref().filter(|_| !has_all(&record));
        let own = terms.iter().filter(|d| d.mechanism.needs_dns()).count() + usize::from(redirect.is_some());
        let own = u32::try_from(own).unwrap_or(u32::MAX);
        self.cost.lookups = self.cost.lookups.saturating_add(own);
        self.cost.parts.push(SpfPart { domain: shown.clone(), depth, lookups: own });
        let uses_p = |d: &Directive| d.mechanism.domain().is_some_and(|s| s.0.uses_p());
        if terms.iter().any(|d| matches!(d.mechanism, Mechanism::Ptr(_)) || uses_p(d)) {
            note(&mut self.cost.ptr, shown);
        }
        path.push(domain.to_owned());
        for directive in terms {
            self.follow(directive, domain, depth, path);
        }
        if let Some(target) = redirect {
            match target.is_literal() {
                true => self.record(&fixed(target), depth, path),
                false => self.uncounted(format!("redirect={} depends on the sender", target.text)),
            }
        }
        path.pop();
    }

    fn follow(&mut self, directive: &Directive, domain: &str, depth: u32, path: &mut Vec<String>) {
        let spec = directive.mechanism.domain().map(|s| &s.0);
        if spec.is_some_and(|s| !s.is_literal()) {
            if matches!(directive.mechanism, Mechanism::Include(_)) {
                let text = neutralise(directive.text.as_bytes(), 255);
                self.uncounted(format!("{text} depends on the sender"));
            }
            return;
        }
        let name = spec.map_or_else(|| domain.to_owned(), fixed);
        match directive.mechanism {
            Mechanism::Include(_) => self.record(&name, depth + 1, path),
            Mechanism::A(..) => self.is_there(&name, &[RecordType::A, RecordType::Aaaa]),
            Mechanism::Mx(..) => self.is_there(&name, &[RecordType::Mx]),
            Mechanism::Exists(_) => self.is_there(&name, &[RecordType::A]),
            Mechanism::All | Mechanism::Ip(..) | Mechanism::Ptr(_) => {}
        }
    }

    /// Notes names that have no record of any of these types.
    fn is_there(&mut self, name: &str, types: &[RecordType]) {
        if !is_askable(name) || self.names >= MOST_NAMES {
            return;
        }
        self.names += 1;
        let mut all_void = true;
        for rtype in types {
            match self.ask(name, *rtype) {
                Some(answer) => all_void &= answer.is_void(),
                None => return,
            }
        }
        let name = neutralise(name.as_bytes(), 255);
        if all_void {
            note(&mut self.cost.void, name);
        }
    }

    fn read(&mut self, domain: &str, shown: &str) -> Option<Record> {
        if !is_askable(domain) {
            self.error(format!("\"{shown}\" is no domain name"));
            return None;
        }
        let answer = self.ask(domain, RecordType::Txt)?;
        if let Answer::Failed(why) = &answer {
            self.uncounted(format!("{shown} could not be looked up: {why}"));
            return None;
        }
        let records: Vec<&str> = answer.texts().filter(|t| record::is_spf(t)).collect();
        match records.as_slice() {
            [] => self.error(format!("{shown} has no SPF record")),
            [text] => match record::parse(text) {
                Ok(record) => return Some(record),
                Err(e) => self.error(format!("the record of {shown} cannot be read: {e}")),
            },
            several => self.error(format!("{shown} has {} SPF records", several.len())),
        }
        None
    }

    fn ask(&mut self, name: &str, rtype: RecordType) -> Option<Answer> {
        let question = Question::new(name, rtype);
        let answer = (self.answers)(&question);
        if answer.is_none() && !self.missing.contains(&question) {
            self.missing.push(question);
        }
        answer
    }

    fn error(&mut self, text: String) {
        note(&mut self.cost.errors, text);
    }

    fn uncounted(&mut self, text: String) {
        note(&mut self.cost.uncounted, neutralise(text.as_bytes(), 400));
    }
}

/// Adds what is not there yet, as long as the list stays one that somebody reads.
fn note(list: &mut Vec<String>, text: String) {
    if list.len() < MOST_NOTES && !list.contains(&text) {
        list.push(text);
    }
}

/// The terms up to `all`: what stands behind is never evaluated.
fn counted(record: &Record) -> &[Directive] {
    let end = record.directives.iter().position(|d| d.mechanism == Mechanism::All);
    record.directives.get(..end.unwrap_or(record.directives.len())).unwrap_or_default()
}

fn has_all(record: &Record) -> bool {
    record.directives.iter().any(|d| d.mechanism == Mechanism::All)
}

/// A name without macros; `%%`, `%_` and `%-` may stand in it.
fn fixed(spec: &super::macros::MacroString) -> String {
    let name = spec.expand(|_| Ok::<_, std::convert::Infallible>(String::new()));
    let name = match name {
        Ok(name) => name,
        Err(never) => match never {},
    };
    name.strip_suffix('.').unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Data;

    fn counted(zone: &[(&str, &str)]) -> SpfCost {
        let answers = |q: &Question| {
            let texts = zone.iter().filter(|(name, _)| *name == q.name && q.rtype == RecordType::Txt);
            let data: Vec<Data> = texts.map(|(_, text)| Data::Txt((*text).to_owned())).collect();
            let there = q.name.starts_with("mx.") && q.rtype == RecordType::A;
            Some(match (data.is_empty(), there) {
                (false, _) => Answer::Records(data),
                (true, true) => Answer::Records(vec![Data::A([192, 0, 2, 1].into())]),
                (true, false) => Answer::NoName,
            })
        };
        match cost("example.com", &answers) {
            CostStep::Done(cost) => cost,
            CostStep::Needs(questions) => panic!("{questions:?}"),
        }
    }

    #[test]
    fn includes_and_redirects_are_counted_with_what_they_bring() {
        let cost = counted(&[
            ("example.com", "v=spf1 a:mx.example.com include:a.example include:b.example redirect=c.example"),
            ("a.example", "v=spf1 ip4:192.0.2.1 include:d.example a:void.example ?all mx"),
            ("b.example", "v=spf1 exists:%{i}.b.example include:%{l}.b.example"),
            ("c.example", "v=spf1 ptr -all redirect=a.example"),
            ("d.example", "v=spf1 -all"),
        ]);
        assert_eq!(cost.lookups, 4 + 2 + 2 + 1);
        let parts: Vec<(&str, u32, u32)> =
            cost.parts.iter().map(|p| (p.domain.as_str(), p.depth, p.lookups)).collect();
        let expected = [
            ("example.com", 0, 4),
            ("a.example", 1, 2),
            ("d.example", 2, 0),
            ("b.example", 1, 2),
            ("c.example", 0, 1),
        ];
        assert_eq!(parts, expected);
        assert_eq!(cost.uncounted, ["include:%{l}.b.example depends on the sender"]);
        assert_eq!((cost.void, cost.ptr), (vec!["void.example".to_owned()], vec!["c.example".to_owned()]));
        assert!(cost.errors.is_empty());
    }

    #[test]
    fn loops_and_missing_records_are_errors_and_end() {
        let cost = counted(&[
            ("example.com", "v=spf1 include:a.example include:gone.example -all"),
            ("a.example", "v=spf1 include:Example.com"),
        ]);
        assert_eq!(
            cost.errors,
            [
                "Example.com includes itself: example.com -> a.example -> Example.com",
                "gone.example has no SPF record"
            ]
        );
    }

    #[test]
    fn a_record_included_twice_counts_twice() {
        let cost = counted(&[
            ("example.com", "v=spf1 include:a.example include:a.example -all"),
            ("a.example", "v=spf1 a:mx.a.example -all"),
        ]);
        assert_eq!(cost.lookups, 4);
    }

    #[test]
    fn a_tree_of_includes_is_cut() {
        let mut zone =
            vec![("example.com".to_owned(), "v=spf1 include:n0.example include:n0.example".to_owned())];
        for n in 0..20 {
            let next = n + 1;
            let text = format!("v=spf1 include:n{next}.example include:n{next}.example -all");
            zone.push((format!("n{n}.example"), text));
        }
        let zone: Vec<(&str, &str)> = zone.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let cost = counted(&zone);
        assert!(cost.parts.len() <= MOST_RECORDS && !cost.uncounted.is_empty(), "{cost:?}");
    }
}
