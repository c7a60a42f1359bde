//! How text is to look: colour, character set, width.

use anstyle::{AnsiColor, Color};

/// What the reader's terminal, printer or file can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours. They only add to symbols and words.
    pub color: bool,
    /// Symbols beyond ASCII (`✖ ▲ ●`); otherwise `!! ! *`. Text that came from servers
    /// keeps its own characters either way.
    pub unicode: bool,
    /// Columns. Less than [`Style::MIN_WIDTH`] is treated as that.
    pub width: usize,
}

impl Style {
    /// The narrowest page that is laid out.
    pub const MIN_WIDTH: usize = 40;

    /// No colour, Unicode symbols, 80 columns: for files and tests.
    pub const fn plain() -> Self {
        Self { color: false, unicode: true, width: 80 }
    }

    /// The columns that are used.
    pub(crate) fn columns(&self) -> usize {
        self.width.max(Self::MIN_WIDTH)
    }

    /// One of two spellings of a symbol.
    pub(crate) fn symbol(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }
}

/// What a piece of text is, for colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Role {
    /// Running text.
    #[default]
    Plain,
    /// Headings and the words to see first.
    Strong,
    /// What may be skipped.
    Faint,
    /// In order.
    Good,
    /// Something to look at.
    Notice,
    /// To be mended.
    Warning,
    /// Broken.
    Bad,
    /// Broken, at once.
    Worst,
    /// To be copied: settings and commands.
    Command,
}

impl Role {
    fn ansi(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        let fg = |color: AnsiColor| plain.fg_color(Some(Color::Ansi(color)));
        match self {
            Self::Plain => plain,
            Self::Strong => plain.bold(),
            Self::Faint => plain.dimmed(),
            Self::Good => fg(AnsiColor::Green),
            Self::Notice => fg(AnsiColor::Cyan),
            Self::Warning => fg(AnsiColor::Yellow),
            Self::Bad => fg(AnsiColor::Red),
            Self::Worst => fg(AnsiColor::Red).bold(),
            Self::Command => fg(AnsiColor::Cyan),
        }
    }

    /// Appends harmless text in this role's colour.
    pub(crate) fn paint(self, style: &Style, text: &str, out: &mut String) {
        let ansi = self.ansi();
        if style.color && !text.trim().is_empty() && !ansi.is_plain() {
            out.push_str(&format!("{}{text}{}", ansi.render(), ansi.render_reset()));
        } else {
            out.push_str(text);
        }
    }
}
