//! Why the spool could not do what was asked.

/// What went wrong, and so what to answer a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpoolError {
    /// No room on the disk, or less than the mark below which nothing is accepted:
    /// `452 4.3.1`.
    #[error("no room in the queue: {detail}")]
    Full {
        /// What is full.
        detail: String,
    },
    /// A flush failed earlier: what the disk holds is not known. Restart the relay after
    /// looking at the disk.
    #[error("the queue takes nothing since writing it to the disk failed: {detail}")]
    Poisoned {
        /// The failure.
        detail: String,
    },
    /// The disk or the database gave an error.
    #[error("the queue could not be read or written: {detail}")]
    Io {
        /// In the words of the system.
        detail: String,
    },
    /// The database is damaged.
    #[error("the queue is damaged: {detail}")]
    Corrupt {
        /// In the words of the database.
        detail: String,
    },
    /// Another process has the queue open.
    #[error("another relay uses this queue: {detail}")]
    InUse {
        /// Which file.
        detail: String,
    },
    /// A message without its body: the file is gone, or the row.
    #[error("the body of message {id} is missing")]
    BodyMissing {
        /// Of which message.
        id: super::MessageId,
    },
    /// A later version of the program wrote the queue. Nothing in it was changed.
    #[error("the queue was written by a newer version: {detail}")]
    TooNew {
        /// Which file and version.
        detail: String,
    },
    /// What was asked makes no sense: a message without recipients, a recipient that is not
    /// there. A mistake of the caller; the queue is well.
    #[error("the queue was asked for something that cannot be: {detail}")]
    Invalid {
        /// What.
        detail: String,
    },
    /// The queue was closed, at the end of the program.
    #[error("the queue is closed")]
    Closed,
}
