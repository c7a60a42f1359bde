//! The symbol, word and colour of each judgement: always the three together.

use waxseal_model::{
    Letter, Severity, VerdictKind,
    grade::{AuthenticationMark, EncryptionMark},
};

use crate::style::{Role, Style};

/// How a judgement looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) symbol: &'static str,
    pub(crate) word: &'static str,
    pub(crate) role: Role,
}

impl Look {
    /// Symbol and word, `▲ HIGH`.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.symbol, self.word)
    }
}

pub(crate) fn severity(severity: Severity, style: &Style) -> Look {
    let (unicode, ascii, word, role) = match severity {
        Severity::Critical => ("✖", "!!", "CRITICAL", Role::Worst),
        Severity::High => ("▲", "!", "HIGH", Role::Bad),
        Severity::Medium => ("●", "*", "MEDIUM", Role::Warning),
        Severity::Low => ("○", "-", "LOW", Role::Notice),
        Severity::Info => ("·", ".", "INFO", Role::Faint),
    };
    Look { symbol: style.symbol(unicode, ascii), word, role }
}

pub(crate) fn encryption(mark: EncryptionMark, style: &Style) -> Look {
    let (quality, word) = match mark {
        EncryptionMark::Good => (Quality::Good, "good"),
        EncryptionMark::Fair => (Quality::Fair, "fair"),
        EncryptionMark::Weak => (Quality::Poor, "weak"),
        EncryptionMark::None => (Quality::Bad, "none"),
        EncryptionMark::Unknown => (Quality::Unknown, "unknown"),
    };
    quality.look(word, style)
}

pub(crate) fn authentication(mark: AuthenticationMark, style: &Style) -> Look {
    let (quality, word) = match mark {
        AuthenticationMark::Dane => (Quality::Good, "DANE"),
        AuthenticationMark::Enforced => (Quality::Good, "enforced"),
        AuthenticationMark::Testing => (Quality::Fair, "testing"),
        AuthenticationMark::Certificate => (Quality::Fair, "certificate"),
        AuthenticationMark::None => (Quality::Bad, "none"),
        AuthenticationMark::Unknown => (Quality::Unknown, "unknown"),
    };
    quality.look(word, style)
}

pub(crate) fn verdict(kind: VerdictKind, style: &Style) -> Look {
    match kind {
        VerdictKind::Clear => Quality::Good.look("clear", style),
        VerdictKind::Found => Quality::Poor.look("found", style),
        VerdictKind::Undetermined => Quality::Unknown.look("undetermined", style),
    }
}

/// The colour of a letter; none is a target that was not graded.
pub(crate) fn letter_role(letter: Option<Letter>) -> Role {
    match letter {
        Some(Letter::APlus | Letter::A | Letter::B) => Role::Good,
        Some(Letter::C | Letter::D) => Role::Warning,
        Some(Letter::E | Letter::F | Letter::X) => Role::Worst,
        None => Role::Strong,
    }
}

/// Five steps that marks and verdicts share.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Quality {
    Good,
    Fair,
    Poor,
    Bad,
    Unknown,
}

impl Quality {
    pub(crate) fn look(self, word: &'static str, style: &Style) -> Look {
        let (unicode, ascii, role) = match self {
            Self::Good => ("✔", "+", Role::Good),
            Self::Fair => ("●", "*", Role::Warning),
            Self::Poor => ("▲", "!", Role::Bad),
            Self::Bad => ("✖", "!!", Role::Worst),
            Self::Unknown => ("?", "?", Role::Notice),
        };
        Look { symbol: style.symbol(unicode, ascii), word, role }
    }
}
