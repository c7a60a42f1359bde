//! Who delivers to the target: today, and with an attacker on the path.

use waxseal_model::{
    Report,
    sender::{AttackView, Outcome, SenderView},
};

use super::TextOptions;
use crate::{
    page::Page,
    style::Role,
    table::{Cell, Row, Table},
};

/// Reasons for what is not known, in one page, without `--verbose`.
const REASONS: usize = 3;

/// Replies are longer only with `--verbose`.
const REPLY: usize = 60;

const HEADING: &str = "Who delivers to you";
const TODAY: &str = "today";
const ATTACKED: &str = "attacker on the path";

pub(super) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    let views = &report.senders;
    // Where nothing could be tested, other parts of the page say why.
    if views.iter().all(|v| v.outcome == Outcome::Undetermined) {
        return;
    }
    page.blank();
    let one = all_alike(views);
    let shown = one.map_or(views.as_slice(), std::slice::from_ref);
    let wide = table(shown, one.is_some(), options, false);
    if wide.least_width() + SPARE <= page.width() {
        wide.write(page);
    } else {
        page.line(&[(Role::Faint, HEADING)]);
        table(shown, one.is_some(), options, true).write(page);
    }
    if options.verbose {
        details(page, views);
    } else {
        reasons(page, views);
    }
    page.blank();
}

/// The view of all, where they do not differ.
fn all_alike(views: &[SenderView]) -> Option<&SenderView> {
    let key = |v: &SenderView| (v.outcome, v.under_attack, v.read_under_attack, v.reply.clone());
    match views {
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|v| key(v) == key(first)) => Some(first),
        _ => None,
    }
}

/// One row a sender; on a narrow page its name is on a line above.
fn table(views: &[SenderView], for_all: bool, options: &TextOptions, narrow: bool) -> Table {
    let titles = vec![if narrow { "" } else { HEADING }, TODAY, ATTACKED];
    let mut table = Table { titles, wraps: vec![false, true, true], ..Table::default() };
    for view in views {
        let name = if for_all { "Every sender" } else { view.title.as_str() };
        let name = (Role::Strong, name.to_owned());
        let mut cells = vec![today(view, options), attacked(view, options)];
        if narrow {
            table.rows.push(Row::Remark(Vec::new(), name));
            cells.insert(0, Cell::default());
        } else {
            cells.insert(0, name);
        }
        table.rows.push(Row::Cells(cells));
    }
    table
}

/// Columns by which a wide table has to be less than the page, so that its cells are no
/// mere strips.
const SPARE: usize = 16;

/// What becomes of mail today.
fn today(view: &SenderView, options: &TextOptions) -> Cell {
    let reply = view.reply.as_deref().filter(|_| is_refusal(view.outcome));
    cell(view.outcome, false, reply, options)
}

/// The worst that an attacker makes of it; the reply only where today has none.
fn attacked(view: &SenderView, options: &TextOptions) -> Cell {
    let same = |a: &&AttackView| a.outcome == view.under_attack && a.reply.is_some();
    let reply = view.attacks.iter().find(same).and_then(|a| a.reply.as_deref());
    let reply = reply.filter(|_| is_refusal(view.under_attack) && !is_refusal(view.outcome));
    cell(view.under_attack, view.read_under_attack, reply, options)
}

fn is_refusal(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Deferred | Outcome::Bounced)
}

fn cell(outcome: Outcome, read: bool, reply: Option<&str>, options: &TextOptions) -> Cell {
    let (role, words) = look(outcome, read);
    let Some(reply) = reply else { return (role, words.to_owned()) };
    let short: String = reply.chars().take(REPLY).collect();
    if options.verbose || short.len() == reply.len() {
        return (role, format!("{words}: {reply}"));
    }
    (role, format!("{words}: {}{}", short.trim_end(), options.style.symbol("…", "...")))
}

/// Colour and words of an outcome.
pub(crate) fn look(outcome: Outcome, read: bool) -> (Role, &'static str) {
    match (outcome, read) {
        (Outcome::Authenticated, _) => (Role::Good, "authenticated"),
        (Outcome::Encrypted, true) => (Role::Worst, "encrypted, but to the attacker"),
        (Outcome::Encrypted, false) => (Role::Good, "encrypted"),
        (Outcome::Clear, _) => (Role::Worst, "in clear"),
        (Outcome::Deferred, _) => (Role::Warning, "deferred"),
        (Outcome::Bounced, _) => (Role::Warning, "returned"),
        (Outcome::Undetermined, _) => (Role::Notice, "not known"),
    }
}

/// Why something is not known, each reason once.
fn reasons(page: &mut Page, views: &[SenderView]) {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for view in views {
        let Some(why) = open(view) else { continue };
        match found.iter_mut().find(|(known, _)| *known == why) {
            Some((_, who)) => who.push(&view.title),
            None => found.push((why, vec![&view.title])),
        }
    }
    for (why, who) in found.iter().take(REASONS) {
        let text = format!("{}: {why}.", who.join("; "));
        page.paragraph(0, Role::Faint, &text);
    }
    if found.len() > REASONS {
        page.paragraph(0, Role::Faint, "More reasons: --verbose");
    }
}

/// The reason why a view is open, if it is.
fn open(view: &SenderView) -> Option<&str> {
    if view.outcome == Outcome::Undetermined {
        return Some(view.why.trim_end_matches('.'));
    }
    let attack = view.attacks.iter().find(|a| a.outcome == Outcome::Undetermined);
    attack.filter(|_| view.under_attack == Outcome::Undetermined).map(|a| a.why.as_str())
}

/// Each sender with each attack, for `--verbose`.
fn details(page: &mut Page, views: &[SenderView]) {
    for view in views {
        page.blank();
        page.line(&[(Role::Strong, &view.title)]);
        page.paragraph(2, Role::Plain, &view.why);
        for attack in &view.attacks {
            let (role, words) = look(attack.outcome, attack.read_by_attacker);
            page.paragraph(2, role, &format!("{words} where an attacker {}", attack.attack.words()));
            page.paragraph(4, Role::Faint, &attack.why);
            if let Some(reply) = &attack.reply {
                page.paragraph(4, Role::Faint, &format!("its reply: {reply}"));
            }
        }
    }
}
