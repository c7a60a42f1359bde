//! Whether a server that follows its own order of suites makes an exception for clients that
//! put ChaCha20 first, which are those without hardware for AES.

use waxseal_model::{
    Observed, Why,
    tls::{SuiteOrder, TlsVersion},
};
use waxseal_wire::tls::suites::{self, Cipher};

use super::Probe;
use crate::{
    question::{Question, Reaction},
    state::State,
};

const VERSION: TlsVersion = TlsVersion::Tls12;

/// See the module.
#[derive(Debug, Default)]
pub struct ChachaFirst {
    asked: bool,
}

impl Probe for ChachaFirst {
    fn name(&self) -> &'static str {
        "ChaCha20 first"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let list = state.facts.audit.as_ref()?.suite_lists.get(&VERSION)?.get()?;
        if self.asked || !list.complete || list.order != Some(SuiteOrder::Server) {
            return None;
        }
        let names = state.facts.suites.get(&VERSION)?;
        let seen = state.facts.suites_seen.iter().filter(|s| s.version == VERSION);
        let mut offered: Vec<(usize, u16)> = seen
            .filter_map(|s| {
                let rank = names.iter().position(|name| *name == s.suite.name)?;
                Some((rank, u16::try_from(s.suite.code).ok()?))
            })
            .collect();
        offered.sort_unstable();
        // Where it stands first anyway there is nothing to find out.
        let &(_, best) = offered.first()?;
        if is_chacha(best) || !offered.iter().any(|(_, code)| is_chacha(*code)) {
            return None;
        }
        self.asked = true;
        offered.sort_by_key(|(_, code)| !is_chacha(*code));
        let offered = offered.into_iter().map(|(_, code)| code).collect();
        Some(Question::Hello(Box::new(state.hello(VERSION, offered))))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let (Question::Hello(spec), Reaction::Accepted(flight)) = (question, reaction) else { return };
        state.note_flight(spec, &flight);
        if let Some(Observed::Seen { value: list }) = state.audit().suite_lists.get_mut(&VERSION) {
            list.chacha_by_client = Some(is_chacha(flight.suite));
        }
    }

    fn finish(&mut self, _state: &mut State, _why: Option<&Why>) {}
}

fn is_chacha(code: u16) -> bool {
    suites::properties(u32::from(code)).is_some_and(|p| p.cipher == Cipher::ChaCha20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        every_suite::EverySuite,
        rich_hello::RichHello,
        simulated::{Simulated, run},
        suite_order::SuiteOrder as SuiteOrderProbe,
    };

    #[test]
    fn a_server_with_an_order_that_knows_no_exception() {
        let server = Simulated {
            versions: vec![VERSION],
            server_order: true,
            suites: vec![0xc030, 0xc02f, 0xcca8],
            ..Simulated::modern()
        };
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, &server);
        run(&mut SuiteOrderProbe::default(), &mut state, &server);
        run(&mut EverySuite::new(Default::default()), &mut state, &server);
        assert_eq!(run(&mut ChachaFirst::default(), &mut state, &server), 1);
        let list = state.audit().suite_lists[&VERSION].get().unwrap().clone();
        assert_eq!((list.order, list.chacha_by_client), (Some(SuiteOrder::Server), Some(false)));
    }
}
