//! Who may send as a domain: SPF, DKIM, DMARC. Information beside the transport grade,
//! never part of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was found of SPF, DKIM and DMARC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityEvidence {}
