//! What something that happened means to a recipient: the outcome, and the reply that is
//! shown for it.

use waxseal_judge::delivery::{
    AddressAnswer, Decision, Failure, MxAnswer, Observation, PolicyFacts, Requirement, decide, requirement,
};
use waxseal_model::smtp::Reply;
use waxseal_net::NetError;
use waxseal_wire::text::neutralise;

use super::{MOST_CHARS, Obstacle, Stopped};
use crate::{
    delivery::{
        job::{End, SiteSign},
        outcome::{Missing, Outcome, Stage, Weight, of_decision, of_loss, of_missing, of_reply},
        reason,
    },
    route::{Route, Wishes},
};

/// What came of a recipient.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) stage: Stage,
    /// The reply as it is shown.
    pub(crate) reply: String,
    /// It is ours, not the host's.
    pub(crate) ours: bool,
}

impl Answer {
    pub(crate) fn of_reply(stage: Stage, reply: &Reply) -> Self {
        let outcome = of_reply(stage, reply.code);
        Self { outcome, stage, reply: shown(&reply.one_line()), ours: false }
    }

    pub(crate) fn of_loss(stage: Stage, error: &NetError) -> Self {
        let enhanced = if stage <= Stage::Greeting { "4.4.1" } else { "4.4.2" };
        let reply = shown(&format!("451 {enhanced} {error}"));
        Self { outcome: of_loss(stage, error), stage, reply, ours: true }
    }

    pub(crate) fn of_missing(missing: Missing) -> Self {
        Self::own(of_missing(missing), Stage::Mail, missing.reply())
    }

    /// An address that no command can carry.
    pub(crate) fn unwritable(stage: Stage) -> Self {
        let reply = match stage {
            Stage::Mail => "553 5.1.7 Sender address cannot be written in a command",
            _ => "553 5.1.3 Recipient address cannot be written in a command",
        };
        Self::own(of_reply(stage, 553), stage, reply)
    }

    /// A decision not to deliver, with what was seen in a few words.
    pub(crate) fn of_decision(decision: &Decision, requirement: &Requirement, detail: &str) -> Self {
        let unreachable = Failure::Unreachable.reply();
        let reply = decision.reply().unwrap_or(unreachable);
        let text = if detail.is_empty() { reply.to_string() } else { format!("{reply} ({detail})") };
        // A decision to deliver is none of the reasons why a host was not asked.
        let outcome = of_decision(decision, requirement).unwrap_or(Outcome {
            end: End::Deferred,
            settled: false,
            reason: Some(reason::CONNECT_FAILED),
            sign: SiteSign::Neutral,
            weight: Weight::Host,
        });
        Self::own(outcome, Stage::Ehlo, &text)
    }

    /// An obstacle on the way to a conversation.
    pub(crate) fn of_stopped(stopped: &Stopped, requirement: &Requirement) -> Self {
        match &stopped.obstacle {
            Obstacle::Reply(reply) => Self::of_reply(stopped.stage, reply),
            Obstacle::Lost(error) => Self::of_loss(stopped.stage, error),
            Obstacle::NoTls(observation, detail) => {
                Self::of_decision(&decide(requirement, observation), requirement, detail)
            }
        }
    }

    /// A route without hosts.
    pub(crate) fn of_names(route: &Route, wishes: Wishes) -> Self {
        let detail = route.trouble.as_deref().unwrap_or_default();
        if matches!(route.mx, MxAnswer::Secure | MxAnswer::Insecure) {
            return Self::of_no_address(detail);
        }
        let facts = PolicyFacts { mx: route.mx, require_tls: wishes.require_tls, ..PolicyFacts::PLAIN };
        Self::of_gate(&facts, detail)
    }

    /// A host without an address.
    pub(crate) fn of_no_address(detail: &str) -> Self {
        Self::of_gate(&PolicyFacts { address: AddressAnswer::Failed, ..PolicyFacts::PLAIN }, detail)
    }

    /// What is known before any connection.
    fn of_gate(facts: &PolicyFacts, detail: &str) -> Self {
        let requirement = requirement(facts);
        Self::of_decision(&decide(&requirement, &Observation::Unreachable), &requirement, detail)
    }

    /// Time is up before a host could be asked.
    pub(crate) fn no_time() -> Self {
        let outcome = Outcome {
            end: End::Deferred,
            settled: false,
            reason: Some(reason::CONNECT_FAILED),
            sign: SiteSign::Neutral,
            weight: Weight::Host,
        };
        Self::own(outcome, Stage::Connect, "451 4.4.1 No time left in this attempt")
    }

    fn own(outcome: Outcome, stage: Stage, reply: &str) -> Self {
        Self { outcome, stage, reply: shown(reply), ours: true }
    }
}

impl Stopped {
    /// The decision, where it is one about TLS.
    pub(crate) fn decide(&self, requirement: &Requirement) -> Option<Decision> {
        match &self.obstacle {
            Obstacle::NoTls(observation, _) => Some(decide(requirement, observation)),
            Obstacle::Reply(_) | Obstacle::Lost(_) => None,
        }
    }
}

/// A text of bounded length.
fn shown(text: &str) -> String {
    neutralise(text.as_bytes(), MOST_CHARS)
}
