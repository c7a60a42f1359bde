//! One attempt: hosts in their order, until every recipient has an answer.

use std::{hash::BuildHasher, hash::RandomState, net::IpAddr, pin::Pin, sync::Arc};

use tokio::time::Instant;
use waxseal_judge::delivery::{Action, Decision, Observation, Requirement, decide};
use waxseal_net::{egress::Egress, transcript::Transcript};
use waxseal_wire::x509::RootStore;

use super::{
    conversation::{
        Answer, Conversation, DeliverySettings, Letter, Means, Obstacle, Stopped, Way, is_writable, lines,
        now,
    },
    job::{Deliver, End, Job, Probing, Report, SiteSign, Verdict},
    outcome::{Stage, Weight, stronger},
    pool::Pool,
};
use crate::{
    event::{Event, Events, TlsSession},
    policy::words,
    route::{Hop, Route, Wishes},
};

/// Lines of the transcript that a failed attempt keeps.
const TRANSCRIPT_LINES: usize = 100;

/// Delivers messages to MX hosts, over connections that it keeps for the next ones.
///
/// Hosts are tried in the order of the route and all addresses of each, whatever TLS they
/// offer. What became of a recipient at one host and lets others be asked is kept; the
/// weightiest of it is reported, see [`super::outcome`].
pub struct Deliverer {
    means: Means,
    pool: Pool,
    events: Arc<dyn Events>,
    keys: RandomState,
}

impl Deliverer {
    /// A deliverer with connections by `egress`, which trusts `roots` and tells `events` of
    /// every new TLS session.
    pub fn new(
        settings: DeliverySettings,
        egress: Egress,
        roots: Arc<RootStore>,
        events: Arc<dyn Events>,
    ) -> Self {
        let pool = Pool::new(&settings);
        Self { means: Means::new(settings, egress, roots), pool, events, keys: RandomState::new() }
    }

    /// Takes leave of all hosts; connections are no longer kept.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Connections that are kept at the moment.
    pub fn idle_connections(&self) -> usize {
        self.pool.len()
    }

    pub(super) fn means(&self) -> &Means {
        &self.means
    }

    /// Stands for a host and all that is asked of it. The hash is keyed, so that nobody can
    /// make two of them the same.
    pub(super) fn key(&self, hop: &Hop, requirement: &Requirement) -> u64 {
        let Hop { name, port, tlsa, dane_names, operator_names, fingerprints, .. } = hop;
        self.keys.hash_one((name, port, requirement, tlsa, dane_names, operator_names, fingerprints))
    }

    async fn attempt(&self, route: &Route, job: &Job) -> Report {
        let mut attempt = Attempt::new(job, &self.means.settings);
        if route.hops.is_empty() {
            attempt.take_all(&Answer::of_names(route, attempt.wishes), &At::nowhere());
        }
        if let Some((name, address)) = &job.first
            && let Some((number, hop)) = route.hops.iter().enumerate().find(|(_, hop)| hop.name == *name)
            && hop.addresses.contains(address)
        {
            self.at_host(&mut attempt, route, number, &[*address]).await;
        }
        for (number, hop) in route.hops.iter().enumerate() {
            if attempt.is_done() {
                break;
            }
            self.at_host(&mut attempt, route, number, &hop.addresses).await;
        }
        attempt.report()
    }

    async fn at_host(&self, attempt: &mut Attempt<'_>, route: &Route, number: usize, addresses: &[IpAddr]) {
        let Some(hop) = route.hops.get(number) else { return };
        let requirement = hop.requirement(attempt.wishes);
        let policy = words::policy(hop, attempt.wishes);
        let at = At { host: Some(&hop.name), number, address: None, policy: &policy, ..At::nowhere() };
        if requirement.refusal().is_some() {
            let decision = decide(&requirement, &Observation::Unreachable);
            let detail = hop.trouble.as_deref().unwrap_or_default();
            attempt.take_all(&Answer::of_decision(&decision, &requirement, detail), &at);
            if decision.report.is_some() {
                let sight = Sight { detail: decision.why(), ..Sight::for_job(attempt.job) };
                self.tell(route, hop, &decision, &sight);
            }
            return;
        }
        if addresses.is_empty() {
            return attempt.take_all(&Answer::of_no_address(hop.trouble.as_deref().unwrap_or_default()), &at);
        }
        let key = self.key(hop, &requirement);
        for address in addresses.iter().copied() {
            if !attempt.has_open(number) {
                return;
            }
            if !attempt.may_try_another() {
                return attempt.take_all(&Answer::no_time(), &at);
            }
            let deadline = attempt.deadline;
            let way = Way { hop, address, requirement: &requirement, key, deadline };
            self.at_address(attempt, route, &way, At { address: Some(address), ..at }).await;
        }
    }

    /// Conversations with one address, kept ones and new ones, as long as they get on.
    async fn at_address(&self, attempt: &mut Attempt<'_>, route: &Route, way: &Way<'_>, at: At<'_>) {
        if let Some(conversation) = self.pool.take(way) {
            match self.converse(attempt, conversation, way, at, true).await {
                Course::Unheard => {}
                Course::Goes if attempt.has_open(at.number) => {}
                Course::Goes | Course::Ends => return,
            }
        }
        loop {
            let conversation = match self.means.open(way).await {
                Ok(conversation) => self.accept(attempt, route, way, at, conversation),
                Err(stopped) => self.after_obstacle(attempt, route, way, at, stopped).await,
            };
            let Some(conversation) = conversation else { return };
            let course = self.converse(attempt, conversation, way, at, false).await;
            let more = attempt.has_open(at.number) && Instant::now() < attempt.deadline;
            if course != Course::Goes || !more {
                return;
            }
        }
    }

    /// A new conversation, if mail may go over it.
    fn accept(
        &self,
        attempt: &mut Attempt<'_>,
        route: &Route,
        way: &Way<'_>,
        at: At<'_>,
        mut conversation: Conversation,
    ) -> Option<Conversation> {
        let decision = conversation.decide(way.requirement);
        self.tell_of(attempt.job, route, way, &decision, &conversation);
        if matches!(decision.action, Action::Deliver(_)) {
            conversation.settle_in();
            return Some(conversation);
        }
        let detail = conversation.detail(&decision);
        attempt.take_all(&Answer::of_decision(&decision, way.requirement, &detail), &at);
        attempt.keep_words(conversation.transcript());
        conversation.leave(self.means.settings.patience.quit);
        None
    }

    /// After an obstacle: a conversation in clear, where the decision allows that after
    /// failed TLS.
    async fn after_obstacle(
        &self,
        attempt: &mut Attempt<'_>,
        route: &Route,
        way: &Way<'_>,
        at: At<'_>,
        stopped: Stopped,
    ) -> Option<Conversation> {
        let decision = stopped.decide(way.requirement);
        if let (Some(decision), Obstacle::NoTls(_, detail)) = (&decision, &stopped.obstacle) {
            let Stopped { helo, local, .. } = &stopped;
            let sight = Sight {
                helo: helo.as_deref(),
                from: *local,
                to: Some(way.address),
                detail,
                ..Sight::for_job(attempt.job)
            };
            self.tell(route, way.hop, decision, &sight);
        }
        let (permit, observation) = match (decision.map(|decision| decision.action), &stopped.obstacle) {
            (Some(Action::Deliver(permit)), Obstacle::NoTls(observation, _)) => (permit, *observation),
            _ => {
                attempt.take_all(&Answer::of_stopped(&stopped, way.requirement), &at);
                attempt.keep_words(&stopped.transcript);
                return None;
            }
        };
        attempt.keep_words(&stopped.transcript);
        match self.means.open_in_clear(way, permit, observation).await {
            Ok(conversation) => Some(conversation),
            Err(stopped) => {
                attempt.take_all(&Answer::of_stopped(&stopped, way.requirement), &at);
                attempt.keep_words(&stopped.transcript);
                None
            }
        }
    }

    /// One transaction after the other, until all recipients were asked about or the
    /// conversation is of no more use.
    async fn converse(
        &self,
        attempt: &mut Attempt<'_>,
        mut conversation: Conversation,
        way: &Way<'_>,
        at: At<'_>,
        used_before: bool,
    ) -> Course {
        let settings = &self.means.settings;
        let mut course = Course::Ends;
        let mut first = true;
        loop {
            let to = attempt.open(at.number, settings.recipients_per_message);
            let decision = conversation.decide(way.requirement);
            let Action::Deliver(permit) = decision.action else {
                attempt.take_all(&Answer::of_decision(&decision, way.requirement, ""), &at);
                break;
            };
            let letter = attempt.letter();
            let deadline = attempt.deadline;
            let result = conversation.transact(permit, &letter, &to, &settings.patience, deadline).await;
            if result.unheard && used_before && first {
                return Course::Unheard;
            }
            first = false;
            let channel = conversation.channel_under(permit);
            let at = At { channel: &channel, remote_dsn: conversation.offers.dsn, ..at };
            let (answers, rest) = (result.answers, result.rest);
            course = if answers.iter().any(|(_, answer)| answer.outcome.settled) {
                Course::Goes
            } else {
                Course::Ends
            };
            if answers.iter().any(|(_, answer)| answer.outcome.end != End::Delivered) {
                attempt.keep_words(conversation.transcript());
            }
            attempt.take(answers, &at);
            attempt.take_rest(rest, &at);
            let worn = conversation.is_worn(settings);
            if course == Course::Ends || worn || !conversation.is_usable() || !attempt.has_open(at.number) {
                break;
            }
            conversation.forget_words();
        }
        self.pool.put(way, conversation);
        course
    }

    /// Tells of a new conversation in TLS, and of one that lacks the TLS of a published
    /// policy.
    fn tell_of(
        &self,
        job: &Job,
        route: &Route,
        way: &Way<'_>,
        decision: &Decision,
        conversation: &Conversation,
    ) {
        let channel = conversation.channel();
        if channel.is_empty() && decision.report.is_none() {
            return;
        }
        let detail = conversation.detail(decision);
        let Conversation { local, helo, .. } = conversation;
        let sight = Sight {
            helo: helo.as_deref(),
            from: *local,
            to: Some(way.address),
            detail: if detail.is_empty() { decision.why() } else { &detail },
            channel,
            ..Sight::for_job(job)
        };
        self.tell(route, way.hop, decision, &sight);
    }

    fn tell(&self, route: &Route, hop: &Hop, decision: &Decision, sight: &Sight<'_>) {
        let tlsa: Vec<String> = hop.tlsa.iter().map(ToString::to_string).collect();
        let session = TlsSession {
            domain: &route.domain,
            sender: sight.sender,
            sts: route.sts.as_ref(),
            tlsa: &tlsa,
            mx: &hop.name,
            helo: sight.helo,
            from: sight.from,
            to: sight.to,
            failure: decision.report,
            detail: sight.detail,
            channel: sight.channel,
        };
        self.events.emit(now(), &Event::Tls(session));
    }
}

impl Deliver for Deliverer {
    fn deliver<'a>(
        &'a self,
        route: &'a Route,
        job: &'a Job,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(self.attempt(route, job))
    }

    fn probe<'a>(&'a self, route: &'a Route, wishes: Wishes) -> Probing<'a> {
        Box::pin(self.ask_hosts(route, wishes))
    }
}

/// How a conversation went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// The host has answered nothing: an idle connection that had ended.
    Unheard,
    /// Recipients got what they get here: if any are left, more may.
    Goes,
    /// Nobody did.
    Ends,
}

/// What a TLS event says of a session.
#[derive(Debug, Default)]
struct Sight<'a> {
    sender: &'a str,
    helo: Option<&'a str>,
    from: Option<IpAddr>,
    to: Option<IpAddr>,
    detail: &'a str,
    channel: &'a str,
}

impl<'a> Sight<'a> {
    /// Nothing seen yet.
    fn for_job(job: &'a Job) -> Self {
        Self { sender: &job.envelope.sender, ..Self::default() }
    }
}

/// Where answers come from.
#[derive(Debug, Clone, Copy)]
struct At<'a> {
    host: Option<&'a str>,
    /// The number of the host in the route.
    number: usize,
    address: Option<IpAddr>,
    channel: &'a str,
    policy: &'a str,
    remote_dsn: bool,
}

impl At<'_> {
    fn nowhere() -> Self {
        Self { host: None, number: 0, address: None, channel: "", policy: "", remote_dsn: false }
    }

    fn verdict(&self, answer: Answer) -> Verdict {
        Verdict {
            end: answer.outcome.end,
            reason: answer.outcome.reason,
            reply: answer.reply,
            ours: answer.ours,
            host: self.host.map(str::to_owned),
            address: self.address,
            channel: self.channel.to_owned(),
            policy: self.policy.to_owned(),
            remote_dsn: self.remote_dsn,
        }
    }
}

/// How far an attempt has come.
struct Attempt<'a> {
    job: &'a Job,
    wishes: Wishes,
    slots: Vec<Slot>,
    transcript: Vec<String>,
    sign: SiteSign,
    deadline: Instant,
    /// Addresses that may yet be tried.
    addresses: usize,
}

/// What is known of one recipient.
#[derive(Default)]
struct Slot {
    /// This ends it.
    settled: Option<Verdict>,
    /// This is what it comes to if nothing better does.
    kept: Option<Kept>,
    /// The host that has last answered about it.
    asked_at: Option<usize>,
}

struct Kept {
    verdict: Verdict,
    weight: Weight,
    stage: Stage,
    host: usize,
}

impl Slot {
    fn take(&mut self, answer: Answer, at: &At<'_>) {
        let (outcome, stage) = (answer.outcome, answer.stage);
        if outcome.settled {
            self.settled = Some(at.verdict(answer));
            return;
        }
        // Of one host's addresses the one that came farthest speaks for it; of several hosts
        // the first.
        let better = |kept: &Kept| {
            outcome.weight > kept.weight
                || (outcome.weight == kept.weight && at.number == kept.host && stage > kept.stage)
        };
        if self.kept.as_ref().is_none_or(better) {
            let verdict = at.verdict(answer);
            self.kept = Some(Kept { verdict, weight: outcome.weight, stage, host: at.number });
        }
    }

    fn is_open(&self, number: usize) -> bool {
        self.settled.is_none() && self.asked_at != Some(number)
    }
}

impl<'a> Attempt<'a> {
    fn new(job: &'a Job, settings: &DeliverySettings) -> Self {
        let mut attempt = Self {
            job,
            wishes: job.wishes(),
            slots: job.recipients.iter().map(|_| Slot::default()).collect(),
            transcript: Vec::new(),
            sign: SiteSign::Neutral,
            deadline: Instant::now() + settings.attempt,
            addresses: settings.addresses.max(1),
        };
        if !is_writable(&job.envelope.sender) {
            attempt.take_all(&Answer::unwritable(Stage::Mail), &At::nowhere());
        }
        for (slot, recipient) in attempt.slots.iter_mut().zip(&job.recipients) {
            if slot.settled.is_none() && !is_writable(&recipient.address) {
                slot.take(Answer::unwritable(Stage::Rcpt), &At::nowhere());
            }
        }
        attempt
    }

    fn letter(&self) -> Letter<'a> {
        let Job { envelope, recipients, body, size, .. } = self.job;
        Letter { envelope, recipients, body, size: *size }
    }

    fn is_done(&self) -> bool {
        self.slots.iter().all(|slot| slot.settled.is_some())
    }

    /// Whether there are recipients that a host has not answered about.
    fn has_open(&self, number: usize) -> bool {
        self.slots.iter().any(|slot| slot.is_open(number))
    }

    /// Their positions, the first so many.
    fn open(&self, number: usize, most: usize) -> Vec<usize> {
        let open = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_open(number));
        open.map(|(at, _)| at).take(most.max(1)).collect()
    }

    /// Counts an address; false when time or number is used up.
    fn may_try_another(&mut self) -> bool {
        let left = self.addresses > 0 && Instant::now() < self.deadline;
        self.addresses = self.addresses.saturating_sub(1);
        left
    }

    /// An answer for everybody whose fate is not sealed.
    fn take_all(&mut self, answer: &Answer, at: &At<'_>) {
        self.sign = stronger(self.sign, answer.outcome.sign);
        for slot in self.slots.iter_mut().filter(|slot| slot.settled.is_none()) {
            slot.take(answer.clone(), at);
        }
    }

    fn take(&mut self, answers: Vec<(usize, Answer)>, at: &At<'_>) {
        for (position, answer) in answers {
            self.sign = stronger(self.sign, answer.outcome.sign);
            if let Some(slot) = self.slots.get_mut(position) {
                // Who was cut off may be asked about at another address of the host.
                let cut_off = answer.ours && answer.outcome.weight == Weight::Asked;
                slot.asked_at = (!cut_off).then_some(at.number);
                slot.take(answer, at);
            }
        }
    }

    /// Those for whom a transaction had no room are asked about in the next.
    fn take_rest(&mut self, rest: Vec<(usize, Answer)>, at: &At<'_>) {
        for (position, answer) in rest {
            if let Some(slot) = self.slots.get_mut(position) {
                slot.take(answer, at);
            }
        }
    }

    fn keep_words(&mut self, transcript: &Transcript) {
        let room = TRANSCRIPT_LINES.saturating_sub(self.transcript.len());
        self.transcript.extend(lines(transcript).take(room));
    }

    fn report(mut self) -> Report {
        let verdict = |slot: Slot| {
            let kept = slot.settled.or(slot.kept.map(|kept| kept.verdict));
            kept.unwrap_or_else(|| At::nowhere().verdict(Answer::no_time()))
        };
        let numbers = self.job.recipients.iter().map(|recipient| recipient.number);
        let verdicts: Vec<_> = numbers.zip(self.slots.into_iter().map(verdict)).collect();
        if verdicts.iter().all(|(_, verdict)| verdict.end == End::Delivered) {
            self.transcript.clear();
        }
        Report { verdicts, transcript: self.transcript, site: self.sign }
    }
}

#[cfg(test)]
mod tests;
