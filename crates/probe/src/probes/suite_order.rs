//! Whose order of suites decides, up to TLS 1.2. The suite that the server chose from the
//! first hello is put last among suites that it is known to accept as well; if it is
//! chosen again, the server follows its own order. All else is left as in the first hello,
//! except SNI, which is left out to see whether the server insists on it.

use waxseal_model::{
    Cause, Observed, Why,
    tls::{SuiteOrder as Order, TlsVersion},
};

use super::{Probe, settle};
use crate::{
    offers::MODERN_FIRST,
    question::{Question, Reaction},
    state::State,
};

/// unrecognized_name: the server refuses for want of a name it knows.
const UNRECOGNIZED_NAME: u8 = 112;

/// See the module.
#[derive(Debug, Default)]
pub struct SuiteOrder {
    asked: u8,
    settled: bool,
    without_sni: bool,
}

impl Probe for SuiteOrder {
    fn name(&self) -> &'static str {
        "order of suites, without SNI"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let (version, chosen) = state.rich_choice?;
        if self.settled || self.asked > 1 {
            return None;
        }
        // The first try goes without SNI, where there is a name to leave out.
        self.without_sni = self.asked == 0 && state.sni.is_some();
        self.asked += 1;
        let mut spec = state.hello(version.min(TlsVersion::Tls12), in_another_order(chosen));
        if self.without_sni {
            spec.server_name = None;
        }
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Accepted(flight) => {
                self.settled = true;
                if self.without_sni {
                    state.facts.sni_required = Observed::seen(false);
                } else if state.sni.is_some() {
                    state.facts.sni_required = Observed::seen(true);
                }
                state.note_flight(spec, &flight);
                state.facts.suite_order = self.compare(state, flight.suite);
            }
            // Without SNI a refusal may be about the name: ask again with it.
            Reaction::Refused { alert } if self.without_sni => {
                if alert == Some(UNRECOGNIZED_NAME) {
                    state.facts.sni_required = Observed::seen(true);
                }
            }
            Reaction::Refused { .. } => {
                self.settled = true;
                state.facts.suite_order = Observed::failed(
                    Cause::Declined,
                    "the server refused the same suites in another order, so its choice cannot be compared",
                );
            }
            Reaction::Unanswered(why) => {
                self.settled = true;
                state.facts.suite_order = Observed::Failed { why };
            }
            Reaction::Retry { .. }
            | Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                self.settled = true;
                state.facts.suite_order =
                    Observed::failed(Cause::Protocol, "the answer was of another version than the hello");
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let nothing_to_compare = || match state.newest_before_tls13() {
            Some(_) => Why::new(Cause::Prerequisite, "no common suite was chosen that could be compared"),
            None if state.accepts(TlsVersion::Tls13) == Some(true) => {
                Why::new(Cause::NotApplicable, "TLS 1.3 alone: there the order hardly matters")
            }
            None => Why::new(Cause::Prerequisite, "no handshake before TLS 1.3 could be seen"),
        };
        let order_why = why.cloned().unwrap_or_else(nothing_to_compare);
        settle(&mut state.facts.suite_order, &order_why);
        let sni_why = match (&state.sni, why) {
            (None, _) => Why::new(Cause::NotApplicable, "no name was sent in the first place"),
            (Some(_), Some(why)) => why.clone(),
            (Some(_), None) => Why::new(Cause::Prerequisite, "no TLS 1.2 handshake to compare with"),
        };
        settle(&mut state.facts.sni_required, &sni_why);
    }
}

/// The suites of the first hello, the one that was `chosen` last. The others stay as they
/// are: there are servers whose own order follows the hardware that a client seems to have,
/// and puts ChaCha20 first for those that do not begin with AES-GCM.
fn in_another_order(chosen: u16) -> Vec<u16> {
    MODERN_FIRST.iter().copied().filter(|s| *s != chosen).chain([chosen]).collect()
}

impl SuiteOrder {
    fn compare(&self, state: &State, again: u16) -> Observed<Order> {
        let Some((version, first)) = state.rich_choice else {
            return Observed::not_tried(Cause::Prerequisite, "no first choice to compare with");
        };
        if again != first {
            return Observed::seen(Order::Client);
        }
        // The same suite from the end of the list: the server's order, if it had a choice.
        let others = state.facts.suites_seen.iter().any(|s| {
            s.version == version
                && s.suite.code != u32::from(first)
                && MODERN_FIRST.iter().any(|m| u32::from(*m) == s.suite.code)
        });
        if others {
            Observed::seen(Order::Server)
        } else {
            Observed::not_tried(Cause::NotApplicable, "only one suite of those offered was ever chosen")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        rich_hello::RichHello,
        simulated::{Simulated, run},
        suite_classes::SuiteClasses,
    };

    fn order_of(server: &Simulated) -> State {
        let mut state = State::new(Some("mx.example.com".into()));
        run(&mut RichHello::default(), &mut state, server);
        run(&mut SuiteClasses::default(), &mut state, server);
        run(&mut SuiteOrder::default(), &mut state, server);
        state
    }

    #[test]
    fn the_clients_order_shows_by_another_choice() {
        let server = Simulated { server_order: false, ..Simulated::stock() };
        assert_eq!(order_of(&server).facts.suite_order, Observed::seen(Order::Client));
    }

    #[test]
    fn the_servers_order_shows_by_the_same_choice() {
        let server = Simulated { server_order: true, ..Simulated::stock() };
        let state = order_of(&server);
        assert_eq!(state.facts.suite_order, Observed::seen(Order::Server));
        assert_eq!(state.facts.sni_required, Observed::seen(false));
    }

    #[test]
    fn an_order_that_follows_the_clients_hardware_is_the_servers() {
        let server = Simulated {
            suites: vec![0xc02f, 0xc030, 0xcca8, 0xc013, 0x009d, 0x0005],
            guesses_hardware: true,
            ..Simulated::modern()
        };
        assert_eq!(order_of(&server).facts.suite_order, Observed::seen(Order::Server));
    }

    #[test]
    fn a_single_suite_gives_no_verdict() {
        let server = Simulated { suites: vec![0xc02f], ..Simulated::modern() };
        assert!(!order_of(&server).facts.suite_order.is_seen());
    }

    #[test]
    fn a_server_that_insists_on_sni_is_asked_again_with_it() {
        let server = Simulated { needs_sni: true, server_order: true, ..Simulated::stock() };
        let state = order_of(&server);
        assert_eq!(state.facts.sni_required, Observed::seen(true));
        assert_eq!(state.facts.suite_order, Observed::seen(Order::Server));
    }
}
