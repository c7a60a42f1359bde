//! From a session into the queue, and on to the scheduler.

use std::{future::Future, pin::Pin, sync::Arc};

use waxseal_store::spool::{MessageId, NewMessage, Spool, SpoolError};

use crate::{delivery::scheduler::Handle, intake::Intake};

/// Keeps a message, and has it tried.
pub(super) struct Door {
    spool: Arc<dyn Spool>,
    scheduler: Handle,
}

impl Door {
    pub(super) fn new(spool: Arc<dyn Spool>, scheduler: Handle) -> Self {
        Self { spool, scheduler }
    }
}

impl Intake for Door {
    fn take(
        &self,
        message: NewMessage,
    ) -> Pin<Box<dyn Future<Output = Result<MessageId, SpoolError>> + Send + '_>> {
        let (spool, scheduler) = (Arc::clone(&self.spool), self.scheduler.clone());
        // A task of its own: a session that ends meanwhile must not leave behind a message that
        // is kept and that nobody tries.
        let taken = tokio::spawn(async move {
            // The bytes are shared, not copied.
            let id = spool.accept(message.clone()).await?;
            scheduler.arrived(id, message);
            Ok(id)
        });
        Box::pin(async move { taken.await.unwrap_or(Err(SpoolError::Closed)) })
    }

    fn refusal(&self) -> Option<SpoolError> {
        self.spool.refusal()
    }
}
