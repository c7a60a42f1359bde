//! Tables, words with their colour, fixes.

use maud::{Markup, html};

use crate::{
    paste::{Piece, pieces},
    style::Role,
    words::Look,
};

/// A table with a caption, column titles and row titles. It scrolls by itself where the page
/// is too narrow for it; on a phone its rows become blocks, whose roles are spelled out
/// because browsers forget that these are rows and cells.
pub(super) struct Grid<'a> {
    id: String,
    caption: String,
    quiet: bool,
    titles: &'a [&'static str],
    rows: Vec<(Vec<Markup>, Option<Markup>)>,
}

impl<'a> Grid<'a> {
    /// An empty table; `id` is used once on the page.
    pub(super) fn new(id: impl Into<String>, caption: impl Into<String>, titles: &'a [&'static str]) -> Self {
        Self { id: id.into(), caption: caption.into(), quiet: false, titles, rows: Vec::new() }
    }

    /// The caption is read out and not shown: a heading right above says the same.
    pub(super) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// A cell for each column; the first is the title of the row.
    pub(super) fn row(&mut self, cells: Vec<Markup>) {
        self.rows.push((cells, None));
    }

    /// Cells for the first columns, and a remark over all the others.
    pub(super) fn remark(&mut self, cells: Vec<Markup>, remark: Markup) {
        self.rows.push((cells, Some(remark)));
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            @if !self.rows.is_empty() {
                div.scroll role="group" tabindex="0" aria-labelledby=(self.id) {
                    table role="table" {
                        caption id=(self.id) class=(if self.quiet { "unseen" } else { "seen" }) { (self.caption) }
                        thead role="rowgroup" {
                            tr role="row" {
                                @for title in self.titles { th scope="col" role="columnheader" { (title) } }
                            }
                        }
                        tbody role="rowgroup" {
                            @for (cells, remark) in &self.rows { (self.row_markup(cells, remark.as_ref())) }
                        }
                    }
                }
            }
        }
    }

    fn row_markup(&self, cells: &[Markup], remark: Option<&Markup>) -> Markup {
        let left = self.titles.len().saturating_sub(cells.len());
        html! {
            tr role="row" {
                @for (i, (cell, title)) in cells.iter().zip(self.titles).enumerate() {
                    @if i == 0 {
                        th scope="row" role="rowheader" { (cell) }
                    } @else {
                        td role="cell" data-label=(title) { (cell) }
                    }
                }
                @if let Some(remark) = remark { td role="cell" colspan=(left) { (remark) } }
            }
        }
    }
}

/// The class that gives a role its colour.
pub(super) fn class(role: Role) -> &'static str {
    match role {
        Role::Plain | Role::Command => "plain",
        Role::Strong => "strong",
        Role::Faint => "faint",
        Role::Good => "good",
        Role::Notice => "notice",
        Role::Warning => "warning",
        Role::Bad => "bad",
        Role::Worst => "worst",
    }
}

/// Text in the colour of its role; the words carry the meaning.
pub(super) fn shown(role: Role, text: &str) -> Markup {
    html! { @if role == Role::Plain { (text) } @else { span class=(class(role)) { (text) } } }
}

/// Symbol and word of a judgement; the symbol is not read out.
pub(super) fn look(look: Look) -> Markup {
    word(look, look.word)
}

/// The symbol and colour of a judgement with another word.
pub(super) fn word(look: Look, word: &str) -> Markup {
    html! {
        span class={ "status " (class(look.role)) } { span aria-hidden="true" { (look.symbol) " " } (word) }
    }
}

/// A fix: sentences, and blocks to paste.
pub(super) fn fix(text: &str) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Prose(text) => p { (text) },
                Piece::Paste(lines) => pre { code { (lines) } },
            }
        }
    }
}

/// Labels and texts.
pub(super) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, Markup)>) -> Markup {
    html! { dl.facts { @for (label, text) in facts { dt { (label) } dd { (text) } } } }
}
