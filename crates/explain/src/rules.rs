//! What is known: rules and causes, compiled from `rules/` by `build.rs`.

use waxseal_model::diagnosis::{Retry, Scope, Who};

/// A cause: what users are told, whatever words led there.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// `starttls_missing`.
    pub id: &'static str,
    /// `tls`.
    pub family: &'static str,
    /// What happened, in one sentence.
    pub summary: &'static str,
    /// Who must act.
    pub who: Who,
    /// Whether a retry helps.
    pub retry: Retry,
    /// What it strikes.
    pub scope: Scope,
    /// What to change.
    pub fix: &'static [FixText],
    /// Commands that find out more, with the placeholders `{recipient_domain}`,
    /// `{sender_domain}`, `{remote_host}`, `{remote_address}`, `{client_address}` and `{text}`.
    pub next: &'static [&'static str],
    /// The class by Sisimai's names.
    pub sisimai: &'static str,
}

/// A fix as a cause or rule states it.
#[derive(Debug, Clone, Copy)]
pub struct FixText {
    /// Who makes it, and where.
    pub at: &'static str,
    /// The change.
    pub text: &'static str,
    /// What to paste.
    pub paste: Option<&'static str>,
}

/// All causes, by family.
pub fn causes() -> &'static [Cause] {
    &[]
}

/// The cause of that name.
pub fn cause(id: &str) -> Option<&'static Cause> {
    causes().iter().find(|cause| cause.id == id)
}
