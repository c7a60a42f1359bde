//! The list of clients whose hellos are known.

use crate::{
    page::Page,
    style::{Role, Style},
    table::{Row, Table},
};

/// A line in the list of clients: words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLine<'a> {
    /// `postfix-3.7-openssl-3.0`.
    pub id: &'a str,
    /// `delivers`, `submits`.
    pub kind: &'a str,
    /// `TLS 1.0 to TLS 1.3`.
    pub versions: String,
    /// `recorded`, `documented`.
    pub method: &'a str,
}

/// The list of clients.
pub fn list(clients: &[ClientLine<'_>], style: &Style) -> String {
    let mut page = Page::new(*style);
    let titles = vec!["client", "mail", "offers", "source"];
    let mut table = Table { titles, wraps: vec![false, true, true, true], ..Table::default() };
    for c in clients {
        let cell = |text: &str| (Role::Plain, text.to_owned());
        table.rows.push(Row::Cells(vec![
            (Role::Command, c.id.to_owned()),
            cell(c.kind),
            cell(&c.versions),
            cell(c.method),
        ]));
    }
    table.write(&mut page);
    page.blank();
    let more = "One with its hello and source: waxseal clients ID. What each of them negotiates with a server: \
                waxseal audit DOMAIN";
    page.paragraph(0, Role::Faint, more);
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_takes_one_line_of_a_usual_terminal() {
        let line = ClientLine {
            id: "exchange-2013-windows-server-2012-r2",
            kind: "delivers",
            versions: "TLS 1.0 to TLS 1.2".into(),
            method: "documented",
        };
        let text = list(&[line], &Style::plain());
        let row = text.lines().find(|l| l.contains("exchange-2013")).unwrap_or_default();
        assert!(row.contains("delivers") && row.ends_with("documented"), "{text}");
    }
}
