//! From what names and policies say, and the rules of the operator, to a route.

use std::{
    fmt::Write,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::time::Instant;
use waxseal_judge::delivery::{Dane, OperatorLevel, PolicyFacts};

use super::{
    names::{Host, Names},
    order::{Dice, alternate, by_preference},
    rules::{OwnRule, Rules},
    sts::StsState,
};
use crate::route::{Hop, Route};

/// So many orders of hosts and addresses take turns, where chance has a say in them.
const ORDERS: usize = 4;

/// Where mail for a domain goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    /// A domain, or the host itself.
    pub(super) host: String,
    /// It is the host itself: no MX records are asked for.
    pub(super) literal: bool,
    pub(super) port: u16,
    /// A rule of the operator's says so.
    pub(super) by_operator: bool,
}

impl Destination {
    /// The domain whose MTA-STS policy counts: for a smart host that is its own (RFC 8461
    /// section 3.4). An address has none.
    pub(super) fn policy_domain(&self) -> Option<&str> {
        Some(self.host.as_str()).filter(|host| host.parse::<IpAddr>().is_err())
    }
}

/// All that is known of a destination without the operator's rules.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) destination: Destination,
    pub(super) names: Names,
    pub(super) sts: StsState,
    pub(super) until: Instant,
    /// Why DANE is not used, where it is not.
    pub(super) no_dnssec: Option<String>,
    pub(super) honours_no: bool,
}

impl Known {
    /// About how many bytes it takes, and a route made from it.
    pub(super) fn weight(&self) -> usize {
        let host = |host: &Host| {
            let tlsa: usize = host.tlsa.iter().map(|record| record.data.len() + 60).sum();
            let names: usize = host.dane_names.iter().map(|name| name.len() + 60).sum();
            600 + 2 * host.name.len() + tlsa + names
        };
        let policy = self
            .sts
            .kept
            .as_ref()
            .map_or(0, |kept| 200 + kept.policy.mx.iter().map(|mx| mx.len() + 50).sum::<usize>());
        500 + policy + self.names.hosts.iter().map(host).sum::<usize>()
    }
}

/// Routes to one domain for senders with the same rules: they differ in the order of what is
/// equally good.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) class: Vec<usize>,
    first: Arc<Route>,
    others: Vec<Arc<Route>>,
    turn: AtomicUsize,
}

impl Routes {
    /// The next in turn.
    pub(super) fn next(&self) -> Arc<Route> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.count();
        let other = turn.checked_sub(1).and_then(|at| self.others.get(at));
        Arc::clone(other.unwrap_or(&self.first))
    }

    pub(super) fn count(&self) -> usize {
        1 + self.others.len()
    }
}

/// Routes to a domain for senders of a class.
pub(super) fn assemble(
    domain: &str,
    known: &Known,
    rules: &Rules,
    class: &[usize],
    dice: &mut Dice,
) -> Routes {
    let chance = known.names.hosts.windows(2).any(|pair| match pair {
        [a, b] => a.preference == b.preference,
        _ => false,
    }) || known.names.hosts.iter().any(|host| host.addresses.len() > 1);
    let more = if chance { ORDERS - 1 } else { 0 };
    let mut one = || Arc::new(route(domain, known, rules, class, dice));
    Routes {
        class: class.to_vec(),
        first: one(),
        others: (0..more).map(|_| one()).collect(),
        turn: AtomicUsize::new(0),
    }
}

fn route(domain: &str, known: &Known, rules: &Rules, class: &[usize], dice: &mut Dice) -> Route {
    let mut hosts: Vec<&Host> = known.names.hosts.iter().collect();
    by_preference(&mut hosts, |host| host.preference, dice);
    let hops = hosts.into_iter().map(|host| {
        let rule = rules.rule(domain, Some(&host.name), class);
        hop(host, known, rule, dice)
    });
    Route {
        domain: domain.to_owned(),
        mx: known.names.mx,
        trouble: known.names.trouble.clone(),
        hops: hops.collect(),
        sts: known.sts.policy().cloned(),
        site: site(domain, known),
        rule: rules.rule(domain, None, class).words.to_string(),
        valid_until: known.until.into_std(),
    }
}

fn hop(host: &Host, known: &Known, rule: &OwnRule, dice: &mut Dice) -> Hop {
    // Without DNSSEC a rule for DANE can neither be met nor be left aside.
    let unmet = known.no_dnssec.as_ref().filter(|_| rule.operator.level >= OperatorLevel::Dane);
    let facts = PolicyFacts {
        mx: known.names.mx,
        address: host.address,
        dane: if unmet.is_some() { Dane::LookupFailed } else { host.dane },
        sts: known.sts.of_host(&host.name),
        require_tls: false,
        tls_required_no: false,
        operator: rule.operator,
    };
    Hop {
        name: host.name.clone(),
        preference: host.preference,
        port: known.destination.port,
        addresses: alternate(&host.addresses, dice),
        trouble: host.trouble.as_ref().or(unmet).cloned(),
        facts,
        tlsa: host.tlsa.clone(),
        dane_names: host.dane_names.clone(),
        operator_names: rule.names_for(&known.destination.host),
        fingerprints: rule.fingerprints.clone(),
        rule: Arc::clone(&rule.words),
        honours_tls_required_no: known.honours_no,
    }
}

/// The names of all hosts as one key; the domain itself where there are none.
fn site(domain: &str, known: &Known) -> Arc<str> {
    let mut names: Vec<&str> = known.names.hosts.iter().map(|host| host.name.as_str()).collect();
    if names.is_empty() {
        return domain.into();
    }
    names.sort_unstable();
    let mut site = names.join(",");
    if known.destination.port != 25 {
        // Writing to a string cannot fail.
        let _ = write!(site, ":{}", known.destination.port);
    }
    site.into()
}
