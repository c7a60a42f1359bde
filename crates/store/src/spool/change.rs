//! What an operator asks of the queue.

use serde::{Deserialize, Serialize};

use super::{Attempt, Envelope, MessageId, State};

/// Which recipients. What is empty or none does not narrow; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selector {
    /// One of these messages.
    pub messages: Vec<u64>,
    /// The recipient's address, or its domain with or without a leading `@`; `*.example.com`
    /// for all below.
    pub recipient: Option<String>,
    /// The sender's address, or `@` and its domain; `<>` for the null sender.
    pub sender: Option<String>,
    /// The last attempt's MX site or host contains this.
    pub site: Option<String>,
    /// The last attempt's reason is this token, or begins with it and a dot: `tls`.
    pub reason: Option<String>,
    /// Only these states; empty: those that are not final.
    pub states: Vec<State>,
    /// The id in our `Received` line is this.
    pub trace: Option<String>,
    /// Received before this time.
    pub received_before: Option<i64>,
    /// Received at this time or later.
    pub received_since: Option<i64>,
}

impl Selector {
    /// True if recipients in this state are meant.
    pub fn means_state(&self, state: State) -> bool {
        if self.states.is_empty() { !state.is_final() } else { self.states.contains(&state) }
    }

    /// True if a message received at this time is meant.
    pub fn means_time(&self, received_at: i64) -> bool {
        self.received_before.is_none_or(|before| received_at < before)
            && self.received_since.is_none_or(|since| received_at >= since)
    }

    /// True if more is asked of a message than its id and time.
    pub fn needs_envelope(&self) -> bool {
        self.sender.is_some() || self.trace.is_some()
    }

    /// True if messages with this envelope are meant.
    pub fn means_envelope(&self, envelope: &Envelope) -> bool {
        self.means_sender(&envelope.sender)
            && self.trace.as_ref().is_none_or(|trace| envelope.arrival.trace == *trace)
    }

    /// True if messages of this sender (without angle brackets) are meant. Letter case plays
    /// no part.
    fn means_sender(&self, sender: &str) -> bool {
        let Some(wanted) = &self.sender else { return true };
        match wanted.strip_prefix('@') {
            Some(domain) => sender.rsplit_once('@').is_some_and(|(_, own)| own.eq_ignore_ascii_case(domain)),
            None if wanted == "<>" => sender.is_empty(),
            None => sender.eq_ignore_ascii_case(wanted),
        }
    }

    /// True if a recipient with this address and domain is meant. Letter case plays no part.
    pub fn means_recipient(&self, address: &str, domain: &str) -> bool {
        let Some(wanted) = &self.recipient else { return true };
        let wanted = wanted.strip_prefix('@').unwrap_or(wanted);
        if let Some(parent) = wanted.strip_prefix("*.") {
            let end = domain.len().checked_sub(parent.len());
            return end
                .and_then(|end| domain.split_at_checked(end))
                .is_some_and(|(below, own)| below.ends_with('.') && own.eq_ignore_ascii_case(parent));
        }
        if wanted.contains('@') {
            address.eq_ignore_ascii_case(wanted)
        } else {
            domain.eq_ignore_ascii_case(wanted)
        }
    }

    /// True if a recipient whose last attempt had this reason is meant.
    pub fn means_reason(&self, reason: Option<&str>) -> bool {
        let Some(wanted) = &self.reason else { return true };
        let rest = reason.and_then(|reason| reason.strip_prefix(wanted.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// True if a recipient with this last attempt is meant, as far as site and host go.
    pub fn means_site(&self, last: Option<&Attempt>) -> bool {
        let Some(wanted) = &self.site else { return true };
        let wanted = wanted.to_ascii_lowercase();
        last.is_some_and(|last| {
            let mut names = std::iter::once(last.site.as_str()).chain(last.host.as_deref());
            names.any(|name| name.to_ascii_lowercase().contains(&wanted))
        })
    }
}

/// What is to happen to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Due at this time: of those that are queued.
    Retry {
        /// When.
        at: i64,
    },
    /// Set aside: of those that are queued.
    Hold,
    /// Back into the queue, due at this time: of those that are held.
    Release {
        /// When.
        at: i64,
    },
    /// Taken out without a notice: of those that are queued or held.
    Cancel {
        /// When.
        at: i64,
    },
}

impl Change {
    /// The state that a recipient gets; none if the change does not apply to its present one.
    pub fn applied_to(self, state: State) -> Option<State> {
        match (self, state) {
            (Self::Retry { .. }, State::Queued) | (Self::Release { .. }, State::Held) => Some(State::Queued),
            (Self::Hold, State::Queued) => Some(State::Held),
            (Self::Cancel { .. }, State::Queued | State::Held) => Some(State::Cancelled),
            _ => None,
        }
    }
}

/// A recipient that a change found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Of which message.
    pub message: u64,
    /// Its number there.
    pub number: u32,
    /// Its address.
    pub address: String,
    /// Its domain.
    pub domain: String,
    /// Its state before.
    pub from: State,
}

impl Changed {
    /// Of which message.
    pub fn id(&self) -> MessageId {
        MessageId(self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(edit: impl FnOnce(&mut Selector)) -> Selector {
        let mut selector = Selector::default();
        edit(&mut selector);
        selector
    }

    #[test]
    fn recipients_by_address_domain_and_what_is_below() {
        let finds = |wanted: &str, address: &str, domain: &str| {
            selector(|selector| selector.recipient = Some(wanted.to_owned())).means_recipient(address, domain)
        };
        assert!(finds("Bob@Example.com", "bob@example.com", "example.com"));
        assert!(!finds("bob@example.com", "rob@example.com", "example.com"));
        assert!(finds("example.com", "bob@example.com", "example.com"));
        assert!(finds("@EXAMPLE.com", "bob@example.com", "example.com"));
        assert!(!finds("example.com", "bob@a.example.com", "a.example.com"));
        assert!(finds("*.example.com", "bob@a.example.com", "a.example.com"));
        assert!(!finds("*.example.com", "bob@example.com", "example.com"));
        assert!(!finds("*.example.com", "bob@badexample.com", "badexample.com"));
        assert!(!finds("*.xample.com", "bob@\u{e9}xample.com", "\u{e9}xample.com"));
    }

    #[test]
    fn senders_reasons_and_sites() {
        let mut traced = Envelope::default();
        traced.arrival.trace = "abc".to_owned();
        let by_trace = selector(|selector| selector.trace = Some("abc".to_owned()));
        assert!(by_trace.means_envelope(&traced) && !by_trace.means_envelope(&Envelope::default()));

        let sender = |wanted: &str, sender: &str| {
            let envelope = Envelope { sender: sender.to_owned(), ..Envelope::default() };
            selector(|selector| selector.sender = Some(wanted.to_owned())).means_envelope(&envelope)
        };
        assert!(sender("<>", "") && !sender("<>", "a@example.com"));
        assert!(sender("a@example.com", "A@example.com") && !sender("a@example.com", ""));
        assert!(sender("@example.com", "a@example.com") && !sender("@example.com", "a@b.example.com"));

        let reason = |wanted: &str, reason: Option<&str>| {
            selector(|selector| selector.reason = Some(wanted.to_owned())).means_reason(reason)
        };
        assert!(reason("tls", Some("tls.refused")) && reason("tls.refused", Some("tls.refused")));
        assert!(!reason("tls", Some("tlsa")) && !reason("tls", None));

        let attempt = Attempt { site: "mx1.example.com,mx2.example.com".to_owned(), ..Attempt::default() };
        let site = |wanted: &str| {
            selector(|selector| selector.site = Some(wanted.to_owned())).means_site(Some(&attempt))
        };
        assert!(site("MX2.example") && !site("mx3"));
        assert!(Selector::default().means_site(None));
    }

    #[test]
    fn changes_apply_to_what_is_not_final() {
        for state in State::ALL {
            for change in
                [Change::Retry { at: 1 }, Change::Hold, Change::Release { at: 1 }, Change::Cancel { at: 1 }]
            {
                assert!(change.applied_to(state).is_none() || !state.is_final());
            }
        }
    }
}
