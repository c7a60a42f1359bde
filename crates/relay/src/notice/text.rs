//! The part of a notice that people read. Its first sentence says what happened; replies and
//! hosts come behind it.

use mail_parser::MessageParser;
use waxseal_explain::Diagnosis;
use waxseal_model::diagnosis::Who;
use waxseal_store::spool::StoredMessage;
use waxseal_wire::{
    compose::{date, wrap},
    dsn::Returned,
    text::neutralise,
};

use super::case::Case;
use crate::delivery::{notices::Occasion, reason::EXPIRED_REPLY};

/// Lines are not longer, in characters.
const WIDTH: usize = 74;
/// Recipients that are told of one by one; the report has all.
const MOST: usize = 30;
/// Fixes that are told of one cause.
const FIXES: usize = 2;

/// What the text needs to know besides the recipients.
pub(super) struct Text<'a> {
    pub(super) hostname: &'a str,
    pub(super) message: &'a StoredMessage,
    /// The header as far as it may be shown.
    pub(super) header: &'a [u8],
    pub(super) returned: &'a Returned<'a>,
    pub(super) now: i64,
}

/// The subject: what happened, to whom.
pub(super) fn subject(occasion: Occasion, cases: &[Case<'_>]) -> String {
    let first = cases.first().map(address).unwrap_or_default();
    let more = match cases.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    match occasion {
        Occasion::Failure => format!("Undelivered: your mail to {first}{more}"),
        Occasion::Delay => format!("Delivery delayed: your mail to {first}{more}"),
        Occasion::Relayed => format!("Delivery report: your mail to {first}{more} was passed on"),
    }
}

fn address(case: &Case<'_>) -> String {
    neutralise(case.told.recipient.address.as_bytes(), 200)
}

/// Recipients with one answer.
struct Group<'a, 'c> {
    known: Option<&'c Diagnosis>,
    expired: bool,
    cases: Vec<&'c Case<'a>>,
}

fn groups<'a, 'c>(cases: &'c [Case<'a>]) -> Vec<Group<'a, 'c>> {
    let mut groups: Vec<Group<'a, 'c>> = Vec::new();
    for case in cases {
        let (known, expired) = (case.known(), case.told.expired);
        let key = |d: Option<&Diagnosis>| d.map(|d| (d.cause.clone(), d.meaning.clone()));
        // What nobody knows is told of each by itself.
        let found =
            groups.iter_mut().find(|g| known.is_some() && key(g.known) == key(known) && g.expired == expired);
        match found {
            Some(group) => group.cases.push(case),
            None => groups.push(Group { known, expired, cases: vec![case] }),
        }
    }
    groups
}

impl Text<'_> {
    pub(super) fn write(&self, occasion: Occasion, cases: &[Case<'_>]) -> String {
        let mut out = String::new();
        let groups = groups(cases);
        for group in groups.iter().take(MOST) {
            out.push_str(&wrap(&self.happened(occasion, group), WIDTH, ""));
            out.push_str("\n\n");
            if occasion == Occasion::Failure {
                out.push_str(&self.advice(group));
            }
        }
        if occasion == Occasion::Delay {
            out.push_str(&wrap(&self.patience(cases), WIDTH, ""));
            out.push_str("\n\n");
        }
        if occasion != Occasion::Relayed {
            out.push_str("What was said, for whoever looks into it:\n\n");
            if occasion == Occasion::Failure && cases.iter().any(|case| case.told.expired) {
                out.push_str(&format!("By this server, when time was up:\n\n    {EXPIRED_REPLY}\n\n"));
            }
            for case in cases.iter().take(MOST) {
                if let Some(host) = case.met.attempt.host.as_deref().filter(|_| case.met.ours) {
                    let address = case.met.attempt.address.map(|a| format!(" [{a}]")).unwrap_or_default();
                    out.push_str(&format!(
                        "By this server, about {}{address}:\n\n",
                        neutralise(host.as_bytes(), 255)
                    ));
                }
                out.push_str(&wrap(&details(case), WIDTH, "    "));
                out.push_str("\n\n");
            }
            if cases.len() > MOST {
                let more = cases.len() - MOST;
                out.push_str(&format!(
                    "... and {more} more recipients, all of them in the attached report.\n\n"
                ));
            }
        }
        self.close(&mut out);
        out
    }

    /// What happened, in one or two sentences.
    fn happened(&self, occasion: Occasion, group: &Group<'_, '_>) -> String {
        let to = listed(&group.cases);
        let first = group.cases.first();
        let why = match (group.known, first) {
            (Some(known), _) => {
                let meaning = known.meaning.as_deref().map(|m| format!(" {m}")).unwrap_or_default();
                format!("{}{meaning}", lowered(&known.summary))
            }
            (None, Some(case)) if !case.met.ours => {
                let host = case.met.attempt.host.as_deref().unwrap_or("the recipient's server");
                format!(
                    "{} did not take it, for a reason that its answer below gives.",
                    neutralise(host.as_bytes(), 255)
                )
            }
            (None, _) => "this server did not get it through, as told below.".to_owned(),
        };
        match occasion {
            Occasion::Relayed => {
                let host =
                    first.and_then(|case| case.met.attempt.host.as_deref()).unwrap_or("the next server");
                format!(
                    "Your message to {to} was passed on to {}, which does not tell what becomes of it. You will \
                     hear no more of it unless something goes wrong there.",
                    neutralise(host.as_bytes(), 255)
                )
            }
            Occasion::Delay => format!("Your message to {to} has not been delivered yet: {why}"),
            Occasion::Failure if group.expired => {
                let kept = span(self.now.saturating_sub(self.message.received_at));
                let tries = first.map_or(0, |case| case.told.recipient.attempts);
                let tried = if tries > 1 { format!(" and tried {tries} times") } else { String::new() };
                format!(
                    "Your message to {to} was not delivered: it was kept for {kept}{tried}. At the last attempt \
                     {why}"
                )
            }
            Occasion::Failure => format!("Your message to {to} was not delivered: {why}"),
        }
    }

    /// Who has to act, what demanded it, what helps.
    fn advice(&self, group: &Group<'_, '_>) -> String {
        let mut out = String::new();
        let mut add = |text: &str| {
            out.push_str(&wrap(text, WIDTH, "    "));
            out.push('\n');
        };
        if let Some(policy) = group.cases.first().and_then(|case| demanded(case)) {
            add(&format!("Protection demanded here: {policy}."));
        }
        let Some(known) = group.known else {
            add("If that answer does not tell what to do, ask the recipient by another way.");
            out.push('\n');
            return out;
        };
        add(&format!("Who has to act: {}.", self.who(known, group)));
        let ours = group.cases.iter().all(|case| case.met.ours);
        // Settings of other programs on the sender's side are not this server's.
        let fits = |at: &str| !(ours && at.ends_with("(sender)"));
        for fix in known.fix.iter().filter(|fix| fits(&fix.at)).take(FIXES) {
            add(&format!("What helps, for {}: {}", fix.at, fix.text));
        }
        out.push('\n');
        out
    }

    fn who(&self, known: &Diagnosis, group: &Group<'_, '_>) -> String {
        let recipient =
            group.cases.first().map(|case| case.told.recipient.domain.as_str()).unwrap_or_default();
        let sender = self.message.envelope.sender.rsplit('@').next().unwrap_or_default();
        match known.who {
            Who::SenderUser => "you".to_owned(),
            Who::SenderClient => "you, or whoever set up the program that you send mail with".to_owned(),
            Who::SenderServer => {
                format!("whoever runs the mail server {}; show them this notice", self.hostname)
            }
            Who::SenderDns => format!(
                "whoever keeps the DNS of {}; show them this notice",
                neutralise(sender.as_bytes(), 255)
            ),
            Who::Network => "whoever runs the network between the two mail servers".to_owned(),
            Who::RecipientServer => {
                format!(
                    "whoever runs the mail server of {}; send them this notice, by another way",
                    neutralise(recipient.as_bytes(), 255)
                )
            }
            Who::RecipientUser => "the recipient".to_owned(),
            Who::SecurityFilter => "whoever runs the filter that looks at the mail".to_owned(),
            Who::Nobody => "nobody".to_owned(),
        }
    }

    fn patience(&self, cases: &[Case<'_>]) -> String {
        let next = cases.iter().filter_map(|case| case.told.next_at).min().filter(|at| *at > self.now);
        let next = next.map(|at| format!(" next at {},", date(at))).unwrap_or_default();
        let hears = cases.iter().all(|case| case.told.recipient.notify.is_none_or(|n| n.failure));
        let hears = if hears { ", and you will be told if that fails" } else { "" };
        format!(
            "There is nothing that you need to do, and no reason to send it again: this server goes on trying,{next} \
             until {}{hears}.",
            date(self.message.expires_at)
        )
    }

    /// Which message this is about, and who writes.
    fn close(&self, out: &mut String) {
        out.push_str("Your message:\n");
        let parsed = MessageParser::default().parse_headers(self.header);
        let subject = parsed.as_ref().and_then(|message| message.subject()).unwrap_or_default();
        let id = waxseal_wire::compose::message_id_of(self.header);
        let facts = [
            ("subject", neutralise(subject.as_bytes(), 300)),
            ("came in", date(self.message.received_at)),
            ("size", format!("{} bytes", self.message.size)),
            ("message id", id.unwrap_or_default()),
        ];
        for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            out.push_str(&wrap(&format!("- {name}: {value}"), WIDTH, "    "));
            out.push('\n');
        }
        let back = match self.returned {
            Returned::Nothing => "Nothing of it comes back with this notice: it could not be read any more.",
            Returned::Header(_) => "Its header is attached.",
            Returned::Message(_) => "It is attached.",
        };
        out.push_str(back);
        let reporter = format!(
            "This notice was written by the mail server {}, in whose queue the message is named {}.",
            self.hostname, self.message.id
        );
        out.push_str(&format!("\n\n{}\n", wrap(&reporter, WIDTH, "")));
    }
}

/// The reply with the host that gave it: one paragraph, in a form that programs read too.
fn details(case: &Case<'_>) -> String {
    let host = case.met.attempt.host.as_deref().map(|host| {
        let address = case.met.attempt.address.map(|a| format!(" [{a}]")).unwrap_or_default();
        format!("{}{address}", neutralise(host.as_bytes(), 255))
    });
    let words = neutralise(case.met.words.as_bytes(), 2000);
    let answered = match case.met.reason {
        Some("reply.mail") => " (in reply to MAIL FROM)",
        Some("reply.rcpt") => " (in reply to RCPT TO)",
        Some("reply.data") => " (in reply to DATA)",
        Some("reply.end_of_data") => " (in reply to end of DATA)",
        Some("reply.ehlo") => " (in reply to EHLO)",
        _ => "",
    };
    match host {
        Some(host) if !case.met.ours => {
            format!("<{}>: host {host} said: {words}{answered}", address(case))
        }
        _ => format!("<{}>: {words}", address(case)),
    }
}

/// What demanded protection, where want of it is the reason.
fn demanded(case: &Case<'_>) -> Option<String> {
    let kinds = ["tls.", "fp.", "dane.", "sts.", "requiretls."];
    let reason = case.met.reason?;
    let policy = case.met.attempt.policy.as_str();
    let about = kinds.iter().any(|kind| reason.starts_with(kind)) && !policy.is_empty();
    about.then(|| neutralise(policy.as_bytes(), 300).replace("your rule", "this server's rule"))
}

fn listed(cases: &[&Case<'_>]) -> String {
    match cases {
        [one] => address(one),
        [one, two] => format!("{} and {}", address(one), address(two)),
        [one, two, three] => format!("{}, {} and {}", address(one), address(two), address(three)),
        more => format!("{} recipients", more.len()),
    }
}

/// A sentence that goes on behind a colon.
fn lowered(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let (first, second) = (chars.next(), sentence.chars().nth(1));
    match (first, second) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{}", first.to_lowercase(), chars.as_str())
        }
        _ => sentence.to_owned(),
    }
}

/// A span of time in its largest fitting unit.
fn span(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s >= 2 * 86_400 => ((s + 43_200) / 86_400, "days"),
        s if s >= 2 * 3_600 => ((s + 1_800) / 3_600, "hours"),
        s if s >= 120 => ((s + 30) / 60, "minutes"),
        s => (s.max(0), "seconds"),
    };
    format!("{n} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sentences_are_put_into_words() {
        for (seconds, words) in [
            (604_800, "7 days"),
            (14_400, "4 hours"),
            (600, "10 minutes"),
            (7, "7 seconds"),
            (-1, "0 seconds"),
        ] {
            assert_eq!(span(seconds), words);
        }
        assert_eq!(lowered("The server refused."), "the server refused.");
        assert_eq!(lowered("TLS failed."), "TLS failed.");
        assert_eq!(lowered("A filter refuses."), "a filter refuses.");
        assert_eq!(lowered(""), "");
    }
}
