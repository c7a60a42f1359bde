//! Ranks the rules that fit an event.
//!
//! - `seen`: the event as rules see it: whose words these are, where the inner reply begins.
//! - `candidate`: what may be the answer, and how strong it is.
//! - `verdict`: the answer written out, with its evidence and what to do.
//! - `templates`: fixes and commands, with the event's facts put into them.

mod candidate;
mod seen;
pub(crate) mod templates;
mod verdict;

use waxseal_model::{Diagnosis, MailEvent};

/// The verdict on an event. There always is one: where nothing is known its cause is
/// `unspecified`, with a low confidence.
pub fn diagnose(event: &MailEvent) -> Diagnosis {
    diagnose_with_class(event).0
}

/// The verdict, and the kind of its basis: a class of [`crate::rules::measured`].
pub fn diagnose_with_class(event: &MailEvent) -> (Diagnosis, &'static str) {
    let mut seen = seen::Seen::of(event);
    let mut found = candidate::find(&mut seen);
    found.sort_by(candidate::stronger);
    candidate::heed_beats(&mut found);
    let runner_up = found.first().and_then(|best| found.iter().find(|other| other.cause.id != best.cause.id));
    let class = found.first().map_or("nothing", |best| best.class());
    (verdict::write(&seen, found.first(), runner_up), class)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waxseal_model::{diagnosis::EvidenceKind, mail::EnhancedStatus};

    use super::*;
    use crate::rules::{Rule, causes, rules};

    fn event(text: &str) -> MailEvent {
        let mut event = MailEvent { text: text.into(), ..MailEvent::default() };
        crate::facts::complete(&mut event);
        event
    }

    #[test]
    fn who_must_act_on_a_refused_relay_depends_on_who_was_refused() {
        use waxseal_model::diagnosis::Side;
        let told = |format: &str, port: Option<u16>| {
            let mut event = event("554 5.7.1 <a@example.com>: Relay access denied");
            event.source.format = format.into();
            event.remote_port = port;
            diagnose(&event)
        };
        assert_eq!(told("client", None).side, Side::SenderClient);
        assert_eq!(told("postfix_log", Some(587)).side, Side::SenderServer);
        let at_the_mx = told("rfc3464", None);
        assert_eq!(at_the_mx.side, Side::RecipientServer);
        assert_eq!(at_the_mx.fix.first().map(|fix| fix.at.as_str()), Some("the recipient's server"));
    }

    #[test]
    fn an_event_without_words_is_not_explained() {
        let diagnosis = diagnose(&MailEvent::default());
        assert_eq!(diagnosis.cause, "unspecified");
        assert!(diagnosis.confidence < 0.5);
        assert!(diagnosis.evidence.is_empty());
    }

    /// The example of a rule as its own provider would have it.
    fn example(rule: &Rule, text: &str) -> MailEvent {
        let mut event = event(text);
        if rule.only_here {
            let format = rule.provider.formats.first().copied().unwrap_or_default();
            format.clone_into(&mut event.source.format);
            event.remote_host = rule.provider.hosts.first().map(|host| format!("mx.{host}"));
        }
        event.stage = event.stage.or(rule.stage.first().copied());
        event
    }

    #[test]
    fn the_example_of_every_rule_wins_against_all_other_rules() {
        let mut lost = Vec::new();
        for rule in rules() {
            let winner = diagnose(&example(rule, rule.example)).rule;
            if winner != rule.id {
                lost.push(format!("{} to {winner}: {}", rule.id, rule.example));
            }
        }
        assert!(lost.is_empty(), "{} lost:\n{}", lost.len(), lost.join("\n"));
    }

    #[test]
    fn words_lead_to_the_cause_without_any_codes() {
        let (mut right, mut wrong) = (0, Vec::new());
        for rule in rules().iter().filter(|rule| rule.text.is_some() && !rule.vague && !rule.wrapper) {
            let is_code = |word: &str| {
                let digits = word.bytes().filter(u8::is_ascii_digit).count();
                digits >= 3 && word.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-')
            };
            let words: Vec<&str> = rule.example.split(' ').filter(|word| !is_code(word)).collect();
            let mut event = example(rule, &words.join(" "));
            (event.reply, event.status) = (None, None);
            let cause = diagnose(&event).cause;
            if cause == rule.cause.id {
                right += 1;
            } else {
                wrong.push(format!("{} became {cause}: {}", rule.id, event.text));
            }
        }
        let share = f64::from(right) / (f64::from(right) + wrong.len() as f64);
        assert!(share > 0.95, "{share:.3}:\n{}", wrong.join("\n"));
    }

    #[test]
    fn every_cause_is_the_answer_of_something() {
        let outcomes = ["delivered", "complaint", "auto_reply", "delayed"];
        let unused: Vec<&str> = causes()
            .iter()
            .map(|cause| cause.id)
            .filter(|id| !outcomes.contains(id) && !rules().iter().any(|rule| rule.cause.id == *id))
            .collect();
        assert_eq!(unused, ["unspecified"]);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_all_evidence_stands_where_it_says(
            text in "\\PC{0,80}", tail in "( 550 5\\.7\\.1 |spam|ü|mailbox full|said: )\\PC{0,20}", context in "\\PC{0,40}",
        ) {
            let mut event = event(&format!("{text}{tail}"));
            event.context.push(context);
            let diagnosis = diagnose(&event);
            prop_assert!((0.0..=1.0).contains(&diagnosis.confidence));
            for evidence in &diagnosis.evidence {
                if let (Some(start), Some(end)) = (evidence.start, evidence.end) {
                    prop_assert_eq!(event.text.get(start..end), Some(evidence.text.as_str()));
                }
            }
        }
    }

    #[test]
    fn evidence_names_words_and_codes() {
        let diagnosis =
            diagnose(&event("550 5.1.1 <a@example.com>: Recipient address rejected: User unknown"));
        assert_eq!(diagnosis.cause, "user_unknown");
        assert!(diagnosis.evidence.iter().any(|e| e.kind == EvidenceKind::Words && e.start.is_some()));
        assert_eq!(diagnosis.event.status, EnhancedStatus::parse("5.1.1"));
    }
}
