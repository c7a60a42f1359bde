//! The answer written out.

use std::ops::Range;

use waxseal_model::{
    Diagnosis, MailEvent,
    diagnosis::{EvidenceKind, EvidenceSpan, Fix, Retry, RunnerUp, Scope, Who},
    mail::Outcome,
};

use super::templates::{fill, next};
use super::{
    candidate::{Basis, Candidate},
    seen::Seen,
};
use crate::rules::{self, Cause, ProviderKind, Rule};

/// Writes the verdict.
pub(super) fn write(seen: &Seen<'_>, best: Option<&Candidate>, second: Option<&Candidate>) -> Diagnosis {
    let event = seen.event;
    let Some(unknown) = rules::cause("unspecified") else { return plain(event, None) };
    let Some(best) = best else { return plain(event, Some(unknown)) };
    let rule = best.basis.rule();
    let mut diagnosis = plain(event, Some(best.cause));
    diagnosis.confidence = confidence(seen, best);
    diagnosis.evidence = evidence(seen, best);
    diagnosis.rule = best.basis.name();
    diagnosis.source = best.basis.source().into();
    diagnosis.provider = provider(seen, rule);
    diagnosis.sisimai = best.basis.sisimai().unwrap_or(best.cause.sisimai).into();
    diagnosis.runner_up = second.map(|second| RunnerUp {
        cause: second.cause.id.into(),
        summary: second.basis.rule().and_then(|r| r.summary).unwrap_or(second.cause.summary).into(),
        confidence: confidence(seen, second).min(diagnosis.confidence) * 0.5,
        rule: second.basis.name(),
    });
    if let Some(rule) = rule {
        adapt(&mut diagnosis, rule);
    }
    fit_to_event(&mut diagnosis, rule);
    diagnosis
}

/// Ports at which servers take mail of users, and of servers that log in.
const SUBMISSION: [u16; 2] = [465, 587];

/// What the event says of who sends and of whether it is over.
fn fit_to_event(diagnosis: &mut Diagnosis, rule: Option<&Rule>) {
    let event = &diagnosis.event;
    // In a bounce or a log the client of the server that refused is another server.
    let pasted = matches!(event.source.format.as_str(), "" | "reply" | "client" | "transcript");
    let about_servers =
        ["login", "relay_permission", "protocol", "tls", "network"].contains(&diagnosis.family.as_str());
    if !pasted && about_servers && diagnosis.who == Who::SenderClient {
        let submission = event.remote_port.is_some_and(|port| SUBMISSION.contains(&port));
        diagnosis.who = Who::SenderServer;
        if diagnosis.cause == "relay_denied" && !submission {
            // It was sent to where the MX leads, and should have been at home there.
            diagnosis.who = Who::RecipientServer;
            diagnosis.scope = Scope::RecipientDomain;
            diagnosis.fix.sort_by_key(|fix| fix.at != "the recipient's server");
        }
    }
    // A server that gave up does not try again by itself when TLS is mended.
    let over = event.reply.is_some_and(|code| code >= 500) || event.outcome == Outcome::Failed;
    if over && diagnosis.family == "tls" && diagnosis.retry == Retry::Later {
        diagnosis.retry = Retry::AfterFix;
    }
    // A reply for now is meant to be tried again, whatever comes of it.
    let for_now = event.reply.is_some_and(|code| (400..500).contains(&code));
    if for_now && diagnosis.retry == Retry::No && rule.is_none_or(|rule| rule.retry.is_none()) {
        diagnosis.retry = Retry::Later;
    }
    diagnosis.side = diagnosis.who.side();
}

/// What a rule knows better than its cause.
fn adapt(diagnosis: &mut Diagnosis, rule: &Rule) {
    if let Some(summary) = rule.summary {
        diagnosis.summary = summary.into();
    }
    diagnosis.meaning = rule.meaning.map(str::to_owned);
    diagnosis.who = rule.who.unwrap_or(diagnosis.who);
    diagnosis.side = diagnosis.who.side();
    diagnosis.retry = rule.retry.unwrap_or(diagnosis.retry);
    diagnosis.scope = rule.scope.unwrap_or(diagnosis.scope);
    let mut fix: Vec<Fix> = rule.fix.iter().map(|fix| fill(&diagnosis.event, fix)).collect();
    fix.append(&mut diagnosis.fix);
    diagnosis.fix = fix;
}

/// What a cause says of an event, before anything is known of why.
fn plain(event: &MailEvent, cause: Option<&'static Cause>) -> Diagnosis {
    let who = cause.map_or(Who::Nobody, |c| c.who);
    Diagnosis {
        cause: cause.map_or("unspecified", |c| c.id).into(),
        family: cause.map_or("info", |c| c.family).into(),
        summary: cause.map_or("", |c| c.summary).into(),
        meaning: None,
        side: who.side(),
        who,
        retry: cause.map_or(Retry::AfterFix, |c| c.retry),
        scope: cause.map_or(Scope::Message, |c| c.scope),
        confidence: 0.1,
        evidence: Vec::new(),
        fix: cause.map_or(&[][..], |c| c.fix).iter().map(|fix| fill(event, fix)).collect(),
        next: next(event, cause.map_or(&[][..], |c| c.next)),
        runner_up: None,
        rule: String::new(),
        source: String::new(),
        provider: None,
        sisimai: cause.map_or("undefined", |c| c.sisimai).into(),
        event: event.clone(),
    }
}

impl Basis {
    /// The rule, where it is one.
    pub(super) fn rule(self) -> Option<&'static Rule> {
        match self {
            Self::Rule(_, rule) => Some(rule),
            _ => None,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Rule(_, rule) => rule.id.into(),
            Self::Status(code) => format!("registry.x.{}.{}", code.subject, code.detail),
            Self::Reply(code) => format!("registry.{}", code.code),
            Self::Outcome => "registry.outcome".into(),
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Rule(_, rule) => rule.source,
            Self::Status(code) => code.source,
            Self::Reply(code) => code.source,
            Self::Outcome => "what became of the message, as its notice or log says",
        }
    }

    fn sisimai(self) -> Option<&'static str> {
        match self {
            Self::Rule(_, rule) => rule.sisimai,
            Self::Status(code) => code.sisimai,
            Self::Reply(code) => code.sisimai,
            Self::Outcome => None,
        }
    }
}

/// How many answers the assumption before any measurement counts for.
const PRIOR: f64 = 10.0;

/// What is left of it where nobody has read the rule's source.
const HEARSAY: f64 = 0.9;

/// What is left of it where the status code clearly says another cause.
const CONTRADICTED: f64 = 0.8;

/// True for words in general whose enhanced status code means one thing, and another one.
fn is_contradicted(seen: &Seen<'_>, candidate: &Candidate) -> bool {
    let status = seen.status.and_then(rules::status_code).filter(|code| !code.vague);
    let general = candidate.words.is_some() && candidate.tier == 1;
    general && status.is_some_and(|code| code.cause.family != candidate.cause.family)
}

/// How sure answers of this kind are: the share that was right, drawn towards what was
/// assumed where few were counted. A code that agrees with the words makes words surer, and
/// one that says something else less sure.
fn confidence(seen: &Seen<'_>, candidate: &Candidate) -> f64 {
    let class = candidate.class();
    let Some(measured) = rules::measured().iter().find(|m| m.class == class) else { return 0.3 };
    let share = (f64::from(measured.right) + PRIOR * measured.start) / (f64::from(measured.of) + PRIOR);
    let hearsay = candidate.basis.rule().is_some_and(|rule| rule.source.starts_with("not verified"));
    let share = if hearsay { share * HEARSAY } else { share };
    if is_contradicted(seen, candidate) { share * CONTRADICTED } else { share }
}

fn provider(seen: &Seen<'_>, rule: Option<&Rule>) -> Option<String> {
    let provider = rule?.provider;
    let here = provider.kind != ProviderKind::Text
        && (provider.kind == ProviderKind::Program
            || seen.is_host_of(provider)
            || seen.mark_of(provider).is_some());
    here.then(|| provider.title.to_owned())
}

fn evidence(seen: &Seen<'_>, best: &Candidate) -> Vec<EvidenceSpan> {
    let event = seen.event;
    let mut found = Vec::new();
    let mut add = |kind, text: String, place: Option<Range<usize>>| {
        let (start, end) = place.map_or((None, None), |p| (Some(p.start), Some(p.end)));
        found.push(EvidenceSpan { kind, text, start, end });
    };
    if let Some(words) = &best.words {
        match best.context.and_then(|number| event.context.get(number)) {
            Some(line) => add(EvidenceKind::Context, whole(line, words).1.to_owned(), None),
            None => {
                let (place, text) = whole(&event.text, words);
                add(EvidenceKind::Words, text.to_owned(), Some(place));
            }
        }
    }
    let rule = best.basis.rule();
    let replied = matches!(best.basis, Basis::Reply(_));
    if let Some(reply) = event.reply.filter(|r| replied || rule.is_some_and(|rule| rule.reply.contains(r))) {
        let text = reply.to_string();
        let place = find(&event.text, &text);
        add(EvidenceKind::ReplyCode, text, place);
    }
    let coded = matches!(best.basis, Basis::Status(_));
    if let Some(status) = event.status.filter(|s| coded || rule.is_some_and(|rule| rule.status.contains(s))) {
        let text = status.to_string();
        let place = find(&event.text, &text);
        add(EvidenceKind::Status, text, place);
    }
    if let Some(stage) = event.stage.filter(|s| replied || rule.is_some_and(|rule| rule.stage.contains(s))) {
        add(EvidenceKind::Stage, stage.label().to_owned(), None);
    }
    if let Some(provider) = rule.map(|rule| rule.provider).filter(|p| p.kind != ProviderKind::Text) {
        let host = event.remote_host.as_ref().or(event.reporter.as_ref());
        match (seen.is_host_of(provider), seen.mark_of(provider), host) {
            (true, _, Some(host)) => add(EvidenceKind::Provider, host.clone(), None),
            (_, Some(mark), _) => {
                let place = find(&event.text.to_ascii_lowercase(), mark);
                let text = place.clone().and_then(|p| event.text.get(p)).unwrap_or(mark).to_owned();
                add(EvidenceKind::Provider, text, place);
            }
            _ => {}
        }
    }
    found
}

/// A span widened to whole characters: patterns match bytes.
fn whole<'t>(text: &'t str, span: &Range<usize>) -> (Range<usize>, &'t str) {
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end.max(start));
    (start..end, text.get(start..end).unwrap_or_default())
}

fn find(text: &str, word: &str) -> Option<Range<usize>> {
    text.find(word).map(|at| at..at + word.len())
}
