//! TLS 1.1, TLS 1.0 and SSLv3. A server answers a hello with the newest version that both
//! sides have, so one refusal of a TLS 1.1 hello with every old suite clears all three;
//! otherwise the scan descends.

use waxseal_model::{Cause, Observed, Why, tls::TlsVersion};
use waxseal_wire::tls::alert;

use super::{Probe, rich_hello};
use crate::{
    offers::{self, LARGEST_OFFER, MODERN_FIRST},
    question::{Question, Reaction},
    state::State,
};

/// Newest first.
const LEGACY: [TlsVersion; 3] = [TlsVersion::Tls11, TlsVersion::Tls10, TlsVersion::Ssl3];

/// See the module.
#[derive(Debug, Default)]
pub struct LegacyVersions {
    asked: Vec<TlsVersion>,
    /// Suites that were refused in the version at hand.
    refused: Vec<u16>,
    stopped: Option<Why>,
}

impl Probe for LegacyVersions {
    fn name(&self) -> &'static str {
        "TLS 1.1 and older"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.stopped.is_some() {
            return None;
        }
        // A version that is accepted says nothing of the older ones; one that is unknown
        // is asked for.
        let next =
            LEGACY.into_iter().find(|v| !self.asked.contains(v) && !state.facts.versions.contains_key(v))?;
        let left = old_suites().into_iter().filter(|code| !self.refused.contains(code)).collect();
        let mut spec = state.hello(next, left);
        if next == TlsVersion::Ssl3 {
            // SSLv3 knows no extensions; the signalling suite stands for one (RFC 5746).
            spec.server_name = None;
        }
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        let asked = spec.max_version;
        if let Reaction::Refused { alert } = &reaction
            && *alert != Some(alert::PROTOCOL_VERSION)
        {
            // A server that reads only short hellos is offered the rest in the next.
            self.refused.extend_from_slice(&spec.suites);
            if old_suites().iter().any(|code| !self.refused.contains(code)) {
                return;
            }
        }
        self.refused.clear();
        self.asked.push(asked);
        match reaction {
            Reaction::Accepted(flight) if flight.version <= asked => {
                for newer in LEGACY.into_iter().filter(|v| *v > flight.version && *v <= asked) {
                    state.set_version(newer, Observed::seen(false));
                }
                state.note_flight(spec, &flight);
                rich_hello::note_extensions(state, &flight);
            }
            Reaction::Refused { .. } => {
                for older in LEGACY.into_iter().filter(|v| *v <= asked) {
                    state.set_version(older, Observed::seen(false));
                }
            }
            // It does not know the version, and older ones are still open.
            Reaction::OtherVersion(_) => state.set_version(asked, Observed::seen(false)),
            Reaction::Unanswered(why) => {
                self.stopped = Some(why.clone());
                state.set_version(asked, Observed::Failed { why });
            }
            Reaction::Accepted(_)
            | Reaction::Retry { .. }
            | Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_) => {
                let text = format!("the answer to a {} hello was of another version", asked.label());
                self.stopped = Some(Why::new(Cause::Protocol, text.clone()));
                state.set_version(asked, Observed::failed(Cause::Protocol, text));
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let why = why
            .cloned()
            .or_else(|| self.stopped.take())
            .unwrap_or_else(|| Why::new(Cause::NotAsked, "this version was not asked about"));
        for version in LEGACY {
            state.set_version(version, Observed::NotTried { why: why.clone() });
        }
    }
}

/// Suites that may be used before TLS 1.2, good ones first, up to the number that all
/// servers can read.
fn old_suites() -> Vec<u16> {
    let usable = |code: &u16| offers::fits(*code, TlsVersion::Tls11);
    let good = MODERN_FIRST.iter().copied().filter(usable);
    let others = offers::before_tls13().filter(usable).filter(|code| !MODERN_FIRST.contains(code));
    good.chain(others).take(LARGEST_OFFER).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn versions_after(server: &Simulated) -> (usize, [Option<bool>; 3]) {
        let mut state = State::new(None);
        let asked = run(&mut LegacyVersions::default(), &mut state, server);
        (asked, LEGACY.map(|v| state.accepts(v)))
    }

    #[test]
    fn one_refusal_clears_all_three() {
        assert_eq!(versions_after(&Simulated::modern()), (1, [Some(false); 3]));
    }

    #[test]
    fn an_accepting_server_is_descended() {
        let server = Simulated {
            versions: vec![TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12],
            ..Simulated::stock()
        };
        assert_eq!(versions_after(&server), (3, [Some(true), Some(true), Some(false)]));
    }

    #[test]
    fn a_gap_in_the_versions_is_seen() {
        let server = Simulated { versions: vec![TlsVersion::Tls10, TlsVersion::Tls12], ..Simulated::stock() };
        assert_eq!(versions_after(&server), (2, [Some(false), Some(true), Some(false)]));
    }

    #[test]
    fn a_server_of_sslv3_alone_is_found() {
        let server =
            Simulated { versions: vec![TlsVersion::Ssl3], suites: vec![0x002f], ..Simulated::stock() };
        assert_eq!(versions_after(&server), (1, [Some(false), Some(false), Some(true)]));
    }

    #[test]
    fn a_server_that_goes_on_in_a_newer_version_lacks_the_one_offered() {
        let server = Simulated {
            versions: vec![TlsVersion::Tls10],
            suites: vec![0x002f],
            insists: true,
            ..Simulated::stock()
        };
        assert_eq!(versions_after(&server), (2, [Some(false), Some(true), Some(false)]));
    }

    #[test]
    fn a_server_that_reads_only_short_hellos_is_offered_all_suites_in_several() {
        let server = Simulated {
            versions: vec![TlsVersion::Tls10],
            suites: old_suites().split_off(60),
            ..Simulated::stock()
        };
        let mut state = State::new(None);
        state.most_suites = Some(30);
        assert_eq!(run(&mut LegacyVersions::default(), &mut state, &server), 3 + 1);
        assert_eq!(LEGACY.map(|v| state.accepts(v)), [Some(false), Some(true), Some(false)]);
    }

    #[test]
    fn silence_leaves_all_undetermined() {
        let server = Simulated { silent: true, ..Simulated::modern() };
        assert_eq!(versions_after(&server), (1, [None; 3]));
    }
}
