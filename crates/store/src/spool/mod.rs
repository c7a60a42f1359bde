//! The queue: a trait with promises, and the values that go in and out of it.
//!
//! The promises (every backend must hold them):
//!
//! - **Durable on Ok.** [`Spool::accept`] returns an id only after body, envelope and all
//!   recipients are on stable storage; [`Spool::settle`] returns after the new states and
//!   the notices that belong to them are, in one transaction.
//! - **One final state.** A recipient that is [final](State::is_final) never changes again.
//! - **A failed flush poisons.** After a flush has failed nobody knows what the disk holds:
//!   the spool refuses everything ([`SpoolError::Poisoned`]) until it is opened anew. A
//!   flush is never tried a second time.
//! - **Full is not lost.** Without room, what is refused is refused whole
//!   ([`SpoolError::Full`]); what was there stays readable, and settling goes on where a
//!   settlement needs no more room than there is.
//! - **Nothing is dropped in silence.** A message whose body is gone is found by
//!   [`Spool::pending`] like any other, and [`Spool::body`] says [`SpoolError::BodyMissing`].
//!
//! A time is seconds since 1970-01-01 UTC; every time is handed in.
//!
//! A call counts even if its future is dropped before it is ready: drive [`Spool::accept`]
//! and [`Spool::settle`] to their end in a task of their own, or a message may lie there that
//! nobody knows of before the next start.
//!

mod change;
mod error;
mod message;
mod outcome;
pub mod sqlite;

use std::{future::Future, pin::Pin};

use bytes::Bytes;

pub use change::{Change, Changed, Selector};
pub use error::SpoolError;
pub use message::{
    Arrival, BodyKind, Envelope, MessageId, NewMessage, NewRecipient, Notify, Pending, Recipient, Ret,
    StoredMessage,
};
pub use outcome::{Attempt, Fate, Met, Settlement, State};

/// What a call to a spool gives, later.
pub type SpoolFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SpoolError>> + Send + 'a>>;

/// A durable queue. See the [module](self) for its promises.
pub trait Spool: Send + Sync + 'static {
    /// Takes a message. When this returns an id, `250` may be said. Its recipients are queued
    /// and due at once.
    ///
    /// # Errors
    /// Nothing was taken: no room, a failed or poisoned disk, no recipient.
    fn accept(&self, message: NewMessage) -> SpoolFuture<'_, MessageId>;

    /// Notes what became of recipients of a message, and takes the notices that are owed for
    /// it, all or nothing. Returns the ids of the notices in their order.
    ///
    /// A recipient that is final already keeps its state and its last attempt. If that is so
    /// for all that the settlement names, its notices are not taken and no ids are returned:
    /// a settlement that comes twice, or after the operator cancelled, tells nobody anything.
    /// One that was held meanwhile stays held if it is to be tried again. A final fate counts
    /// as an attempt. When the last recipient becomes final, the body is forgotten.
    ///
    /// # Errors
    /// Nothing was noted: no room, a failed or poisoned disk, no such recipient.
    fn settle(&self, settlement: Settlement) -> SpoolFuture<'_, Vec<MessageId>>;

    /// Recipients that are not final, in the order of message and number, `limit` at most,
    /// beginning after `after`. All of them, page by page, are what a relay starts with.
    ///
    /// # Errors
    /// The store cannot be read.
    fn pending(&self, after: Option<(MessageId, u32)>, limit: usize) -> SpoolFuture<'_, Vec<Pending>>;

    /// A message with its envelope and all recipients; none if there is no such message (any
    /// more).
    ///
    /// # Errors
    /// The store cannot be read.
    fn message(&self, id: MessageId) -> SpoolFuture<'_, Option<StoredMessage>>;

    /// The bytes of a message as they were accepted.
    ///
    /// # Errors
    /// [`SpoolError::BodyMissing`] where there is none: it is lost, or all recipients are final,
    /// or there is no such message.
    fn body(&self, id: MessageId) -> SpoolFuture<'_, Bytes>;

    /// Messages with recipients that a selector finds, oldest first, `limit` at most; each
    /// with all its recipients.
    ///
    /// # Errors
    /// The store cannot be read.
    fn select(&self, selector: Selector, limit: usize) -> SpoolFuture<'_, Vec<StoredMessage>>;

    /// Changes every recipient that a selector finds and the change applies to; with
    /// `dry_run` only says which. In the order of message and number.
    ///
    /// # Errors
    /// Nothing was changed.
    fn change(&self, selector: Selector, change: Change, dry_run: bool) -> SpoolFuture<'_, Vec<Changed>>;

    /// Forgets messages whose recipients all became final before `before`, and of those that
    /// are left and have no other recipients the oldest beyond `keep`, by the time at which
    /// the last recipient became final. Returns how many. Not one transaction: it must not
    /// keep others waiting.
    ///
    /// # Errors
    /// The store cannot be read or written; some may be forgotten already.
    fn purge(&self, before: i64, keep: u64) -> SpoolFuture<'_, u64>;

    /// Why the spool takes nothing, if that is so: poisoned, closed, or less room than the
    /// mark below which nothing is accepted. Answers at once.
    fn refusal(&self) -> Option<SpoolError>;
}
