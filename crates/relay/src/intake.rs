//! Between the client's last dot and our `250`.

use std::{future::Future, pin::Pin};

use waxseal_store::spool::{MessageId, NewMessage, SpoolError};

/// Where sessions hand their messages. An id means that the message is on stable storage
/// and will be tried.
pub trait Intake: Send + Sync + 'static {
    /// Takes a message.
    ///
    /// # Errors
    /// It was not taken; the error says what to answer.
    fn take(
        &self,
        message: NewMessage,
    ) -> Pin<Box<dyn Future<Output = Result<MessageId, SpoolError>> + Send + '_>>;

    /// Why nothing is taken at the moment, if that is so: asked before a client sends a
    /// message, so that it need not send it in vain.
    fn refusal(&self) -> Option<SpoolError>;
}
