//! Servers that break down: at once, or after they were asked a little.

use super::{AuditExpect, RSA, with_smtp};
use crate::{
    catalogue::Domain,
    handmade::behaviour::{Behaviour, TLS10, TLS12},
    servers::{
        breakdown::{Breakdown, How, Stage},
        smtp::Smtp,
        tls::{Kind, Tls},
    },
};

/// A server with old versions and all that is to be asked about them.
const OLD: Behaviour = Behaviour {
    versions: (TLS10, TLS12),
    suites: &[0xc030, 0xc02f, 0x009f, 0xc014, 0x0039, 0x009d, 0x0035, 0x002f],
    heartbeat: crate::handmade::behaviour::Heartbeat::Sound,
    ..Behaviour::SOUND
};

const BUSY: &str = "421 4.7.0 Too many connections, try again later";
const NO_TLS: &str = "454 4.7.0 TLS is not available for the moment";

pub(super) fn list() -> Vec<Domain> {
    let broken = |label, summary, from, stage, how| {
        let tls = Tls { leaf: RSA, kind: Kind::Handmade(&OLD), ..Tls::default() };
        let smtp = Smtp { tls, breakdown: Some(Breakdown { from, stage, how }), ..Smtp::default() };
        let undetermined = if from == 1 { NOTHING_KNOWN } else { AFTER_ONE };
        with_smtp(label, summary, smtp, AuditExpect { undetermined, may: &[], ..AuditExpect::default() })
    };
    let mut list = vec![
        broken("hang-at-once", "No hello gets an answer", 1, Stage::Hello, How::Hang),
        broken("reset-at-once", "Every hello gets a TCP reset", 1, Stage::Hello, How::Reset),
        broken("hang-after-flight", "The server hangs after its hello", 1, Stage::Flight, How::Hang),
        broken("hang-later", "Hellos from the second on get no answer", 2, Stage::Hello, How::Hang),
        broken("reset-later", "Hellos from the second on get a TCP reset", 2, Stage::Hello, How::Reset),
        broken("close-later", "Hellos from the second on get the end", 2, Stage::Hello, How::Close),
        broken(
            "421-later",
            "From the second connection on there is 421",
            2,
            Stage::Greeting,
            How::Reply(BUSY),
        ),
        broken("ehlo-421-later", "From the second EHLO on there is 421", 2, Stage::Ehlo, How::Reply(BUSY)),
        broken(
            "starttls-421-later",
            "From the second STARTTLS on there is 421",
            2,
            Stage::StartTls,
            How::Reply(BUSY),
        ),
        broken(
            "starttls-454-later",
            "From the second STARTTLS on there is 454",
            2,
            Stage::StartTls,
            How::Refusal(NO_TLS),
        ),
        broken(
            "greeting-hang-later",
            "From the second connection on there is silence",
            2,
            Stage::Greeting,
            How::Hang,
        ),
    ];
    // What follows the hello is out of reach; what the hello tells is not.
    if let Some(flight) = list.iter_mut().find(|d| d.label == "hang-after-flight") {
        flight.audit =
            AuditExpect::undetermined(&["tls.client_renegotiation", "tls.robot", "tls.ccs_injection"])
                .may(SHOWN_BY_HELLO);
    }
    let tls = Tls { leaf: RSA, kind: Kind::Handmade(&OLD), ..Tls::default() };
    list.push(with_smtp(
        "five-a-minute",
        "More than five connections a minute get 421",
        Smtp { tls, per_minute: Some(5), ..Smtp::default() },
        AuditExpect::undetermined(&["tls.intolerance"]).may(SHOWN_BY_HELLO),
    ));
    list
}

/// What may truly be found at such a server as far as it was asked.
const SHOWN_BY_HELLO: &[&str] = &["tls.alpaca", "tls.post_quantum", "tls.tls10", "tls.tls11", "tls.beast"];

/// What nobody can tell where no handshake ever begins. That no other port is open can be
/// told all the same.
const NOTHING_KNOWN: &[&str] = &[
    "certificate.without_sni",
    "smtp.starttls_injection",
    "tls.alpaca",
    "tls.anonymous",
    "tls.beast",
    "tls.ccs_injection",
    "tls.client_certificate",
    "tls.client_renegotiation",
    "tls.crime",
    "tls.dh_small",
    "tls.downgrade_sentinel",
    "tls.drown",
    "tls.early_data",
    "tls.encrypt_then_mac",
    "tls.export",
    "tls.extended_master_secret",
    "tls.fallback_scsv",
    "tls.forward_secrecy",
    "tls.freak",
    "tls.heartbleed",
    "tls.insecure_renegotiation",
    "tls.intolerance",
    "tls.logjam",
    "tls.lucky13",
    "tls.null",
    "tls.poodle",
    "tls.post_quantum",
    "tls.raccoon",
    "tls.rc4",
    "tls.robot",
    "tls.session_resumption",
    "tls.sni_required",
    "tls.sslv2",
    "tls.sslv3",
    "tls.suite_order",
    "tls.sweet32",
    "tls.ticket_lifetime",
    "tls.ticketbleed",
    "tls.tls10",
    "tls.tls11",
    "tls.weak_groups",
];

/// What nobody can tell after one good handshake, whatever that was used for.
const AFTER_ONE: &[&str] = &[
    "certificate.without_sni",
    "smtp.starttls_injection",
    "tls.anonymous",
    "tls.beast",
    "tls.ccs_injection",
    "tls.client_renegotiation",
    "tls.dh_small",
    "tls.drown",
    "tls.export",
    "tls.fallback_scsv",
    "tls.freak",
    "tls.heartbleed",
    "tls.intolerance",
    "tls.logjam",
    "tls.lucky13",
    "tls.null",
    "tls.poodle",
    "tls.raccoon",
    "tls.rc4",
    "tls.robot",
    "tls.sni_required",
    "tls.sslv2",
    "tls.sslv3",
    "tls.suite_order",
    "tls.sweet32",
    "tls.ticketbleed",
    "tls.tls10",
    "tls.tls11",
    "tls.weak_groups",
];
