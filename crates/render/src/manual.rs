//! `waxseal checks`: the list of checks and the manual of one.
//!
//! A manual is the doc comment of its check: headings, paragraphs, lists, code blocks.
//! That much of Markdown is laid out; anything else is printed as it stands.

use crate::{
    page::Page,
    style::{Role, Style},
    table::{Row, Table},
};

/// The manual of a check as it is handed in: this crate knows no checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manual<'a> {
    /// `certificate.expired`.
    pub id: &'a str,
    /// What it finds, in one line.
    pub title: &'a str,
    /// The manual in Markdown.
    pub markdown: &'a str,
}

/// Text of a manual is moved in by this.
const INDENT: usize = 2;

/// The list of all checks: id and title, grouped by theme (the part before the dot) in
/// the order given.
pub fn list(checks: &[(&str, &str)], style: &Style) -> String {
    let mut page = Page::new(*style);
    let mut table = Table { titles: vec!["", ""], wraps: vec![false, true], ..Table::default() };
    let mut theme = None;
    for (id, title) in checks {
        let its = id.split('.').next();
        if theme.is_some() && theme != its {
            table.rows.push(Row::Cells(vec![(Role::Plain, " ".into()), (Role::Plain, String::new())]));
        }
        theme = its;
        table.rows.push(Row::Cells(vec![(Role::Command, (*id).into()), (Role::Plain, (*title).into())]));
    }
    table.write(&mut page);
    page.blank();
    page.paragraph(0, Role::Faint, &format!("{} checks. The manual of one: waxseal checks ID", checks.len()));
    page.finish()
}

/// The manual of one check.
pub fn page(id: &str, title: &str, markdown: &str, style: &Style) -> String {
    let mut page = Page::new(*style);
    page.line(&[(Role::Strong, id)]);
    page.paragraph(0, Role::Plain, title);
    page.blank();
    let mut blocks = Blocks::default();
    for line in body(markdown, title) {
        blocks.line(&mut page, line);
    }
    blocks.flush(&mut page);
    page.finish()
}

/// The lines of a manual, without the first one where that repeats the title.
pub(crate) fn body<'a>(markdown: &'a str, title: &str) -> impl Iterator<Item = &'a str> {
    let same = |line: &str| line.trim().trim_end_matches('.') == title.trim().trim_end_matches('.');
    let lines = markdown.lines().skip_while(|l| l.trim().is_empty());
    let skip = markdown.lines().find(|l| !l.trim().is_empty()).is_some_and(same);
    lines.skip(usize::from(skip))
}

/// The block that lines are being gathered into.
#[derive(Default)]
struct Blocks {
    text: String,
    /// The mark of a list item, with the spaces before it.
    item: Option<String>,
    /// Inside a fenced code block.
    fenced: bool,
}

impl Blocks {
    fn line(&mut self, page: &mut Page, raw: &str) {
        let line = raw.trim();
        if line.starts_with("```") {
            self.flush(page);
            self.fenced = !self.fenced;
        } else if self.fenced {
            page.verbatim(INDENT + 2, raw.trim_end());
        } else if line.is_empty() {
            self.flush(page);
            page.blank();
        } else if let Some(heading) = line.strip_prefix('#') {
            self.flush(page);
            page.heading(heading.trim_start_matches('#').trim());
        } else if line.starts_with('|') {
            self.flush(page);
            page.verbatim(INDENT, line);
        } else if let Some((mark, text)) = list_item(line) {
            self.flush(page);
            let depth = (raw.len() - raw.trim_start().len()).min(8) / 2 * 2;
            self.item = Some(format!("{}{mark}", " ".repeat(depth)));
            self.text = text.to_owned();
        } else {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(line);
        }
    }

    fn flush(&mut self, page: &mut Page) {
        let text = std::mem::take(&mut self.text);
        let item = self.item.take();
        if text.is_empty() {
            return;
        }
        match item {
            Some(mark) => {
                let mark = format!("{}{mark}", " ".repeat(INDENT));
                page.entry(&[(Role::Plain, &mark)], mark.len() + 1, Role::Plain, &text);
            }
            None => page.paragraph(INDENT, Role::Plain, &text),
        }
    }
}

/// `- text`, `* text`, `1. text`: the mark and the text.
fn list_item(line: &str) -> Option<(&str, &str)> {
    let (mark, text) = line.split_once(' ')?;
    let digits = mark.strip_suffix('.').or_else(|| mark.strip_suffix(')'));
    let numbered =
        digits.is_some_and(|d| (1..=2).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()));
    match mark {
        "-" | "*" | "+" => Some(("-", text.trim_start())),
        _ if numbered => Some((mark, text.trim_start())),
        _ => None,
    }
}
