//! Every verdict of every check, for `--verbose`.

use waxseal_model::Report;

use crate::{
    page::Page,
    style::Role,
    table::{Row, Table},
    words,
};

pub(super) fn write(page: &mut Page, report: &Report) {
    let mut places: Vec<Option<&str>> = Vec::new();
    for verdict in &report.verdicts {
        let place = verdict.endpoint.as_deref();
        if !places.contains(&place) {
            places.push(place);
        }
    }
    page.heading("All verdicts");
    for place in places {
        page.blank();
        page.line(&[(Role::Strong, place.unwrap_or("the domain"))]);
        let mut table =
            Table { titles: vec!["", "", ""], wraps: vec![false, false, true], ..Table::default() };
        for verdict in report.verdicts.iter().filter(|v| v.endpoint.as_deref() == place) {
            let look = words::verdict(verdict.verdict, page.style());
            table.rows.push(Row::Cells(vec![
                (look.role, look.text()),
                (Role::Plain, verdict.check.clone()),
                (Role::Faint, verdict.why.clone()),
            ]));
        }
        table.write(page);
    }
}
