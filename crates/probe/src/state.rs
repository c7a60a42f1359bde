//! What is known so far about one endpoint's TLS.

use std::collections::BTreeMap;

use waxseal_model::{
    Cause, Observed,
    audit::{AuditFacts, ClientCertificate, HelloLimit, Novelty},
    tls::{GroupFacts, Handshake, NegotiatedSuite, TlsEvidence, TlsVersion},
};
use waxseal_wire::{
    tls::{
        alert, dh,
        flight::{KeyExchange, ServerFlight},
        groups,
        hello::{Ending, HelloSpec, KeyShare, extension},
        private, scheme,
        suites::{self, Authentication},
    },
    x509,
};

use crate::{
    offers,
    question::{Question, Reaction},
    robot::RobotSearch,
    shares,
};

/// A server that reads no more suites than this is not asked in even smaller pieces.
const SMALLEST_OFFER: usize = 8;
/// Key shares for so many groups are enough for one hello.
const MOST_SHARES: usize = 2;
/// So many values are enough to see one come again, and bound what a server can make us keep.
const MOST_DH_VALUES: usize = 64;

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

/// What came along with a leaf certificate, as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accompanying {
    /// The stapled OCSP response.
    pub staple: Observed<Option<Vec<u8>>>,
    /// The content of the extension with certificate timestamps; empty if it did not come.
    pub scts: Observed<Vec<u8>>,
}

impl Accompanying {
    /// A handshake in which a staple was welcome. One that came in another one stays.
    pub fn note_staple(&mut self, staple: Option<Vec<u8>>) {
        if !matches!(self.staple, Observed::Seen { value: Some(_) }) {
            self.staple = Observed::seen(staple);
        }
    }

    fn note_scts(&mut self, content: Vec<u8>) {
        if self.scts.get().is_none_or(Vec::is_empty) {
            self.scts = Observed::seen(content);
        }
    }
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
    /// What came along with the leaves of the chains, by leaf.
    pub accompanying: BTreeMap<Vec<u8>, Accompanying>,
    /// Groups that the server chose, in any version, in the order seen.
    pub groups: Vec<u16>,
    /// The same by version.
    pub groups_by_version: Vec<(TlsVersion, u16)>,
    /// Schemes of handshake signatures by version, in the order seen.
    pub schemes: Vec<(TlsVersion, u16)>,
    /// Public values of finite-field Diffie-Hellman: prime and value of each handshake.
    pub dh_values: Vec<(Vec<u8>, Vec<u8>)>,
    /// What the rich hello got, for the probe of suite order.
    pub rich_choice: Option<(TlsVersion, u16)>,
    /// The server ended the real handshake with internal_error: its own failure, not a want
    /// of common ground (RFC 8446 section 6.2).
    pub server_failed: bool,
    /// It did so after it had begun TLS 1.3 in earnest, so that flights in which it makes no
    /// use of its private key (RSA key exchange) prove nothing.
    pub cannot_use_its_key: bool,
    /// Something came that only a server with TLS or SSL sends.
    pub speaks_tls: bool,
    /// TLS starts by STARTTLS.
    pub starttls: bool,
    /// Answers to RSA key exchanges with wrong padding.
    pub robot: RobotSearch,
    /// The server ended a handshake for want of a client certificate.
    pub wants_client_certificate: bool,
    /// The leaf that a hello without SNI got, where one with SNI would have had a name to send.
    pub leaf_without_sni: Option<Vec<u8>>,
    /// Bytes of the longest hello that the server went along with.
    pub longest_taken: usize,
    /// The most suites that the server reads in one hello, where it was found to have a
    /// limit.
    pub most_suites: Option<usize>,
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

    /// A hello that the server is known to go along with, if there is one, as long as the
    /// question `like` that it did not: the length may have been the reason.
    pub fn known_good(&self, like: &Question) -> Option<Question> {
        if let Some((version, suite)) = self.rich_choice.or_else(|| self.choice_of_the_library()) {
            let mut offered = vec![suite];
            if let Some(spec) = like.spec() {
                // Reserved values may be what it cannot bear.
                offered.extend(spec.suites.iter().filter(|s| **s != suite && !suites::is_grease(**s)));
            }
            return Some(Question::Hello(Box::new(self.hello(version, offered))));
        }
        (self.accepts(TlsVersion::Tls13) == Some(true)).then(|| Question::Hello(Box::new(self.tls13_hello())))
    }

    /// What the real handshake came to, before TLS 1.3.
    fn choice_of_the_library(&self) -> Option<(TlsVersion, u16)> {
        let handshake = self.facts.handshake.get().filter(|h| h.version <= TlsVersion::Tls12)?;
        Some((handshake.version, u16::try_from(handshake.suite.code).ok()?))
    }

    /// A hello of TLS 1.3 with key shares, for groups that were chosen before if there are any,
    /// so that the server need not ask for another.
    pub fn tls13_hello(&self) -> HelloSpec {
        let mut spec = self.hello(TlsVersion::Tls13, offers::TLS13.to_vec());
        let chosen = self.groups_by_version.iter().filter(|(v, _)| *v == TlsVersion::Tls13);
        let known = shares::public_values(&chosen.map(|(_, g)| *g).take(MOST_SHARES).collect::<Vec<_>>());
        spec.groups = offers::tls13_groups().collect();
        spec.groups.sort_by_key(|group| !known.iter().any(|(g, _)| g == group));
        let shares = if known.is_empty() { shares::usual(&spec.groups) } else { known };
        spec.key_share = KeyShare::Given(shares);
        spec
    }

    /// A hello of TLS 1.3 whose handshake the private client can complete.
    pub fn tls13_session_hello(&self) -> HelloSpec {
        let mut spec = self.hello(TlsVersion::Tls13, offers::TLS13.to_vec());
        spec.suites.retain(|code| private::is_supported(*code));
        spec.groups = private::GROUPS.to_vec();
        spec
    }

    /// The server signals that it knows TLS 1.3: where it refused it, then for what was
    /// offered with it, such as groups that waxseal does not know.
    pub fn doubt_absence_of_tls13(&mut self) {
        if self.accepts(TlsVersion::Tls13) == Some(false) {
            let text = "the server refused TLS 1.3 hellos, but signals in TLS 1.2 that it knows TLS 1.3";
            self.facts.versions.insert(TlsVersion::Tls13, Observed::failed(Cause::Unsupported, text));
        }
    }

    /// Takes back all refusals of a server that never showed a sign of TLS: it closed every
    /// connection, for a reason that may have nothing to do with what was offered.
    pub fn retract_unless_tls(&mut self) {
        if self.speaks_tls {
            return;
        }
        let text = "the server closed the connections without a single answer in TLS";
        let refusals = self.facts.versions.values_mut().chain([&mut self.facts.post_quantum]);
        for fact in refusals.filter(|fact| fact.get() == Some(&false)) {
            *fact = Observed::failed(Cause::Closed, text);
        }
    }

    /// A hello up to `max`, asking for every extension that tells something. Groups that
    /// were not chosen yet come first, so that servers which follow the client's order
    /// show all of theirs in the course of other questions.
    pub fn hello(&self, max: TlsVersion, mut offered: Vec<u16>) -> HelloSpec {
        offered.truncate(self.largest_offer());
        HelloSpec {
            extra_extensions: Vec::new(),
            legacy_version: None,
            ending: Ending::Harmless,
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

    /// A hello whose handshake the private client can complete, suites that were chosen before
    /// first.
    pub fn session_hello(&self, version: TlsVersion) -> HelloSpec {
        let mut offered = offers::accepted_first(self, version);
        offered.retain(|code| private::is_supported(*code));
        let mut spec = self.hello(version, offered);
        spec.groups.retain(|group| private::GROUPS.contains(group));
        spec.compression = vec![0];
        if version == TlsVersion::Ssl3 {
            spec.server_name = None;
        }
        spec
    }

    /// The most suites to offer in one hello.
    pub fn largest_offer(&self) -> usize {
        self.most_suites.unwrap_or(offers::LARGEST_OFFER)
    }

    /// The server does not read hellos with `offered` suites: fewer are offered from now on.
    /// False where it cannot be much fewer.
    pub fn offer_fewer_than(&mut self, offered: usize) -> bool {
        let fewer = offered.min(self.largest_offer()) / 2;
        if fewer < SMALLEST_OFFER {
            return false;
        }
        self.most_suites = Some(fewer);
        true
    }

    /// A hello of a version before TLS 1.3 that asks for one of `curves` for ECDHE. A
    /// server refuses ECDSA where the curve of its certificate is not on offer (RFC 8422
    /// section 5.1), so that suites with RSA are preferred, and otherwise that curve is
    /// offered last.
    pub fn curve_hello(&self, version: TlsVersion, mut curves: Vec<u16>) -> HelloSpec {
        let with_rsa = |code: u16| offers::is_ecdhe(code) && offers::is_signed_by(code, Authentication::Rsa);
        let rsa_works = self
            .facts
            .suites_seen
            .iter()
            .any(|s| s.version <= TlsVersion::Tls12 && u16::try_from(s.suite.code).is_ok_and(with_rsa));
        let offered = offers::MODERN_FIRST
            .iter()
            .copied()
            .filter(|s| if rsa_works { with_rsa(*s) } else { offers::is_ecdhe(*s) })
            .filter(|s| offers::fits(*s, version))
            .collect();
        if !rsa_works {
            let leaves = self.chains.iter().filter_map(|c| c.certificates.first());
            let own = leaves.filter_map(|der| certificate_curve(der));
            for curve in own {
                if !curves.contains(&curve) {
                    curves.push(curve);
                }
            }
        }
        let mut spec = self.hello(version, offered);
        spec.groups = curves;
        spec
    }

    /// No group of TLS 1.3 beside those that were chosen is accepted.
    pub fn no_more_post_quantum(&mut self) {
        if !self.facts.post_quantum.is_seen() {
            self.facts.post_quantum = Observed::seen(false);
        }
    }

    /// What follows from all answers of an audit together.
    pub fn conclude_audit(&mut self) {
        let reuse = self.dh_reuse();
        let hello_limit = self.hello_limit();
        let client_certificate = self.client_certificate();
        let audit = self.audit();
        audit.client_certificate = client_certificate;
        audit.dh_reuse = reuse;
        audit.hello_limit = hello_limit;
    }

    fn hello_limit(&self) -> Option<HelloLimit> {
        let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        let suites = self.most_suites.map(small);
        // Neither the library's hello, which has a post-quantum share, nor a padded one was
        // answered, and shorter ones were.
        let broke_off =
            self.facts.handshake.why().is_some_and(|w| matches!(w.cause, Cause::Closed | Cause::Timeout));
        let novelties = self.facts.audit.iter().flat_map(|audit| &audit.tolerance);
        let long = novelties.filter(|t| t.novelty == Novelty::LongHello).find_map(|t| t.tolerated.get());
        let bytes =
            (broke_off && long == Some(&false) && self.longest_taken > 0).then(|| small(self.longest_taken));
        (suites.is_some() || bytes.is_some()).then_some(HelloLimit { suites, bytes })
    }

    fn client_certificate(&self) -> Observed<ClientCertificate> {
        if self.wants_client_certificate {
            return Observed::seen(ClientCertificate::Demanded);
        }
        self.facts.handshake.as_ref().map(|handshake| {
            if handshake.client_certificate_requested {
                ClientCertificate::Requested
            } else {
                ClientCertificate::NotAsked
            }
        })
    }

    /// Whether a public value came twice with the same prime.
    fn dh_reuse(&self) -> Observed<bool> {
        let values = &self.dh_values;
        match values.len() {
            0 => match &self.facts.dh {
                Observed::NotTried { why } if why.cause == Cause::NotApplicable => {
                    Observed::NotTried { why: why.clone() }
                }
                _ => Observed::not_tried(Cause::Prerequisite, "no Diffie-Hellman value was seen"),
            },
            1 => Observed::not_tried(Cause::Prerequisite, "only one Diffie-Hellman value was seen"),
            _ => Observed::seen(
                values.iter().enumerate().any(|(at, value)| values.iter().skip(at + 1).any(|v| v == value)),
            ),
        }
    }

    /// Sums up what an audit found out about groups by version.
    pub fn settle_groups(&mut self) {
        let chosen: Vec<_> = self.groups.iter().map(|g| groups::named(*g)).collect();
        if chosen.is_empty() {
            return;
        }
        self.facts.groups = chosen.iter().map(|g| g.name.clone()).collect();
        let lists = &self.audit().groups;
        let complete = lists.values().all(|list| list.get().is_some_and(|facts| facts.complete));
        self.facts.group_facts = Observed::seen(GroupFacts { chosen, complete });
        if self.accepts(TlsVersion::Tls13) == Some(false) {
            // All post-quantum groups belong to TLS 1.3.
            self.no_more_post_quantum();
        }
    }

    /// Signature schemes for a hello that is about something else: those that `version` did
    /// not show yet in front, and of each kind of key one that it did, so that the server
    /// can sign. No more than every server reads.
    pub fn unseen_schemes_first(&self, version: TlsVersion) -> Vec<u16> {
        let shown = self.shown_schemes(version);
        let mut order = self.unseen_schemes(version);
        order.truncate(offers::MOST_SCHEMES.saturating_sub(shown.len()));
        order.extend(shown);
        order
    }

    /// Of each kind of key one scheme that `version` showed.
    pub fn shown_schemes(&self, version: TlsVersion) -> Vec<u16> {
        let mut shown: Vec<u16> = Vec::new();
        for (_, seen) in self.schemes.iter().filter(|(v, _)| *v == version) {
            if !shown.iter().any(|s| scheme::key_kind(*s) == scheme::key_kind(*seen)) {
                shown.push(*seen);
            }
        }
        shown
    }

    /// Every signature scheme of TLS 1.2 that `version` did not show yet.
    pub fn unseen_schemes(&self, version: TlsVersion) -> Vec<u16> {
        let mut schemes = offers::every_scheme();
        schemes.retain(|s| !self.schemes.contains(&(version, *s)));
        schemes
    }

    /// The facts of an audit.
    pub fn audit(&mut self) -> &mut AuditFacts {
        self.facts.audit.get_or_insert_default()
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
        if let Some(group) = flight.key_share_group().filter(|_| flight.version == TlsVersion::Tls13) {
            self.note_group_in(flight.version, group);
        }
        self.note_key_exchange(flight);
        if let Some(certificates) = &flight.certificates
            && let Some(leaf) = certificates.first()
        {
            if self.sni.is_some() && spec.server_name.is_none() && spec.max_version > TlsVersion::Ssl3 {
                self.leaf_without_sni = Some(leaf.clone());
            }
            self.note_chain(RawChain {
                version: flight.version,
                sni: spec.server_name.clone(),
                possession_proven: false,
                certificates: certificates.clone(),
            });
            self.note_accompanying(spec, flight);
        }
    }

    fn note_key_exchange(&mut self, flight: &ServerFlight) {
        let scheme = match &flight.key_exchange {
            Some(KeyExchange::Ecdhe { group, scheme, .. }) => {
                self.note_group_in(flight.version, *group);
                *scheme
            }
            Some(KeyExchange::Dhe { p, y, scheme, .. }) => {
                if self.dh_values.len() < MOST_DH_VALUES {
                    self.dh_values.push((p.clone(), y.clone()));
                }
                // Parameters of anonymous suites harm nobody who asks for a certificate.
                if !offers::is_anonymous(flight.suite) {
                    self.note_dh(p);
                }
                *scheme
            }
            Some(KeyExchange::Rsa { .. } | KeyExchange::Other) | None => None,
        };
        if let Some(scheme) = scheme {
            self.note_scheme(flight.version, scheme);
        }
    }

    /// The server signed with this scheme.
    pub fn note_scheme(&mut self, version: TlsVersion, scheme: u16) {
        if !self.schemes.contains(&(version, scheme)) {
            self.schemes.push((version, scheme));
        }
    }

    /// Takes the facts of the real handshake.
    pub fn note_handshake(&mut self, handshake: &Handshake, certificates: Vec<Vec<u8>>) {
        self.speaks_tls = true;
        self.set_version(handshake.version, Observed::seen(true));
        if handshake.version == TlsVersion::Tls12 {
            // It offered TLS 1.3 too, and the server may not choose less than it has.
            self.set_version(TlsVersion::Tls13, Observed::seen(false));
        }
        self.note_suite(handshake.version, handshake.suite.code);
        if let Some(scheme) = handshake.signature_scheme.as_deref().and_then(scheme::code) {
            self.note_scheme(handshake.version, scheme);
        }
        if let Some(group) = &handshake.group {
            self.note_group_in(handshake.version, group.code);
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

    /// Takes what a handshake after the first one shows.
    pub fn note_second_handshake(&mut self, handshake: &Handshake, certificates: Vec<Vec<u8>>) {
        self.note_suite(handshake.version, handshake.suite.code);
        if !certificates.is_empty() {
            self.note_chain(RawChain {
                version: handshake.version,
                sni: self.sni.clone(),
                possession_proven: true,
                certificates,
            });
        }
    }

    /// Takes a HelloRetryRequest. The server that names a group of the real handshake, and
    /// failed in that handshake by itself, begins TLS 1.3 without being able to end it (a
    /// key that it cannot sign with, for instance): that is no accepted version. After any
    /// other alert the TLS library may be what is wanting, and the answer counts.
    pub fn note_retry(&mut self, group: Option<u16>, suite: u16) {
        if self.server_failed && group.is_some_and(waxseal_net::tls::offers_group) {
            self.set_version(TlsVersion::Tls13, Observed::seen(false));
            self.cannot_use_its_key = true;
            return;
        }
        self.set_version(TlsVersion::Tls13, Observed::seen(true));
        self.note_suite(TlsVersion::Tls13, u32::from(suite));
        if let Some(group) = group {
            self.note_group_in(TlsVersion::Tls13, group);
        }
    }

    /// A reaction as it counts here: a server that cannot use its private key goes along with
    /// RSA key exchange until it would have to decrypt, which is no accepted handshake.
    pub fn as_far_as_proven(&self, reaction: Reaction) -> Reaction {
        match reaction {
            Reaction::Accepted(flight) if self.cannot_use_its_key && flight.key_exchange.is_none() => {
                Reaction::Refused { alert: Some(alert::INTERNAL_ERROR) }
            }
            other => other,
        }
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

    /// A group was chosen in this version.
    pub fn note_group_in(&mut self, version: TlsVersion, group: u16) {
        self.note_group(group);
        if !self.groups_by_version.contains(&(version, group)) {
            self.groups_by_version.push((version, group));
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

    /// Takes what came along with the certificate in a flight, as far as it was asked for.
    fn note_accompanying(&mut self, spec: &HelloSpec, flight: &ServerFlight) {
        let Some(leaf) = flight.certificates.as_ref().and_then(|chain| chain.first()) else { return };
        if flight.ocsp.is_some() || (spec.status_request && flight.done) {
            self.accompanying_of(leaf).note_staple(flight.ocsp.clone());
        }
        const SCTS: u16 = extension::SIGNED_CERTIFICATE_TIMESTAMP;
        if flight.version < TlsVersion::Tls13 && spec.extra_extensions.iter().any(|(n, _)| *n == SCTS) {
            let content = flight.extension(SCTS).unwrap_or_default().to_vec();
            self.accompanying_of(leaf).note_scts(content);
        }
    }

    /// Takes the staple of a real handshake, which always asks for one.
    pub fn note_staple(&mut self, chain: &[Vec<u8>], staple: Option<Vec<u8>>) {
        if let Some(leaf) = chain.first() {
            self.accompanying_of(leaf).note_staple(staple);
        }
    }

    fn accompanying_of(&mut self, leaf: &[u8]) -> &mut Accompanying {
        self.accompanying.entry(leaf.to_vec()).or_default()
    }

    /// Keeps a chain with a leaf that was not seen yet.
    pub fn note_chain(&mut self, chain: RawChain) {
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
        mark(&mut facts.group_facts, cause, text);
        mark(&mut facts.post_quantum, cause, text);
        mark(&mut facts.weak_groups, cause, text);
        mark(&mut facts.dh, cause, text);
        mark(&mut facts.sni_required, cause, text);
    }
}

/// The group of the curve of a certificate's key.
fn certificate_curve(der: &[u8]) -> Option<u16> {
    match x509::facts(der).ok()?.key.curve.as_deref()? {
        "P-256" => Some(groups::SECP256R1),
        "P-384" => Some(24),
        "P-521" => Some(25),
        other => groups::all().iter().find(|g| g.name == other).map(|g| g.code),
    }
}

fn mark<T>(fact: &mut Observed<T>, cause: Cause, text: &str) {
    if matches!(fact, Observed::NotTried { why } if why.cause == Cause::NotAsked) {
        *fact = Observed::not_tried(cause, text);
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::audit::Tolerance;

    use super::*;

    #[test]
    fn refusals_of_a_server_that_never_spoke_tls_are_taken_back() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls12, Observed::seen(false));
        state.facts.post_quantum = Observed::seen(false);
        let mut mute = state.clone();
        mute.retract_unless_tls();
        assert_eq!(mute.accepts(TlsVersion::Tls12), None);
        assert_eq!(mute.facts.post_quantum.why().map(|w| w.cause), Some(Cause::Closed));
        state.speaks_tls = true;
        state.retract_unless_tls();
        assert_eq!(state.accepts(TlsVersion::Tls12), Some(false));
    }

    #[test]
    fn a_limit_in_bytes_needs_two_long_hellos_that_failed_and_shorter_ones_that_did_not() {
        let mut state = State { longest_taken: 900, ..State::new(None) };
        let long =
            |tolerated| Tolerance { novelty: Novelty::LongHello, tolerated: Observed::seen(tolerated) };
        state.facts.handshake = Observed::failed(Cause::Closed, "closed");
        state.audit().tolerance = vec![long(false)];
        state.conclude_audit();
        assert_eq!(state.audit().hello_limit, Some(HelloLimit { suites: None, bytes: Some(900) }));
        state.audit().tolerance = vec![long(true)];
        state.conclude_audit();
        assert_eq!(state.audit().hello_limit, None);
        state.audit().tolerance = vec![long(false)];
        state.facts.handshake = Observed::failed(Cause::Declined, "alert 40");
        state.conclude_audit();
        assert_eq!(state.audit().hello_limit, None, "the library's hello was refused for something else");
    }

    #[test]
    fn the_downgrade_signal_outweighs_a_refusal_of_tls13() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls13, Observed::seen(false));
        state.doubt_absence_of_tls13();
        assert_eq!(state.accepts(TlsVersion::Tls13), None);
    }

    #[test]
    fn a_known_good_hello_is_as_long_as_the_question() {
        let mut state = State::new(None);
        let question = Question::Hello(Box::new(state.hello(TlsVersion::Tls11, vec![5, 4, 0x2f])));
        assert!(state.known_good(&question).is_none());
        state.rich_choice = Some((TlsVersion::Tls12, 0xc02f));
        let Some(Question::Hello(spec)) = state.known_good(&question) else { panic!("a hello") };
        assert_eq!((spec.max_version, spec.suites), (TlsVersion::Tls12, vec![0xc02f, 5, 4, 0x2f]));
    }

    #[test]
    fn a_server_of_tls13_alone_has_a_known_good_hello_too() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls13, Observed::seen(true));
        let Some(Question::Hello(spec)) = state.known_good(&Question::Ssl2) else { panic!("a hello") };
        assert!(matches!(spec.key_share, KeyShare::Given(shares) if shares.len() == 2));
    }
}
