//! TLS 1.3 by the library: what is right with everything, and what is not.

use super::{AuditExpect, by_library, with_smtp};
use crate::{
    catalogue::Domain,
    servers::{
        smtp::Smtp,
        tls::{Kind, Modern, Sni, Tickets, Tls},
    },
};

/// A library as it should be set up.
const SOUND: Modern = Modern {
    early_data: 0,
    tickets: Tickets::Usual,
    classic_groups: false,
    strict_alpn: false,
    own_order: true,
};
const DAY: u32 = 86_400;

pub(super) fn list() -> Vec<Domain> {
    let with =
        |modern, kind, sni| Smtp { tls: Tls { modern, kind, sni, ..Tls::default() }, ..Smtp::default() };
    let strict = Modern { strict_alpn: true, ..SOUND };
    vec![
        with_smtp(
            "sound",
            "TLS 1.2 and 1.3, nothing wrong, and strict about names and protocols",
            with(strict, Kind::Modern, Sni::Strict),
            AuditExpect { may: &[], ..AuditExpect::clear(AuditExpect::CHECKS) },
        ),
        by_library(
            "lenient",
            "Any name and any protocol is fine, as on most mail servers",
            SOUND,
            AuditExpect::found(&["tls.alpaca"]).may(&[]),
        ),
        by_library(
            "early-data",
            "Tickets allow 16 KiB of early data",
            Modern { early_data: 16_384, ..SOUND },
            AuditExpect::found(&["tls.early_data"]).may(&["tls.alpaca"]),
        ),
        by_library(
            "classic-groups",
            "No post-quantum group",
            Modern { classic_groups: true, ..SOUND },
            AuditExpect::found(&["tls.post_quantum"]).may(&["tls.alpaca"]),
        ),
        by_library(
            "no-tickets13",
            "No session is taken up again, in TLS 1.3 neither",
            Modern { tickets: Tickets::None, ..SOUND },
            AuditExpect::found(&["tls.session_resumption"]).may(&["tls.alpaca"]),
        ),
        by_library(
            "long-tickets13",
            "Four tickets at once that live for thirty days",
            Modern { tickets: Tickets::Many(4, 30 * DAY), ..SOUND },
            AuditExpect::found(&["tls.ticket_lifetime"])
                .may(&["tls.alpaca"])
                .and_clear(&["tls.session_resumption", "tls.early_data"]),
        ),
        by_library(
            "library-order",
            "The client's order of suites decides",
            Modern { own_order: false, ..SOUND },
            AuditExpect::found(&["tls.suite_order"]).may(&["tls.alpaca"]),
        ),
        with_smtp(
            "demands-certificate13",
            "No session without a client certificate, which TLS 1.3 says only afterwards",
            with(SOUND, Kind::DemandsClientCertificate, Sni::Ignored),
            AuditExpect::found(&["tls.client_certificate"]).may(&["tls.alpaca", "tls.session_resumption"]),
        ),
        with_smtp(
            "other-certificate13",
            "Without the right name there is another certificate",
            with(SOUND, Kind::Modern, Sni::Chooses),
            AuditExpect::found(&["certificate.without_sni"]).may(&["tls.alpaca"]),
        ),
        with_smtp(
            "sni-demanded13",
            "Without the right name there is no handshake",
            with(SOUND, Kind::Modern, Sni::Demanded),
            AuditExpect::found(&["tls.sni_required"]).may(&["tls.alpaca"]),
        ),
    ]
}
