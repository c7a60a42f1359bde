//! Notices of no known program: what their structure shows beyond doubt.
//!
//! The mail must come from a mail system and its subject must tell of a failure. Then an
//! address counts where an error stands with it.

use waxseal_model::MailEvent;

use super::notice::{Notice, tells_of_failure};
use super::{address, blocks, said};

/// Words of errors and of sentences about them, in lower case.
const ERRORS: &[&str] = &[
    "unknown",
    "not found",
    "no such",
    "does not exist",
    "doesn't exist",
    "not exist",
    "undeliverable",
    "not delivered",
    "not be delivered",
    "could not deliver",
    "couldn't be delivered",
    "unable to deliver",
    "cannot be delivered",
    "can't be delivered",
    "wasn't able",
    "not able to",
    "failed",
    "failure",
    "rejected",
    "refused",
    "denied",
    "blocked",
    "quota",
    "full",
    "disabled",
    "unavailable",
    "invalid",
    "timed out",
    "time out",
    "timeout",
    "expired",
    "delayed",
    "not recognized",
    "error",
    "did not reach",
    "not reach",
    "unbekannt",
    "nicht zugestellt",
    "n'existe pas",
    "inconnu",
    "no existe",
    "desconhecid",
    "не существует",
    "не найден",
    "届け",
    "送信でき",
    "エラー",
    "存在し",
    "理由",
    "不存在",
    "无法",
    "失败",
    "無法",
    "失敗",
];

/// Beginnings of the subjects of absence notices and other answers, in lower case.
const ANSWERS: &[&str] =
    &["auto", "out of office", "re: auto", "vacation", "away", "automat", "abwesen", "absence"];

/// Whether the header alone makes it a notice of a failure.
pub(super) fn recognise(notice: &Notice) -> bool {
    let path = notice.header("return-path");
    let machine = ["mailer-daemon", "postmaster", "mail delivery", "mail system", "<>", "daemon"]
        .iter()
        .any(|word| notice.from.contains(word))
        || notice.from.is_empty()
        || path.trim() == "<>"
        || path.to_ascii_lowercase().contains("mailer-daemon");
    machine
        && tells_of_failure(&notice.subject)
        && !ANSWERS.iter().any(|words| notice.subject.starts_with(words))
}

/// One event for each address with an error beside, below or above it.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let own = address::first(notice.header("from"));
    let mut events: Vec<MailEvent> = Vec::new();
    for read in [beside, alone, within, in_a_sentence, the_only_one] {
        for (recipient, text) in read(notice) {
            let again = events.iter().any(|event| event.recipient.as_deref() == Some(recipient));
            if Some(recipient) == own || again || events.len() == 100 {
                continue;
            }
            let lines: Vec<&str> = text.iter().map(String::as_str).collect();
            events.push(notice.event(recipient, &lines));
        }
        if !events.is_empty() {
            return events;
        }
    }
    of_the_returned_message(notice)
}

/// Recipients, each with the lines that tell about it.
type Told<'a> = Vec<(&'a str, Vec<String>)>;

/// `<addr>: error` and `addr: error`, with the lines below.
fn beside<'a>(notice: &Notice<'a>) -> Told<'a> {
    let mut blocks = blocks::angled(&notice.lines);
    blocks.extend(blocks::leading(&notice.lines).into_iter().filter(|block| !block.lines.is_empty()));
    blocks.into_iter().map(|b| (b.recipient, owned(&b.lines))).filter(|(_, lines)| is_error(lines)).collect()
}

/// An address on a line of its own; the error may stand below it, else it is told once for
/// all of them.
fn alone<'a>(notice: &Notice<'a>) -> Told<'a> {
    let paragraphs = paragraphs(&notice.lines);
    let names_nobody =
        |p: &&Vec<&str>| is_error(&owned(p)) && p.iter().all(|line| address::alone(line).is_none());
    let shared = coded(&paragraphs)
        .or_else(|| reason(&paragraphs))
        .or_else(|| paragraphs.iter().find(names_nobody))
        .or_else(|| paragraphs.iter().find(|p| is_error(&owned(p))));
    let blocks = blocks::alone(&notice.lines).into_iter();
    blocks
        .filter_map(|block| {
            let lines = owned(&block.lines);
            if is_error(&lines) {
                Some((block.recipient, lines))
            } else {
                Some((block.recipient, owned(shared?)))
            }
        })
        .collect()
}

/// An address in a line that begins with a reply code.
fn within<'a>(notice: &Notice<'a>) -> Told<'a> {
    let sender = address::first(notice.header("to")).unwrap_or_default();
    let lines = notice.lines.iter().take(300).filter(|line| said::leads_with_code(line.trim()));
    let named = lines.filter_map(|line| {
        let found = address::all(line).find(|found| !found.eq_ignore_ascii_case(sender))?;
        Some((found, vec![(*line).to_owned()]))
    });
    named.collect()
}

/// An address within a sentence that says that it failed; a reply below tells more.
fn in_a_sentence<'a>(notice: &Notice<'a>) -> Told<'a> {
    let sender = address::first(notice.header("to")).unwrap_or_default();
    let paragraphs = paragraphs(&notice.lines);
    for paragraph in &paragraphs {
        if !is_error(&owned(paragraph)) {
            continue;
        }
        let found = paragraph.iter().flat_map(|line| address::all(line));
        if let Some(recipient) = found.into_iter().find(|found| !found.eq_ignore_ascii_case(sender)) {
            let mut lines = coded(&paragraphs).unwrap_or(paragraph).clone();
            if let Some(reason) = reason(&paragraphs).filter(|reason| *reason != paragraph) {
                lines.extend(reason);
            }
            return vec![(recipient, owned(&lines))];
        }
    }
    Vec::new()
}

/// The only address in a notice, where an error stands somewhere else.
fn the_only_one<'a>(notice: &Notice<'a>) -> Told<'a> {
    let header =
        [notice.header("to"), notice.header("from")].map(|field| address::first(field).unwrap_or_default());
    let mut found: Vec<&str> = notice.lines.iter().take(300).flat_map(|line| address::all(line)).collect();
    found.retain(|found| !header.iter().any(|own| own.eq_ignore_ascii_case(found)));
    found.dedup();
    let paragraphs = paragraphs(&notice.lines);
    let told = coded(&paragraphs)
        .or_else(|| reason(&paragraphs))
        .or_else(|| paragraphs.iter().find(|p| is_error(&owned(p))));
    match (found.as_slice(), told) {
        ([only], Some(told)) => vec![(only, owned(told))],
        _ => Vec::new(),
    }
}

/// The first paragraph that calls itself the reason.
fn reason<'a, 'b>(paragraphs: &'b [Vec<&'a str>]) -> Option<&'b Vec<&'a str>> {
    const LABELS: &[&str] =
        &["reason", "raison", "grund", "motivo", "причина", "理由", "原因", "error", "cause"];
    paragraphs.iter().find(|paragraph| {
        let first = paragraph.first().map_or("", |line| line.trim()).to_lowercase();
        LABELS.iter().any(|label| first.starts_with(label) && first.contains([':', '：']))
    })
}

/// The first paragraph that quotes a reply, a dialogue or a status.
fn coded<'a, 'b>(paragraphs: &'b [Vec<&'a str>]) -> Option<&'b Vec<&'a str>> {
    let quotes = |line: &&str| {
        said::leads_with_code(line.trim())
            || said::spoken(line).is_some()
            || said::hash_status(line).is_some()
    };
    paragraphs.iter().find(|paragraph| paragraph.iter().any(quotes))
}

/// Where the notice names nobody, the message that it returns says whom it was for.
fn of_the_returned_message(notice: &Notice) -> Vec<MailEvent> {
    let paragraphs = paragraphs(&notice.lines);
    let told = coded(&paragraphs).or_else(|| paragraphs.iter().find(|p| is_error(&owned(p))));
    let named: Vec<String> = notice.failed_recipients().into_iter().map(ToOwned::to_owned).collect();
    let (recipients, told) = match (named.is_empty(), told, paragraphs.first()) {
        (false, Some(told), _) | (false, None, Some(told)) => (named, told),
        (true, Some(told), _) => (notice.returned_recipients(), told),
        _ => return Vec::new(),
    };
    recipients.iter().take(100).map(|recipient| notice.event(recipient, told)).collect()
}

fn is_error(lines: &[String]) -> bool {
    lines.iter().take(40).any(|line| {
        let lower = line.to_lowercase();
        ERRORS.iter().any(|words| lower.contains(words)) || said::leads_with_code(line.trim())
    })
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().take(40).map(|line| (*line).to_owned()).collect()
}

/// The first paragraphs.
fn paragraphs<'a>(lines: &[&'a str]) -> Vec<Vec<&'a str>> {
    let bounded = lines.get(..lines.len().min(300)).unwrap_or_default();
    bounded.split(|line| line.trim().is_empty()).filter(|p| !p.is_empty()).map(<[&str]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::events;

    #[test]
    fn what_is_no_program_of_ours_is_read_by_its_structure() {
        let head = "Return-Path: <>\nFrom: postmaster@example.net\nTo: alice@example.com\nSubject: Undeliverable mail\n\n";
        for (body, text) in [
            ("We are sorry.\n\nbob@example.net - 550 5.1.1 no such user\n\nBye\n", "550 5.1.1 no such user"),
            (
                "Not delivered to:\n\n   bob@example.net\n\nThe server said:\n\n550 5.2.2 mailbox full\n",
                "550 5.2.2 mailbox full",
            ),
            (
                "Your message to bob@example.net could not be delivered, the mailbox is full.\n",
                "Your message to bob@example.net could not be delivered, the mailbox is full.",
            ),
            (
                "Your message was not delivered.\n\n--- original message ---\n\nReceived: from x\nTo: bob@example.net\n",
                "Your message was not delivered.",
            ),
        ] {
            let found = events(&format!("{head}{body}"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(
                (found[0].recipient.as_deref(), found[0].text.as_str()),
                (Some("bob@example.net"), text)
            );
        }
    }

    #[test]
    fn people_and_automatic_answers_are_left_alone() {
        for head in [
            "From: alice@example.com\nTo: bob@example.net\nSubject: Delivery failure of our van\n\n",
            "Return-Path: <>\nFrom: bob@example.net\nAuto-Submitted: auto-replied\nSubject: Out of office: message delivery\n\n",
            "Return-Path: <>\nFrom: MAILER-DAEMON@example.net\nSubject: Welcome\n\n",
            "Return-Path: <bounce@parcels.example>\nFrom: Parcels <noreply@parcels.example>\nAuto-Submitted: auto-generated\nSubject: Delivery status notification\n\n",
        ] {
            assert!(events(&format!("{head}carol@example.org failed\n550 no\n")).is_empty(), "{head}");
        }
    }
}
