//! Where text goes: data to standard output, talk to standard error; colour and width.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use waxseal_render::Style;

use crate::exit::Failure;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set; CLICOLOR_FORCE colours elsewhere too.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Columns of a page, where nothing asks for fewer or more.
const WIDTH: usize = 80;

/// The two streams and how to write on them.
#[derive(Debug)]
pub(crate) struct Terminal {
    color: bool,
    width: usize,
    unicode: bool,
}

impl Terminal {
    /// Looks at the environment once.
    pub(crate) fn new(color: Color, width: Option<usize>) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0");
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            // https://no-color.org: any value counts, `0` too.
            Color::Auto if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) => false,
            Color::Auto if set("CLICOLOR_FORCE") => true,
            Color::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
            }
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        // No locale at all (cron, CI) is far more often UTF-8 than not.
        let unicode = locale.is_none_or(|l| {
            let l = l.to_ascii_lowercase();
            l.contains("utf-8") || l.contains("utf8")
        });
        let narrow = || terminal_size::terminal_size_of(std::io::stdout()).map(|(w, _)| usize::from(w.0));
        let width = width.or_else(|| narrow().map(|w| w.min(WIDTH))).unwrap_or(WIDTH);
        Self { color, width: width.clamp(40, 400), unicode }
    }

    /// How reports are to look.
    pub(crate) fn style(&self) -> Style {
        Style { color: self.color, unicode: self.unicode, width: self.width }
    }

    /// Prints data.
    ///
    /// # Errors
    /// If standard output cannot be written; a reader that went away is no error.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.write(if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }.as_str())
    }

    /// The same without seeing to the line feed at the end.
    ///
    /// # Errors
    /// As for [`Terminal::print`].
    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::AutoStream::new(
            std::io::stdout(),
            if self.color { anstream::ColorChoice::Always } else { anstream::ColorChoice::Never },
        );
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::internal(format!("standard output cannot be written: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Says something to the person at the terminal.
    pub(crate) fn say(&self, text: &str) {
        // Nobody is left to tell if this fails.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Says what went wrong.
    pub(crate) fn complain(&self, sentence: &str) {
        self.say(&format!("waxseal: {sentence}"));
    }
}
