//! A server in a function, for testing what probes ask and conclude. It decides by the
//! rules of the RFCs from a short description; it opens no socket.

use waxseal_model::{
    Cause, Why,
    audit::{Heartbleed, Novelty, Renegotiation, StarttlsInjection},
    tls::{Handshake, TlsVersion},
};
use waxseal_net::{
    attempt::{Then, heartbleed::Outcome, resume::Resumed},
    tls::CertificateKind,
};
use waxseal_wire::tls::{
    flight::{KeyExchange, ServerFlight},
    groups,
    hello::{Ending, HelloSpec, KeyShare},
    private::{Established, Reply, Ticket, early_ccs::Question as Early, robot::Block},
    suites::{self, Authentication},
};

use super::Probe;
use crate::{
    attempt::{Attempt, Attempted, InSession},
    offers,
    question::{Question, Reaction},
    state::State,
};

/// The id of sessions that are remembered.
const SESSION_ID: &[u8] = &[9; 32];

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
    /// Schemes that it signs with.
    pub(crate) schemes: Vec<u16>,
    /// It signs with its first scheme, whatever is offered.
    pub(crate) ignores_schemes: bool,
    /// Wrong padding in RSA key exchange is answered in another way.
    pub(crate) oracle: bool,
    /// ChangeCipherSpec is taken too early.
    pub(crate) early_ccs: bool,
    /// Sessions have an id, where no ticket is wanted, and are resumed by it.
    pub(crate) remembers: bool,
    /// The id is given, and the session forgotten.
    pub(crate) forgets: bool,
    /// A ticket is used only with a session id of the usual length.
    pub(crate) needs_usual_id: bool,
    /// So many suites of a hello are read, and no more.
    pub(crate) suites_read: usize,
    /// So many signature schemes of a hello are read, and no more.
    pub(crate) most_schemes: usize,
    /// The order follows the hardware that the client seems to have: AES first only for
    /// clients whose first known suite is AES-GCM.
    pub(crate) guesses_hardware: bool,
    /// The first version for all suites, whatever the standards say.
    pub(crate) disregards_versions: bool,
    /// Where no group is in common, another hello is asked for without naming one.
    pub(crate) retries_without_group: bool,
    /// Hellos of older versions are answered with the oldest that it has.
    pub(crate) insists: bool,
    /// Clients without the signal of RFC 5746 are refused.
    pub(crate) wants_signal: bool,
    /// Another handshake within a session is made.
    pub(crate) renegotiates: bool,
    /// Hellos with these in them are refused.
    pub(crate) intolerant: Vec<Novelty>,
    /// Only this name is known.
    pub(crate) strict_name: Option<String>,
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
            schemes: vec![0x0804, 0x0401],
            ignores_schemes: false,
            oracle: false,
            early_ccs: false,
            remembers: false,
            forgets: false,
            needs_usual_id: false,
            suites_read: usize::MAX,
            most_schemes: usize::MAX,
            guesses_hardware: false,
            disregards_versions: false,
            retries_without_group: false,
            insists: false,
            wants_signal: false,
            renegotiates: false,
            intolerant: Vec::new(),
            strict_name: None,
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
            Question::Then(spec, then) => match (self.answer_hello(spec), then) {
                (Reaction::Accepted(flight), Then::Robot { block, .. }) => {
                    let is_rsa = flight.key_exchange.is_none();
                    let description = if self.oracle && *block != Block::Valid { 51 } else { 20 };
                    if is_rsa { replied(flight, description) } else { Reaction::Accepted(flight) }
                }
                (Reaction::Accepted(flight), Then::EarlyCcs(early)) => {
                    let taken = self.early_ccs && *early != Early::RecordAlone;
                    replied(flight, if taken { 20 } else { 10 })
                }
                (reaction, _) => reaction,
            },
            Question::Attempt(attempt) => self.attempt(attempt),
        }
    }

    fn attempt(&self, attempt: &Attempt) -> Reaction {
        let outcome = match attempt {
            Attempt::Session { spec, then } => match self.session(spec) {
                Ok(established) => {
                    let answer = if self.renegotiates {
                        Renegotiation::Accepted
                    } else {
                        Renegotiation::Refused { alert: Some(100) }
                    };
                    let asked = matches!(then, InSession::Renegotiate(_));
                    Attempted::Session {
                        established: Box::new(established),
                        renegotiation: asked.then_some(Ok(answer)),
                    }
                }
                Err(reaction) => return *reaction,
            },
            Attempt::Resume { resumption, .. } => {
                let id = &resumption.session_id;
                let by_id = self.remembers && !self.forgets && *id == SESSION_ID;
                let by_ticket = resumption.ticket.is_some() && (id.len() == 32 || !self.needs_usual_id);
                let abbreviated = by_id || by_ticket;
                let session_id = if abbreviated { id.clone() } else { vec![8; 32] };
                Attempted::Resumed(Resumed { abbreviated, session_id })
            }
            Attempt::Heartbleed { .. } => Attempted::Heartbleed(Outcome::Known(Heartbleed::Discarded)),
            Attempt::Injection(_) => Attempted::Injected(StarttlsInjection::Discarded),
        };
        Reaction::Attempted(Box::new(outcome))
    }

    /// A complete handshake: with a key share of whatever group is wanted.
    fn session(&self, spec: &HelloSpec) -> Result<Established, Box<Reaction>> {
        let shares = spec.groups.iter().map(|group| (*group, Vec::new())).collect();
        let key_share =
            if spec.max_version == TlsVersion::Tls13 { KeyShare::Given(shares) } else { KeyShare::Absent };
        let flight = match self.answer_hello(&HelloSpec { key_share, ..spec.clone() }) {
            Reaction::Accepted(flight) => flight,
            other => return Err(Box::new(other)),
        };
        let scheme = match &flight.key_exchange {
            Some(KeyExchange::Ecdhe { scheme, .. } | KeyExchange::Dhe { scheme, .. }) => *scheme,
            _ => self.sign(spec),
        };
        Ok(Established {
            group: flight.key_share_group(),
            signature_scheme: scheme,
            master_secret: vec![1; 48],
            client_verify_data: vec![2; 12],
            tickets: (spec.session_ticket || flight.version == TlsVersion::Tls13)
                .then(|| Ticket { lifetime: 300, ticket: vec![3], max_early_data: None })
                .into_iter()
                .collect(),
            entries: Vec::new(),
            encrypted_extensions: Vec::new(),
            hello_retry: false,
            flight: ServerFlight {
                session_id: if self.remembers && !spec.session_ticket {
                    SESSION_ID.to_vec()
                } else {
                    Vec::new()
                },
                ..*flight
            },
        })
    }

    fn sign(&self, spec: &HelloSpec) -> Option<u16> {
        if self.ignores_schemes {
            self.schemes.first().copied()
        } else {
            let read = spec.signature_schemes.len().min(self.most_schemes);
            self.pick(&self.schemes, spec.signature_schemes.get(..read).unwrap_or_default())
        }
    }

    fn is_intolerable(&self, spec: &HelloSpec) -> bool {
        self.intolerant.iter().any(|novelty| match novelty {
            Novelty::Grease => spec.suites.iter().any(|code| suites::is_grease(*code)),
            Novelty::UnknownExtension => spec.extra_extensions.iter().any(|(number, _)| *number == 0x5abc),
            Novelty::FutureVersion => spec.legacy_version.is_some(),
            Novelty::LongHello => spec.ending == Ending::Long,
            Novelty::MiddleLength => spec.ending == Ending::MiddleLength,
            Novelty::EmptyLastExtension => spec.ending == Ending::EmptyExtension,
        })
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
        let foreign = |name: &String| spec.server_name.as_ref().is_some_and(|given| given != name);
        if self.strict_name.as_ref().is_some_and(foreign) {
            return refused(112);
        }
        if self.wants_signal && !spec.renegotiation_info {
            return refused(40);
        }
        if self.is_intolerable(spec) {
            return refused(50);
        }
        let common = self.versions.iter().copied().filter(|v| *v <= spec.max_version).max();
        let oldest = self.versions.iter().copied().min().filter(|_| self.insists);
        let Some(version) = common.or(oldest) else { return refused(70) };
        if version > spec.max_version {
            return Reaction::OtherVersion(version);
        }
        let best = self.versions.iter().copied().max();
        if spec.fallback_scsv && self.honours_scsv && best > Some(spec.max_version) {
            return refused(86);
        }
        let hidden = self.certificate_curve.is_some_and(|curve| !spec.groups.contains(&curve));
        let offered: Vec<u16> = spec
            .suites
            .iter()
            .copied()
            .take(self.suites_read)
            .filter(|s| !hidden || !offers::is_signed_by(*s, Authentication::Ecdsa))
            .collect();
        let Some(suite) = self.choose(&offered, version) else { return refused(40) };
        let group = self.pick(&self.groups, &spec.groups);
        if version == TlsVersion::Tls13 {
            return self.answer_in_tls13(spec, suite, group);
        }
        let signs = version == TlsVersion::Tls12 && !offers::is_anonymous(suite);
        let scheme = if signs { self.sign(spec) } else { None };
        let needs = signs && suites::is_ephemeral(u32::from(suite)) && !spec.signature_schemes.is_empty();
        if needs && scheme.is_none() {
            return refused(40);
        }
        let key_exchange = if offers::is_ecdhe(suite) {
            let Some(group) = group else { return refused(40) };
            Some(KeyExchange::Ecdhe { group, scheme, public: vec![4] })
        } else if suites::is_ephemeral(u32::from(suite)) {
            Some(KeyExchange::Dhe { p: vec![0xff; 256], g: vec![2], y: vec![1], scheme })
        } else {
            None
        };
        Reaction::Accepted(Box::new(self.flight(version, suite, key_exchange)))
    }

    fn answer_in_tls13(&self, spec: &HelloSpec, suite: u16, group: Option<u16>) -> Reaction {
        let refused = |alert| Reaction::Refused { alert: Some(alert) };
        if self.sign(spec).is_none() {
            return refused(40);
        }
        match (group, &spec.key_share) {
            (_, KeyShare::Empty) if self.refuses_empty_share => refused(50),
            (Some(group), KeyShare::Given(shares)) if shares.iter().any(|(g, _)| *g == group) => {
                let mut flight = self.flight(TlsVersion::Tls13, suite, None);
                flight.extensions.push((51, group.to_be_bytes().to_vec()));
                Reaction::Accepted(Box::new(flight))
            }
            (Some(group), _) => Reaction::Retry { group: Some(group), suite },
            (None, KeyShare::Empty) if self.retries_without_group => Reaction::Retry { group: None, suite },
            (None, _) => refused(40),
        }
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
            resumed: false,
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
            .filter(|s| self.disregards_versions || offers::fits(*s, version))
            .filter(|s| (*s >> 8 == 0x13) == (version == TlsVersion::Tls13))
            .filter(|s| version < TlsVersion::Tls12 || !self.only_before_tls12.contains(s))
            .filter(|s| version == TlsVersion::Tls10 || !self.only_in_tls10.contains(s))
            .filter(|s| !offers::is_ecdhe(*s) || !self.groups.is_empty())
            .collect();
        if self.guesses_hardware {
            let first = offered.iter().copied().find(|s| usable.contains(s));
            let mut usable = usable.clone();
            let is_fast = |s| offers::is_ecdhe(s) && suites::suite(u32::from(s)).name.contains("_GCM_");
            if !first.is_some_and(|s| is_fast(s) || s == 0x1301 || s == 0x1302) {
                usable.sort_by_key(|s| !suites::suite(u32::from(*s)).name.contains("CHACHA20"));
            }
            return usable.into_iter().find(|s| offered.contains(s));
        }
        self.pick(&usable, offered)
    }

    fn pick(&self, ours: &[u16], theirs: &[u16]) -> Option<u16> {
        let (first, second) = if self.server_order { (ours, theirs) } else { (theirs, ours) };
        first.iter().copied().find(|x| second.contains(x))
    }
}

/// The alert after an attack.
fn replied(flight: Box<ServerFlight>, description: u8) -> Reaction {
    let reply = Reply::Alert { level: 2, description };
    Reaction::Attempted(Box::new(Attempted::Replied { flight, reply }))
}

/// Runs one probe to its end; returns the number of questions.
pub(crate) fn run(probe: &mut dyn Probe, state: &mut State, server: &Simulated) -> usize {
    let mut asked = 0;
    while let Some(question) = probe.ask(state) {
        asked += 1;
        assert!(asked < 150, "{} does not end", probe.name());
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
