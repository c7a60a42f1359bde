//! The operator's rules: which of them holds for a delivery, and where mail is handed on.
//!
//! Of the rules that match the most specific holds, and it holds alone: nothing of the others
//! is added. What counts, in this order:
//!
//! 1. the recipient domain: an exact name before `*.example.com`, of those the longest, and
//!    `*` last;
//! 2. the MX host, by the same order; a rule without `mx` comes after all that name one;
//! 3. the sender: an address before `@` and a domain, and a rule without `sender` last;
//! 4. the place in the file: the earlier one.
//!
//! Without a match the default of `[policy]` holds. What a domain publishes comes on top of
//! any rule; only `override_published` leaves it aside, and that has to be said for a domain:
//! `*` is refused.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use waxseal_judge::delivery::{Operator, OperatorLevel};
use waxseal_wire::{target::name_to_ascii, text::neutralise};

use crate::config::{
    sections::{Policy, RouteRule, Rule, TlsLevel},
    values::{NamePattern, NextHop},
};

/// The longest reason that is shown, in characters.
const REASON_CHARS: usize = 200;

/// Why rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Published policies would be left aside for everybody.
    #[error(
        "the rule for \"*\" has override_published: published policies can only be left aside for a domain that \
         is named"
    )]
    OverrideForAll,
    /// A sender that is neither.
    #[error("sender = \"{given}\" is neither an address nor @ and a domain")]
    Sender {
        /// As written.
        given: String,
    },
}

/// One rule, or the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRule {
    /// What it demands.
    pub operator: Operator,
    /// Names that a certificate may bear; empty: those of the domain.
    pub names: Vec<String>,
    /// Pinned keys.
    pub fingerprints: Vec<[u8; 32]>,
    /// In words, with its reason: `your rule "partner.example" (contract 17)`.
    pub words: Arc<str>,
    mx: Option<NamePattern>,
    sender: Option<Sender>,
}

/// Whose mail a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sender {
    Address(String),
    Domain(String),
}

/// All rules, in a form to find the one that holds.
#[derive(Debug, Clone)]
pub struct Rules {
    default: OwnRule,
    rules: Vec<OwnRule>,
    exact: HashMap<String, Vec<usize>>,
    below: HashMap<String, Vec<usize>>,
    any: Vec<usize>,
    any_sender: bool,
    routes: HashMap<NamePattern, NextHop>,
    /// `TLS-Required: No` counts.
    pub honours_tls_required_no: bool,
}

impl Rules {
    /// Rules of a configuration that was checked.
    ///
    /// # Errors
    /// A rule says what it must not.
    pub fn new(policy: &Policy, routes: &[RouteRule]) -> Result<Self, RuleError> {
        let mut rules = Self {
            default: default_rule(policy),
            rules: Vec::new(),
            exact: HashMap::new(),
            below: HashMap::new(),
            any: Vec::new(),
            any_sender: policy.rule.iter().any(|rule| rule.sender.is_some()),
            routes: HashMap::new(),
            honours_tls_required_no: policy.honour_tls_required_no.0,
        };
        for (number, rule) in policy.rule.iter().enumerate() {
            rules.rules.push(own_rule(rule, policy)?);
            match &rule.domain {
                NamePattern::Exact(name) => rules.exact.entry(name.clone()).or_default().push(number),
                NamePattern::Below(name) => rules.below.entry(name.clone()).or_default().push(number),
                NamePattern::Any => rules.any.push(number),
            }
        }
        for route in routes {
            // As among rules, the earlier of two for one name holds.
            rules.routes.entry(route.domain.clone()).or_insert_with(|| route.next_hop.clone());
        }
        Ok(rules)
    }

    /// Where mail for a domain (lower case, A-labels) is handed on, if not to its MX hosts.
    /// An exact name comes before `*.example.com`, of those the longest, and `*` last.
    pub fn next_hop(&self, domain: &str) -> Option<&NextHop> {
        if self.routes.is_empty() {
            return None;
        }
        let of = |pattern: NamePattern| self.routes.get(&pattern);
        of(NamePattern::Exact(domain.to_owned()))
            .or_else(|| parents(domain).find_map(|name| of(NamePattern::Below(name.to_owned()))))
            .or_else(|| of(NamePattern::Any))
    }

    /// Which of the rules for senders match an address: senders with the same answer have the
    /// same rules everywhere. Empty at once where no rule is about senders.
    pub fn sender_class(&self, sender: &str) -> Vec<usize> {
        if !self.any_sender {
            return Vec::new();
        }
        let sender = canonical(sender);
        let about = |rule: &OwnRule| rule.sender.as_ref().is_some_and(|s| s.matches(&sender));
        self.rules.iter().enumerate().filter(|(_, rule)| about(rule)).map(|(number, _)| number).collect()
    }

    /// The rule that holds for a domain (lower case, A-labels), a host of it (none: for the
    /// domain as a whole) and senders of this class.
    pub fn rule(&self, domain: &str, mx: Option<&str>, class: &[usize]) -> &OwnRule {
        let at = |numbers: &Vec<usize>| self.best(numbers, mx, class);
        self.exact
            .get(domain)
            .and_then(at)
            .or_else(|| parents(domain).find_map(|name| self.below.get(name).and_then(at)))
            .or_else(|| at(&self.any))
            .unwrap_or(&self.default)
    }

    /// The most specific of rules whose domains are equally specific.
    fn best(&self, numbers: &[usize], mx: Option<&str>, class: &[usize]) -> Option<&OwnRule> {
        let rules = numbers.iter().filter_map(|number| Some((*number, self.rules.get(*number)?)));
        let matching = rules.filter(|(number, rule)| {
            let host = match (&rule.mx, mx) {
                (None, _) => true,
                (Some(pattern), Some(name)) => matches(pattern, name),
                (Some(_), None) => false,
            };
            host && (rule.sender.is_none() || class.contains(number))
        });
        let rank = |(number, rule): &(usize, &OwnRule)| {
            let mx = rule.mx.as_ref().map_or(usize::MAX, rank);
            let sender = match rule.sender {
                Some(Sender::Address(_)) => 0,
                Some(Sender::Domain(_)) => 1,
                None => 2,
            };
            (mx, sender, *number)
        };
        matching.min_by_key(rank).map(|(_, rule)| rule)
    }

    /// True if a rule demands DANE: without DNSSEC it keeps all of its mail back.
    pub fn demand_dane(&self) -> bool {
        let all = self.rules.iter().chain([&self.default]);
        all.into_iter().any(|rule| rule.operator.level >= OperatorLevel::Dane)
    }
}

impl OwnRule {
    /// The names that it compares a certificate with, for mail to a domain. Without names of
    /// its own these are the domain and all names below it, as with Postfix.
    pub fn names_for(&self, domain: &str) -> Vec<String> {
        match self.names.is_empty() {
            true => vec![domain.to_owned(), format!(".{domain}")],
            false => self.names.clone(),
        }
    }
}

impl Sender {
    fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@').filter(|(_, domain)| !domain.is_empty())?;
        Some(match local.is_empty() {
            true => Self::Domain(canonical(domain)),
            false => Self::Address(canonical(text)),
        })
    }

    fn matches(&self, sender: &str) -> bool {
        match self {
            Self::Address(address) => address == sender,
            Self::Domain(domain) => sender.rsplit_once('@').is_some_and(|(_, own)| own == domain),
        }
    }
}

/// An address or domain as it is compared: lower case, its domain in A-labels where it has
/// such a form.
fn canonical(text: &str) -> String {
    let (local, domain) = match text.rsplit_once('@') {
        Some((local, domain)) => (format!("{}@", local.to_lowercase()), domain),
        None => (String::new(), text),
    };
    let domain = domain.trim_end_matches('.');
    let domain = match domain.is_ascii() {
        true => domain.to_ascii_lowercase(),
        false => name_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase()),
    };
    format!("{local}{domain}")
}

/// The names above a name, the nearest first.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(name.split_once('.').map(|(_, rest)| rest), |name| {
        name.split_once('.').map(|(_, rest)| rest)
    })
}

fn matches(pattern: &NamePattern, name: &str) -> bool {
    match pattern {
        NamePattern::Exact(own) => own == name,
        NamePattern::Below(own) => parents(name).any(|parent| parent == own),
        NamePattern::Any => true,
    }
}

/// How specific a pattern is, the most specific first.
fn rank(pattern: &NamePattern) -> usize {
    match pattern {
        NamePattern::Exact(_) => 0,
        // No name has as many characters.
        NamePattern::Below(name) => 1000usize.saturating_sub(name.len()).max(1),
        NamePattern::Any => usize::MAX - 1,
    }
}

fn level(tls: TlsLevel, with_names: bool) -> OperatorLevel {
    match tls {
        TlsLevel::None => OperatorLevel::None,
        TlsLevel::Opportunistic => OperatorLevel::May,
        TlsLevel::Require => OperatorLevel::Encrypt,
        TlsLevel::Verify if with_names => OperatorLevel::Secure,
        TlsLevel::Verify | TlsLevel::Sts => OperatorLevel::Verify,
        TlsLevel::Fingerprint => OperatorLevel::Fingerprint,
        TlsLevel::Dane => OperatorLevel::Dane,
        TlsLevel::DaneOnly => OperatorLevel::DaneOnly,
    }
}

fn default_rule(policy: &Policy) -> OwnRule {
    OwnRule {
        operator: Operator {
            level: level(policy.default, false),
            override_published: false,
            clear_after_failure: policy.clear_after_failure,
        },
        names: Vec::new(),
        fingerprints: Vec::new(),
        words: "your default".into(),
        mx: None,
        sender: None,
    }
}

fn own_rule(rule: &Rule, policy: &Policy) -> Result<OwnRule, RuleError> {
    if rule.override_published && rule.domain == NamePattern::Any {
        return Err(RuleError::OverrideForAll);
    }
    let sender = match &rule.sender {
        None => None,
        Some(text) => {
            let given = || neutralise(text.as_bytes(), REASON_CHARS);
            Some(Sender::parse(text).ok_or_else(|| RuleError::Sender { given: given() })?)
        }
    };
    Ok(OwnRule {
        operator: Operator {
            level: level(rule.tls, !rule.names.is_empty()),
            override_published: rule.override_published,
            clear_after_failure: rule.clear_after_failure.unwrap_or(policy.clear_after_failure),
        },
        names: rule.names.iter().map(|name| name.0.clone()).collect(),
        fingerprints: rule.fingerprints.iter().map(|print| print.0).collect(),
        words: words(rule).into(),
        mx: rule.mx.clone(),
        sender,
    })
}

fn words(rule: &Rule) -> String {
    let mut text = format!("your rule \"{}\"", rule.domain);
    // Writing to a string cannot fail.
    if let Some(mx) = &rule.mx {
        let _ = write!(text, " at \"{mx}\"");
    }
    if let Some(sender) = &rule.sender {
        let _ = write!(text, " for mail from \"{}\"", neutralise(sender.as_bytes(), REASON_CHARS));
    }
    if let Some(reason) = &rule.reason {
        let _ = write!(text, ", {}", neutralise(reason.as_bytes(), REASON_CHARS));
    }
    text
}

#[cfg(test)]
mod tests;
