//! Signs by which a mail of a mail system is told from one of a person who merely writes
//! about bounces, quotes one or sends one on. No single word decides.

use super::view::Mail;

/// Local parts of addresses that mail systems write from, in lower case.
const DAEMONS: &[&str] = &[
    "mailer-daemon",
    "mailer_daemon",
    "mailerdaemon",
    "mail-daemon",
    "maildaemon",
    "mdaemon",
    "postmaster",
    "post_master",
    "daemon",
    "bounce",
    "bounces",
];

/// Display names of mail systems, in lower case.
const SYSTEM_NAMES: &[&str] = &[
    "mailer-daemon",
    "mailer daemon",
    "mail delivery",
    "mail administrator",
    "mail system",
    "delivery subsystem",
    "internet mail delivery",
    "system administrator",
    "postmaster",
    "microsoft outlook",
    "content-filter",
    "spam firewall",
];

/// Beginnings or parts of subjects that tell of a failure, in lower case.
const FAILURES: &[&str] = &[
    "undeliver",
    "returned mail",
    "returned to sender",
    "failure notice",
    "delivery status notification",
    "delivery notification",
    "delivery failure",
    "delivery report",
    "delivery has failed",
    "mail delivery failed",
    "delivery failed",
    "could not send message",
    "could not be delivered",
    "mail system error",
    "delivery status",
    "delayed mail",
    "delivery delayed",
    "postmaster notify",
    "non remis",
    "unzustellbar",
    "non recapitabile",
    "no se puede entregar",
    "não entregue",
    "недоставлен",
    "配信不能",
    "退信",
];

/// What speaks for and against a mail system as the author.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// What was seen, in words for a person.
    pub(super) seen: Vec<&'static str>,
    score: i32,
    person: bool,
    system: bool,
}

impl Signs {
    fn add(&mut self, holds: bool, weight: i32, words: &'static str) {
        if holds {
            self.score += weight;
            if weight > 0 {
                self.seen.push(words);
            }
        }
    }

    /// Its author or its envelope is a mail system's.
    pub(super) fn system(&self) -> bool {
        self.system
    }

    /// Enough of them for a mail that carries a machine-readable report.
    pub(super) fn report(&self) -> bool {
        self.score >= 4
    }

    /// The mail is one that a person or a list sent, or the copy of one, whatever it quotes:
    /// its header has a sign of that and none of a mail system.
    pub(super) fn person(&self) -> bool {
        self.person
    }
}

/// Collects the signs of a mail.
pub(super) fn of(mail: &Mail<'_>) -> Signs {
    let mut signs = Signs::default();
    let kind = mail.header("content-type").to_ascii_lowercase();
    let report = mail.kind == "multipart/report";
    let failed = !mail.header("x-failed-recipients").is_empty();
    let system = from_daemon(mail) || null_path(mail) || failed;
    signs.system = system;
    signs.add(report, 3, "it is a multipart/report");
    let typed = mail.parts.iter().any(|part| part.kind.ends_with("/delivery-status"));
    signs.add(typed, 2, "a part of it is a delivery status");
    signs.add(!typed && mail.delivery_status().is_some(), 1, "a part of it reads as a delivery status");
    signs.add(kind.contains("disposition-notification"), -4, "");
    signs.add(null_path(mail), 2, "its return path is empty");
    signs.add(from_daemon(mail), 2, "a mail system is its author");
    let auto = mail.header("auto-submitted").to_ascii_lowercase();
    signs.add(auto.starts_with("auto-"), 1, "it says that it was made by a program");
    signs.add(failed, 2, "it lists failed recipients");
    let subject = mail.header("subject").to_lowercase();
    let tells = FAILURES.iter().any(|words| subject.contains(words));
    signs.add(tells, 2, "its subject tells of a failure");
    let list = ["list-id", "list-unsubscribe", "list-post"].iter().any(|name| !mail.header(name).is_empty());
    signs.add(list && !from_daemon(mail), -5, "");
    signs.add(answers(&subject) && !from_daemon(mail), -4, "");
    let program = ["user-agent", "x-mailer"].iter().any(|name| !mail.header(name).is_empty());
    signs.add(program && !report && !system, -1, "");
    // A report as a part of something else that no mail system wrote is a quotation.
    let quoted = !report && mail.delivery_status().is_some();
    // A copy of a message for the archive: Exchange wraps it into a notice of its own.
    let journal = !mail.header("x-ms-journal-report").is_empty();
    signs.person = journal || (!system && (list || answers(&subject) || quoted));
    signs
}

/// Prefixes of subjects of mails that are sent on, in lower case.
const FORWARDS: &[&str] =
    &["fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "i:", "vs:", "doorst:", "转发:", "转发："];
/// Prefixes of subjects of answers, in lower case.
const ANSWERS: &[&str] =
    &["re:", "aw:", "sv:", "antw:", "res:", "odp:", "ynt:", "回复:", "回复：", "答复:", "答复："];

/// A reply or a forward.
fn answers(subject: &str) -> bool {
    FORWARDS.iter().chain(ANSWERS).any(|prefix| subject.starts_with(prefix))
}

/// `Fwd: Undelivered Mail Returned to Sender`
pub(super) fn sends_on_a_failure(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    FORWARDS.iter().any(|prefix| subject.starts_with(prefix))
        && FAILURES.iter().any(|words| subject.contains(words))
}

/// The null sender of RFC 5321 section 4.5.5, or what servers write in its place.
fn null_path(mail: &Mail<'_>) -> bool {
    mail.all("return-path").any(|path| {
        let path = path.trim();
        path == "<>" || path.to_ascii_lowercase().contains("mailer-daemon")
    })
}

/// The mail's author is a mail system.
pub(super) fn from_daemon(mail: &Mail<'_>) -> bool {
    is_daemon(mail.header("from"))
}

/// The From field is a mail system's: by its address, by its name, or empty.
pub(super) fn is_daemon(from: &str) -> bool {
    let from = from.to_lowercase();
    let from = from.trim();
    if from.is_empty() || from == "<>" {
        return true;
    }
    let mut words = from.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')'));
    let daemon = words.any(|word| {
        let local = word.split('@').next().unwrap_or_default();
        DAEMONS.contains(&local) || local.starts_with("microsoftexchange")
    });
    daemon || SYSTEM_NAMES.iter().any(|name| from.contains(name))
}

/// The notice says that the message is still being tried.
pub(super) fn tells_of_delay(mail: &Mail<'_>) -> bool {
    let subject = mail.header("subject").to_lowercase();
    ["delayed", "warning: could not send", "still being retried", "delivery delay"]
        .iter()
        .any(|w| subject.contains(w))
}
