//! Being built.

use super::Reading;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let _ = bytes;
    Reading::default()
}
