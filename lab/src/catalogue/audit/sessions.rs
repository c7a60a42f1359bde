//! Sessions: taken up again, bound to their peers.

use super::{AuditExpect, by_hand};
use crate::{
    catalogue::Domain,
    handmade::behaviour::{Behaviour, Resumption},
};

const DAY: u32 = 86_400;

const NONE: Behaviour =
    Behaviour { resumption: Resumption { ids: false, tickets: None, longer_id: false }, ..Behaviour::SOUND };
const IDS: Behaviour =
    Behaviour { resumption: Resumption { ids: true, tickets: None, longer_id: false }, ..Behaviour::SOUND };
const LONG: Behaviour = Behaviour {
    resumption: Resumption { ids: false, tickets: Some(30 * DAY), longer_id: false },
    ..Behaviour::SOUND
};
const LOOSE: Behaviour = Behaviour { extended_master_secret: false, ..Behaviour::SOUND };

pub(super) fn list() -> Vec<Domain> {
    vec![
        by_hand(
            "no-resumption",
            "No session is taken up again",
            &NONE,
            AuditExpect::found(&["tls.session_resumption"]),
        ),
        by_hand(
            "resumption-ids",
            "Sessions are taken up by their id, there are no tickets",
            &IDS,
            AuditExpect::clear(&["tls.session_resumption", "tls.ticket_lifetime", "tls.ticketbleed"]),
        ),
        by_hand(
            "long-tickets",
            "Tickets live for thirty days",
            &LONG,
            AuditExpect::found(&["tls.ticket_lifetime"]).and_clear(&["tls.session_resumption"]),
        ),
        by_hand(
            "no-ems",
            "No extended master secret",
            &LOOSE,
            AuditExpect::found(&["tls.extended_master_secret"]),
        ),
    ]
}
