//! Questions to the name service for evaluations that are pure: bounded in number, and none
//! put again that was answered.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::future::join_all;
use waxseal_model::DnsAnswer;
use waxseal_net::resolver::Resolver;
use waxseal_wire::query::{Answer, Answers, Question};

/// Where names are looked up: the resolver, or a table in tests.
pub(crate) trait Names: Sync {
    /// As [`Resolver::lookup`].
    fn lookup(&self, name: &str, rtype: &str) -> impl Future<Output = DnsAnswer> + Send;
}

impl Names for Resolver {
    async fn lookup(&self, name: &str, rtype: &str) -> DnsAnswer {
        Self::lookup(self, name, rtype).await
    }
}

/// Asks, within a number of questions.
pub(crate) struct Asker<'a, N> {
    names: &'a N,
    state: Mutex<State>,
}

struct State {
    left: u32,
    answers: Answers,
    /// The answers as evidence holds them.
    full: HashMap<Question, DnsAnswer>,
}

impl<'a, N: Names> Asker<'a, N> {
    /// May ask so many questions.
    pub(crate) fn new(names: &'a N, questions: u32) -> Self {
        let state = State { left: questions, answers: Answers::new(), full: HashMap::new() };
        Self { names, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a question.
    pub(crate) fn known(&self, question: &Question) -> Option<Answer> {
        self.state().answers.get(question).cloned()
    }

    /// Looks a question up; none if no more may be asked.
    pub(crate) async fn ask(&self, question: Question) -> Option<DnsAnswer> {
        {
            let mut state = self.state();
            if let Some(answer) = state.full.get(&question) {
                return Some(answer.clone());
            }
            state.left = state.left.checked_sub(1)?;
        }
        let answer = self.names.lookup(&presentation(&question.name), question.rtype.word()).await;
        let mut state = self.state();
        state.answers.insert(question.clone(), Answer::from(&answer));
        state.full.insert(question, answer.clone());
        Some(answer)
    }

    /// Looks up all of these at once; false if one of them may not be asked any more.
    pub(crate) async fn ask_all(&self, questions: Vec<Question>) -> bool {
        join_all(questions.into_iter().map(|q| self.ask(q))).await.iter().all(Option::is_some)
    }
}

/// A name as the resolver reads it: what macros put into names is escaped (RFC 4343
/// section 2.1).
fn presentation(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("\\{byte:03}"));
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use waxseal_model::dns::{DnsOutcome, DnsRecord, DnssecStatus, RecordData};
    use waxseal_wire::query::RecordType;

    use super::*;

    /// A name service of lines, `example.com TXT v=spf1 -all`; `!` for SERVFAIL.
    pub(crate) struct Table {
        lines: &'static [&'static str],
        asked: Mutex<Vec<String>>,
    }

    impl Table {
        pub(crate) fn new(lines: &'static [&'static str]) -> Self {
            Self { lines, asked: Mutex::default() }
        }

        /// What was asked, in order.
        pub(crate) fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Names for Table {
        async fn lookup(&self, name: &str, rtype: &str) -> DnsAnswer {
            self.asked.lock().unwrap().push(format!("{name} {rtype}"));
            let mut outcome = DnsOutcome::NxDomain;
            let mut records = Vec::new();
            for line in self.lines {
                let mut words = line.splitn(3, ' ');
                let (owner, kind, data) =
                    (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or(""));
                if owner != name {
                    continue;
                }
                let data = match kind {
                    "!" => {
                        outcome = DnsOutcome::ServerError;
                        break;
                    }
                    "TXT" => RecordData::Txt { text: data.into() },
                    "A" => RecordData::A { address: data.parse().unwrap() },
                    "MX" => RecordData::Mx { preference: 10, exchange: data.into() },
                    "CAA" => {
                        let (tag, value) = data.split_once(' ').unwrap();
                        RecordData::Caa { flags: 0, tag: tag.into(), value: value.into() }
                    }
                    other => panic!("{other}"),
                };
                if outcome == DnsOutcome::NxDomain {
                    outcome = DnsOutcome::NoData;
                }
                if kind == rtype {
                    outcome = DnsOutcome::Records;
                    records.push(DnsRecord { name: owner.into(), ttl: 60, data });
                }
            }
            DnsAnswer {
                name: name.into(),
                rtype: rtype.into(),
                outcome,
                status: DnssecStatus::Insecure,
                reason: "a table".into(),
                canonical_name: None,
                records,
            }
        }
    }

    #[tokio::test]
    async fn a_question_is_put_once_and_no_more_than_allowed() {
        let table = Table::new(&["a.example A 192.0.2.1"]);
        let asker = Asker::new(&table, 2);
        let question = |name| Question::new(name, RecordType::A);
        assert!(asker.ask_all(vec![question("a.example"), question("b.example")]).await);
        assert!(asker.ask(question("a.example")).await.is_some());
        assert!(asker.ask(question("c.example")).await.is_none());
        assert_eq!(table.asked(), ["a.example A", "b.example A"]);
        assert!(asker.known(&question("b.example")).unwrap().is_void());
    }

    #[test]
    fn odd_characters_in_names_are_escaped() {
        assert_eq!(presentation("a_b-c.example"), "a_b-c.example");
        assert_eq!(presentation("a b\\(.é"), "a\\032b\\092\\040.\\195\\169");
    }
}
