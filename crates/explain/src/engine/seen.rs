//! The event as rules see it.

use std::ops::Range;

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
        let marked = |token: &&&str| stands(&self.text, token) || stands(&self.reporter, token);
        provider.tokens.iter().find(marked).copied()
    }

    fn is_format_of(&self, provider: &Provider) -> bool {
        let format = self.event.source.format.as_str();
        provider.formats.iter().any(|f| format.starts_with(f))
    }
}

/// The token stands in the text by itself: not in the midst of a longer word or name of a host
/// (`mail.ru` in `mail.rutgers.example`), and not within a mail address, which anybody may have.
/// Digits may follow: `exim4`, `namprd12`.
fn stands(text: &str, token: &str) -> bool {
    let opens_word = token.starts_with(|c: char| c.is_ascii_alphanumeric());
    let ends_word = token.ends_with(|c: char| c.is_ascii_alphabetic());
    text.match_indices(token).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + token.len()..).unwrap_or_default();
        let inside = opens_word && before.ends_with(|c: char| c.is_ascii_alphanumeric())
            || ends_word && after.starts_with(|c: char| c.is_ascii_alphabetic());
        !inside && !is_in_address(text.as_bytes(), &(at..at + token.len()))
    })
}

/// True if a span lies within one mail address.
pub(super) fn is_in_address(text: &[u8], span: &Range<usize>) -> bool {
    let ends = |b: &u8| b.is_ascii_whitespace() || b"<>()[];:,\"'".contains(b);
    let inside = text.get(span.clone()).unwrap_or_default();
    if inside.iter().any(ends) {
        return false;
    }
    let before = text.get(..span.start).unwrap_or_default().iter().rev().take_while(|b| !ends(b));
    let after = text.get(span.end..).unwrap_or_default().iter().take_while(|b| !ends(b));
    before.take(LONGEST_ADDRESS).chain(inside).chain(after.take(LONGEST_ADDRESS)).any(|b| *b == b'@')
}

/// Bytes of an address that are looked at on either side (RFC 5321 section 4.5.3.1).
const LONGEST_ADDRESS: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_by_itself_and_in_no_address() {
        for (text, token, expected) in [
            ("450 zombie users", "ers", false),
            ("554 <kim@gmail.com> no ptr record", "mail.com", false),
            ("554 <kim@mail.com> no ptr record", "mail.com", false),
            ("554 see https://www.mail.com/help", "mail.com", true),
            ("554 mail.community.example refused", "mail.com", false),
            ("450 zombie matches (ers)", "(ers)", true),
            ("550 exim4 said no", "exim", true),
            ("550 eximbank.example said no", "exim", false),
            ("sn6pr0101.namprd12.prod.outlook.com", "namprd", true),
            ("421 4.7.0 try later x1.2 - gsmtp", "gsmtp", true),
            ("550 5.4.1 denied. as(201806281)", "as(20", true),
        ] {
            assert_eq!(stands(text, token), expected, "{token} in {text}");
        }
    }

    #[test]
    fn a_span_over_more_than_an_address_is_in_none() {
        let text = b"550 <virus@example.com>: a virus";
        assert!(is_in_address(text, &(5..10)));
        assert!(!is_in_address(text, &(27..32)));
        assert!(!is_in_address(text, &(4..24)));
    }
}
