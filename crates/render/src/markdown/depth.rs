//! What an audit adds: attacks, and with `verbose` all the rest.

use waxseal_model::{Report, VerdictKind, client::ClientOutcome};

use super::{
    MarkdownOptions, STYLE,
    escape::{code, prose},
    table,
};
use crate::{
    audit::{
        self, attacks::Attack, chains::trees, clients, clients::group_word, facts::Names, suites::Block,
    },
    text::group,
    words,
};

pub(super) fn write(report: &Report, options: &MarkdownOptions, out: &mut String) {
    if !audit::is_audit(report) {
        return;
    }
    for sheet in audit::sheets(report) {
        out.push_str(&format!("### TLS in depth: {}\n\n", prose(&places(report, &sheet.ids()))));
        attacks(&sheet.content.attacks, out);
        for protocol in &sheet.content.protocols {
            out.push_str(&format!("- {}: {}\n", protocol.version.label(), prose(&protocol.state.words())));
        }
        out.push('\n');
        if options.verbose {
            sheet.content.suites.iter().for_each(|block| suites(block, out));
            names("Groups", &sheet.content.groups, out);
            names("Signature algorithms", &sheet.content.signatures, out);
            let facts = sheet.content.facts.iter();
            let rows: Vec<Vec<String>> = facts.map(|f| vec![f.label.to_owned(), prose(&f.text)]).collect();
            table(&["Behaviour", ""], &rows, out);
        }
    }
    if options.verbose {
        certificates(report, options, out);
    }
    who_connects(report, out);
}

fn places<S: AsRef<str>>(report: &Report, ids: &[S]) -> String {
    let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_ref())).collect();
    group::places(report, &ids, 0)
}

/// What a server is open to, and what is not known; the rest in one sentence.
fn attacks(attacks: &[Attack], out: &mut String) {
    let open = attacks.iter().filter(|a| a.verdict != VerdictKind::Clear);
    let row = |a: &Attack| {
        let why = match a.severity {
            Some(severity) => format!("{}: {}", words::severity(severity, &STYLE).word, prose(&a.why)),
            None => prose(&a.why),
        };
        vec![a.name.to_owned(), format!("**{}**", a.word()), why, code(a.check)]
    };
    table(&["Attack", "Verdict", "What", "Check"], &open.map(row).collect::<Vec<_>>(), out);
    let clear = attacks.iter().filter(|a| a.verdict == VerdictKind::Clear);
    let clear: Vec<&str> = clear.map(|a| a.name).collect();
    if !clear.is_empty() {
        out.push_str(&format!("Not vulnerable: {}.\n\n", clear.join(", ")));
    }
}

fn suites(block: &Block, out: &mut String) {
    out.push_str(&format!("Suites of {}: {}\n\n", block.title(), prose(&block.note())));
    for line in &block.suites {
        let marks =
            if line.marks.is_empty() { String::new() } else { format!(" ({})", line.marks.join(", ")) };
        out.push_str(&format!("1. {}{marks}\n", code(&line.name)));
    }
    out.push('\n');
}

fn names(title: &str, lists: &[Names], out: &mut String) {
    for list in lists {
        let text = prose(&list.words());
        out.push_str(&format!("{title}, {}: {text}\n\n", list.title()));
    }
}

/// The chains as lists within lists.
fn certificates(report: &Report, options: &MarkdownOptions, out: &mut String) {
    let trees = trees(report, options.now);
    if trees.is_empty() {
        return;
    }
    out.push_str("### Certificates\n\n");
    for tree in trees {
        let places = prose(&places(report, &tree.endpoints));
        let handshakes = prose(&tree.handshakes.join("; "));
        out.push_str(&format!("{places}: {} ({handshakes})\n\n", prose(&tree.outcome.1)));
        for (label, text) in &tree.lines {
            out.push_str(&format!("{label}: {}\n\n", prose(text)));
        }
        for (depth, node) in tree.nodes.iter().enumerate() {
            let indent = "  ".repeat(depth);
            let lines: Vec<String> =
                node.lines.iter().map(|(label, text)| format!("{label} {}", prose(text))).collect();
            let lines = if lines.is_empty() { String::new() } else { format!(": {}", lines.join("; ")) };
            out.push_str(&format!("{indent}- {} ({}){lines}\n", code(&node.subject), node.place));
        }
        for subject in &tree.extra {
            out.push_str(&format!("- Also sent, needed by no path: {}\n", code(subject)));
        }
        out.push('\n');
    }
}

fn who_connects(report: &Report, out: &mut String) {
    for clients in clients::tables(report) {
        let places = prose(&places(report, &clients.endpoints));
        out.push_str(&format!(
            "### Who can connect, with what: {places}\n\n{}\n\n",
            clients::summary(&clients)
        ));
        let row = |view: &&waxseal_model::client::ClientView| {
            let name = prose(&view.name);
            match &view.outcome {
                ClientOutcome::Negotiated { version, suite, group } => {
                    let group = match group {
                        Some(group) => code(group),
                        None => group_word(suite, None),
                    };
                    vec![name, version.label().to_owned(), code(suite), group]
                }
                ClientOutcome::NoConnection { why } => {
                    vec![name, "**no connection**".into(), prose(why), String::new()]
                }
                ClientOutcome::Unknown { why } => vec![name, "not known".into(), prose(why), String::new()],
            }
        };
        let rows: Vec<Vec<String>> = clients.clients.iter().map(row).collect();
        table(&["Client", "Version", "Suite", "Group"], &rows, out);
    }
}
