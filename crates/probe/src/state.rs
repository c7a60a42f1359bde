//! What is known so far about one endpoint's TLS.

use waxseal_model::{
    Cause, Observed,
    tls::{Handshake, NegotiatedSuite, TlsEvidence, TlsVersion},
};
use waxseal_wire::tls::{
    dh,
    flight::{KeyExchange, ServerFlight},
    groups,
    hello::{HelloSpec, KeyShare},
    scheme, suites,
};

use crate::offers;

/// A chain as it came, before anything is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawChain {
    /// Version of the handshake.
    pub version: TlsVersion,
    /// SNI that was sent.
    pub sni: Option<String>,
    /// The handshake was completed.
    pub possession_proven: bool,
    /// Leaf first, DER.
    pub certificates: Vec<Vec<u8>>,
}

/// The growing knowledge about one endpoint, shared by its probes.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The facts for the evidence.
    pub facts: TlsEvidence,
    /// The name for SNI, if there is one.
    pub sni: Option<String>,
    /// Distinct chains, in the order seen.
    pub chains: Vec<RawChain>,
    /// Groups that the server chose, in any version, in the order seen.
    pub groups: Vec<u16>,
    /// What the rich hello got, for the probe of suite order.
    pub rich_choice: Option<(TlsVersion, u16)>,
}

impl State {
    /// A state with nothing known, which sends `sni`.
    pub fn new(sni: Option<String>) -> Self {
        Self { sni, ..Self::default() }
    }

    /// Whether a version is accepted, if that is known.
    pub fn accepts(&self, version: TlsVersion) -> Option<bool> {
        self.facts.versions.get(&version).and_then(Observed::get).copied()
    }

    /// Accepted versions from `SSLv3` up, newest first.
    pub fn accepted_versions(&self) -> Vec<TlsVersion> {
        TlsVersion::ALL
            .into_iter()
            .rev()
            .filter(|v| *v != TlsVersion::Ssl2 && self.accepts(*v) == Some(true))
            .collect()
    }

    /// The newest accepted version before TLS 1.3.
    pub fn newest_before_tls13(&self) -> Option<TlsVersion> {
        self.accepted_versions().into_iter().find(|v| *v <= TlsVersion::Tls12)
    }

    /// Records whether a version is accepted, unless that is known.
    pub fn set_version(&mut self, version: TlsVersion, fact: Observed<bool>) {
        let known = self.accepts(version);
        if known.is_none() {
            self.facts.versions.insert(version, fact);
        }
    }

    /// An ECDHE suite was chosen in a version before TLS 1.3.
    pub fn has_ecdhe_before_tls13(&self) -> bool {
        self.facts.suites_seen.iter().any(|s| {
            s.version <= TlsVersion::Tls12 && u16::try_from(s.suite.code).is_ok_and(offers::is_ecdhe)
        })
    }

    /// A hello up to `max`, asking for every extension that tells something. Groups that
    /// were not chosen yet come first, so that servers which follow the client's order
    /// show all of theirs in the course of other questions.
    pub fn hello(&self, max: TlsVersion, offered: Vec<u16>) -> HelloSpec {
        HelloSpec {
            extra_extensions: Vec::new(),
            max_version: max,
            min_version: max,
            suites: offered,
            groups: self.unseen_first(offers::CURVES),
            signature_schemes: scheme::usual(),
            server_name: self.sni.clone(),
            compression: if max >= TlsVersion::Tls13 { vec![0] } else { vec![1, 0] },
            fallback_scsv: false,
            renegotiation_info: true,
            extended_master_secret: true,
            encrypt_then_mac: true,
            session_ticket: true,
            heartbeat: true,
            status_request: true,
            key_share: KeyShare::Absent,
            random: [0; 32],
            session_id: Vec::new(),
        }
    }

    /// `all` with the groups that the server has not chosen yet in front.
    pub fn unseen_first(&self, all: &[u16]) -> Vec<u16> {
        let (seen, mut order): (Vec<u16>, Vec<u16>) = all.iter().partition(|g| self.groups.contains(g));
        order.extend(seen);
        order
    }

    /// Takes what any accepted flight shows, whatever it was asked for.
    pub fn note_flight(&mut self, spec: &HelloSpec, flight: &ServerFlight) {
        self.set_version(flight.version, Observed::seen(true));
        self.note_suite(flight.version, u32::from(flight.suite));
        match &flight.key_exchange {
            Some(KeyExchange::Ecdhe { group, .. }) => self.note_group(*group),
            // Parameters of anonymous suites harm nobody who asks for a certificate.
            Some(KeyExchange::Dhe { .. }) if offers::is_anonymous(flight.suite) => {}
            Some(KeyExchange::Dhe { p, .. }) => self.note_dh(p),
            Some(KeyExchange::Other) | None => {}
        }
        if let Some(certificates) = &flight.certificates
            && !certificates.is_empty()
        {
            self.note_chain(RawChain {
                version: flight.version,
                sni: spec.server_name.clone(),
                possession_proven: false,
                certificates: certificates.clone(),
            });
        }
    }

    /// Takes the facts of the real handshake.
    pub fn note_handshake(&mut self, handshake: &Handshake, certificates: Vec<Vec<u8>>) {
        self.set_version(handshake.version, Observed::seen(true));
        if handshake.version == TlsVersion::Tls12 {
            // It offered TLS 1.3 too, and the server may not choose less than it has.
            self.set_version(TlsVersion::Tls13, Observed::seen(false));
        }
        self.note_suite(handshake.version, handshake.suite.code);
        if let Some(group) = &handshake.group {
            self.note_group(group.code);
        }
        if !certificates.is_empty() {
            self.note_chain(RawChain {
                version: handshake.version,
                sni: self.sni.clone(),
                possession_proven: true,
                certificates,
            });
        }
        self.facts.handshake = Observed::seen(handshake.clone());
    }

    /// A suite was chosen.
    pub fn note_suite(&mut self, version: TlsVersion, code: u32) {
        let seen = NegotiatedSuite { version, suite: suites::suite(code) };
        if !self.facts.suites_seen.contains(&seen) {
            self.facts.suites_seen.push(seen);
        }
        if suites::is_ephemeral(code) {
            self.facts.forward_secrecy = Observed::seen(true);
        }
    }

    /// A group was chosen.
    pub fn note_group(&mut self, group: u16) {
        if !self.groups.contains(&group) {
            self.groups.push(group);
        }
        if groups::is_post_quantum(group) {
            self.facts.post_quantum = Observed::seen(true);
        }
    }

    fn note_dh(&mut self, prime: &[u8]) {
        let facts = dh::facts(prime);
        if self.facts.dh.get().is_none_or(|known| facts.bits < known.bits) {
            self.facts.dh = Observed::seen(facts);
        }
    }

    fn note_chain(&mut self, chain: RawChain) {
        let leaf = chain.certificates.first();
        match self.chains.iter_mut().find(|c| c.certificates.first() == leaf) {
            Some(known) => known.possession_proven |= chain.possession_proven,
            None => self.chains.push(chain),
        }
    }

    /// Marks facts that nothing was ever learned about, when TLS could not be asked at
    /// all.
    pub fn nothing_could_be_asked(&mut self, cause: Cause, text: &str) {
        for version in TlsVersion::ALL {
            self.set_version(version, Observed::not_tried(cause, text));
        }
        for class in waxseal_model::tls::SuiteClass::ALL {
            self.facts.suite_classes.entry(class).or_insert_with(|| Observed::not_tried(cause, text));
        }
        let facts = &mut self.facts;
        mark(&mut facts.handshake, cause, text);
        mark(&mut facts.forward_secrecy, cause, text);
        mark(&mut facts.suite_order, cause, text);
        mark(&mut facts.compression, cause, text);
        mark(&mut facts.extended_master_secret, cause, text);
        mark(&mut facts.secure_renegotiation, cause, text);
        mark(&mut facts.encrypt_then_mac, cause, text);
        mark(&mut facts.heartbeat, cause, text);
        mark(&mut facts.session_ticket, cause, text);
        mark(&mut facts.downgrade_sentinel, cause, text);
        mark(&mut facts.fallback_scsv, cause, text);
        mark(&mut facts.groups, cause, text);
        mark(&mut facts.post_quantum, cause, text);
        mark(&mut facts.weak_groups, cause, text);
        mark(&mut facts.dh, cause, text);
        mark(&mut facts.sni_required, cause, text);
    }
}

fn mark<T>(fact: &mut Observed<T>, cause: Cause, text: &str) {
    if matches!(fact, Observed::NotTried { why } if why.cause == Cause::NotAsked) {
        *fact = Observed::not_tried(cause, text);
    }
}
