//! Commands that are sent before TLS and must not count within.

use super::{AuditExpect, with_smtp};
use crate::{
    catalogue::Domain,
    servers::{
        breakdown::{Breakdown, How, Stage},
        smtp::{Pipelined, Smtp},
        tls::{Modern, Tls},
    },
};

pub(super) fn list() -> Vec<Domain> {
    let modern = Modern { own_order: true, ..Modern::default() };
    let smtp = |pipelined| Smtp { pipelined, tls: Tls { modern, ..Tls::default() }, ..Smtp::default() };
    let clear = AuditExpect::clear(&["smtp.starttls_injection"]).may(&["tls.alpaca"]);
    vec![
        with_smtp(
            "injection",
            "A command sent with STARTTLS is executed within TLS (CVE-2011-0411)",
            smtp(Pipelined::Kept),
            AuditExpect::found(&["smtp.starttls_injection"]).may(&["tls.alpaca"]),
        ),
        with_smtp(
            "injection-in-clear",
            "A command sent with STARTTLS is answered in clear",
            smtp(Pipelined::AnsweredInClear),
            clear,
        ),
        with_smtp(
            "injection-refused",
            "A command sent with STARTTLS gets 554",
            smtp(Pipelined::Refused),
            clear,
        ),
        with_smtp(
            "within-tls-hang",
            "After the handshake nothing is answered",
            Smtp {
                breakdown: Some(Breakdown { from: 1, stage: Stage::WithinTls, how: How::Hang }),
                ..smtp(Pipelined::Dropped)
            },
            AuditExpect::clear(&[]).may(&["tls.alpaca"]),
        ),
    ]
}
