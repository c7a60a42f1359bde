//! Bounces that only people can read: one file a program or provider that writes them.

use super::Decoder;

/// Name and decoder of each format, most special first.
pub(super) const DECODERS: &[(&str, Decoder)] = &[];
