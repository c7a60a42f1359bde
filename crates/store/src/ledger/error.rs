use crate::database::{Trouble, trouble, words};

/// Why the ledger could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No room on the disk.
    #[error("no room for the ledger: {detail}")]
    Full {
        /// In the words of the database.
        detail: String,
    },
    /// The disk or the database gave an error.
    #[error("the ledger could not be read or written: {detail}")]
    Io {
        /// In the words of the system.
        detail: String,
    },
    /// The file is damaged or no database. Move it aside: policies are fetched anew, and
    /// reports lack what was counted so far.
    #[error("the ledger is damaged: {detail}")]
    Corrupt {
        /// Which file, and what to do.
        detail: String,
    },
    /// Another process has it open.
    #[error("another relay uses this ledger: {detail}")]
    InUse {
        /// Which file.
        detail: String,
    },
    /// A later version of the program wrote it.
    #[error("the ledger was written by a newer version: {detail}")]
    TooNew {
        /// Which file and version.
        detail: String,
    },
    /// The ledger was closed, at the end of the program.
    #[error("the ledger is closed")]
    Closed,
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        let detail = words(&error);
        match trouble(&error) {
            Trouble::Full => Self::Full { detail },
            Trouble::Corrupt => Self::Corrupt { detail },
            Trouble::Busy => Self::InUse { detail },
            Trouble::Flush | Trouble::Own | Trouble::Other => Self::Io { detail },
        }
    }
}
