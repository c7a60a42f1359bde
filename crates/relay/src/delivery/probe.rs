//! Asking hosts whether they are good enough by now, without a message.

use tokio::time::Instant;
use waxseal_judge::delivery::{Action, Observation, decide};

use super::{
    attempt::Deliverer,
    conversation::{Answer, Way},
    reason,
};
use crate::route::{Route, Wishes};

impl Deliverer {
    /// Asks the hosts of a route in their order, all addresses of each, until one is good
    /// enough: that one suffices, since a delivery goes on to the next host as well. What
    /// the others lack is told only where none is.
    ///
    /// No report on TLS (RFC 8460) counts these conversations: no mail waits for them.
    pub(super) async fn ask_hosts(
        &self,
        route: &Route,
        wishes: Wishes,
    ) -> Result<String, (&'static str, String)> {
        let deadline = Instant::now() + self.means().settings.attempt;
        let mut told: Option<Answer> = None;
        let mut keep = |answer: Answer| {
            if told.as_ref().is_none_or(|known| answer.outcome.weight > known.outcome.weight) {
                told = Some(answer);
            }
        };
        for hop in &route.hops {
            let requirement = hop.requirement(wishes);
            if requirement.refusal().is_some() {
                let decision = decide(&requirement, &Observation::Unreachable);
                let detail = hop.trouble.as_deref().unwrap_or_default();
                keep(Answer::of_decision(&decision, &requirement, detail));
                continue;
            }
            for address in hop.addresses.iter().copied() {
                let key = self.key(hop, &requirement);
                let way = Way { hop, address, requirement: &requirement, key, deadline };
                match self.ask(&way).await {
                    Ok(passed) => return Ok(passed),
                    Err(answer) => keep(answer),
                }
            }
        }
        let answer = told.unwrap_or_else(|| Answer::of_names(route, wishes));
        Err((answer.outcome.reason.unwrap_or(reason::CONNECT_FAILED), answer.reply))
    }

    async fn ask(&self, way: &Way<'_>) -> Result<String, Answer> {
        let passed = |channel: &str| Ok(format!("{} [{}]: {channel}", way.hop.name, way.address));
        let conversation = match self.means().open(way).await {
            Ok(conversation) => conversation,
            Err(stopped) => {
                return match stopped.decide(way.requirement).map(|decision| decision.action) {
                    Some(Action::Deliver(_)) => passed("clear, since TLS fails and nothing demands it"),
                    _ => Err(Answer::of_stopped(&stopped, way.requirement)),
                };
            }
        };
        let decision = conversation.decide(way.requirement);
        let result = match decision.action {
            Action::Deliver(permit) => passed(&conversation.channel_under(permit)),
            _ => Err(Answer::of_decision(&decision, way.requirement, &conversation.detail(&decision))),
        };
        conversation.leave(self.means().settings.patience.quit);
        result
    }
}
