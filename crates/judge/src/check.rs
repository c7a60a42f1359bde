//! What a check is: an id, a manual, a scope and a pure function.

use waxseal_model::{Finding, Why};

use crate::case::Case;

/// What a check concludes: no findings is clear, an error says what is not known.
pub(crate) type Outcome = Result<Vec<Finding>, Why>;

/// Nothing wrong, and the facts were there.
pub(crate) const CLEAR: Outcome = Ok(Vec::new());

/// What a check is about. The framework runs it only where it applies, and answers for it
/// where the facts it needs cannot have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The domain's names and policies; targets that are hosts have none.
    Domain,
    /// Any address and port, reached or not.
    Server,
    /// An address on the port between mail servers (25), reached or not.
    Relay,
    /// A server that was reached.
    Conversation,
    /// A server that was reached where TLS starts by STARTTLS.
    Starttls,
    /// A server with which TLS could be tried.
    Tls,
    /// The same, but only in an audit: a check does not ask what it rests on.
    Audit,
}

/// One check. Its constant in `checks/<theme>/<check>.rs` carries the manual as its doc
/// comment.
pub struct Check {
    /// `certificate.expired`.
    pub id: &'static str,
    /// What it is about.
    pub scope: Scope,
    /// The first line of the manual.
    pub(crate) title: &'static str,
    /// The doc comment as written, one leading space a line.
    pub(crate) doc: &'static str,
    /// The judgement.
    pub(crate) judge: fn(&Case) -> Outcome,
    /// Evidence that must give each of the three verdicts.
    #[cfg(test)]
    pub(crate) fixtures: &'static Fixtures,
}

impl Check {
    /// The manual in Markdown.
    pub(crate) fn manual(&self) -> String {
        let mut out = String::with_capacity(self.doc.len());
        for line in self.doc.lines() {
            out.push_str(line.strip_prefix(' ').unwrap_or(line).trim_end());
            out.push('\n');
        }
        out
    }
}

/// Changes to the healthy sample that make a check answer each of the three ways.
#[cfg(test)]
pub(crate) struct Fixtures {
    pub(crate) clear: fn(&mut waxseal_model::Evidence),
    pub(crate) found: fn(&mut waxseal_model::Evidence),
    pub(crate) undetermined: fn(&mut waxseal_model::Evidence),
}

/// Declares a check: the doc comment becomes its manual, and it does not compile under
/// test without [`fixtures!`].
macro_rules! check {
    (
        #[doc = $title:literal]
        $(#[doc = $line:literal])+
        $id:literal, $scope:ident, $judge:ident
    ) => {
        #[doc = $title]
        $(#[doc = $line])+
        pub static CHECK: $crate::Check = $crate::Check {
            id: $id,
            scope: $crate::Scope::$scope,
            title: $title,
            doc: concat!($title, "\n", $($line, "\n"),+),
            judge: $judge,
            #[cfg(test)]
            fixtures: &FIXTURES,
        };
    };
}

/// Declares the fixtures of a check.
macro_rules! fixtures {
    (clear: $clear:expr, found: $found:expr, undetermined: $undetermined:expr $(,)?) => {
        #[cfg(test)]
        static FIXTURES: $crate::check::Fixtures =
            $crate::check::Fixtures { clear: $clear, found: $found, undetermined: $undetermined };
    };
}

pub(crate) use {check, fixtures};
