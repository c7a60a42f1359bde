//! The event as rules see it.

use waxseal_model::{MailEvent, mail::EnhancedStatus};

use crate::{
    facts,
    rules::{Provider, providers},
};

/// An event with what many rules ask of it.
pub(super) struct Seen<'a> {
    /// The event.
    pub(super) event: &'a MailEvent,
    /// Where the innermost reply begins in its text.
    pub(super) inner: usize,
    /// The enhanced status code, where it says anything.
    pub(super) status: Option<EnhancedStatus>,
    /// Its text in lower case.
    pub(super) text: String,
    /// The reporting host in lower case.
    reporter: String,
    host: String,
    /// Providers that were asked for already, by their place.
    known: Vec<Option<bool>>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(event: &'a MailEvent) -> Self {
        let telling = |s: &EnhancedStatus| (s.subject, s.detail) != (0, 0);
        let text = event.text.to_ascii_lowercase();
        let inner = facts::innermost(&text);
        let host = event.remote_host.as_deref().or(event.reporter.as_deref());
        Self {
            event,
            inner,
            status: event
                .status
                .filter(telling)
                .or_else(|| facts::status(&event.text, event.reply).filter(telling)),
            text,
            reporter: event.reporter.as_deref().unwrap_or_default().to_ascii_lowercase(),
            host: host.unwrap_or_default().to_ascii_lowercase(),
            known: vec![None; providers().len()],
        }
    }

    /// These are words of that provider or program, going by hosts, marks and format.
    pub(super) fn knows(&mut self, provider: &Provider) -> bool {
        if let Some(Some(known)) = self.known.get(provider.place) {
            return *known;
        }
        let known =
            self.is_host_of(provider) || self.mark_of(provider).is_some() || self.is_format_of(provider);
        if let Some(slot) = self.known.get_mut(provider.place) {
            *slot = Some(known);
        }
        known
    }

    /// The remote host is one of the provider's; where none is known, the reporting one.
    pub(super) fn is_host_of(&self, provider: &Provider) -> bool {
        let host = self.host.trim_end_matches('.');
        provider.hosts.iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }

    /// A word of the text that only this provider writes.
    pub(super) fn mark_of(&self, provider: &Provider) -> Option<&'static str> {
        let marked = |token: &&&str| self.text.contains(**token) || self.reporter.contains(**token);
        provider.tokens.iter().find(marked).copied()
    }

    fn is_format_of(&self, provider: &Provider) -> bool {
        let format = self.event.source.format.as_str();
        provider.formats.iter().any(|f| format.starts_with(f))
    }
}
