//! Mails that say in their structure what they are.

use super::Decoder;

/// Name and decoder of each format, most special first.
pub(super) const DECODERS: &[(&str, Decoder)] = &[];
