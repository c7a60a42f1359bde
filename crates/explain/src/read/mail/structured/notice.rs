//! What the human-readable part of a report adds about one recipient: the whole reply, the
//! command it answered, the host.

use std::net::IpAddr;

use memchr::memmem;
use waxseal_model::mail::Stage;

use super::words;

/// So much of a notice is looked at, in bytes.
const MOST: usize = 64 * 1024;
/// What is said about one recipient is not longer than this, in lines.
const LONGEST: usize = 40;

/// Words after which the reason stands, in lower case, in notices that name the recipient
/// somewhere else.
const BEFORE_REASON: &[&str] = &[
    "the response from the remote server was:",
    "the response was:",
    "the reason for the problem:",
    "because:",
    "reason:",
    "diagnostic information for administrators:",
    "gave this error:",
    "reported error:",
    "the following error was returned",
    "transcript of session follows",
    "technical details of permanent failure:",
    "error details",
    "was automatically rejected:",
];

/// What the notice says about a recipient.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// On one line.
    pub(super) text: String,
    /// It is the reply that made the reporting server give up; the report names its own
    /// verdict alone.
    pub(super) cause: bool,
    /// It is what the report says, with nothing cut off.
    pub(super) whole: bool,
    /// The command that was answered.
    pub(super) stage: Option<Stage>,
    /// Who answered.
    pub(super) host: Option<String>,
    /// Its address.
    pub(super) address: Option<IpAddr>,
}

/// The lines of a notice, prepared once for all recipients.
pub(super) struct Notice<'a> {
    lines: Vec<&'a str>,
    /// The notice in lower case; ASCII letters alone, so that places are the same.
    lower: String,
    /// Those of [`BEFORE_REASON`] that it has.
    announced: Vec<&'static str>,
}

impl<'a> Notice<'a> {
    pub(super) fn new(notice: &'a str) -> Self {
        let notice = notice.get(..notice.floor_char_boundary(MOST)).unwrap_or_default();
        let lower = notice.to_ascii_lowercase();
        let has = |words: &&&str| memmem::find(lower.as_bytes(), words.as_bytes()).is_some();
        let announced = BEFORE_REASON.iter().filter(has).copied().collect();
        Self { lines: notice.lines().collect(), lower, announced }
    }

    /// The lines' numbers, the lines, and the same in lower case.
    fn each(&self) -> impl Iterator<Item = (usize, &'a str, &str)> {
        let pairs = self.lines.iter().zip(self.lower.lines());
        pairs.enumerate().map(|(i, (line, lower))| (i, *line, lower))
    }

    fn after(&self, line: usize) -> &[&'a str] {
        self.lines.get(line + 1..).unwrap_or_default()
    }
}

/// Finds what a notice says about the recipient, given what its machine-readable part says.
/// `alone`: it is the only one, and all that is said is about it.
pub(super) fn about(notice: &Notice<'_>, recipient: &str, diagnostic: &str, alone: bool) -> Option<Said> {
    let lines = &notice.lines;
    let wanted = words::letters(diagnostic);
    let mut found = paragraphs(notice, recipient);
    if alone {
        found.extend(reasons(notice));
    }
    let all = || found.iter().filter(|text| !words::says_nothing(text));
    let quoting = || all().find(|text| wanted.len() > 8 && words::letters(text).contains(&wanted));
    let replying = || all().find(|text| has_reply(text));
    let text = quoting().or_else(replying).or_else(|| all().next()).cloned();
    let text = text.or_else(|| sentence(lines, recipient).filter(|_| wanted.is_empty()));
    let mut said = Said { text: label_off(&words::one_line(&text.unwrap_or_default())), ..Said::default() };
    said.stage = stage(&said.text);
    (said.host, said.address) = host(&said.text);
    if let Some((reply, stage)) = in_transcript(lines, &wanted) {
        said.stage = said.stage.or(stage);
        if reply.len() > diagnostic.len() {
            (said.text, said.whole) = (words::joined_reply(&reply), true);
        }
    }
    // Domino folds its report in the middle of words.
    let squeezed = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let fewer = said.text.split(' ').count() < diagnostic.split(' ').count();
    said.whole |= fewer && squeezed(&said.text) == squeezed(diagnostic);
    if let Some(reply) = given_up_for(lines, diagnostic).filter(|_| alone) {
        (said.text, said.cause) = (reply, true);
    }
    Some(said)
}

/// What Exchange was told in the end, in a notice with a list of attempts, the newest first
/// (`… Remote Server at … returned '451 …'`), where its report says only that time ran out.
fn given_up_for(lines: &[&str], diagnostic: &str) -> Option<String> {
    if !diagnostic.contains("QUEUE.Expired") && !diagnostic.contains(" 4.4.7 ") {
        return None;
    }
    let mut replies = lines.iter().rev().filter_map(|line| {
        let (_, reply) = line.split_once(" returned '")?;
        Some(words::one_line(reply.trim_end().trim_end_matches('\'')))
    });
    let last = replies.next()?;
    (!words::same(&last, diagnostic)).then_some(last)
}

/// Without the label and the marks that a text stands between.
fn label_off(text: &str) -> String {
    let text = text.trim_start_matches(['-', '.', ':', '#', ' ']);
    let labels = ["Reason:", "(reason:", "<<<"];
    let text = labels.iter().find_map(|label| text.strip_prefix(label)).unwrap_or(text);
    text.split("##").next().unwrap_or_default().trim().to_owned()
}

/// The texts that follow the recipient's address: on the same line, on the lines below it.
fn paragraphs(notice: &Notice<'_>, recipient: &str) -> Vec<String> {
    let mut found = Vec::new();
    let recipient = recipient.to_ascii_lowercase();
    let finder = memmem::Finder::new(&recipient);
    if recipient.is_empty() || finder.find(notice.lower.as_bytes()).is_none() {
        return found;
    }
    for (i, line, lower) in notice.each() {
        let Some(at) = finder.find(lower.as_bytes()) else { continue };
        let before =
            line.get(..at).unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric() && c != ':');
        // In the middle of a sentence the address belongs to what is said; in a list of
        // header fields nothing is said about it.
        let listed = ["to:", "cc:", "from:"].iter().any(|field| before.eq_ignore_ascii_case(field));
        if listed || !(before.is_empty() || before.ends_with(':')) {
            continue;
        }
        let after = line.get(at + recipient.len()..).unwrap_or_default();
        let mut text =
            after.trim_start_matches(['>', ')', ']', '"', '\'', ':', ';', '-', ' ', '\t']).to_owned();
        follow(notice.after(i), indent(line), &mut text);
        found.push(text);
        if found.len() > 20 {
            break;
        }
    }
    found
}

/// The paragraph that has the address in the middle of a sentence, or else the one that
/// comes before a list with it.
fn sentence(lines: &[&str], recipient: &str) -> Option<String> {
    let recipient = recipient.to_ascii_lowercase();
    let blocks: Vec<&[&str]> = lines.split(|line| line.trim().is_empty()).filter(|b| !b.is_empty()).collect();
    let has = |block: &&[&str]| block.iter().any(|line| line.to_ascii_lowercase().contains(&recipient));
    let at = blocks.iter().position(has).filter(|_| !recipient.is_empty())?;
    let block = blocks.get(at)?.iter().take(LONGEST).copied().collect::<Vec<_>>().join(" ");
    let words = block.split_whitespace().filter(|word| !word.contains('@')).count();
    if words >= 5 {
        return Some(block);
    }
    Some(blocks.get(at.checked_sub(1)?)?.iter().take(LONGEST).copied().collect::<Vec<_>>().join(" "))
}

/// Adds the lines up to the next blank line, rule or address; where nothing was said yet,
/// blank lines at first are passed over.
fn follow(lines: &[&str], indented: usize, text: &mut String) {
    for line in lines.iter().take(LONGEST) {
        let bare = line.trim();
        let rule = bare.starts_with("---") || bare.starts_with("___") || bare.starts_with("===");
        if bare.is_empty() {
            if text.trim().is_empty() {
                continue;
            }
            return;
        }
        if rule || (indent(line) <= indented && is_entry(line)) {
            return;
        }
        text.push(' ');
        text.push_str(bare);
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A line that begins with the next recipient.
fn is_entry(line: &str) -> bool {
    let line = line.trim_start();
    let Some(inside) = line.strip_prefix('<') else {
        return line.contains('@') && !line.trim_end().contains(' ');
    };
    inside.split_once('>').is_some_and(|(address, rest)| {
        let entry = rest.is_empty() || rest.starts_with(':') || rest.starts_with(" (expanded");
        entry && address.contains('@') && !address.contains(' ')
    })
}

/// The texts that follow one of the usual announcements.
fn reasons(notice: &Notice<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if notice.announced.is_empty() {
        return found;
    }
    for (i, line, lower) in notice.each() {
        let Some((at, words)) = notice.announced.iter().find_map(|w| Some((lower.find(w)?, w))) else {
            continue;
        };
        let mut text = line.get(at + words.len()..).unwrap_or_default().trim_start_matches(':').to_owned();
        follow(notice.after(i), indent(line), &mut text);
        found.push(text);
        if found.len() > 20 {
            break;
        }
    }
    found
}

/// True for a text with a reply code of an error in it.
fn has_reply(text: &str) -> bool {
    let mut words = text.split([' ', '\'', '(', '#', '<']).take(200);
    words.any(|word| {
        let code = word.get(..3).unwrap_or_default();
        let rest = word.get(3..).unwrap_or_default();
        code.starts_with(['4', '5'])
            && code.bytes().all(|b| b.is_ascii_digit())
            && (rest.is_empty() || rest.starts_with(['-', ':']))
    })
}

/// The command that the words name.
pub(super) fn stage(text: &str) -> Option<Stage> {
    let lower = text.to_ascii_lowercase();
    let speaks = ["in reply to", "after ", "refused to talk", "for rcpt to"];
    if !speaks.iter().any(|words| memmem::find(lower.as_bytes(), words.as_bytes()).is_some()) {
        return None;
    }
    let named: &[(&str, Stage)] = &[
        ("in reply to end of data", Stage::EndOfData),
        ("after end of data", Stage::EndOfData),
        ("after sending message", Stage::EndOfData),
        ("in reply to rcpt to", Stage::Rcpt),
        ("after rcpt to", Stage::Rcpt),
        ("for rcpt to command", Stage::Rcpt),
        ("in reply to mail from", Stage::Mail),
        ("after mail from", Stage::Mail),
        ("after pipelined mail from", Stage::Mail),
        ("after pipelined end of data", Stage::EndOfData),
        ("after pipelined data", Stage::Data),
        ("in reply to data", Stage::Data),
        ("after data", Stage::Data),
        ("in reply to ehlo", Stage::Ehlo),
        ("in reply to helo", Stage::Ehlo),
        ("after ehlo", Stage::Ehlo),
        ("after helo", Stage::Ehlo),
        ("after starttls", Stage::Starttls),
        ("in reply to starttls", Stage::Starttls),
        ("after initial connection", Stage::Greeting),
        ("refused to talk to me", Stage::Greeting),
        ("after auth", Stage::Auth),
    ];
    named.iter().find(|(words, _)| lower.contains(words)).map(|(_, stage)| *stage)
}

/// The reply in a transcript (`>>> DATA`, `<<< 550 …`) that says what the report says, with
/// all its lines, and the command that it answers.
fn in_transcript(lines: &[&str], wanted: &str) -> Option<(String, Option<Stage>)> {
    if wanted.len() < 4 {
        return None;
    }
    let mut last = None;
    for (i, line) in lines.iter().enumerate() {
        let line = line.trim_start();
        if let Some(command) = line.strip_prefix(">>> ") {
            last = command_stage(command);
        } else if let Some(reply) = line.strip_prefix("<<< ") {
            let told = words::letters(reply);
            if told.is_empty() || !(wanted.starts_with(&told) || told.starts_with(wanted)) {
                continue;
            }
            let mut whole = reply.to_owned();
            let code = reply.get(..3).unwrap_or_default();
            let goes_on = |reply: &str| reply.as_bytes().get(3) == Some(&b'-');
            let mut more = goes_on(reply);
            for line in lines.get(i + 1..).unwrap_or_default().iter().take(LONGEST) {
                let Some(reply) =
                    line.trim_start().strip_prefix("<<< ").filter(|r| more && r.starts_with(code))
                else {
                    break;
                };
                whole.push(' ');
                whole.push_str(reply);
                more = goes_on(reply);
            }
            return Some((whole, last));
        }
    }
    None
}

fn command_stage(command: &str) -> Option<Stage> {
    let verb = command.split([' ', ':', '\t']).next()?.to_ascii_uppercase();
    Some(match verb.as_str() {
        "EHLO" | "HELO" | "LHLO" => Stage::Ehlo,
        "STARTTLS" => Stage::Starttls,
        "AUTH" => Stage::Auth,
        "MAIL" => Stage::Mail,
        "RCPT" => Stage::Rcpt,
        "DATA" | "BDAT" => Stage::Data,
        "." => Stage::EndOfData,
        _ => return None,
    })
}

/// `host mx.example.net[192.0.2.1] said:`, `host mx.example.net [192.0.2.1]`,
/// `Remote Server at example.net (192.0.2.1) returned`.
pub(super) fn host(text: &str) -> (Option<String>, Option<IpAddr>) {
    let lower = text.to_ascii_lowercase();
    let found = ["host ", "connect to ", "server at ", "remote system: dns;"].iter().find_map(|words| {
        let at = lower.find(words)? + words.len();
        // "Client host" and the like are another's words about us.
        let before = lower.get(..at - words.len())?.trim_end();
        let begins =
            before.is_empty() || before.ends_with([':', '(', '>', ';']) || before.ends_with("remote");
        let rest: Vec<&str> = text.get(at..)?.split_whitespace().take(2).collect();
        begins.then(|| rest.join(" "))
    });
    let Some(found) = found else { return (None, None) };
    let (name, address) = words::host(&found);
    (name.filter(|name| name.contains('.')), address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOB: &str = "bob@example.net";

    fn said(notice: &str, diagnostic: &str) -> Said {
        about(&Notice::new(notice), BOB, diagnostic, true).unwrap()
    }

    #[test]
    fn the_words_after_the_address_are_found() {
        let exim = "The following address(es) failed:\n\n  bob@example.net\n    host mx.example.net [192.0.2.25]\n    \
                    SMTP error from remote mail server after RCPT TO:<bob@example.net>:\n    550 no mailbox\n\nbye\n";
        let told = said(exim, "550 no mailbox");
        assert_eq!(told.stage, Some(Stage::Rcpt));
        assert_eq!(
            (told.host.as_deref(), told.address),
            (Some("mx.example.net"), Some([192, 0, 2, 25].into()))
        );
        let sendmail = "   ----- The following addresses had permanent fatal errors -----\n<bob@example.net>\n    \
                        (reason: 552-5.7.0 blocked, its content presents a)\n\n   ----- Transcript of session follows -----\n\
                        ... while talking to mx.example.net.:\n>>> DATA\n<<< 552-5.7.0 blocked, its content presents a\n\
                        <<< 552 5.7.0 risk\n554 5.0.0 Service unavailable\n";
        let told = said(sendmail, "552 5.7.0 blocked, its content presents a");
        assert_eq!((told.stage, told.whole), (Some(Stage::Data), true));
        assert_eq!(told.text, "552 5.7.0 blocked, its content presents a risk");
    }

    #[test]
    fn announced_reasons_are_found() {
        let gateway = "Your message cannot be delivered to the following recipients:\n\n  Recipient address: bob@example.net\n  \
                       Reason: Over quota\n";
        assert_eq!(said(gateway, "").text, "Over quota");
        let google = "** Message not delivered **\n\nThere was a problem with bob@example.net.\n\n\
                      The response from the remote server was:\n550 5.2.1 disabled\n";
        assert_eq!(said(google, "").text, "550 5.2.1 disabled");
        let outlook = "Automatic.\n\nUnable to deliver to the following recipients, as the host is down.\n\n    bob@example.net\n";
        assert_eq!(
            said(outlook, "").text,
            "Unable to deliver to the following recipients, as the host is down."
        );
    }

    #[test]
    fn the_reply_behind_an_expiry_is_found() {
        let exchange = "bob@example.net\n1/2/2026 8:05:56 PM - Remote Server at example.net (192.0.2.3) returned '550 4.4.7 QUEUE.Expired; message expired'\n\
                        1/2/2026 7:58:27 PM - Remote Server at example.net (192.0.2.3) returned '451 4.7.1 greylisted'\n";
        let told = said(exchange, "550 4.4.7 QUEUE.Expired; message expired");
        assert!(told.cause);
        assert_eq!(told.text, "451 4.7.1 greylisted");
    }

    #[test]
    fn what_is_said_of_others_is_not_taken() {
        let two = "<bob@example.net>: 550 no such user\n<eve@example.net>: 552 full\n";
        assert_eq!(about(&Notice::new(two), BOB, "", false).unwrap().text, "550 no such user");
        assert_eq!(about(&Notice::new(two), "mallory@example.net", "", false).unwrap().text, "");
    }

    proptest! {
        #[test]
        fn nothing_panics(
            notice in "(bob@example\\.net|<|>|:|reason:|>>> DATA|<<< 550-|550|returned '|host |\\n|  | |é|x){0,60}",
            diagnostic in "(550 |5\\.1\\.1|x|é| 4\\.4\\.7 ){0,6}",
        ) {
            about(&Notice::new(&notice), BOB, &diagnostic, true);
        }
    }
}
