//! Servers that fall to attacks on the handshake, and such that do not.

use super::{AuditExpect, breaking, by_hand};
use crate::{
    catalogue::Domain,
    handmade::behaviour::{Behaviour, EarlyCcs, Heartbeat, Padding, Renegotiation, Resumption},
    servers::breakdown::{Breakdown, How, Stage},
};

const SOUND: Behaviour = Behaviour::SOUND;

const HEARTBLEED: Behaviour = Behaviour { heartbeat: Heartbeat::Leaks, ..SOUND };
const HEARTBEAT: Behaviour = Behaviour { heartbeat: Heartbeat::Sound, ..SOUND };
const CCS: Behaviour = Behaviour { early_ccs: EarlyCcs::Accepted, ..SOUND };
const CRIME: Behaviour = Behaviour { deflate: true, ..SOUND };
const RSA: Behaviour =
    Behaviour { suites: &[0xc030, 0xc02f, 0x009d, 0x009c, 0x0035, 0x002f], ..Behaviour::SOUND };
const STRONG: Behaviour = Behaviour { padding: Padding::Strong, ..RSA };
const WEAK: Behaviour = Behaviour { padding: Padding::Weak, ..RSA };
const ALONE: Behaviour = Behaviour { padding: Padding::StrongAlone, ..RSA };
const CLOSING: Behaviour = Behaviour { padding: Padding::StrongByClosing, ..RSA };
const ERRATIC: Behaviour = Behaviour { padding: Padding::Erratic, ..RSA };
const RENEGOTIATES: Behaviour = Behaviour { renegotiation: Renegotiation::Accepted, ..SOUND };
const FATAL: Behaviour = Behaviour { renegotiation: Renegotiation::Fatal, ..SOUND };
const CLOSED: Behaviour = Behaviour { renegotiation: Renegotiation::Closed, ..SOUND };
const IGNORED: Behaviour = Behaviour { renegotiation: Renegotiation::Ignored, ..SOUND };
const NO_SIGNAL: Behaviour = Behaviour { renegotiation_info: false, ..SOUND };
const UNBOUND: Behaviour = Behaviour { unbound_renegotiation: true, ..NO_SIGNAL };
const UNBOUND_SIGNALLED: Behaviour = Behaviour { unbound_renegotiation: true, ..RENEGOTIATES };
const TICKETBLEED: Behaviour =
    Behaviour { resumption: Resumption { ids: true, tickets: Some(7200), longer_id: true }, ..SOUND };

pub(super) fn list() -> Vec<Domain> {
    let mut list = early_messages();
    list.extend(padding());
    list.extend(renegotiation());
    list.extend(resumption());
    list
}

/// From the first connection on.
const fn always(stage: Stage, how: How) -> Breakdown {
    Breakdown { from: 1, stage, how }
}

fn early_messages() -> Vec<Domain> {
    vec![
        by_hand(
            "heartbleed",
            "Heartbeats return memory that they do not carry (CVE-2014-0160)",
            &HEARTBLEED,
            AuditExpect::found(&["tls.heartbleed"]),
        ),
        by_hand(
            "heartbeat",
            "Heartbeats are answered, and dropped if they claim too much",
            &HEARTBEAT,
            AuditExpect::clear(&["tls.heartbleed"]),
        ),
        breaking(
            "heartbeat-reset",
            "A heartbeat ends the connection with a reset",
            &HEARTBEAT,
            always(Stage::Heartbeat, How::Reset),
            AuditExpect::clear(&[]),
        ),
        by_hand(
            "ccs-injection",
            "Keys are taken before they are agreed (CVE-2014-0224)",
            &CCS,
            AuditExpect::found(&["tls.ccs_injection"]),
        ),
        breaking(
            "ccs-hang",
            "An early change of keys makes the server hang",
            &SOUND,
            always(Stage::EarlyCcs, How::Hang),
            AuditExpect::undetermined(&["tls.ccs_injection"]),
        ),
        by_hand("crime", "DEFLATE is chosen where it is offered", &CRIME, AuditExpect::found(&["tls.crime"])),
    ]
}

fn padding() -> Vec<Domain> {
    const ORACLE: AuditExpect = AuditExpect::found(&["tls.robot"]);
    vec![
        by_hand(
            "robot-uniform",
            "RSA key exchange, and the same answer to every padding",
            &RSA,
            AuditExpect::clear(&["tls.robot"]),
        ),
        by_hand("robot-strong", "Wrong first bytes of padding get an alert of their own", &STRONG, ORACLE),
        by_hand("robot-weak", "Everything but right padding gets an alert of its own", &WEAK, ORACLE),
        by_hand("robot-alone", "Wrong padding gets an alert if nothing follows it", &ALONE, ORACLE),
        by_hand("robot-closing", "Wrong first bytes of padding end the connection", &CLOSING, ORACLE),
        by_hand(
            "robot-erratic",
            "Wrong padding gets one alert or another, without rhyme or reason",
            &ERRATIC,
            AuditExpect::undetermined(&["tls.robot"]),
        ),
        breaking(
            "robot-hang",
            "The server hangs after every RSA key exchange from the third connection on",
            &RSA,
            Breakdown { from: 3, stage: Stage::KeyExchange, how: How::Hang },
            AuditExpect::clear(&[]),
        ),
    ]
}

fn renegotiation() -> Vec<Domain> {
    const REFUSED: AuditExpect =
        AuditExpect::clear(&["tls.client_renegotiation", "tls.insecure_renegotiation"]);
    vec![
        by_hand(
            "renegotiation",
            "A client that asks for another handshake gets it",
            &RENEGOTIATES,
            AuditExpect::found(&["tls.client_renegotiation"]).and_clear(&["tls.insecure_renegotiation"]),
        ),
        by_hand("renegotiation-fatal", "Who asks for another handshake gets a fatal alert", &FATAL, REFUSED),
        by_hand("renegotiation-closed", "Who asks for another handshake is cut off", &CLOSED, REFUSED),
        by_hand("renegotiation-ignored", "Who asks for another handshake is not heard", &IGNORED, REFUSED),
        breaking(
            "renegotiation-hang",
            "Who asks for another handshake makes the server hang",
            &RENEGOTIATES,
            always(Stage::Renegotiation, How::Hang),
            AuditExpect::undetermined(&["tls.client_renegotiation"]),
        ),
        by_hand(
            "renegotiation-no-signal",
            "Secure renegotiation is not signalled, and none is accepted",
            &NO_SIGNAL,
            AuditExpect::found(&["tls.insecure_renegotiation"]),
        ),
        by_hand(
            "renegotiation-unbound",
            "Another handshake is not bound to the first (CVE-2009-3555)",
            &UNBOUND,
            AuditExpect::found(&["tls.insecure_renegotiation"]).may(&[
                "tls.alpaca",
                "tls.post_quantum",
                "tls.client_renegotiation",
            ]),
        ),
        by_hand(
            "renegotiation-both",
            "Another handshake is bound to the first only if the client wants it",
            &UNBOUND_SIGNALLED,
            AuditExpect::found(&["tls.insecure_renegotiation", "tls.client_renegotiation"]),
        ),
    ]
}

fn resumption() -> Vec<Domain> {
    vec![
        by_hand(
            "ticketbleed",
            "Short session ids come back with memory behind them (CVE-2016-9244)",
            &TICKETBLEED,
            AuditExpect::found(&["tls.ticketbleed"]),
        ),
        breaking(
            "resumption-reset",
            "Who takes up a session is cut off with a reset",
            &SOUND,
            always(Stage::Resumption, How::Reset),
            AuditExpect::undetermined(&["tls.ticketbleed"]),
        ),
    ]
}
