//! Whatever happens to a relay: each recipient ends in one final state, nothing is delivered
//! twice but for the two reasons that there are, and what is owed is told.
//!
//! A story is made up by proptest: messages come, sites behave as they like, the operator
//! interferes, the spool fails for a while, the clock jumps, and the process ends at any
//! moment, with all that was under way. Then all becomes well, and time passes. All clocks
//! are tokio's, so that a story takes the same course each time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::prelude::*;
use waxseal_store::spool::{Change, MessageId, Notify, SpoolError, State};

use super::fakes::{Behaviour, LIFE, World, pass};
use crate::delivery::{
    retry::Schedule,
    scheduler::{Handle, Settings},
};

const DOMAINS: [&str; 6] =
    ["a.example", "b.example", "c.example", "d.example", "e.example", "sender.example"];

#[derive(Debug, Clone)]
enum Step {
    /// A message for so many recipients of domains by number; what its sender wants to hear.
    Send {
        domains: Vec<usize>,
        notify: u8,
        null_sender: bool,
    },
    /// A site behaves like this from now on, and takes so many milliseconds.
    Site {
        domain: usize,
        behaviour: u8,
        takes: u64,
    },
    /// Two domains share a site.
    Share {
        domain: usize,
        with: usize,
    },
    Pass {
        seconds: u64,
    },
    Operator {
        nth: usize,
        what: u8,
    },
    RetrySite {
        domain: usize,
    },
    ProbeNow {
        domain: usize,
    },
    /// The spool is full, or well again.
    Full(bool),
    /// The spool takes so long.
    Slow {
        milliseconds: u64,
    },
    /// The wall clock is set.
    Jump {
        seconds: i64,
    },
    /// The process ends, with or without grace, and starts again.
    Restart {
        grace: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let domain = || 0..DOMAINS.len();
    prop_oneof![
        6 => (prop::collection::vec(domain(), 1..6), 0..6u8, prop::bool::weighted(0.1))
            .prop_map(|(domains, notify, null_sender)| Step::Send { domains, notify, null_sender }),
        4 => (domain(), 0..9u8, 0..20_000u64)
            .prop_map(|(domain, behaviour, takes)| Step::Site { domain, behaviour, takes }),
        1 => (domain(), domain()).prop_map(|(domain, with)| Step::Share { domain, with }),
        6 => prop_oneof![0..10u64, 0..600u64, 0..20_000u64].prop_map(|seconds| Step::Pass { seconds }),
        2 => (any::<usize>(), 0..4u8).prop_map(|(nth, what)| Step::Operator { nth, what }),
        1 => domain().prop_map(|domain| Step::RetrySite { domain }),
        1 => domain().prop_map(|domain| Step::ProbeNow { domain }),
        1 => any::<bool>().prop_map(Step::Full),
        1 => (0..3000u64).prop_map(|milliseconds| Step::Slow { milliseconds }),
        1 => prop_oneof![-100_000..100_000i64, Just(0)].prop_map(|seconds| Step::Jump { seconds }),
        2 => any::<bool>().prop_map(|grace| Step::Restart { grace }),
    ]
}

fn behaviour(number: u8) -> Behaviour {
    match number {
        0 | 1 => Behaviour::Takes,
        2 => Behaviour::Refuses,
        3 => Behaviour::PutsOff,
        4 => Behaviour::Busy,
        5 => Behaviour::Dead,
        6 => Behaviour::NoTls("tls.not_advertised"),
        7 => Behaviour::Vanishes,
        _ => Behaviour::NoTls("sts.fetch"),
    }
}

fn notify(number: u8) -> Option<Notify> {
    let notify = |success, failure, delay| Some(Notify { success, failure, delay });
    match number {
        0 => notify(true, false, false),
        1 => notify(true, true, true),
        2 => notify(false, false, false),
        _ => None,
    }
}

/// What went wrong under the story's eyes: deliveries under way when the process ended.
#[derive(Default)]
struct Excuses {
    /// Recipients that may have been delivered to although nothing says so.
    crashed: HashSet<(MessageId, u32)>,
}

struct Story {
    world: World,
    /// Deliveries by recipient: a site took the message.
    taken: Arc<Mutex<HashMap<(MessageId, u32), usize>>>,
    excuses: Excuses,
    sent: Vec<MessageId>,
}

impl Story {
    fn new() -> Self {
        let mut world = World::new();
        world.settings = Settings {
            retry: Schedule::list(vec![Duration::from_secs(60), Duration::from_secs(1800)]).unwrap(),
            recipients_per_message: 2,
            connections: 12,
            connections_per_site: 4,
            first_connections: 2,
            unsettled: 6,
            body_memory: 3000,
            probes: 2,
            lookups: 2,
            release_per_second: 50,
            review: Duration::from_secs(60),
            ..world.settings
        };
        Self { world, taken: Arc::default(), excuses: Excuses::default(), sent: Vec::new() }
    }

    /// Site behaviours decide when an attempt begins; who is taken is counted when it ends, so
    /// that what was cut off counts for nothing on its side.
    fn count_deliveries(&self) {
        let taken = Arc::clone(&self.taken);
        *self.world.deliver.taken.lock().unwrap() = Some(Box::new(move |id, number| {
            *taken.lock().unwrap().entry((id, number)).or_default() += 1;
        }));
    }

    async fn step(&mut self, handle: &Handle, step: Step) {
        let world = &self.world;
        match step {
            Step::Send { domains, notify: wishes, null_sender } => {
                let addresses: Vec<String> =
                    domains.iter().zip(0..).map(|(d, n): (_, u32)| format!("{n}@{}", DOMAINS[*d])).collect();
                let mut message = world.message(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
                message.recipients.iter_mut().for_each(|recipient| recipient.notify = notify(wishes));
                if null_sender {
                    message.envelope.sender.clear();
                }
                self.sent.push(world.send_message(handle, message));
            }
            Step::Site { domain, behaviour: kind, takes } => {
                let site = format!("mx.{}", DOMAINS[domain]);
                world.deliver.set(&site, behaviour(kind), Duration::from_millis(takes));
            }
            Step::Share { domain, with } => {
                world.router.set(DOMAINS[domain], &format!("mx.{}", DOMAINS[with]));
            }
            Step::Pass { seconds } => pass(seconds).await,
            Step::Operator { nth, what } => {
                let Some(id) = self.sent.get(nth % self.sent.len().max(1)).copied() else { return };
                let at = world.now();
                let change = match what {
                    0 => Change::Retry { at },
                    1 => Change::Hold,
                    2 => Change::Release { at },
                    _ => Change::Cancel { at },
                };
                world.change(handle, &[id], change).await;
            }
            Step::RetrySite { domain } => {
                handle.retry_site(&format!("mx.{}", DOMAINS[domain]));
            }
            Step::ProbeNow { domain } => {
                handle.probe_now(DOMAINS[domain]).await;
            }
            Step::Full(full) => {
                world.spool.fail_settling(full.then(|| SpoolError::Full { detail: String::new() }));
            }
            Step::Slow { milliseconds } => world.spool.settling_takes(Duration::from_millis(milliseconds)),
            Step::Jump { seconds } => *world.shift.lock().unwrap() = seconds,
            Step::Restart { .. } => {}
        }
    }

    /// The process ends: whatever was not noted may be delivered again.
    fn crash(&mut self) {
        let settled: HashSet<(MessageId, u32)> = self
            .world
            .spool
            .all()
            .iter()
            .flat_map(|message| message.recipients.iter().map(|r| ((message.id, r.number), r.state)))
            .filter(|(_, state)| state.is_final())
            .map(|(key, _)| key)
            .collect();
        for key in self.taken.lock().unwrap().keys() {
            if !settled.contains(key) {
                self.excuses.crashed.insert(*key);
            }
        }
    }

    /// All is well from now on.
    fn mend(&self) {
        let world = &self.world;
        world.spool.fail_settling(None);
        world.spool.settling_takes(Duration::ZERO);
        *world.shift.lock().unwrap() = 0;
        for domain in DOMAINS {
            world.deliver.set(&format!("mx.{domain}"), Behaviour::Takes, Duration::from_millis(5));
        }
    }

    /// All becomes well, time passes, and all has ended as it should.
    async fn end(&self, handle: &Handle) {
        self.mend();
        for id in &self.sent {
            self.world.change(handle, &[*id], Change::Release { at: self.world.now() }).await;
        }
        pass(LIFE as u64 + 86_400).await;
        if handle.snapshot().stopped.is_some() {
            // It was drained: nothing more was to be done.
            return;
        }
        self.check();
        assert_eq!(handle.totals(), Default::default(), "the spool has nothing left, the scheduler has");
        assert_eq!(handle.snapshot().watches, [], "no watch without mail");
        assert_eq!(handle.snapshot().sites, [], "no site with anything left");
    }

    fn check(&self) {
        let unknown = self.world.deliver.unknown.lock().unwrap().clone();
        for message in self.world.spool.all() {
            for recipient in &message.recipients {
                let key = (message.id, recipient.number);
                assert!(recipient.state.is_final(), "{key:?} ends as {:?}", recipient.state);
                let taken = self.taken.lock().unwrap().get(&key).copied().unwrap_or(0);
                if recipient.state == State::Delivered {
                    assert!(taken >= 1, "{key:?} is said to be delivered and was not");
                }
                let excused = unknown.contains(&key) || self.excuses.crashed.contains(&key);
                assert!(taken <= 1 || excused, "{key:?} was delivered {taken} times");
            }
        }
        assert_eq!(self.world.deliver.trying.lock().unwrap().1, [], "tried twice at the same time");
        for (site, (_, most)) in &*self.world.deliver.running.lock().unwrap() {
            let bound = if site.is_empty() { 12 } else { 4 };
            assert!(*most <= bound, "{most} attempts at a time at {site:?}");
        }
        self.check_notices();
    }

    /// I3: for each final state that is owed a notice there is one, and no other.
    fn check_notices(&self) {
        let mut told: HashMap<(MessageId, State), HashSet<u32>> = HashMap::new();
        let mut ended: HashMap<(MessageId, u32), usize> = HashMap::new();
        for settlement in self.world.spool.settlements() {
            let message = self.world.spool.all().into_iter().find(|m| m.id == settlement.message).unwrap();
            for (number, fate, _) in &settlement.fates {
                let waxseal_store::spool::Fate::Final(state) = fate else { continue };
                *ended.entry((message.id, *number)).or_default() += 1;
                let recipient = &message.recipients[*number as usize];
                let notify = recipient.notify;
                let owed = !message.envelope.sender.is_empty()
                    && match state {
                        State::Delivered => notify.is_some_and(|n| n.success),
                        _ => notify.is_none_or(|n| n.failure),
                    };
                let word = if *state == State::Delivered { "Relayed" } else { "Failure" };
                let named = settlement.notices.iter().any(|notice| {
                    let text = String::from_utf8_lossy(&notice.body[0]).into_owned();
                    text.starts_with(word) && text.contains(&recipient.address)
                });
                assert_eq!(named, owed, "{} {number}: {state:?}", message.id);
                told.entry((message.id, *state)).or_default().insert(*number);
            }
        }
        assert!(ended.values().all(|times| *times == 1), "a recipient was ended more than once: {ended:?}");
    }
}

/// Plays a story in lives: each restart is a runtime of its own, so that nothing of the life
/// before goes on. The last life sees all become well, and time pass.
fn play(steps: &[Step]) {
    let is_end = |step: &Step| matches!(step, Step::Restart { .. });
    let lives: Vec<&[Step]> = steps.split_inclusive(is_end).collect();
    let mut story = None;
    let mut elapsed = 0;
    for (number, life) in lives.iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        runtime.block_on(async {
            let mut now = story.take().unwrap_or_else(Story::new);
            now.world.born(elapsed);
            now.count_deliveries();
            let handle = now.world.start().await;
            for step in *life {
                now.step(&handle, step.clone()).await;
            }
            if let Some(Step::Restart { grace: true }) = life.last() {
                handle.drain(Duration::from_secs(30)).await;
            }
            if number + 1 == lives.len() {
                now.end(&handle).await;
            }
            elapsed = now.world.elapsed();
            story = Some(now);
        });
        drop(runtime);
        story.iter_mut().for_each(Story::crash);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_story_ends_well(steps in prop::collection::vec(step(), 1..60)) {
        play(&steps);
    }
}

#[test]
fn a_story_without_trouble() {
    play(&[
        Step::Send { domains: vec![0, 0, 1, 2], notify: 1, null_sender: false },
        Step::Pass { seconds: 10 },
        Step::Restart { grace: true },
        Step::Send { domains: vec![0], notify: 3, null_sender: true },
    ]);
}
