//! The sessions that a Postfix server reports to its postmaster: what a client said, what the
//! server answered, and where it went wrong.

use waxseal_model::{
    MailEvent,
    mail::{Outcome, Stage},
};

use super::notice::Notice;
use super::{address, blocks, said};

/// Whether this is such a report.
pub(super) fn recognise(notice: &Notice) -> bool {
    notice.subject.starts_with("postfix smtp server: errors from")
}

/// A command of the client and what the server answered.
#[derive(Default)]
struct Step {
    command: String,
    answer: String,
    /// The message itself was sent after the command.
    sent: bool,
}

/// One event for each recipient that was refused, or that was left when the session failed;
/// one without a recipient where the client named none.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let steps = steps(&notice.lines);
    let sender =
        steps.iter().find(|step| is(&step.command, "MAIL")).and_then(|step| address::angle(&step.command));
    let mut events: Vec<MailEvent> = Vec::new();
    let mut accepted: Vec<&str> = Vec::new();
    for step in steps.iter().take(blocks::MOST) {
        let refused = said::leads_with_code(&step.answer);
        let recipient = if is(&step.command, "RCPT") { address::angle(&step.command) } else { None };
        match (recipient, refused) {
            (Some(recipient), false) => accepted.push(recipient),
            (Some(recipient), true) => events.push(event(notice, recipient, sender, step)),
            (None, true) if accepted.is_empty() => events.push(event(notice, "", sender, step)),
            (None, true) => events.extend(accepted.drain(..).map(|one| event(notice, one, sender, step))),
            (None, false) => {}
        }
    }
    // Of a session without recipients its first refusal tells the cause.
    let nobody = events.iter().all(|event| event.recipient.is_none());
    if nobody {
        events.truncate(1)
    } else {
        events.retain(|event| event.recipient.is_some())
    }
    events
}

fn is(command: &str, name: &str) -> bool {
    command.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
}

/// The dialogue; long lines are folded.
fn steps(lines: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![Step::default()];
    let mut ours = false;
    for line in lines {
        match said::spoken(line) {
            Some((true, command)) => {
                ours = true;
                steps.push(Step { command: command.to_owned(), ..Step::default() });
            }
            Some((false, answer)) => {
                ours = false;
                if let Some(step) = steps.last_mut() {
                    // Another code is another reply: to the message that followed `DATA`.
                    if step.answer.get(..3) != answer.get(..3) {
                        step.sent = step.answer.starts_with("354");
                        step.answer.clear();
                    }
                    push(&mut step.answer, answer);
                }
            }
            None if line.starts_with("     ") => {
                if let Some(step) = steps.last_mut() {
                    push(if ours { &mut step.command } else { &mut step.answer }, line.trim());
                }
            }
            None => {}
        }
    }
    steps
}

fn push(text: &mut String, words: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(words);
}

fn event(notice: &Notice, recipient: &str, sender: Option<&str>, step: &Step) -> MailEvent {
    let mut event = notice.empty(recipient);
    event.outcome = Outcome::Rejected;
    event.sender = sender.map(said::clean);
    event.stage = if step.sent { Some(Stage::EndOfData) } else { said::stage_of(&step.command) };
    said::set_text(&step.answer, &mut event);
    // `errors from mail.example.org[192.0.2.1]`: the client.
    let client = notice.subject.rsplit_once('[').and_then(|(_, rest)| rest.split(']').next());
    event.client_address = client.and_then(|client| client.parse().ok());
    event
}

#[cfg(test)]
mod tests {
    use super::super::tests::events;
    use super::*;

    const HEAD: &str = "Return-Path: <double-bounce@mx.example.com>\nFrom: MAILER-DAEMON@mx.example.com (Mail Delivery System)\n\
        To: postmaster@mx.example.com (Postmaster)\nSubject: Postfix SMTP server: errors from mail.example.org[192.0.2.9]\n\n\
        Transcript of session follows.\n\n Out: 220 mx.example.com ESMTP\n In:  EHLO mail.example.org\n Out: 250-mx.example.com\n Out: 250 SIZE\n";

    #[test]
    fn all_recipients_left_share_the_failure() {
        let found = events(&format!(
            "{HEAD} In:  MAIL\n     FROM:<alice@example.org>\n     SIZE=3\n Out: 250 2.1.0 Ok\n In:  RCPT TO:<bob@example.com>\n Out: 250 2.1.5 Ok\n In:  RCPT TO:<carol@example.com>\n Out: 550 5.1.1 <carol@example.com>: unknown\n In:  DATA\n Out: 354 go on\n Out: 451 4.3.0 Error: queue file write error\n In:  QUIT\n Out: 221 Bye\n\n\nFor other details, see the local mail logfile\n"
        ));
        assert_eq!(found.len(), 2, "{found:?}");
        let by = |name: &str| found.iter().find(|e| e.recipient.as_deref() == Some(name)).unwrap();
        let (bob, carol) = (by("bob@example.com"), by("carol@example.com"));
        assert_eq!((carol.stage, carol.reply), (Some(Stage::Rcpt), Some(550)));
        assert_eq!((bob.outcome, bob.client_address), (Outcome::Rejected, "192.0.2.9".parse().ok()));
        assert_eq!(
            (bob.text.as_str(), bob.sender.as_deref()),
            ("451 4.3.0 Error: queue file write error", Some("alice@example.org"))
        );
    }

    #[test]
    fn a_session_without_recipients_is_told_once() {
        let found = events(&format!(
            "{HEAD} In:  AUTH PLAIN\n Out: 535 5.7.8 Error: authentication failed\n In:  FOO\n Out: 502 5.5.2 Error: command not recognized\n"
        ));
        let [only] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((only.recipient.as_deref(), only.stage), (None, Some(Stage::Auth)));
    }
}
