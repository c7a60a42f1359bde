//! A server in a function, for testing what probes ask and conclude. It decides by the
//! rules of the RFCs from a short description; it opens no socket.

use waxseal_model::{
    Cause, Why,
    tls::{Handshake, TlsVersion},
};
use waxseal_net::tls::CertificateKind;
use waxseal_wire::tls::{
    flight::{KeyExchange, ServerFlight},
    groups,
    hello::{HelloSpec, KeyShare},
    suites::{self, Authentication},
};

use super::Probe;
use crate::{
    offers,
    question::{Question, Reaction},
    state::State,
};

/// What the server is like.
#[derive(Debug, Clone)]
pub(crate) struct Simulated {
    pub(crate) versions: Vec<TlsVersion>,
    pub(crate) suites: Vec<u16>,
    pub(crate) only_before_tls12: Vec<u16>,
    pub(crate) only_in_tls10: Vec<u16>,
    pub(crate) groups: Vec<u16>,
    pub(crate) server_order: bool,
    pub(crate) honours_scsv: bool,
    pub(crate) needs_sni: bool,
    pub(crate) refuses_empty_share: bool,
    pub(crate) silent: bool,
    /// DER by the kind of key, for real handshakes.
    pub(crate) certificates: Vec<(CertificateKind, Vec<u8>)>,
    /// ECDSA suites need this curve on offer: it is the certificate's.
    pub(crate) certificate_curve: Option<u16>,
}

impl Simulated {
    /// TLS 1.2 and 1.3 with ECDHE and AEAD alone.
    pub(crate) fn modern() -> Self {
        Self {
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            suites: vec![0xc02f, 0xc030, 0xcca8, 0x1301, 0x1302],
            only_before_tls12: Vec::new(),
            only_in_tls10: Vec::new(),
            groups: vec![29, 23, 24],
            server_order: false,
            honours_scsv: true,
            needs_sni: false,
            refuses_empty_share: false,
            silent: false,
            certificates: Vec::new(),
            certificate_curve: None,
        }
    }

    /// Like a mail server as distributions ship it.
    pub(crate) fn stock() -> Self {
        Self {
            versions: vec![TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12, TlsVersion::Tls13],
            suites: vec![
                0xc02f, 0xc030, 0xc013, 0xc014, 0x009e, 0x0033, 0x0034, 0x009c, 0x002f, 0x0035, 0x1301,
            ],
            ..Self::modern()
        }
    }

    /// The answer to a question.
    pub(crate) fn answer(&self, question: &Question) -> Reaction {
        if self.silent {
            return Reaction::Unanswered(Why::new(Cause::Timeout, "no answer in time"));
        }
        match question {
            Question::Ssl2 => Reaction::Refused { alert: None },
            Question::Handshake(kind) => self.answer_handshake(*kind),
            Question::Hello(spec) => self.answer_hello(spec),
        }
    }

    fn answer_handshake(&self, kind: CertificateKind) -> Reaction {
        let Some((_, certificate)) = self.certificates.iter().find(|(k, _)| *k == kind) else {
            return Reaction::Refused { alert: Some(40) };
        };
        Reaction::Established { handshake: Box::new(handshake(0x1301)), chain: vec![certificate.clone()] }
    }

    fn answer_hello(&self, spec: &HelloSpec) -> Reaction {
        let refused = |alert| Reaction::Refused { alert: Some(alert) };
        if self.needs_sni && spec.server_name.is_none() {
            return refused(112);
        }
        let Some(version) = self.versions.iter().copied().filter(|v| *v <= spec.max_version).max() else {
            return refused(70);
        };
        let best = self.versions.iter().copied().max();
        if spec.fallback_scsv && self.honours_scsv && best > Some(spec.max_version) {
            return refused(86);
        }
        let hidden = self.certificate_curve.is_some_and(|curve| !spec.groups.contains(&curve));
        let offered: Vec<u16> = spec
            .suites
            .iter()
            .copied()
            .filter(|s| !hidden || !offers::is_signed_by(*s, Authentication::Ecdsa))
            .collect();
        let Some(suite) = self.choose(&offered, version) else { return refused(40) };
        let group = self.pick(&self.groups, &spec.groups);
        if version == TlsVersion::Tls13 {
            return match (group, &spec.key_share) {
                (_, KeyShare::Empty) if self.refuses_empty_share => refused(50),
                (Some(group), KeyShare::Given(shares)) if shares.iter().any(|(g, _)| *g == group) => {
                    let mut flight = self.flight(version, suite, None);
                    flight.extensions.push((51, group.to_be_bytes().to_vec()));
                    Reaction::Accepted(Box::new(flight))
                }
                (Some(group), _) => Reaction::Retry { group, suite },
                (None, _) => refused(40),
            };
        }
        let key_exchange = if offers::is_ecdhe(suite) {
            let Some(group) = group else { return refused(40) };
            Some(KeyExchange::Ecdhe { group, scheme: Some(0x0804) })
        } else if suites::is_ephemeral(u32::from(suite)) {
            Some(KeyExchange::Dhe { p: vec![0xff; 256], g: vec![2], y: vec![1], scheme: None })
        } else {
            None
        };
        Reaction::Accepted(Box::new(self.flight(version, suite, key_exchange)))
    }

    fn flight(&self, version: TlsVersion, suite: u16, key_exchange: Option<KeyExchange>) -> ServerFlight {
        ServerFlight {
            version,
            suite,
            compression: 0,
            random: [7; 32],
            session_id: Vec::new(),
            extensions: Vec::new(),
            secure_renegotiation: true,
            extended_master_secret: true,
            encrypt_then_mac: false,
            session_ticket: true,
            heartbeat: false,
            ocsp: None,
            certificates: (!offers::is_anonymous(suite)).then(|| vec![vec![0x30, 0x03, 0x02, 0x01, 0x01]]),
            key_exchange,
            certificate_requested: false,
            done: true,
            warning: None,
            alert: None,
            problems: Vec::new(),
        }
    }

    fn choose(&self, offered: &[u16], version: TlsVersion) -> Option<u16> {
        let usable: Vec<u16> = self
            .suites
            .iter()
            .copied()
            .filter(|s| offers::fits(*s, version) && (*s >> 8 == 0x13) == (version == TlsVersion::Tls13))
            .filter(|s| version < TlsVersion::Tls12 || !self.only_before_tls12.contains(s))
            .filter(|s| version == TlsVersion::Tls10 || !self.only_in_tls10.contains(s))
            .filter(|s| !offers::is_ecdhe(*s) || !self.groups.is_empty())
            .collect();
        self.pick(&usable, offered)
    }

    fn pick(&self, ours: &[u16], theirs: &[u16]) -> Option<u16> {
        let (first, second) = if self.server_order { (ours, theirs) } else { (theirs, ours) };
        first.iter().copied().find(|x| second.contains(x))
    }
}

/// Runs one probe to its end; returns the number of questions.
pub(crate) fn run(probe: &mut dyn Probe, state: &mut State, server: &Simulated) -> usize {
    let mut asked = 0;
    while let Some(question) = probe.ask(state) {
        asked += 1;
        assert!(asked < 50, "{} does not end", probe.name());
        let reaction = server.answer(&question);
        probe.learn(state, &question, reaction);
    }
    probe.finish(state, None);
    // Names come from the tables of the wire crate: make sure that they are known.
    assert!(state.groups.iter().all(|g| !groups::named(*g).name.is_empty()));
    asked
}

/// A self-signed certificate with an ECDSA key on P-256, DER.
pub(crate) fn ecdsa_certificate() -> Vec<u8> {
    rcgen::generate_simple_self_signed(["mx.example.com".to_owned()]).unwrap().cert.der().to_vec()
}

/// A handshake with this suite, in the version that it belongs to.
pub(crate) fn handshake(suite: u16) -> Handshake {
    Handshake {
        version: if suite >> 8 == 0x13 { TlsVersion::Tls13 } else { TlsVersion::Tls12 },
        suite: suites::suite(u32::from(suite)),
        group: None,
        hello_retry: false,
        signature_scheme: None,
        ocsp_stapled: false,
        client_certificate_requested: false,
        milliseconds: 1,
    }
}
