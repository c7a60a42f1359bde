//! What an audit adds to the page: attacks, versions and suites, facts, certificates,
//! clients.

use waxseal_model::{Report, VerdictKind};

use super::TextOptions;
use crate::{
    audit::{
        self, Sheet,
        attacks::Attack,
        facts::{Fact, Names},
        suites::{Block, Protocol, State, versions},
    },
    page::Page,
    style::Role,
    table::{Cell, Row, Table},
    words,
};

/// Where the text behind a label begins.
const COLUMN: usize = 16;
/// The same for behaviour, which has longer labels.
const WIDE_COLUMN: usize = 30;

pub(super) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    if !audit::is_audit(report) {
        return;
    }
    for sheet in audit::sheets(report) {
        title(page, report, &sheet);
        attacks(page, &sheet.content.attacks, options);
        protocols(page, &sheet.content.protocols);
        for block in &sheet.content.suites {
            suites(page, block, options);
        }
        names(page, "Groups", &sheet.content.groups);
        names(page, "Signature algorithms", &sheet.content.signatures);
        facts(page, &sheet.content.facts);
    }
    super::chains::write(page, report, options);
    super::clients::write(page, report, options);
}

fn title(page: &mut Page, report: &Report, sheet: &Sheet<'_>) {
    let ids = sheet.ids();
    let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    page.blank();
    let places = super::group::places(report, &ids, 0);
    page.paragraph(0, Role::Strong, &format!("TLS in depth: {places}"));
}

fn attacks(page: &mut Page, attacks: &[Attack], options: &TextOptions) {
    if attacks.is_empty() {
        return;
    }
    page.heading("Attacks");
    let mut table = Table { indent: 2, titles: vec!["", "", ""], ..Table::default() };
    table.wraps = vec![false, false, true];
    let mut reason = "";
    for attack in attacks {
        let look = match attack.severity {
            Some(severity) => words::severity(severity, page.style()),
            None => words::verdict(attack.verdict, page.style()),
        };
        let name = if options.verbose {
            format!("{} [{}]", attack.name, attack.check)
        } else {
            attack.name.to_owned()
        };
        table.rows.push(Row::Cells(vec![
            (look.role, format!("{} {}", look.symbol, attack.word())),
            (Role::Strong, name),
            match attack.verdict {
                VerdictKind::Undetermined if attack.why == reason => (Role::Faint, "likewise".into()),
                _ => why(page, attack),
            },
        ]));
        reason = &attack.why;
    }
    table.write(page);
}

/// Where what was found is told, with its severity; or why it is not known.
fn why(page: &Page, attack: &Attack) -> Cell {
    match (attack.verdict, attack.severity) {
        (VerdictKind::Found, Some(severity)) => {
            let look = words::severity(severity, page.style());
            (look.role, format!("{}, {} above", look.word, attack.check))
        }
        (VerdictKind::Clear, _) => Cell::default(),
        _ => (Role::Plain, attack.why.clone()),
    }
}

/// `offered  TLS 1.3, TLS 1.2`; what is not known with its reason.
fn protocols(page: &mut Page, protocols: &[Protocol]) {
    if protocols.is_empty() {
        return;
    }
    page.heading("Versions");
    for (label, state) in [("  offered", State::Offered), ("  not offered", State::NotOffered)] {
        let its: Vec<&str> =
            protocols.iter().filter(|p| p.state == state).map(|p| p.version.label()).collect();
        if !its.is_empty() {
            page.entry(&[(Role::Plain, label)], COLUMN, Role::Plain, &its.join(", "));
        }
    }
    let mut reasons: Vec<(&str, Vec<waxseal_model::tls::TlsVersion>)> = Vec::new();
    for p in protocols {
        let State::NotKnown(why) = &p.state else { continue };
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, its)) => its.push(p.version),
            None => reasons.push((why, vec![p.version])),
        }
    }
    for (why, its) in reasons {
        let text = format!("{}: {why}", versions(&its));
        page.entry(&[(Role::Notice, "  not known")], COLUMN, Role::Plain, &text);
    }
}

fn suites(page: &mut Page, block: &Block, options: &TextOptions) {
    page.blank();
    let title = format!("Suites of {}:", block.title());
    page.entry(&[(Role::Strong, &title)], 4, Role::Plain, &block.note());
    let mut table = Table { indent: 2, titles: vec!["", ""], wraps: vec![false, true], ..Table::default() };
    for line in &block.suites {
        let name = match &line.code {
            Some(code) if options.verbose => format!("{code} {}", line.name),
            _ => line.name.clone(),
        };
        let cells = vec![(Role::Plain, name), (Role::Notice, line.marks.join(", "))];
        table.rows.push(Row::Cells(cells));
    }
    table.write(page);
}

fn names(page: &mut Page, title: &str, lists: &[Names]) {
    if lists.is_empty() {
        return;
    }
    page.heading(title);
    for list in lists {
        let label = format!("  {}", list.title());
        page.entry(&[(Role::Plain, &label)], COLUMN, Role::Plain, &list.words());
    }
}

fn facts(page: &mut Page, facts: &[Fact]) {
    if facts.is_empty() {
        return;
    }
    page.heading("Behaviour");
    for fact in facts {
        let label = format!("  {}", fact.label);
        let role = if fact.known { Role::Plain } else { Role::Notice };
        page.entry(&[(Role::Plain, &label)], WIDE_COLUMN, role, &fact.text);
    }
}
