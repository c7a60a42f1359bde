//! Being built.

use super::Reading;

pub(super) fn read(bytes: &[u8]) -> (Reading, Vec<usize>) {
    let _ = bytes;
    Default::default()
}

/// True for the beginning of such a text.
pub(super) fn recognise(head: &[u8]) -> bool {
    let _ = head;
    false
}
