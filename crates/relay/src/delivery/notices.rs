//! What the scheduler asks of those who write notices to senders (RFC 3461, RFC 3464).
//!
//! The scheduler knows what became of a recipient, [`Occasion::is_owed`] whether its sender
//! is to hear of it, and whoever implements [`Notices`] how that is said. A notice goes into
//! the same transaction as the state that it tells of.

use bytes::Bytes;
use waxseal_store::spool::{Attempt, Envelope, NewMessage, Notify, Recipient, StoredMessage};

/// What a notice tells of. One notice tells of one occasion, for one or more recipients of a
/// message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The recipients failed, or their time was up (`Action: failed`).
    Failure,
    /// The recipients wait for long, and are tried further (`Action: delayed`).
    Delay,
    /// The recipients were taken by a host that does not offer DSN, so that nobody further on
    /// will tell (`Action: relayed`, RFC 3461 section 5.2.2).
    Relayed,
}

impl Occasion {
    /// True if the sender is to be told. The null sender never is (RFC 5321 section 4.5.5).
    /// Without NOTIFY failures and delays are told (RFC 3461 section 4.1). Where the next host
    /// offers DSN, a success is for that host to tell: `remote_dsn`.
    pub fn is_owed(self, envelope: &Envelope, notify: Option<Notify>, remote_dsn: bool) -> bool {
        if envelope.sender.is_empty() {
            return false;
        }
        match self {
            Self::Failure => notify.is_none_or(|n| n.failure),
            Self::Delay => notify.is_none_or(|n| n.delay),
            Self::Relayed => !remote_dsn && notify.is_some_and(|n| n.success),
        }
    }
}

/// One recipient that a notice tells of.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The recipient as it was before this attempt.
    pub recipient: &'a Recipient,
    /// What this attempt came to, with the reply to be shown.
    pub attempt: &'a Attempt,
    /// Time was up, by our own rule (`5.4.7`); the reply names the last reason.
    pub expired: bool,
    /// When it is tried next (seconds since 1970-01-01 UTC), where it is.
    pub next_at: Option<i64>,
}

/// Writes notices.
pub trait Notices: Send + Sync + 'static {
    /// The message that tells the sender of `message` about an occasion, from the null
    /// sender; none if nothing is to be said after all.
    ///
    /// `told` are the recipients for which [`Occasion::is_owed`] holds, never none.
    /// `message.recipients` has at least these, and need not have the others. `body` are the
    /// parts of the message's bytes, in their order; none where they could not be read, which
    /// must not keep the notice from being written. `now` is seconds since 1970-01-01 UTC.
    fn compose(
        &self,
        occasion: Occasion,
        message: &StoredMessage,
        body: Option<&[Bytes]>,
        told: &[Told<'_>],
        now: i64,
    ) -> Option<NewMessage>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(sender: &str) -> Envelope {
        Envelope { sender: sender.to_owned(), ..Envelope::default() }
    }

    #[test]
    fn the_null_sender_is_told_nothing() {
        let all = Some(Notify { success: true, failure: true, delay: true });
        for occasion in [Occasion::Failure, Occasion::Delay, Occasion::Relayed] {
            assert!(!occasion.is_owed(&from(""), all, false), "{occasion:?}");
            assert!(occasion.is_owed(&from("a@example.com"), all, false), "{occasion:?}");
        }
    }

    #[test]
    fn notify_says_what_is_told() {
        let sender = from("a@example.com");
        let never = Some(Notify { success: false, failure: false, delay: false });
        assert!(Occasion::Failure.is_owed(&sender, None, false));
        assert!(Occasion::Delay.is_owed(&sender, None, false));
        assert!(!Occasion::Relayed.is_owed(&sender, None, false));
        for occasion in [Occasion::Failure, Occasion::Delay, Occasion::Relayed] {
            assert!(!occasion.is_owed(&sender, never, false), "{occasion:?}");
        }
    }

    #[test]
    fn a_host_that_offers_dsn_tells_of_success_itself() {
        let success = Some(Notify { success: true, failure: false, delay: false });
        assert!(!Occasion::Relayed.is_owed(&from("a@example.com"), success, true));
        assert!(Occasion::Relayed.is_owed(&from("a@example.com"), success, false));
    }
}
