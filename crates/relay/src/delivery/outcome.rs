//! What an attempt comes to: delivered, deferred or failed. The only place that decides it.
