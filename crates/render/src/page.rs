//! Lines of a page: every piece of text goes through [`Page`], which guards it, wraps it
//! and colours it. Nothing else in this crate writes to a page.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, wrap_algorithms::Penalties};
use unicode_width::UnicodeWidthStr;

use crate::{
    guard::harmless,
    paste::{is_to_copy, joined, split_remark},
    style::{Role, Style},
};

/// A page under construction.
#[derive(Debug)]
pub(crate) struct Page {
    style: Style,
    out: String,
}

impl Page {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, out: String::new() }
    }

    pub(crate) fn style(&self) -> &Style {
        &self.style
    }

    /// Columns of the page.
    pub(crate) fn width(&self) -> usize {
        self.style.columns()
    }

    /// An empty line, unless the page is empty or already ends with one.
    pub(crate) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// One line of pieces, as they are, without the spaces at its end.
    pub(crate) fn line(&mut self, pieces: &[(Role, &str)]) {
        let last = pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        for (i, (role, text)) in pieces.iter().enumerate() {
            let text = match last {
                Some(last) if i < last => text,
                Some(last) if i == last => text.trim_end(),
                _ => break,
            };
            role.paint(&self.style, &harmless(text), &mut self.out);
        }
        self.out.push('\n');
    }

    /// A heading after an empty line.
    pub(crate) fn heading(&mut self, text: &str) {
        self.blank();
        self.line(&[(Role::Strong, text)]);
    }

    /// Text in one role, wrapped at spaces, each line moved in by `indent`.
    pub(crate) fn paragraph(&mut self, indent: usize, role: Role, text: &str) {
        self.entry(&[], indent, role, text);
    }

    /// Pieces at the left, and text that is wrapped in the column that begins at
    /// `indent`. Where the pieces reach into that column, the text begins one space
    /// behind them, or on the next line if no word fits there.
    pub(crate) fn entry(&mut self, pieces: &[(Role, &str)], indent: usize, role: Role, text: &str) {
        let taken: usize = pieces.iter().map(|(_, t)| width(&harmless(t))).sum();
        let pad = if taken == 0 { indent } else { indent.saturating_sub(taken).max(1) };
        let hang = " ".repeat(indent);
        let first = " ".repeat(taken + pad);
        let mut head = pieces.to_vec();
        let gap = " ".repeat(pad);
        for (i, line) in wrap(text, self.width(), &first, &hang).iter().enumerate() {
            if i > 0 {
                self.line(&[(Role::Plain, &hang), (role, line)]);
            } else if line.is_empty() {
                self.line(pieces);
            } else {
                head.push((Role::Plain, &gap));
                head.push((role, line));
                self.line(&head);
            }
        }
    }

    /// Lines to be copied: never wrapped, moved in by `indent`.
    pub(crate) fn verbatim(&mut self, indent: usize, text: &str) {
        let indent = " ".repeat(indent);
        for line in text.lines() {
            self.line(&[(Role::Plain, &indent), (Role::Command, line)]);
        }
    }

    /// Advice as checks write it, line by line: sentences, settings and commands. Lines
    /// that fit stay as they are, with their own indentation. Of those that do not,
    /// settings and commands stay whole, so that they can be copied, and sentences wrap.
    pub(crate) fn advice(&mut self, indent: usize, text: &str) {
        for line in &joined(text) {
            let inner = line.chars().take_while(|c| *c == ' ').count().min(self.width() / 4);
            let role = if inner > 0 { Role::Command } else { Role::Plain };
            let indent = indent + inner;
            let line = line.trim();
            if indent + width(&harmless(line)) <= self.width() {
                self.line(&[(Role::Plain, &" ".repeat(indent)), (role, line)]);
                continue;
            }
            let (setting, remark) = split_remark(line);
            if is_to_copy(setting) {
                self.verbatim(indent, setting);
            } else {
                self.paragraph(indent, Role::Plain, setting);
            }
            if !remark.is_empty() {
                self.paragraph(indent + 2, Role::Plain, remark);
            }
        }
    }

    /// The page as text; every line ends with a line feed.
    pub(crate) fn finish(self) -> String {
        self.out
    }
}

/// Columns that harmless text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Lines of `text` for a page of `columns`: words are kept whole, so that names and
/// commands can be copied. `first` and `hang` stand for what will be printed before the
/// first and the other lines; they are not part of what is returned. There is always at
/// least one line.
fn wrap(text: &str, columns: usize, first: &str, hang: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let clean = harmless(paragraph.trim());
        let start = if lines.is_empty() { first } else { hang };
        lines.extend(wrap_line(&clean, columns, start, hang));
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// What makes a division of lines a bad one. A line that is too long is worse than any gap,
/// also beside long names; the rest is the library's.
const PENALTIES: Penalties = Penalties { overflow_penalty: 1_000_000, ..Penalties::new() };

fn wrap_line(text: &str, columns: usize, first: &str, hang: &str) -> Vec<String> {
    let options = Options::new(columns)
        .initial_indent(first)
        .subsequent_indent(hang)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::OptimalFit(PENALTIES))
        .break_words(false);
    let wrapped = textwrap::wrap(text, options);
    wrapped
        .iter()
        .enumerate()
        .map(|(i, line)| {
            let indent = if i == 0 { first } else { hang };
            line.strip_prefix(indent).unwrap_or(line.trim_start()).to_owned()
        })
        .collect()
}

/// Lines of `text` in a table cell of `columns`: words longer than the cell are broken,
/// so that the columns beside it stay straight.
pub(crate) fn wrap_cell(text: &str, columns: usize) -> Vec<String> {
    let clean = harmless(text.trim());
    let options = Options::new(columns.max(2))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(true);
    textwrap::wrap(&clean, options).into_iter().map(|l| l.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_not_too_long_where_a_gap_would_do() {
        let text = "127.0.0.1 accepts anonymous suites. It chose TLS_DH_anon_WITH_AES_128_CBC_SHA in TLS \
                    1.2, TLS_DH_anon_WITH_AES_256_GCM_SHA384 in TLS 1.2, \
                    TLS_DH_anon_WITH_AES_128_GCM_SHA256 in TLS 1.2 and 21 more.";
        for columns in [60, 76, 80, 100] {
            let lines = wrap(text, columns, "    ", "    ");
            assert!(lines.iter().all(|line| 4 + width(line) <= columns), "{columns}: {lines:#?}");
        }
    }

    fn page(width: usize) -> Page {
        Page::new(Style { color: false, unicode: true, width })
    }

    #[test]
    fn an_entry_hangs_in_its_column() {
        let mut page = page(40);
        page.entry(&[(Role::Strong, "label")], 10, Role::Plain, "one two three four five six seven eight");
        assert_eq!(page.finish(), "label     one two three four five six\n          seven eight\n");
    }

    #[test]
    fn a_label_longer_than_its_column_pushes_the_text_on() {
        let mut page = page(40);
        page.entry(&[(Role::Plain, "a longer label")], 4, Role::Plain, "then the text of it, in two lines");
        assert_eq!(page.finish(), "a longer label then the text of it, in\n    two lines\n");
    }

    #[test]
    fn a_word_that_fits_nowhere_stays_whole() {
        let word = "x".repeat(60);
        let mut page = page(40);
        page.entry(&[(Role::Plain, "label")], 8, Role::Plain, &word);
        assert!(page.finish().contains(&word));
    }

    #[test]
    fn wide_characters_count_twice() {
        let mut page = page(40);
        page.paragraph(0, Role::Plain, &"漢字 ".repeat(12));
        assert!(page.finish().lines().all(|l| width(l) <= 40));
    }

    #[test]
    fn colour_surrounds_text_but_not_spaces() {
        let mut page = Page::new(Style { color: true, unicode: true, width: 80 });
        page.line(&[(Role::Bad, "  "), (Role::Bad, "x"), (Role::Plain, "  ")]);
        assert_eq!(page.finish(), "  \u{1b}[31mx\u{1b}[0m\n");
    }

    #[test]
    fn advice_wraps_sentences_and_keeps_settings_whole() {
        let setting = "smtpd_tls_chain_files = /etc/ssl/private/key.pem, /etc/ssl/fullchain.pem";
        let mut page = page(40);
        page.advice(2, &format!("Set this in main.cf, then reload the server:\n  {setting}"));
        let text = page.finish();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains(&format!("    {setting}\n")), "{text}");
    }

    #[test]
    fn a_sentence_over_two_lines_is_wrapped_as_one() {
        let mut page = page(40);
        page.advice(
            0,
            "Look first who needs it (the server's log names\nthe version): a sender.\nThen:\nreload it",
        );
        let expected =
            "Look first who needs it (the server's\nlog names the version): a sender.\nThen:\nreload it\n";
        assert_eq!(page.finish(), expected);
    }

    #[test]
    fn a_remark_behind_a_long_setting_goes_below_it() {
        let mut page = page(40);
        let setting = "tls_certificate = /etc/exim4/mx.pem";
        page.advice(
            0,
            &format!("{setting}      (leaf first)\nThis one is no setting, and so it wraps at last"),
        );
        let expected =
            format!("{setting}\n  (leaf first)\nThis one is no setting, and so it wraps\nat last\n");
        assert_eq!(page.finish(), expected);
    }
}
