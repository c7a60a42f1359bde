//! A notice as the decoders of prose see it: prepared once for all of them.

use std::net::IpAddr;

use waxseal_model::{MailEvent, mail::Outcome};

use super::super::view::Mail;
use super::{address, said};
use crate::facts::is_host;

/// A format shows itself within so many bytes.
const OPENING: usize = 4096;

/// Words in a From or Return-Path field that people do not use.
const MACHINES: &[&str] = &[
    "mailer-daemon",
    "mailer_daemon",
    "mail-daemon",
    "mailer daemon",
    "postmaster",
    "post_master",
    "post.master",
    "mail deliver",
    "maildelivery",
    "delivery subsystem",
    "mail administrator",
    "mail system",
    "system administrator",
    "mdaemon",
    "microsoftexchange",
    "content-filter",
    "interscan",
    "mailmarshal",
    "bounce@",
    "<>",
];

/// Words of a subject that says that a message was not delivered, in lower case.
const FAILURES: &[&str] = &[
    "undeliver",
    "non-deliver",
    "nondeliver",
    "non delivery",
    "not deliver",
    "not be deliver",
    "delivery fail",
    "failed delivery",
    "failure delivering",
    "delivery has failed",
    "delivery status",
    "delivery notif",
    "delivery report",
    "delivery error",
    "delivery problem",
    "delivery delay",
    "delivery failure",
    "mail delivery",
    "message delivery",
    "message status",
    "returned mail",
    "returned to sender",
    "returned message",
    "mail returned",
    "failure notice",
    "failure notification",
    "mail failure",
    "mail system error",
    "mail could not",
    "could not be sent",
    "could not send",
    "delayed mail",
    "message delayed",
    "[bounce]",
    "unzustellbar",
    "nicht zugestellt",
    "zustellung",
    "zustellbar",
    "non remis",
    "non-remis",
    "échec de la remise",
    "non délivr",
    "non distribu",
    "no se puede entregar",
    "no se pudo entregar",
    "no entregado",
    "error de entrega",
    "devuelto",
    "non recapitabile",
    "mancato recapito",
    "não entregue",
    "não é possível entregar",
    "falha na entrega",
    "недостав",
    "не доставлен",
    "ошибка доставки",
    "配信不能",
    "配信でき",
    "配信エラー",
    "送信できません",
    "送信エラー",
    "メールエラー",
    "エラー通知",
    "未配信",
    "不達",
    "退信",
    "退回",
    "无法投递",
    "无法传递",
    "無法傳遞",
    "無法投遞",
    "onbestelbaar",
    "niet bezorgd",
    "niet-bezorg",
    "olevererad",
    "kunne ikke leveres",
    "ikke leveret",
    "niedostarcz",
    "nie można dostarczyć",
    "nedoruč",
    "teslim edilemedi",
    "kézbesíthetetlen",
];

/// Beginnings of the subjects of people who answer a mail or send one on, in lower case.
const ANSWERS: &[&str] = &["re:", "aw:", "fwd:", "fw:", "wg:", "sv:", "antw:", "tr:", "rv:"];

/// Words of a notice, or of its subject, that the message is still in the queue.
const DELAYS: &[&str] = &[
    "warning message only",
    "warning only",
    "has been delayed",
    "is delayed",
    "been delayed",
    "not yet been delivered",
    "not been delivered yet",
    "still being retried",
    "temporary failure report",
    "delivery attempts will continue",
    "transient non-fatal",
    "will be retried",
    "delayed mail",
];

/// Names of fields with which a returned header begins.
const HEADER_FIELDS: &[&str] = &[
    "received:",
    "return-path:",
    "delivered-to:",
    "dkim-signature:",
    "domainkey-signature:",
    "x-received:",
    "arc-seal:",
    "received-spf:",
    "authentication-results:",
    "x-originating-ip:",
    "x-google-smtp-source:",
];

/// Words on the line between a notice and the message that it returns, in lower case.
const SEPARATORS: &[&str] = &[
    "copy of the message",
    "copy of your message",
    "copy of this message",
    "copy of the original",
    "original message",
    "original mail",
    "unsent message",
    "returned message",
    "returned mail",
    "undelivered message",
    "message header",
    "message text follows",
    "message follows",
    "body of the message",
    "header of the original",
    "headers of the original",
    "headers follow",
    "no message was collected",
];

/// The same on lines without dashes, which must begin with them.
const PLAIN_SEPARATORS: &[&str] = &[
    "message headers follow",
    "message header follows",
    "original message follows",
    "original message headers",
    "original message header",
    "original mail as follows",
    "the original message follows",
    "below is a copy of the original message",
    "a copy of the original message",
    "included is a copy of the message header",
    "the message header follows",
];

/// A notice, prepared.
pub(super) struct Notice<'a> {
    header: Vec<(&'a str, &'a str)>,
    returned_header: Vec<(&'a str, &'a str)>,
    /// Its From field in lower case.
    pub(super) from: String,
    /// Its Subject in lower case.
    pub(super) subject: String,
    /// The lines of the notice, without the returned message.
    pub(super) lines: Vec<&'a str>,
    /// The first of them on one line, with single spaces.
    pub(super) opening: String,
    /// The lines below, where a header stands that is too short to be known for one.
    returned: Vec<&'a str>,
    /// It speaks of a delay.
    pub(super) delayed: bool,
    sender: Option<String>,
    reporter: Option<String>,
}

/// True where the header alone shows that no person wrote the mail, or that it tells of a
/// failure: only then is its text worth looking at.
pub(super) fn may_be(mail: &Mail<'_>) -> bool {
    let from = mail.header("from").to_lowercase();
    let path = mail.header("return-path").to_lowercase();
    from.is_empty()
        || MACHINES.iter().any(|word| from.contains(word) || path.contains(word))
        || !mail.header("x-failed-recipients").is_empty()
        || mail.header("auto-submitted").starts_with("auto-")
        || said_by_program(mail)
        || {
            let subject = mail.header("subject").to_lowercase();
            let systems = ["sysadmin", "administrator", "admin@", "reply", "root@", "daemon", "system"];
            systems.iter().any(|name| from.contains(name))
                && tells_of_failure(&subject)
                && !ANSWERS.iter().any(|prefix| subject.starts_with(prefix))
        }
}

/// Programs that name themselves in the header and write from people's addresses.
pub(in super::super) fn said_by_program(mail: &Mail<'_>) -> bool {
    let mailer = mail.header("x-mailer").to_lowercase();
    ["m-filter", "smtp32", "surfcontrol"].iter().any(|name| mailer.contains(name))
        || mail.header("x-mlserver").contains("fml")
        || ["from", "message-id"].iter().any(|name| mail.header(name).contains("auone-net.jp"))
}

/// True for a subject, in lower case, that says that a message was not delivered.
pub(super) fn tells_of_failure(subject: &str) -> bool {
    FAILURES.iter().any(|word| subject.contains(word))
}

impl<'a> Notice<'a> {
    /// Prepares a notice.
    pub(super) fn new(mail: &'a Mail<'_>) -> Self {
        let mut lines: Vec<&str> = mail.notice().lines().collect();
        let cut = lines.iter().position(|line| begins_returned(line)).unwrap_or(lines.len());
        let returned = lines.split_off(cut);
        let opening = one_line(&lines);
        let subject = mail.header("subject").to_lowercase();
        let lower = opening.to_lowercase();
        let delayed = DELAYS.iter().any(|word| lower.contains(word))
            || subject.starts_with("warning")
            || subject.ends_with(": warning")
            || subject.contains("delay");
        let from = mail.header("from").to_lowercase();
        let header = mail.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect();
        let fields = mail.returned_headers().iter();
        let returned_header = fields.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut notice = Self {
            header,
            returned_header,
            from,
            subject,
            lines,
            opening,
            returned,
            delayed,
            sender: None,
            reporter: None,
        };
        notice.sender = notice.find_sender();
        notice.reporter = notice.find_reporter();
        notice
    }

    /// A field of the notice's own header, its name in lower case; an empty text where there
    /// is none.
    pub(super) fn header(&self, name: &str) -> &'a str {
        self.header.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }

    /// True where the beginning of the notice says so, whatever its line breaks.
    pub(super) fn says(&self, words: &str) -> bool {
        memchr::memmem::find(self.opening.as_bytes(), words.as_bytes()).is_some()
    }

    /// True where one of the lines at the beginning has the words.
    pub(super) fn line_with(&self, words: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.contains(words))
    }

    /// An event of this notice about a recipient, with what the lines say about it.
    pub(super) fn event(&self, recipient: &str, lines: &[&str]) -> MailEvent {
        let mut event = self.empty(recipient);
        said::interpret(lines, &mut event);
        event
    }

    /// An event of this notice about a recipient that says nothing yet.
    pub(super) fn empty(&self, recipient: &str) -> MailEvent {
        let recipient = said::clean(address::bare(recipient));
        MailEvent {
            outcome: if self.delayed { Outcome::Deferred } else { Outcome::Failed },
            recipient: (!recipient.is_empty()).then_some(recipient),
            sender: self.sender.clone(),
            reporter: self.reporter.clone(),
            ..MailEvent::default()
        }
    }

    /// Who sent the message that came back: what its own envelope says, else to whom the
    /// notice goes.
    fn find_sender(&self) -> Option<String> {
        let path = self.returned_field("return-path").map(|value| address::bare(&value).to_owned());
        path.filter(|path| path.contains('@'))
            .or_else(|| address::first(self.header("to")).map(ToOwned::to_owned))
            .map(|sender| said::clean(&sender))
    }

    /// The host that the first sentence names, `program at mx.example.com.`, else the one in
    /// whose name the notice is written.
    fn find_reporter(&self) -> Option<String> {
        let start: Vec<&str> = self.opening.split_whitespace().take(24).collect();
        let named = start.windows(2).find_map(|pair| match pair {
            ["at" | "host" | "on" | "from", word] => {
                let word = word.trim_end_matches(['.', ',', ':']);
                is_host(word).then(|| said::clean(word))
            }
            _ => None,
        });
        if named.is_some() {
            return named;
        }
        let (_, domain) = address::first(&self.from)?.rsplit_once('@')?;
        (domain.contains('.') && domain.parse::<IpAddr>().is_err()).then(|| said::clean(domain))
    }

    /// A field of the returned header, unfolded. The name is in lower case.
    fn returned_field(&self, name: &str) -> Option<String> {
        let whole = self.returned_header.iter().find(|(n, value)| *n == name && !value.is_empty());
        if let Some((_, value)) = whole {
            return Some((*value).to_owned());
        }
        let mut value: Option<String> = None;
        for line in self.returned.iter().skip_while(|line| !is_field(line)).take(400) {
            match &mut value {
                Some(value) if line.starts_with([' ', '\t']) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                Some(_) => break,
                None if line.trim().is_empty() => break,
                None => {
                    if let Some((field, rest)) = line.split_once(':')
                        && field.eq_ignore_ascii_case(name)
                    {
                        value = Some(rest.trim().to_owned());
                    }
                }
            }
        }
        value
    }

    /// For whom the returned message was, by its own header.
    pub(super) fn returned_recipients(&self) -> Vec<String> {
        for name in ["delivered-to", "x-envelope-to", "to"] {
            let Some(value) = self.returned_field(name) else { continue };
            let found: Vec<String> = address::all(&value).map(ToOwned::to_owned).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// The recipients that the notice's own header names.
    pub(super) fn failed_recipients(&self) -> Vec<&str> {
        address::all(self.header("x-failed-recipients")).collect()
    }
}

/// True for the line with which the returned message begins.
fn begins_returned(line: &str) -> bool {
    let is_one = |name: &&str| line.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    if HEADER_FIELDS.iter().any(is_one) {
        return true;
    }
    if line.len() > 200 {
        return false;
    }
    let core = line.trim().trim_matches(|c: char| matches!(c, '-' | '=' | '*' | '#' | '_' | '|' | ' '));
    let start = line.trim_start();
    if !["--", "==", "**", "__", "##", "|-"].iter().any(|frame| start.starts_with(frame)) {
        let begins =
            |words: &&str| core.get(..words.len()).is_some_and(|head| head.eq_ignore_ascii_case(words));
        return PLAIN_SEPARATORS.iter().any(begins);
    }
    let lower = core.to_lowercase();
    SEPARATORS.iter().any(|words| lower.contains(words)) && !lower.contains("was received at")
}

/// True for a line that begins a header field.
fn is_field(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

/// The first lines on one line, with single spaces.
fn one_line(lines: &[&str]) -> String {
    let mut text = String::with_capacity(OPENING);
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        if text.len() + word.len() > OPENING {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}
