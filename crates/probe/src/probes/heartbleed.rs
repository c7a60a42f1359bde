//! A heartbeat that claims one byte more than it carries (CVE-2014-0160), put to servers that
//! offer heartbeats. Those that do not cannot be asked, and need not be.

use waxseal_model::{Cause, Observed, Why, audit::Heartbleed as Fact, tls::TlsVersion};

use super::{Probe, settle};
use crate::{
    attempt::{Attempt, Attempted},
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Heartbleed {
    asked: bool,
    fact: Observed<Fact>,
}

impl Probe for Heartbleed {
    fn name(&self) -> &'static str {
        "false heartbeat"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let version = state.newest_before_tls13()?;
        if self.asked || state.facts.heartbeat.get() != Some(&true) {
            return None;
        }
        self.asked = true;
        let mut spec = state.session_hello(version);
        // Hellos of SSLv3 have no extensions: where a server of SSLv3 alone offers heartbeats, it
        // is in answer to newer ones.
        spec.max_version = version.max(TlsVersion::Tls10);
        Some(Question::Attempt(Attempt::Heartbleed(Box::new(spec))))
    }

    fn learn(&mut self, _state: &mut State, _question: &Question, reaction: Reaction) {
        self.fact = match reaction {
            Reaction::Attempted(outcome) => match *outcome {
                Attempted::Heartbleed(fact) => Observed::seen(fact),
                _ => return,
            },
            Reaction::Unanswered(why) => Observed::Failed { why },
            other => Observed::failed(Cause::Protocol, other.describe()),
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if let Some(false) = state.facts.heartbeat.get() {
            self.fact = Observed::seen(Fact::NoHeartbeat);
        }
        let old = [TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10, TlsVersion::Ssl3];
        let reason = if old.into_iter().all(|v| state.accepts(v) == Some(false)) {
            Why::new(Cause::NotApplicable, "heartbeats are offered before TLS 1.3 only, which is refused")
        } else {
            why.cloned().unwrap_or_else(|| {
                Why::new(Cause::Prerequisite, "it is not known whether the server offers heartbeats")
            })
        };
        settle(&mut self.fact, &reason);
        state.audit().heartbleed = self.fact.clone();
    }
}
