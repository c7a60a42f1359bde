//! What is known of TLS, certificates and clients.

use maud::{Markup, html};
use waxseal_model::{
    Report, VerdictKind,
    client::{ClientOutcome, ClientView},
};

use super::{
    HtmlOptions, STYLE,
    parts::{self, Grid, facts, shown},
};
use crate::{
    audit::{
        self, Content,
        attacks::Attack,
        chains::{Node, Tree, trees},
        clients::{self, basis, group_word, kind},
        facts::Names,
        suites::{Block, State},
    },
    style::Role,
    text::group,
    words,
};

/// A key for the id, a title, and what stands below it.
pub(super) type Part = (String, String, Markup);

/// One section for each group of endpoints that are alike, certificates, and clients.
pub(super) fn sections(report: &Report, options: &HtmlOptions<'_>, id: &str) -> Vec<Part> {
    let mut sections: Vec<Part> = Vec::new();
    for (i, sheet) in audit::sheets(report).iter().enumerate() {
        let key = format!("tls{}", i + 1);
        let title = format!("TLS in depth: {}", places(report, &sheet.ids()));
        let content = content(&sheet.content, &format!("{id}-{key}"));
        sections.push((key, title, content));
    }
    sections.push(("certificates".into(), "Certificates".into(), certificates(report, options)));
    sections.push(("clients".into(), "Who can connect, with what".into(), who_connects(report, id)));
    sections
}

fn places<S: AsRef<str>>(report: &Report, ids: &[S]) -> String {
    let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_ref())).collect();
    group::places(report, &ids, 0)
}

fn content(content: &Content, id: &str) -> Markup {
    html! {
        (attacks(&content.attacks, id))
        @if !content.protocols.is_empty() {
            h4 { "Versions" }
            (facts(content.protocols.iter().map(|p| {
                let role = if matches!(p.state, State::NotKnown(_)) { Role::Notice } else { Role::Plain };
                (p.version.label(), shown(role, &p.state.words()))
            })))
        }
        @if !content.suites.is_empty() { h4 { "Suites" } }
        @for (i, block) in content.suites.iter().enumerate() { (suites(block, &format!("{id}-suites{}", i + 1))) }
        (names("Groups", &content.groups))
        (names("Signature algorithms", &content.signatures))
        @if !content.facts.is_empty() {
            h4 { "Behaviour" }
            (facts(content.facts.iter().map(|f| {
                (f.label, shown(if f.known { Role::Plain } else { Role::Notice }, &f.text))
            })))
        }
    }
}

fn attacks(attacks: &[Attack], id: &str) -> Markup {
    let titles = ["Attack", "Verdict", "What", "Check"];
    let mut grid = Grid::new(format!("{id}-attacks"), "Known attacks", &titles).quiet();
    for attack in attacks {
        let look = match attack.severity {
            Some(severity) => words::severity(severity, &STYLE),
            None => words::verdict(attack.verdict, &STYLE),
        };
        let what = match (attack.verdict, attack.severity) {
            (VerdictKind::Found, Some(_)) => format!("{}: {}", look.word, attack.why),
            _ => attack.why.clone(),
        };
        grid.row(vec![
            html! { (attack.name) },
            parts::word(look, attack.word()),
            html! { (what) },
            html! { code { (attack.check) } },
        ]);
    }
    html! { @if !attacks.is_empty() { h4 { "Attacks" } (grid.markup()) } }
}

fn suites(block: &Block, id: &str) -> Markup {
    let caption = format!("Suites of {}: {}", block.title(), block.note());
    let mut grid = Grid::new(id, caption, &["Suite", "Code", "To be known"]);
    for line in &block.suites {
        grid.row(vec![
            html! { code { (line.name) } },
            html! { (line.code.as_deref().unwrap_or("none")) },
            shown(Role::Notice, &line.marks.join(", ")),
        ]);
    }
    html! {
        @if block.suites.is_empty() { p { "Suites of " (block.title()) ": " (block.note()) } }
        (grid.markup())
    }
}

fn names(title: &str, lists: &[Names]) -> Markup {
    html! {
        @if !lists.is_empty() {
            h4 { (title) }
            dl.facts {
                @for list in lists {
                    dt { (list.title()) }
                    dd { (list.words()) }
                }
            }
        }
    }
}

fn certificates(report: &Report, options: &HtmlOptions<'_>) -> Markup {
    html! {
        @for tree in trees(report, options.now) {
            h4 { "Presented by " (places(report, &tree.endpoints)) }
            p { (shown(tree.outcome.0, &tree.outcome.1)) " (" (tree.handshakes.join("; ")) ")" }
            @if !tree.lines.is_empty() { (facts(tree.lines.iter().map(|(label, text)| (*label, html! { (text) })))) }
            (chain(&tree))
            @for subject in &tree.extra { p { (shown(Role::Notice, "Also sent, needed by no path: ")) (subject) } }
        }
    }
}

/// The certificates as lists within lists: each is signed by the one inside it.
fn chain(tree: &Tree<'_>) -> Markup {
    // The root is the innermost.
    let mut inner: Option<Markup> = None;
    for (depth, node) in tree.nodes.iter().enumerate().rev() {
        let list =
            |markup: Markup| html! { @if depth == 0 { ul.chain { (markup) } } @else { ul { (markup) } } };
        let item = html! {
            li { (certificate(node)) @if let Some(inner) = &inner { p.faint { "signed by" } (inner) } }
        };
        inner = Some(list(item));
    }
    inner.unwrap_or_else(|| html! {})
}

fn certificate(node: &Node) -> Markup {
    html! {
        p { strong { (node.subject) } " (" (node.place) ")" }
        @if !node.lines.is_empty() {
            (facts(node.lines.iter().chain(&node.more).map(|(label, text)| (*label, html! { (text) }))))
        }
    }
}

fn who_connects(report: &Report, id: &str) -> Markup {
    let titles = ["Client", "Outcome", "Suite", "Group", "Kind", "Basis"];
    let grids = clients::tables(report).into_iter().enumerate().map(|(i, table)| {
        let caption = format!("{}: {}", places(report, &table.endpoints), clients::summary(&table));
        let mut grid = Grid::new(format!("{id}-clients{}", i + 1), caption, &titles);
        table.clients.iter().for_each(|view| client(&mut grid, view));
        grid
    });
    html! { @for grid in grids { (grid.markup()) } }
}

fn client(grid: &mut Grid<'_>, view: &ClientView) {
    let name = html! { (view.name) };
    match &view.outcome {
        ClientOutcome::Negotiated { version, suite, group } => grid.row(vec![
            name,
            html! { (version.label()) },
            html! { code { (suite) } },
            html! { (group_word(suite, group.as_ref())) },
            html! { (kind(view.kind)) },
            html! { (basis(view)) },
        ]),
        ClientOutcome::NoConnection { why } => {
            grid.remark(vec![name], html! { (shown(Role::Bad, "NO CONNECTION: ")) (why) });
        }
        ClientOutcome::Unknown { why } => {
            grid.remark(vec![name], html! { (shown(Role::Notice, "not known: ")) (why) });
        }
    }
}
