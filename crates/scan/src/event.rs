//! What happens during a scan, in the order in which it happens.

use std::sync::Arc;

/// One step of a scan.
#[derive(Debug, Clone)]
pub enum ScanEvent {
    /// A target's scan has begun.
    Started {
        /// The target as typed.
        target: String,
    },
    /// The endpoints are known.
    Endpoints {
        /// The target as typed.
        target: String,
        /// How many there are.
        count: usize,
    },
    /// One endpoint is done.
    EndpointDone {
        /// The target as typed.
        target: String,
        /// [`waxseal_model::Endpoint::id`].
        endpoint: String,
    },
    /// The report is complete.
    Finished {
        /// The target as typed.
        target: String,
    },
}

/// Who listens to events. Clones go to the same listener.
#[derive(Clone, Default)]
pub struct Events(Option<Arc<dyn Fn(ScanEvent) + Send + Sync>>);

impl Events {
    /// Hands every event to `listener`.
    pub fn to(listener: impl Fn(ScanEvent) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Nobody listens.
    pub fn ignored() -> Self {
        Self(None)
    }

    pub(crate) fn send(&self, event: ScanEvent) {
        if let Some(listener) = &self.0 {
            listener(event);
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Events(heard)" } else { "Events(ignored)" })
    }
}
