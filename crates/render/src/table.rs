//! Straight columns that fit the page.

use unicode_width::UnicodeWidthChar;

use crate::{
    guard::harmless,
    page::{Page, width, wrap_cell},
    style::Role,
};

/// Spaces between columns.
const GAP: usize = 2;
/// A cell that wraps is never made narrower than this.
const NARROWEST: usize = 12;

/// A cell: its colour and text.
pub(crate) type Cell = (Role, String);

/// One row.
#[derive(Debug)]
pub(crate) enum Row {
    /// A cell for each column.
    Cells(Vec<Cell>),
    /// Cells for the first columns, and a remark over all the others.
    Remark(Vec<Cell>, Cell),
}

/// Columns and rows.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Spaces before the first column.
    pub(crate) indent: usize,
    /// Title of each column; no title line where all are empty.
    pub(crate) titles: Vec<&'static str>,
    /// Which columns may be made narrower, by wrapping their cells.
    pub(crate) wraps: Vec<bool>,
    /// Cells that do not fit are cut with `…` instead of wrapped: one line for each row.
    pub(crate) cut: bool,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// The narrowest page on which every word of the fixed columns stays whole.
    pub(crate) fn least_width(&self) -> usize {
        let columns: usize = self
            .natural()
            .iter()
            .enumerate()
            .map(|(i, w)| if self.may_wrap(i) { (*w).min(NARROWEST) } else { *w })
            .sum();
        self.indent + columns + self.titles.len().saturating_sub(1) * GAP
    }

    pub(crate) fn write(&self, page: &mut Page) {
        let widths = self.fit(page.width());
        let indent = " ".repeat(self.indent);
        if self.titles.iter().any(|t| !t.is_empty()) {
            let titles = self.titles.iter().take(self.columns_in_use());
            let titles = titles.map(|t| (Role::Faint, (*t).to_owned())).collect::<Vec<_>>();
            write_cells(page, &indent, &titles, &widths);
        }
        for row in &self.rows {
            match row {
                Row::Cells(cells) if self.cut => {
                    let unicode = page.style().unicode;
                    let cut = cells.iter().zip(&widths).map(|((r, t), w)| (*r, cut(t, *w, unicode)));
                    write_cells(page, &indent, &cut.collect::<Vec<_>>(), &widths);
                }
                Row::Cells(cells) => write_cells(page, &indent, cells, &widths),
                Row::Remark(cells, remark) => {
                    let mut cells = cells.clone();
                    let used: usize = widths.iter().take(cells.len()).map(|w| w + GAP).sum();
                    let rest = page.width().saturating_sub(self.indent + used).max(NARROWEST);
                    let mut widths: Vec<usize> = widths.iter().take(cells.len()).copied().collect();
                    widths.push(rest);
                    cells.push(remark.clone());
                    write_cells(page, &indent, &cells, &widths);
                }
            }
        }
    }

    /// The columns that any row fills: those behind remarks in all rows need no title.
    fn columns_in_use(&self) -> usize {
        let used = self.rows.iter().map(|row| match row {
            Row::Cells(cells) | Row::Remark(cells, _) => cells.len(),
        });
        used.max().unwrap_or(0)
    }

    fn may_wrap(&self, column: usize) -> bool {
        self.wraps.get(column).copied().unwrap_or(false)
    }

    /// The width of each column if nothing wraps. Remarks do not count: they wrap.
    fn natural(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.titles.iter().map(|t| width(t)).collect();
        for row in &self.rows {
            let (Row::Cells(cells) | Row::Remark(cells, _)) = row;
            for (w, (_, text)) in widths.iter_mut().zip(cells) {
                *w = (*w).max(width(&harmless(text.trim())));
            }
        }
        widths
    }

    /// The natural widths, with the widest wrapping column made narrower until the table
    /// fits or none can give way.
    fn fit(&self, page: usize) -> Vec<usize> {
        let mut widths = self.natural();
        let gaps = self.indent + widths.len().saturating_sub(1) * GAP;
        let excess = |widths: &[usize]| (gaps + widths.iter().sum::<usize>()).saturating_sub(page);
        while excess(&widths) > 0 {
            let widest = widths.iter_mut().enumerate().filter(|(i, w)| self.may_wrap(*i) && **w > NARROWEST);
            match widest.max_by_key(|(_, w)| **w) {
                Some((_, w)) => *w -= 1,
                None => break,
            }
        }
        widths
    }
}

/// The beginning of a text, in at most `columns`.
fn cut(text: &str, columns: usize, unicode: bool) -> String {
    let text = harmless(text.trim());
    if width(&text) <= columns {
        return text.into_owned();
    }
    let mark = if unicode { "…" } else { "..." };
    let mut out = String::new();
    for c in text.chars() {
        let longer = width(&out) + UnicodeWidthChar::width(c).unwrap_or(0) + width(mark);
        if longer > columns {
            break;
        }
        out.push(c);
    }
    format!("{}{mark}", out.trim_end())
}

/// One row, on as many lines as its tallest cell needs.
fn write_cells(page: &mut Page, indent: &str, cells: &[Cell], widths: &[usize]) {
    let columns: Vec<(Role, Vec<String>, usize)> =
        cells.iter().zip(widths).map(|((role, text), w)| (*role, wrap_cell(text, *w), *w)).collect();
    let height = columns.iter().map(|(_, lines, _)| lines.len()).max().unwrap_or(0);
    for i in 0..height {
        let mut pieces: Vec<(Role, String)> = vec![(Role::Plain, indent.to_owned())];
        for (role, lines, w) in &columns {
            let text = lines.get(i).map_or("", String::as_str);
            pieces.push((*role, text.to_owned()));
            pieces.push((Role::Plain, " ".repeat((w + GAP).saturating_sub(width(text)))));
        }
        let pieces: Vec<(Role, &str)> = pieces.iter().map(|(r, t)| (*r, t.as_str())).collect();
        page.line(&pieces);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::Style;

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|t| (Role::Plain, (*t).to_owned())).collect()
    }

    fn table(rows: Vec<Row>) -> Table {
        let titles = vec!["name", "what", "why"];
        Table { titles, wraps: vec![false, false, true], rows, ..Table::default() }
    }

    fn print(table: &Table, width: usize) -> String {
        let mut page = Page::new(Style { color: false, unicode: true, width });
        table.write(&mut page);
        page.finish()
    }

    #[test]
    fn columns_stand_straight_and_a_remark_crosses_them() {
        let table = table(vec![
            Row::Cells(cells(&["a", "first", "because"])),
            Row::Remark(cells(&["longer"]), (Role::Plain, "not reached: connection timed out".into())),
        ]);
        let expected = "\
name    what   why
a       first  because
longer  not reached: connection timed out
";
        assert_eq!(print(&table, 80), expected);
    }

    #[test]
    fn a_table_that_is_cut_has_one_line_for_each_row() {
        let mut table = table(vec![Row::Cells(cells(&["a", "x", "a reason that is too long for the page"]))]);
        table.cut = true;
        assert_eq!(print(&table, 40), "name  what  why\na     x     a reason that is too long f…\n");
    }

    #[test]
    fn the_wrapping_column_gives_way() {
        let table = table(vec![Row::Cells(cells(&[
            "a-name-of-20-columns",
            "x",
            "a reason that is too long for the page",
        ]))]);
        let text = print(&table, 44);
        assert!(text.lines().all(|l| width(l) <= 44), "{text}");
        assert!(text.contains("a-name-of-20-columns"), "{text}");
    }
}
