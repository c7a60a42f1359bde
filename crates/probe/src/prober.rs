//! What probing needs from its surroundings.

use std::sync::Arc;

use waxseal_model::Why;
use waxseal_net::{egress::Egress, pacing::Pacer};
use waxseal_wire::x509::RootStore;

use crate::options::ProbeOptions;

/// The means for probing. Clones share the pacing and the count of connections.
#[derive(Debug, Clone)]
pub struct Prober {
    /// The way out.
    pub egress: Egress,
    /// Politeness per address.
    pub pacer: Pacer,
    /// Roots for certificate paths; the reason where there are none.
    pub roots: Result<Arc<RootStore>, Why>,
    /// Limits and names.
    pub options: ProbeOptions,
}
