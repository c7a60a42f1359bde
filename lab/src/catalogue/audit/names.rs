//! Names, protocols and certificates that are asked for.

use super::{AuditExpect, by_hand};
use crate::{
    catalogue::Domain,
    handmade::behaviour::{Alpn, Behaviour, ClientCertificate, Names},
};

const SOUND: Behaviour = Behaviour::SOUND;

const STRICT: Behaviour = Behaviour { names: Names::OwnOrNone, alpn: Alpn::Strict, ..SOUND };
const DEMANDED: Behaviour = Behaviour { names: Names::Own, ..SOUND };
const OTHER: Behaviour = Behaviour { names: Names::OtherCertificate, ..SOUND };
const ASKED: Behaviour = Behaviour { client_certificate: ClientCertificate::Requested, ..SOUND };
const REQUIRED: Behaviour = Behaviour { client_certificate: ClientCertificate::Demanded, ..SOUND };

pub(super) fn list() -> Vec<Domain> {
    vec![
        by_hand(
            "strict-names",
            "Other names and other protocols get an alert",
            &STRICT,
            AuditExpect::clear(&["tls.alpaca", "tls.sni_required", "certificate.without_sni"])
                .may(&["tls.post_quantum"]),
        ),
        by_hand(
            "sni-demanded",
            "Without the right name there is unrecognized_name",
            &DEMANDED,
            AuditExpect::found(&["tls.sni_required"]),
        ),
        by_hand(
            "other-certificate",
            "Without the right name there is another certificate",
            &OTHER,
            AuditExpect::found(&["certificate.without_sni"]),
        ),
        by_hand(
            "asks-certificate",
            "The client is asked for a certificate",
            &ASKED,
            AuditExpect::found(&["tls.client_certificate"]),
        ),
        by_hand(
            "demands-certificate",
            "There is no session without a client certificate",
            &REQUIRED,
            AuditExpect::found(&["tls.client_certificate"]).may(&[
                "tls.alpaca",
                "tls.post_quantum",
                "tls.session_resumption",
            ]),
        ),
    ]
}
