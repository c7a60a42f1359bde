//! What could not be determined: where and why, so that "could not test" is seen and does
//! not look like "fine".

use waxseal_model::{Report, VerdictKind};

use super::{TextOptions, group, list};
use crate::{page::Page, style::Role, when, words};

/// Checks that one reason names, and reasons that one place has, if not all are asked for.
const CHECKS: usize = 4;
const REASONS: usize = 4;

/// One reason, and the checks that it kept from an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gap<'a> {
    pub(crate) why: &'a str,
    pub(crate) checks: Vec<&'a str>,
}

impl<'a> Gap<'a> {
    /// True if two places have the same gap, or one reason keeps other checks open at each
    /// (policies: some checks are about the domain, one is about each server).
    fn joins(&self, other: &Self) -> bool {
        let checks = |c: &&str| other.checks.contains(c);
        self.why == other.why && (self.checks.iter().all(checks) || !self.checks.iter().any(checks))
    }

    fn add(&mut self, other: Self) {
        for check in other.checks {
            if !self.checks.contains(&check) {
                self.checks.push(check);
            }
        }
    }
}

/// Places where the same gap is, or the same gaps are.
#[derive(Debug)]
pub(crate) struct Blind<'a> {
    pub(crate) places: Vec<Option<&'a str>>,
    pub(crate) gaps: Vec<Gap<'a>>,
}

pub(crate) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    let blind = blind(report);
    if blind.is_empty() {
        return;
    }
    page.heading("Could not be determined");
    let look = words::verdict(VerdictKind::Undetermined, page.style());
    for spot in &blind {
        let places = group::places(report, &spot.places, if options.verbose { 0 } else { 3 });
        page.entry(&[(look.role, look.symbol)], 2, Role::Plain, &places);
        let shown = if options.verbose { spot.gaps.len() } else { REASONS };
        for gap in spot.gaps.iter().take(shown) {
            page.paragraph(4, Role::Plain, &sentence(gap, options));
        }
        let rest: Vec<&Gap<'_>> = spot.gaps.iter().skip(shown).collect();
        if !rest.is_empty() {
            let checks: usize = rest.iter().map(|g| g.checks.len()).sum();
            let more = format!(
                "and {} for other reasons (--verbose): {}",
                when::count(checks, "check"),
                list(&rest.iter().flat_map(|g| g.checks.iter()).collect::<Vec<_>>(), CHECKS)
            );
            page.paragraph(4, Role::Faint, &more);
        }
    }
}

/// `tls.tls11: no answer within 5 s`, `58 checks: the connection timed out`.
fn sentence(gap: &Gap<'_>, options: &TextOptions) -> String {
    if gap.checks.len() > CHECKS && !options.verbose {
        format!("{}: {}", when::count(gap.checks.len(), "check"), gap.why)
    } else {
        format!("{}: {}", gap.checks.join(", "), gap.why)
    }
}

/// Undetermined verdicts gathered by place and reason. Gaps that several places have
/// alike stand once, with all these places; the largest come first.
pub(crate) fn blind(report: &Report) -> Vec<Blind<'_>> {
    let mut found: Vec<(Vec<Option<&str>>, Gap<'_>)> = Vec::new();
    for (place, gap) in gaps(report) {
        match found.iter_mut().find(|(_, g)| g.joins(&gap)) {
            Some((places, joined)) => {
                places.push(place);
                joined.add(gap);
            }
            None => found.push((vec![place], gap)),
        }
    }
    let mut blind: Vec<Blind<'_>> = Vec::new();
    for (places, gap) in found {
        match blind.iter_mut().find(|b| b.places == places) {
            Some(spot) => spot.gaps.push(gap),
            None => blind.push(Blind { places, gaps: vec![gap] }),
        }
    }
    for spot in &mut blind {
        spot.gaps.sort_by_key(|g| std::cmp::Reverse(g.checks.len()));
    }
    blind.sort_by_key(|b| std::cmp::Reverse(b.gaps.iter().map(|g| g.checks.len()).max()));
    blind
}

/// The gaps of each place, one for each reason.
fn gaps(report: &Report) -> Vec<(Option<&str>, Gap<'_>)> {
    let mut gaps: Vec<(Option<&str>, Gap<'_>)> = Vec::new();
    for v in report.verdicts.iter().filter(|v| v.verdict == VerdictKind::Undetermined) {
        let place = v.endpoint.as_deref();
        match gaps.iter_mut().find(|(p, g)| *p == place && g.why == v.why) {
            Some((_, gap)) => gap.checks.push(&v.check),
            None => gaps.push((place, Gap { why: &v.why, checks: vec![&v.check] })),
        }
    }
    gaps
}
