//! Is the recipient taken? Only on request: MAIL, RCPT and RSET at one of the servers, and no
//! message.

use waxseal_explain::facts;
use waxseal_model::{
    Confirmation, MailEvent,
    mail::{EnhancedStatus, Stage},
    smtp::Reply,
};
use waxseal_probe::{ask_recipient, recipient::RecipientAnswer};

use super::{Run, notes::Notes, servers, spf, subject::Need};

/// Servers that are tried until one answers.
const MOST_TRIES: usize = 2;
/// Below this the words of an answer are not understood well enough to name another cause.
const SURE: f64 = 0.5;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(test) = &run.given.recipient_test else {
        notes.next("waxseal diagnose TEXT --rcpt");
        return notes.untested(
            "it would take a delivery attempt, and waxseal puts nobody's address to a server unless told to: --rcpt \
             does (MAIL, RCPT and RSET, no message)",
        );
    };
    let Some(recipient) = run.subject.recipient.clone().filter(|r| r.contains('@')) else {
        return notes.untested(spf::lacks(Need::Recipient));
    };
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let sender = test.mail_from.as_deref().unwrap_or_default();
    let mut last = None;
    for aim in found.aims.iter().take(MOST_TRIES) {
        match ask_recipient(&run.means.prober, &aim.endpoint, sender, &recipient).await {
            Ok(answer) => return conclude(run, notes, &aim.at(), &answer),
            Err(why) => {
                notes.failed(aim.at(), &why.text);
                last.get_or_insert(why.text);
            }
        }
    }
    notes.untested(last.unwrap_or_else(|| "no server could be asked".to_owned()))
}

fn conclude(run: &Run<'_>, mut notes: Notes, at: &str, answer: &RecipientAnswer) -> Confirmation {
    let (reply, stage, command) = match &answer.rcpt {
        Some(rcpt) => (rcpt, Stage::Rcpt, "RCPT TO"),
        None => (&answer.mail, Stage::Mail, "MAIL FROM"),
    };
    let said = format!("{command} was answered \"{}\"", reply.one_line());
    if reply.is_positive() {
        notes.contradicts(at, &said);
        return notes.refuted(format!(
            "{at} takes the recipient now (\"{}\"): it was mended meanwhile, or it refuses by what follows, such as \
             the message or its sender",
            reply.one_line()
        ));
    }
    let now = waxseal_explain::diagnose(&event(run, reply, stage));
    if now.cause == run.cause || is_same(run, reply) {
        notes.supports(at, &said);
        return notes.confirmed(format!("{at} refuses the recipient now: \"{}\"", reply.one_line()));
    }
    if now.confidence >= SURE && now.cause != "unspecified" {
        notes.contradicts(at, &said);
        let summary = now.summary.trim_end_matches('.');
        return notes.rather(&now.cause, format!("{at} answers \"{}\" now: {summary}", reply.one_line()));
    }
    notes.aside(at, &said);
    notes.untested(format!(
        "{at} answers something else now (\"{}\"), which does not say why",
        reply.one_line()
    ))
}

/// The same codes as in the text.
fn is_same(run: &Run<'_>, reply: &Reply) -> bool {
    let event = &run.diagnosis.event;
    let status = reply.enhanced.as_deref().and_then(EnhancedStatus::parse);
    event.reply == Some(reply.code) && event.status.is_some() && event.status == status
}

/// The answer as an event, to be explained like any other.
fn event(run: &Run<'_>, reply: &Reply, stage: Stage) -> MailEvent {
    let mut event = MailEvent {
        recipient: run.subject.recipient.clone(),
        reply: Some(reply.code),
        status: reply.enhanced.as_deref().and_then(EnhancedStatus::parse),
        stage: Some(stage),
        text: reply.one_line(),
        remote_host: run.diagnosis.event.remote_host.clone(),
        ..MailEvent::default()
    };
    facts::complete(&mut event);
    event
}
