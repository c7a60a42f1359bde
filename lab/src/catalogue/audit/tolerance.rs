//! Servers that do not bear what is new in a hello.

use super::{AuditExpect, by_hand};
use crate::{
    catalogue::Domain,
    handmade::behaviour::{Behaviour, Novelty, Reaction},
};

/// decode_error, protocol_version, illegal_parameter.
const DECODE: Reaction = Reaction::Alert(50);
const VERSION: Reaction = Reaction::Alert(70);
const ILLEGAL: Reaction = Reaction::Alert(47);
const KIB4: Novelty = Novelty::LongerThan(4096);
const KIB16: Novelty = Novelty::LongerThan(16_384);

const fn not(intolerance: &'static [(Novelty, Reaction)]) -> Behaviour {
    Behaviour { intolerance, ..Behaviour::SOUND }
}

const GREASE_ALERT: Behaviour = not(&[(Novelty::Grease, ILLEGAL)]);
const GREASE_CLOSE: Behaviour = not(&[(Novelty::Grease, Reaction::Close)]);
const GREASE_HANG: Behaviour = not(&[(Novelty::Grease, Reaction::Hang)]);
const EXTENSION_ALERT: Behaviour = not(&[(Novelty::UnknownExtension, DECODE)]);
const EXTENSION_CLOSE: Behaviour = not(&[(Novelty::UnknownExtension, Reaction::Close)]);
const EXTENSION_HANG: Behaviour = not(&[(Novelty::UnknownExtension, Reaction::Hang)]);
const VERSION_ALERT: Behaviour = not(&[(Novelty::FutureVersion, VERSION)]);
const VERSION_CLOSE: Behaviour = not(&[(Novelty::FutureVersion, Reaction::Close)]);
const VERSION_HANG: Behaviour = not(&[(Novelty::FutureVersion, Reaction::Hang)]);
const LONG_ALERT: Behaviour = not(&[(KIB4, DECODE)]);
const LONG_CLOSE: Behaviour = not(&[(KIB4, Reaction::Close)]);
const LONG_HANG: Behaviour = not(&[(KIB4, Reaction::Hang)]);
const VERY_LONG_CLOSE: Behaviour = not(&[(KIB16, Reaction::Close)]);
const MIDDLE_ALERT: Behaviour = not(&[(Novelty::MiddleLength, DECODE)]);
const MIDDLE_CLOSE: Behaviour = not(&[(Novelty::MiddleLength, Reaction::Close)]);
const MIDDLE_HANG: Behaviour = not(&[(Novelty::MiddleLength, Reaction::Hang)]);
const EMPTY_ALERT: Behaviour = not(&[(Novelty::EmptyLastExtension, DECODE)]);
const EMPTY_CLOSE: Behaviour = not(&[(Novelty::EmptyLastExtension, Reaction::Close)]);
const EMPTY_HANG: Behaviour = not(&[(Novelty::EmptyLastExtension, Reaction::Hang)]);

pub(super) fn list() -> Vec<Domain> {
    let refuses = AuditExpect::found(&["tls.intolerance"]);
    // Silence may as well come from the path: found or undetermined are both true.
    let hangs = AuditExpect::clear(&[]).may(&["tls.alpaca", "tls.post_quantum", "tls.intolerance"]);
    vec![
        by_hand("grease-alert", "Reserved values get an alert", &GREASE_ALERT, refuses),
        by_hand("grease-close", "Reserved values end the connection", &GREASE_CLOSE, refuses),
        by_hand("grease-hang", "Reserved values get no answer", &GREASE_HANG, hangs),
        by_hand("extension-alert", "An unknown extension gets an alert", &EXTENSION_ALERT, refuses),
        by_hand("extension-close", "An unknown extension ends the connection", &EXTENSION_CLOSE, refuses),
        by_hand("extension-hang", "An unknown extension gets no answer", &EXTENSION_HANG, hangs),
        by_hand("version-alert", "A version of the future gets an alert", &VERSION_ALERT, refuses),
        by_hand("version-close", "A version of the future ends the connection", &VERSION_CLOSE, refuses),
        by_hand("version-hang", "A version of the future gets no answer", &VERSION_HANG, hangs),
        by_hand("long-alert", "A hello of more than 4 KiB gets an alert", &LONG_ALERT, refuses),
        by_hand("long-close", "A hello of more than 4 KiB ends the connection", &LONG_CLOSE, refuses),
        by_hand("long-hang", "A hello of more than 4 KiB gets no answer", &LONG_HANG, hangs),
        by_hand(
            "very-long-close",
            "A hello of more than 16 KiB ends the connection",
            &VERY_LONG_CLOSE,
            AuditExpect::clear(&["tls.intolerance"]),
        ),
        by_hand("middle-alert", "A hello of 256 to 511 bytes gets an alert", &MIDDLE_ALERT, refuses),
        by_hand("middle-close", "A hello of 256 to 511 bytes ends the connection", &MIDDLE_CLOSE, refuses),
        by_hand("middle-hang", "A hello of 256 to 511 bytes gets no answer", &MIDDLE_HANG, hangs),
        by_hand("empty-alert", "An empty extension at the end gets an alert", &EMPTY_ALERT, refuses),
        by_hand("empty-close", "An empty extension at the end ends the connection", &EMPTY_CLOSE, refuses),
        by_hand("empty-hang", "An empty extension at the end gets no answer", &EMPTY_HANG, hangs),
    ]
}
