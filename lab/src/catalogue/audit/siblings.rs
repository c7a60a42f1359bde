//! Other ports of the same host, with the same certificate or the same key.

use super::{AuditExpect, RSA, smtp, tls, with_services};
use crate::{
    catalogue::Domain,
    handmade::behaviour::Behaviour,
    pki::{Keys, Leaf, Naming},
    servers::{
        Service,
        breakdown::{Breakdown, How, Stage},
        smtp::Smtp,
        tls::{Kind, Tls},
    },
};

/// RSA key exchange, which DROWN needs, besides better ones.
const HERE: Behaviour = Behaviour { suites: &[0xc030, 0xc02f, 0x009d, 0x009c], ..Behaviour::SOUND };
const SSL2: Behaviour = Behaviour { ssl2: Some(&[0x01_0080, 0x07_00c0]), ..HERE };

/// A certificate of its own, of the same key.
const OF_DOMAIN: Leaf = Leaf { naming: Naming::Wildcard, ..RSA };
/// A certificate of its own, of another key.
const OF_OTHER_KEY: Leaf = Leaf { keys: Keys::WeakRsa, ..Leaf::SOUND };

pub(super) fn list() -> Vec<Domain> {
    let both = |label, summary, there: Smtp, expect| {
        let services = vec![(25, Service::Smtp(smtp(tls(&HERE)))), (465, Service::ImplicitTls(there))];
        with_services(label, summary, services, expect)
    };
    let with = |leaf, behaviour| smtp(Tls { leaf, kind: Kind::Handmade(behaviour), ..Tls::default() });
    let hangs = Breakdown { from: 1, stage: Stage::Hello, how: How::Hang };
    vec![
        both(
            "opossum",
            "Port 465 has the certificate of port 25",
            with(RSA, &HERE),
            AuditExpect::found(&["tls.opossum"]).and_clear(&["tls.drown"]),
        ),
        both(
            "opossum-other",
            "Port 465 has a certificate of its own",
            with(OF_DOMAIN, &HERE),
            AuditExpect::clear(&["tls.opossum", "tls.drown"]),
        ),
        both(
            "drown-sibling",
            "Port 465 speaks SSLv2 with the RSA key of port 25",
            with(OF_DOMAIN, &SSL2),
            AuditExpect::found(&["tls.drown"]).and_clear(&["tls.opossum", "tls.sslv2"]),
        ),
        both(
            "drown-other-key",
            "Port 465 speaks SSLv2 with a key of its own",
            with(OF_OTHER_KEY, &SSL2),
            AuditExpect::clear(&["tls.drown", "tls.opossum", "tls.sslv2"]),
        ),
        both(
            "sibling-hang",
            "Port 465 never answers a hello",
            Smtp { breakdown: Some(hangs), ..with(OF_DOMAIN, &HERE) },
            AuditExpect::undetermined(&["tls.opossum", "tls.drown"]).and_clear(&["tls.sslv2"]),
        ),
    ]
}
