//! What is known so far of a server's answers to RSA key exchanges with wrong padding. The
//! blocks go along with hellos that are sent anyway, one each; only if the answers differ,
//! all are asked again, with one and the same suite and several times.

use waxseal_model::{
    Cause, Observed, Why,
    audit::{Robot as Fact, RobotOracle},
};
use waxseal_net::attempt::Then;
use waxseal_wire::tls::private::{
    Reply,
    robot::{Block, Conclusion, Flow, REPEATS, conclude, facts},
};

/// Both flows in the order in which they are asked.
const FLOWS: [Flow; 2] = [Flow::WithFinished, Flow::KeyExchangeAlone];

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct RobotSearch {
    flow: usize,
    answers: Vec<(Block, Reply)>,
    /// They differed: now each is asked in the same way.
    confirming: bool,
    outcome: Option<Result<Fact, Why>>,
}

impl RobotSearch {
    /// The next block to send, and with what behind it; none where all is known. Its random
    /// bytes are filled in later.
    pub fn next(&self) -> Option<Then> {
        let flow = *FLOWS.get(self.flow).filter(|_| self.outcome.is_none())?;
        let wanted = if self.confirming { REPEATS } else { 1 };
        let times = |block: &Block| self.answers.iter().filter(|(b, _)| b == block).count();
        // Round by round, so that a server that changes its mind shows it.
        let block = Block::ALL.into_iter().min_by_key(times).filter(|block| times(block) < wanted)?;
        Some(Then::Robot { block, flow, seed: [0; 32] })
    }

    /// The same, as long as it may go along with any hello.
    pub fn next_beside(&self) -> Option<Then> {
        self.next().filter(|_| !self.confirming)
    }

    /// Takes an answer.
    pub fn note(&mut self, block: Block, reply: Reply) {
        self.answers.push((block, reply));
        if self.next().is_some() {
            return;
        }
        let flow = FLOWS.get(self.flow).copied().unwrap_or(Flow::WithFinished);
        let fact = |oracle: Option<RobotOracle>| Ok(facts(oracle, flow, &self.answers));
        self.outcome = match conclude(&self.answers) {
            Conclusion::Oracle(oracle) => Some(fact(Some(oracle))),
            Conclusion::Alike if self.flow + 1 < FLOWS.len() => {
                self.flow += 1;
                self.answers.clear();
                self.confirming = false;
                None
            }
            Conclusion::Alike => Some(fact(None)),
            // The answers may differ by suite: ask again with one alone.
            Conclusion::Unconfirmed | Conclusion::Inconsistent if !self.confirming => {
                self.confirming = true;
                self.answers.clear();
                None
            }
            Conclusion::Unconfirmed | Conclusion::Inconsistent | Conclusion::Incomplete => {
                let text = "the same block was answered now so and now so, so that nothing follows from it";
                Some(Err(Why::new(Cause::Protocol, text)))
            }
            Conclusion::NoAnswers => {
                Some(Err(Why::new(Cause::Timeout, "no RSA key exchange was answered in time")))
            }
        };
    }

    /// Something kept the questions from being put or answered.
    pub fn give_up(&mut self, why: Why) {
        if self.outcome.is_none() {
            self.outcome = Some(Err(why));
        }
    }

    /// What came of it.
    pub fn fact(&self) -> Option<Observed<Fact>> {
        self.outcome.as_ref().map(|outcome| match outcome {
            Ok(fact) => Observed::seen(fact.clone()),
            Err(why) => Observed::Failed { why: why.clone() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Reply = Reply::Alert { level: 2, description: 20 };
    const OTHER: Reply = Reply::Alert { level: 2, description: 51 };

    /// Asks until all is known; returns how many questions that took.
    fn run(answer: impl Fn(Block, Flow, bool) -> Reply) -> (usize, RobotSearch) {
        let mut search = RobotSearch::default();
        let mut asked = 0;
        while let Some(Then::Robot { block, flow, .. }) = search.next() {
            asked += 1;
            assert!(asked < 100);
            let confirming = search.confirming;
            search.note(block, answer(block, flow, confirming));
        }
        (asked, search)
    }

    #[test]
    fn a_sound_server_is_asked_each_block_once_in_both_flows() {
        let (asked, search) = run(|_, _, _| MAC);
        assert_eq!(asked, 10);
        assert_eq!(search.fact().unwrap().get().unwrap().oracle, None);
    }

    #[test]
    fn an_oracle_in_the_second_flow_alone_is_found_and_confirmed() {
        let (asked, search) = run(|block, flow, _| match (block, flow) {
            (Block::NoZero, Flow::KeyExchangeAlone) => OTHER,
            _ => MAC,
        });
        assert_eq!(asked, 5 + 5 + 5 * REPEATS);
        let fact = search.fact().unwrap();
        assert_eq!(
            fact.get().map(|f| (f.oracle, f.with_finished)),
            Some((Some(RobotOracle::Strong), Some(false)))
        );
    }

    #[test]
    fn answers_that_differ_by_suite_alone_are_no_oracle() {
        // Beside other hellos each block met another suite.
        let (_, search) =
            run(|block, _, confirming| if block == Block::WrongStart && !confirming { OTHER } else { MAC });
        assert_eq!(search.fact().unwrap().get().map(|f| f.oracle), Some(None));
    }

    #[test]
    fn what_cannot_be_told_is_not_known() {
        let (_, search) = run(|_, _, _| Reply::Timeout);
        assert!(search.fact().unwrap().why().is_some());
        let mut search = RobotSearch::default();
        search.give_up(Why::new(Cause::Budget, "spent"));
        assert_eq!(search.next(), None);
        assert!(!search.fact().unwrap().is_seen());
    }
}
