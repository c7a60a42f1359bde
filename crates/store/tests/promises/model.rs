//! Long random histories, compared with a queue in memory.

use std::sync::Arc;

use bytes::Bytes;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use waxseal_store::spool::{
    Change, Fate, MessageId, NewMessage, Selector, Settlement, Spool, SpoolError, State,
};

use crate::{
    backend::{Backend, Place},
    memory::Memory,
    sample::{attempt, message},
};

const ADDRESSES: [&str; 4] = ["a@one.example", "b@one.example", "c@mail.two.example", "d@two.example"];
const REASONS: [&str; 3] = ["tls.refused", "tls.cert.expired", "connect.timeout"];

#[derive(Debug, Clone)]
enum Step {
    Accept(NewMessage),
    Settle { which: Index, fates: Vec<(u32, Fate, Option<&'static str>)>, at: i64, notices: Vec<NewMessage> },
    Change { selector: Selector, which: Option<Index>, change: Change, dry_run: bool },
    Purge { before: i64, keep: u64 },
    Select { selector: Selector, limit: usize },
    Pending { page: usize },
    Restart,
}

fn a_time() -> impl Strategy<Value = i64> {
    1000..1050_i64
}

fn a_state() -> impl Strategy<Value = State> {
    select(State::ALL.to_vec())
}

fn a_message() -> impl Strategy<Value = NewMessage> {
    let body = prop_oneof![4 => 0..40_usize, 1 => Just(300_000_usize)];
    (vec(select(ADDRESSES.to_vec()), 1..4), a_time(), any::<bool>(), body, any::<u8>()).prop_map(
        |(addresses, received_at, null, size, byte)| {
            let mut message = message(&addresses);
            message.received_at = received_at;
            if null {
                message.envelope.sender.clear();
            }
            message.body.push(Bytes::from(vec![byte; size]));
            message
        },
    )
}

fn a_fate() -> impl Strategy<Value = Fate> {
    let finals: Vec<State> = State::ALL.into_iter().filter(|state| state.is_final()).collect();
    prop_oneof![
        3 => select(finals).prop_map(Fate::Final),
        1 => Just(Fate::Held),
        3 => (a_time(), any::<bool>(), any::<bool>()).prop_map(|(next_at, counts, delay_told)| Fate::Again {
            next_at,
            counts,
            delay_told
        }),
    ]
}

fn a_selector() -> impl Strategy<Value = Selector> {
    let recipients = ["one.example", "@two.example", "*.two.example", "a@one.example"];
    (
        option::weighted(0.4, select(recipients.to_vec())),
        option::weighted(0.2, select(vec!["<>", "@sender.example", "sender@sender.example"])),
        option::weighted(0.3, select(vec!["tls", "tls.refused", "connect"])),
        vec(a_state(), 0..3),
        option::weighted(0.2, a_time()),
        option::weighted(0.2, a_time()),
    )
        .prop_map(|(recipient, sender, reason, states, received_before, received_since)| Selector {
            recipient: recipient.map(str::to_owned),
            sender: sender.map(str::to_owned),
            reason: reason.map(str::to_owned),
            states,
            received_before,
            received_since,
            ..Selector::default()
        })
}

fn a_change() -> impl Strategy<Value = Change> {
    a_time().prop_flat_map(|at| {
        select(vec![Change::Retry { at }, Change::Hold, Change::Release { at }, Change::Cancel { at }])
    })
}

fn a_step() -> impl Strategy<Value = Step> {
    let fate = (0..4_u32, a_fate(), option::of(select(REASONS.to_vec())));
    prop_oneof![
        6 => a_message().prop_map(Step::Accept),
        8 => (any::<Index>(), vec(fate, 1..4), a_time(), vec(a_message(), 0..2))
            .prop_map(|(which, fates, at, notices)| Step::Settle { which, fates, at, notices }),
        3 => (a_selector(), option::of(any::<Index>()), a_change(), any::<bool>())
            .prop_map(|(selector, which, change, dry_run)| Step::Change { selector, which, change, dry_run }),
        1 => (a_time(), 0..6_u64).prop_map(|(before, keep)| Step::Purge { before, keep }),
        2 => (a_selector(), 0..5_usize).prop_map(|(selector, limit)| Step::Select { selector, limit }),
        1 => (1..4_usize).prop_map(|page| Step::Pending { page }),
        1 => Just(Step::Restart),
    ]
}

/// A backend and its counterpart.
struct Pair {
    spool: Arc<dyn Spool>,
    memory: Memory,
    /// All ids that were ever given.
    ids: Vec<MessageId>,
}

impl Pair {
    fn pick(&self, which: Index) -> MessageId {
        which.get(&self.ids).to_owned()
    }

    async fn accept(&mut self, message: NewMessage) {
        let id = self.spool.accept(message.clone()).await.unwrap();
        self.memory.accept(id, &message);
        self.ids.push(id);
    }

    async fn settle(&mut self, settlement: Settlement) {
        let foretold = self.memory.settle(&settlement);
        let notices = settlement.notices.clone();
        let answer = self.spool.settle(settlement).await;
        match foretold {
            None => assert!(matches!(answer, Err(SpoolError::Invalid { .. })), "{answer:?}"),
            Some(false) => assert_eq!(answer, Ok(Vec::new())),
            Some(true) => {
                let ids = answer.unwrap();
                assert_eq!(ids.len(), notices.len());
                for (id, notice) in ids.iter().zip(&notices) {
                    self.memory.accept(*id, notice);
                }
                self.ids.extend(ids);
            }
        }
    }

    async fn pending(&self, page: usize) {
        let mut seen = Vec::new();
        loop {
            let after = seen.last().map(|last: &waxseal_store::spool::Pending| (last.message, last.number));
            let found = self.spool.pending(after, page).await.unwrap();
            if found.is_empty() {
                break;
            }
            seen.extend(found);
        }
        assert_eq!(seen, self.memory.pending());
    }

    async fn compare_all(&self) {
        let everything = Selector { states: State::ALL.to_vec(), ..Selector::default() };
        let mut stored = self.spool.select(everything, usize::MAX).await.unwrap().into_iter();
        for (message, body) in self.memory.all() {
            let id = message.id;
            assert_eq!(stored.next(), Some(message));
            assert_eq!(self.spool.body(id).await.ok().map(Vec::from), body, "body of {id}");
        }
        assert_eq!(stored.next(), None);
        self.pending(100).await;
    }

    async fn step(mut self, step: Step, backend: &impl Backend, place: &Place) -> Self {
        match step {
            Step::Accept(message) => self.accept(message).await,
            Step::Settle { .. } if self.ids.is_empty() => {}
            Step::Settle { which, fates, at, notices } => {
                let message = self.pick(which);
                let fates =
                    fates.into_iter().map(|(number, fate, reason)| (number, fate, attempt(at, reason)));
                self.settle(Settlement { message, at, fates: fates.collect(), notices }).await;
            }
            Step::Change { mut selector, which, change, dry_run } => {
                let which = which.filter(|_| !self.ids.is_empty());
                selector.messages.extend(which.map(|which| self.pick(which).0));
                let foretold = self.memory.change(&selector, change, dry_run);
                assert_eq!(self.spool.change(selector, change, dry_run).await, Ok(foretold));
            }
            Step::Purge { before, keep } => {
                assert_eq!(self.spool.purge(before, keep).await, Ok(self.memory.purge(before, keep)));
            }
            Step::Select { selector, limit } => {
                let foretold = self.memory.select(&selector, limit);
                assert_eq!(self.spool.select(selector, limit).await, Ok(foretold));
            }
            Step::Pending { page } => self.pending(page).await,
            Step::Restart => {
                backend.close(self.spool).await;
                self.spool = backend.open(place).await;
                self.compare_all().await;
            }
        }
        self
    }
}

pub(crate) async fn histories_agree_with_a_queue_in_memory(backend: &impl Backend) {
    let runtime = tokio::runtime::Handle::current();
    // No file with failures: the message of a failure has the whole history.
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    tokio::task::block_in_place(|| {
        let history = vec(a_step(), 1..40);
        runner.run(&history, |steps| {
            runtime.block_on(async {
                let place = Place::new();
                let spool = backend.open(&place).await;
                let mut pair = Pair { spool, memory: Memory::default(), ids: Vec::new() };
                for step in steps {
                    pair = pair.step(step, backend, &place).await;
                }
                pair.compare_all().await;
            });
            Ok(())
        })
    })
    .unwrap_or_else(|failure| panic!("{failure}"));
}
