//! Who can connect, with what.

use waxseal_model::{
    Report,
    client::{ClientOutcome, ClientView},
};

use super::TextOptions;
use crate::{
    audit::clients::{basis, group_word, kind, summary, tables},
    page::Page,
    style::Role,
    table::{Cell, Row, Table},
};

pub(super) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    for clients in tables(report) {
        let ids: Vec<Option<&str>> = clients.endpoints.iter().map(|id| Some(*id)).collect();
        page.blank();
        let places = super::group::places(report, &ids, 0);
        page.paragraph(0, Role::Strong, &format!("Who can connect, with what: {places}"));
        page.paragraph(2, Role::Plain, &summary(&clients));
        let wide = table(&clients.clients, options, false);
        if wide.least_width() <= page.width() {
            wide.write(page);
        } else {
            table(&clients.clients, options, true).write(page);
        }
    }
}

/// One row a client; on a narrow page its name is on a line above.
fn table(clients: &[&ClientView], options: &TextOptions, narrow: bool) -> Table {
    let titles = vec![if narrow { "" } else { "client" }, "version", "suite", "group"];
    let mut table = Table { indent: 2, titles, wraps: vec![false, false, false, true], ..Table::default() };
    for view in clients {
        let name = if options.verbose {
            format!("{} ({}; {})", view.name, kind(view.kind), basis(view))
        } else {
            view.name.clone()
        };
        let mut cells: Vec<Cell> = Vec::new();
        if narrow || options.verbose {
            table.rows.push(Row::Remark(Vec::new(), (Role::Strong, name)));
            cells.push(Cell::default());
        } else {
            cells.push((Role::Strong, name));
        }
        table.rows.push(outcome(cells, &view.outcome));
    }
    table
}

fn outcome(mut cells: Vec<Cell>, outcome: &ClientOutcome) -> Row {
    match outcome {
        ClientOutcome::Negotiated { version, suite, group } => {
            cells.push((Role::Plain, version.label().to_owned()));
            cells.push((Role::Plain, suite.clone()));
            cells.push((Role::Plain, group_word(suite, group.as_ref())));
            Row::Cells(cells)
        }
        ClientOutcome::NoConnection { why } => {
            Row::Remark(cells, (Role::Bad, format!("NO CONNECTION: {why}")))
        }
        ClientOutcome::Unknown { why } => Row::Remark(cells, (Role::Notice, format!("not known: {why}"))),
    }
}
