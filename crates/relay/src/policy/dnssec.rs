//! Whether DNSSEC can be relied on here: found out at the start, not believed.
//!
//! A resolver that strips signatures must not make every domain look unsigned. So before DANE
//! is used, the zone of the trust anchor is asked for what is signed and for what is absent:
//!
//! - both verify: DANE is used, and from then on a failure to validate is a failure;
//! - answers come and do not verify: DANE is off, loudly, until a later test succeeds; rules
//!   that demand DANE keep their mail back;
//! - no answer comes: DANE is used, since nothing speaks against it, and the test repeated.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use waxseal_model::dns::DnsOutcome;
use waxseal_net::resolver::{Lookup, Resolver, SelfTest, Trust};

use super::Clock;
use crate::{
    config::sections::Dnssec as Setting,
    event::{Event, Events, Severity},
};

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnssecState {
    /// Answers can be validated.
    Works,
    /// No server answered the test yet: why.
    Unknown(String),
    /// Answers cannot be validated: why, and by which server.
    Broken(String),
    /// The operator turned it off.
    Off,
}

impl DnssecState {
    /// True if answers are validated and DANE is used.
    pub fn is_used(&self) -> bool {
        matches!(self, Self::Works | Self::Unknown(_))
    }

    /// Whether it is used, as a sentence.
    pub fn in_words(&self) -> String {
        match self {
            Self::Works => "DNSSEC is validated, and DANE counts.".to_owned(),
            Self::Unknown(why) => format!("Whether DNSSEC can be relied on is not known yet: {why}"),
            Self::Broken(_) | Self::Off => self.why_not().unwrap_or_default(),
        }
    }

    /// Why it is not used, as a sentence.
    pub fn why_not(&self) -> Option<String> {
        match self {
            Self::Works | Self::Unknown(_) => None,
            Self::Broken(why) => Some(format!("DNSSEC cannot be relied on here: {why}")),
            Self::Off => Some("DNSSEC is turned off (dns.dnssec = \"off\")".to_owned()),
        }
    }
}

/// What may be concluded from an answer. Where nothing is validated, an answer is an answer:
/// neither secure nor bogus.
pub(super) fn trust(lookup: &Lookup, validates: bool) -> Trust {
    let answered = !matches!(
        lookup.answer.outcome,
        DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable
    );
    match validates {
        true => lookup.trust,
        false if answered => Trust::Insecure,
        false => Trust::Failed,
    }
}

/// Tests it, and tells the operator.
pub(super) struct Dnssec {
    resolver: Arc<Resolver>,
    events: Arc<dyn Events>,
    clock: Clock,
    state: Mutex<DnssecState>,
}

impl Dnssec {
    pub(super) fn new(
        setting: Setting,
        resolver: Arc<Resolver>,
        events: Arc<dyn Events>,
        clock: Clock,
    ) -> Self {
        let state = match setting {
            Setting::Auto => DnssecState::Unknown("it was not tested yet".to_owned()),
            Setting::Off => DnssecState::Off,
        };
        Self { resolver, events, clock, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> DnssecState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks, and remembers what came of it. True if DANE is used where it was not before, or
    /// the other way round: what was concluded from answers is to be thought over.
    pub(super) async fn test(&self) -> bool {
        let before = self.state();
        if before == DnssecState::Off {
            return false;
        }
        let found = match self.resolver.self_test().await {
            SelfTest::Validates => DnssecState::Works,
            SelfTest::DoesNotValidate(why) => {
                // The resolver speaks to those who test; here the servers stand in the configuration.
                DnssecState::Broken(why.replace("try another one with --dns", "name another one in [dns]"))
            }
            SelfTest::NoAnswer(why) => DnssecState::Unknown(why),
        };
        self.tell(&before, &found);
        // What worked once stays in use: whoever makes it fail now must not gain by it.
        let after = match (&before, found) {
            (DnssecState::Works, _) => DnssecState::Works,
            (DnssecState::Broken(_), DnssecState::Unknown(_)) => before.clone(),
            (_, found) => found,
        };
        let changed = before.is_used() != after.is_used();
        if changed {
            // Answers that came without their signatures would pass for forged ones now.
            self.resolver.forget(["."]);
        }
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = after;
        changed
    }

    /// How long to wait for the next test.
    pub(super) fn pause(&self) -> Duration {
        match self.state() {
            DnssecState::Unknown(_) => Duration::from_secs(60),
            DnssecState::Broken(_) => Duration::from_secs(300),
            DnssecState::Works => Duration::from_secs(900),
            DnssecState::Off => Duration::from_secs(86_400),
        }
    }

    fn tell(&self, before: &DnssecState, found: &DnssecState) {
        let (severity, text) = match (before, found) {
            (DnssecState::Works, DnssecState::Works | DnssecState::Unknown(_) | DnssecState::Off) => return,
            (_, DnssecState::Works) => (Severity::Info, "DNSSEC works: DANE is used".to_owned()),
            (DnssecState::Works, DnssecState::Broken(why)) => (
                Severity::Error,
                format!(
                    "DNSSEC worked and does not any more: {why}; mail to signed domains is kept back until it does. \
                     Name a DNS server that passes on signatures (dns.servers), best one on this machine"
                ),
            ),
            (_, DnssecState::Broken(why)) => (
                Severity::Error,
                format!(
                    "DNSSEC cannot be relied on, DANE is NOT used: {why}. Name a DNS server that passes on signatures \
                     (dns.servers), best one on this machine; rules with tls = \"dane\" keep their mail back until then"
                ),
            ),
            (_, DnssecState::Unknown(why)) => {
                (Severity::Warning, format!("whether DNSSEC works is not known yet: {why}"))
            }
            (_, DnssecState::Off) => return,
        };
        self.events.emit((self.clock)(), &Event::Note { severity, token: "dns.dnssec", text: &text });
    }
}
