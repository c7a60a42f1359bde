//! What is known and decided under the one lock: which bundle goes where, and what is to be
//! started. Nothing here waits, or calls anything that could; what is to be done comes back as
//! [`Effects`].

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
};

use tokio::time::Instant;
use waxseal_store::spool::{Change, MessageId};

use super::{Settings, line::Line, loaded::Loaded};
use crate::{
    delivery::{
        breaker::Passage,
        chance::Chance,
        clock::Clock,
        domains::DomainId,
        job::SiteSign,
        memory::{Memory, NewBundle, Place, Ticket},
        reason_ids::ReasonId,
        site::{Pace, Ready, Site},
        watch::{Order, Watches},
    },
    event::Severity,
    route::Route,
};

/// A turn of a bundle: what somebody outside the lock needs for it.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) ticket: Ticket,
    pub(crate) message: MessageId,
    pub(crate) domain: Arc<str>,
    pub(crate) domain_id: DomainId,
    pub(crate) numbers: Vec<u32>,
    pub(crate) loaded: Option<Arc<Loaded>>,
    pub(crate) route: Option<Arc<Route>>,
}

/// One of a site's connections, in use.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) site: Arc<str>,
    round: u64,
    trial: bool,
    unproven: bool,
}

/// What is to be done outside the lock.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Attempts.
    pub(crate) work: Vec<(Slot, Turn)>,
    /// First lookups of domains.
    pub(crate) lookups: Vec<Turn>,
    /// Probes.
    pub(crate) probes: Vec<Order>,
    /// Somebody should look at what stands in lines.
    pub(crate) review: bool,
    /// Something is due before the scheduler would have woken.
    pub(crate) wake: bool,
    /// What is to be told.
    pub(crate) tells: Vec<Tell>,
}

/// An event that has to wait until the lock is free.
#[derive(Debug)]
pub(crate) enum Tell {
    Note { severity: Severity, token: &'static str, text: String },
    Watching { site: Arc<str>, domain: Arc<str>, reason: Box<str> },
    Mended { site: Arc<str>, domain: Arc<str>, reason: Box<str>, after: i64, recipients: usize },
}

/// Why nothing new is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The program ends.
    Draining,
    /// The spool takes nothing more.
    Spool(String),
}

/// Everything under the lock.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) settings: Arc<Settings>,
    pub(super) clock: Clock,
    pub(super) chance: Chance,
    pub(super) memory: Memory,
    pub(super) sites: HashMap<Arc<str>, Site>,
    /// Sites that wait for a connection.
    line: Line,
    /// Attempts that are being made, and how many of them at sites that are not proven.
    pub(super) running: usize,
    unproven: usize,
    /// Sites with attempts.
    active: usize,
    pub(super) settling: usize,
    /// First lookups under way, and domains that wait for theirs.
    lookups: usize,
    to_route: VecDeque<DomainId>,
    pub(super) watches: Watches,
    pub(super) probing: usize,
    pub(super) reviewing: bool,
    pub(super) stopped: Option<Stop>,
    /// What the operator asked for while an attempt was being made.
    pub(super) marks: HashMap<(MessageId, u32), Change>,
    /// When sites' breakers are to be looked at.
    pub(super) alarms: BinaryHeap<Reverse<(u32, Arc<str>)>>,
    /// What may be released still, and since when that is known.
    pub(super) tokens: f64,
    pub(super) tokens_at: Instant,
    /// When the scheduler will wake.
    pub(super) wakes_at: u32,
    pub(super) swept_at: u32,
}

impl Core {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            clock: Clock::new(settings.clock.clone()),
            chance: Chance::new(settings.seed),
            memory: Memory::default(),
            sites: HashMap::new(),
            line: Line::default(),
            running: 0,
            unproven: 0,
            active: 0,
            settling: 0,
            lookups: 0,
            to_route: VecDeque::new(),
            watches: Watches::new(settings.watch),
            probing: 0,
            reviewing: false,
            stopped: None,
            marks: HashMap::new(),
            alarms: BinaryHeap::new(),
            tokens: 0.0,
            tokens_at: Instant::now(),
            wakes_at: 0,
            swept_at: 0,
            settings,
        }
    }

    pub(super) fn tick(&self) -> u32 {
        self.clock.tick()
    }

    /// A message has come.
    pub(super) fn arrived(&mut self, loaded: &Arc<Loaded>, fx: &mut Effects) {
        if self.memory.knows(loaded.id) {
            return;
        }
        if let [only] = loaded.recipients.as_slice() {
            let domain = self.memory.domains.intern(&only.domain);
            self.admit(loaded, domain, vec![only.number], fx);
            return;
        }
        let mut by_domain: Vec<(DomainId, u32)> = Vec::with_capacity(loaded.recipients.len());
        for recipient in &loaded.recipients {
            by_domain.push((self.memory.domains.intern(&recipient.domain), recipient.number));
        }
        by_domain.sort_unstable();
        for group in by_domain.chunk_by(|a, b| a.0 == b.0) {
            for part in group.chunks(self.settings.recipients_per_message.max(1)) {
                let Some((domain, _)) = part.first() else { continue };
                self.admit(loaded, *domain, part.iter().map(|(_, number)| *number).collect(), fx);
            }
        }
    }

    fn admit(&mut self, loaded: &Arc<Loaded>, domain: DomainId, numbers: Vec<u32>, fx: &mut Effects) {
        let ticket = self.memory.add(NewBundle {
            message: loaded.id,
            domain,
            numbers,
            reason: ReasonId::default(),
            place: Place::Ready,
        });
        let loaded = loaded.body.is_some().then(|| Arc::clone(loaded));
        self.line_up(Ready { ticket, since: self.tick(), loaded, route: None }, domain, fx);
    }

    /// A bundle is ready: it goes to the site where its domain's mail went last, or waits for
    /// the first lookup.
    pub(super) fn line_up(&mut self, ready: Ready, domain: DomainId, fx: &mut Effects) {
        let Some(known) = self.memory.domains.get_mut(domain) else { return };
        if let Some(site) = known.site.clone() {
            self.enqueue(ready, site, fx);
            return;
        }
        known.unrouted.push_back(ready);
        if !known.routing {
            known.routing = true;
            self.to_route.push_back(domain);
            self.look_up(fx);
        }
    }

    /// A bundle waits for a connection to a site.
    pub(super) fn enqueue(&mut self, mut ready: Ready, site: Arc<str>, fx: &mut Effects) {
        let tick = self.tick();
        let queue = self.site(&site);
        queue.touched = tick;
        if queue.breaker.is_open() {
            ready.loaded = None;
        }
        queue.queue.push_back(ready);
        self.fill(&site, fx);
    }

    pub(super) fn site(&mut self, site: &Arc<str>) -> &mut Site {
        let settings = &self.settings;
        self.sites.entry(Arc::clone(site)).or_insert_with(|| {
            Site::new(Pace::new(settings.first_connections, settings.connections_per_site))
        })
    }

    /// Starts what a site may have started.
    pub(super) fn fill(&mut self, site: &Arc<str>, fx: &mut Effects) {
        while let Some(work) = self.pick(site) {
            fx.work.push(work);
        }
    }

    /// The next turn at a site, if there is one and a connection for it. Where all connections
    /// are in use, the site gets into the line for one.
    pub(super) fn pick(&mut self, key: &Arc<str>) -> Option<(Slot, Turn)> {
        if self.stopped.is_some() {
            return None;
        }
        let tick = self.tick();
        let site = self.sites.get_mut(key)?;
        while let Some(front) = site.queue.front() {
            if self.memory.get(front.ticket).is_some() {
                break;
            }
            site.queue.pop_front();
        }
        if site.queue.is_empty() || site.running >= site.pace.limit() {
            return None;
        }
        let trial = match site.breaker.passage(tick) {
            Passage::Free => false,
            Passage::Trial => true,
            // An alarm was set when it was opened, and the trial comes back here.
            Passage::Waiting | Passage::Shut => return None,
        };
        let unproven = !site.proven;
        if !has_room(&self.settings, self.running, self.settling, unproven.then_some(self.unproven)) {
            if !site.in_line {
                site.in_line = true;
                self.line.join(Arc::clone(key), site.proven);
            }
            return None;
        }
        let turn = take_turn(&mut self.memory, site.queue.pop_front()?)?;
        if trial {
            site.breaker.try_one();
        }
        self.active += usize::from(site.running == 0);
        site.running += 1;
        site.touched = tick;
        let slot = Slot { site: Arc::clone(key), round: site.pace.round(), trial, unproven };
        self.running += 1;
        self.unproven += usize::from(unproven);
        Some((slot, turn))
    }

    /// An attempt has ended. Returns what its connection is used for next.
    pub(super) fn finish(
        &mut self,
        slot: &Slot,
        sign: SiteSign,
        trouble: Option<Box<str>>,
        fx: &mut Effects,
    ) -> Option<(Slot, Turn)> {
        self.running -= 1;
        self.unproven -= usize::from(slot.unproven);
        self.heed(slot, sign, trouble, fx);
        let site = self.sites.get_mut(&slot.site)?;
        site.running -= 1;
        self.active -= usize::from(site.running == 0);
        let waiting = self.line.len();
        // More than its share, with this one: others are first.
        let shares = site.running as usize + 1;
        if waiting > 0 && shares * (self.active + waiting) > self.settings.connections {
            if !site.in_line && !site.queue.is_empty() {
                site.in_line = true;
                self.line.join(Arc::clone(&slot.site), site.proven);
            }
            self.serve_line(fx);
            return None;
        }
        let next = self.pick(&slot.site);
        self.fill(&slot.site, fx);
        self.serve_line(fx);
        next
    }

    /// What an attempt told of its site.
    fn heed(&mut self, slot: &Slot, sign: SiteSign, trouble: Option<Box<str>>, fx: &mut Effects) {
        let tick = self.tick();
        let Some(site) = self.sites.get_mut(&slot.site) else { return };
        site.touched = tick;
        match sign {
            SiteSign::Good => {
                site.pace.grow();
                site.proven = true;
                if site.breaker.close() {
                    site.pace.restart();
                    site.trouble = None;
                    fx.tells.push(reachable(&slot.site));
                }
            }
            SiteSign::NoTls(_) => {
                if site.breaker.close() {
                    fx.tells.push(reachable(&slot.site));
                }
            }
            SiteSign::Neutral => {
                if slot.trial {
                    site.breaker.tried_in_vain();
                }
            }
            SiteSign::Busy | SiteSign::Dead => {
                site.pace.cut(slot.round);
                site.proven = false;
                if trouble.is_some() {
                    site.trouble = trouble;
                }
                let was_open = site.breaker.is_open();
                let until = site.breaker.fail(slot.trial, tick, &self.settings.breaker, &mut self.chance);
                let Some(until) = until else { return };
                self.alarms.push(Reverse((until, Arc::clone(&slot.site))));
                fx.wake |= until < self.wakes_at;
                // What waits may wait for long: its bodies are not kept in memory.
                site.queue.iter_mut().for_each(|ready| ready.loaded = None);
                if !was_open {
                    let why = site.trouble.as_deref().unwrap_or("it failed");
                    let text = format!("{} is left alone for a while: {why}", slot.site);
                    fx.tells.push(Tell::Note { severity: Severity::Warning, token: "site.left_alone", text });
                }
            }
        }
    }

    /// Gives free connections to the sites in the line, one each in turn.
    pub(super) fn serve_line(&mut self, fx: &mut Effects) {
        while has_room(&self.settings, self.running, self.settling, None) && self.stopped.is_none() {
            let others_too = has_room(&self.settings, self.running, self.settling, Some(self.unproven));
            let Some(key) = self.line.next(others_too) else { return };
            if let Some(site) = self.sites.get_mut(&key) {
                site.in_line = false;
            }
            let Some(work) = self.pick(&key) else { continue };
            fx.work.push(work);
            if let Some(site) = self.sites.get_mut(&key)
                && !site.in_line
                && !site.queue.is_empty()
                && site.running < site.pace.limit()
            {
                site.in_line = true;
                self.line.join(key, site.proven);
            }
        }
    }

    /// Begins first lookups as far as there may be.
    pub(super) fn look_up(&mut self, fx: &mut Effects) {
        while self.lookups < self.settings.lookups.max(1) && self.stopped.is_none() {
            let Some(id) = self.to_route.pop_front() else { return };
            if let Some(turn) = self.first_unrouted(id) {
                self.lookups += 1;
                fx.lookups.push(turn);
            } else if let Some(domain) = self.memory.domains.get_mut(id) {
                domain.routing = false;
            }
        }
    }

    fn first_unrouted(&mut self, id: DomainId) -> Option<Turn> {
        loop {
            let ready = self.memory.domains.get_mut(id)?.unrouted.pop_front()?;
            if let Some(turn) = take_turn(&mut self.memory, ready) {
                return Some(turn);
            }
        }
    }

    /// A first lookup has ended: with the site, or without one because the message at hand was
    /// gone or could not be read.
    pub(super) fn looked_up(&mut self, id: DomainId, site: Option<Arc<str>>, fx: &mut Effects) {
        self.lookups -= 1;
        if let Some(domain) = self.memory.domains.get_mut(id) {
            match site {
                Some(site) => {
                    domain.routing = false;
                    domain.site = Some(Arc::clone(&site));
                    for ready in std::mem::take(&mut domain.unrouted) {
                        self.enqueue(ready, Arc::clone(&site), fx);
                    }
                }
                // With the next one.
                None => self.to_route.push_back(id),
            }
        }
        self.look_up(fx);
    }

    /// A turn goes on at this site: its domain's mail goes there by now, or this sender's does.
    pub(super) fn redirect(
        &mut self,
        turn: Turn,
        loaded: Arc<Loaded>,
        route: Arc<Route>,
        site: Arc<str>,
        fx: &mut Effects,
    ) {
        if let Some(domain) = self.memory.domains.get_mut(turn.domain_id) {
            domain.site = Some(Arc::clone(&site));
        }
        let Some(ticket) = self.memory.put(turn.ticket, Place::Ready) else { return };
        let ready = Ready { ticket, since: self.tick(), loaded: Some(loaded), route: Some(route) };
        self.catch_up(turn.message, fx);
        self.enqueue(ready, site, fx);
    }

    /// Lets a bundle wait.
    pub(super) fn wait(&mut self, ticket: Ticket, due: u32, fx: &mut Effects) -> Option<Ticket> {
        fx.wake |= due < self.wakes_at;
        self.memory.wait(ticket, due)
    }

    /// Nothing new is tried from now on. True if that is new.
    pub(super) fn stop(&mut self, why: Stop) -> bool {
        let is_new = self.stopped.is_none();
        self.stopped.get_or_insert(why);
        is_new
    }

    /// True if nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.running == 0 && self.settling == 0 && self.lookups == 0
    }
}

/// A bundle's turn has come: it is busy from now on. None where it has moved on.
pub(super) fn take_turn(memory: &mut Memory, ready: Ready) -> Option<Turn> {
    let ticket = memory.put(ready.ticket, Place::Busy)?;
    let bundle = memory.get(ticket)?;
    let (message, domain_id) = (bundle.message, bundle.domain);
    Some(Turn {
        ticket,
        message,
        domain: Arc::clone(&memory.domains.get(domain_id)?.name),
        domain_id,
        numbers: memory.numbers(ticket).to_vec(),
        loaded: ready.loaded,
        route: ready.route,
    })
}

fn reachable(site: &str) -> Tell {
    let text = format!("{site} can be reached again");
    Tell::Note { severity: Severity::Info, token: "site.reachable", text }
}

/// True if one more attempt may be made; with the number of attempts at sites that are not
/// proven, one more of those.
fn has_room(settings: &Settings, running: usize, settling: usize, unproven: Option<usize>) -> bool {
    let most = settings.connections.max(1);
    running < most
        && settling < settings.unsettled.max(1)
        && unproven.is_none_or(|unproven| unproven < (most - most / 4).max(1))
}
