//! What the human-readable part of a report adds about one recipient: the whole reply, the
//! command it answered, the host.

use std::net::IpAddr;

use waxseal_model::mail::Stage;

use super::words;

/// So many lines of a notice are looked at.
const MOST_LINES: usize = 4000;
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
];

/// What the notice says about a recipient.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// On one line.
    pub(super) text: String,
    /// The command that was answered.
    pub(super) stage: Option<Stage>,
    /// Who answered.
    pub(super) host: Option<String>,
    /// Its address.
    pub(super) address: Option<IpAddr>,
}

/// Finds what a notice says about the recipient, given what its machine-readable part says.
pub(super) fn about(notice: &str, recipient: &str, diagnostic: &str) -> Option<Said> {
    let lines: Vec<&str> = notice.lines().take(MOST_LINES).collect();
    let wanted = squeezed(diagnostic);
    let found = paragraphs(&lines, recipient);
    let reasons = reasons(&lines);
    let all = || found.iter().chain(&reasons).filter(|text| !text.is_empty());
    let quoting = all().find(|text| wanted.len() > 8 && squeezed(text).contains(&wanted));
    let replying = || all().find(|text| has_reply(text));
    let text = quoting.or_else(replying).or_else(|| all().next())?;
    let mut said = Said { text: words::one_line(text), ..Said::default() };
    said.stage = stage(text).or_else(|| transcript_stage(&lines, &wanted));
    (said.host, said.address) = host(text);
    Some(said)
}

/// The texts that follow the recipient's address: on the same line, on the lines below it.
fn paragraphs(lines: &[&str], recipient: &str) -> Vec<String> {
    let mut found = Vec::new();
    if recipient.is_empty() {
        return found;
    }
    let recipient = recipient.to_ascii_lowercase();
    for (i, line) in lines.iter().enumerate() {
        let Some(at) = line.to_ascii_lowercase().find(&recipient) else { continue };
        let before = line.get(..at).unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric());
        let after = line.get(at + recipient.len()..).unwrap_or_default();
        let after = after.trim_start_matches(['>', ')', ']', '"', '\'']);
        // In the middle of a sentence the address belongs to what is said.
        if !before.is_empty() && !before.eq_ignore_ascii_case("to") && !before.ends_with(':') {
            continue;
        }
        let rest = after.trim_start_matches([':', ';', '-', ' ', '\t']);
        let mut text = rest.to_owned();
        follow(lines.get(i + 1..).unwrap_or_default(), &mut text);
        found.push(text);
        if found.len() > 20 {
            break;
        }
    }
    found
}

/// Adds the lines up to the next blank line, rule or address; where nothing was said yet,
/// blank lines at first are passed over.
fn follow(lines: &[&str], text: &mut String) {
    for line in lines.iter().take(LONGEST) {
        let bare = line.trim();
        let rule = bare.starts_with("---") || bare.starts_with("___") || bare.starts_with("===");
        if bare.is_empty() {
            if text.trim().is_empty() {
                continue;
            }
            return;
        }
        if rule || (is_entry(line) && !text.trim().is_empty()) {
            return;
        }
        text.push(' ');
        text.push_str(bare);
    }
}

/// A line that begins with the next recipient.
fn is_entry(line: &str) -> bool {
    let line = line.trim_start();
    let Some(inside) = line.strip_prefix('<') else { return false };
    inside.split_once('>').is_some_and(|(address, _)| address.contains('@') && !address.contains(' '))
        && line.contains(">:")
}

/// The texts that follow one of the usual announcements.
fn reasons(lines: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let lower = line.to_ascii_lowercase();
        let Some((at, words)) = BEFORE_REASON.iter().find_map(|w| Some((lower.find(w)?, w))) else {
            continue;
        };
        let mut text = line.get(at + words.len()..).unwrap_or_default().trim_start_matches(':').to_owned();
        follow(lines.get(i + 1..).unwrap_or_default(), &mut text);
        found.push(text);
        if found.len() > 20 {
            break;
        }
    }
    found
}

/// Letters and digits alone: line breaks and folds do not matter.
fn squeezed(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).take(2000).collect()
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
    let lower = words::one_line(text).to_ascii_lowercase();
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

/// The command in a transcript (`>>> DATA`, `<<< 550 …`) that the wanted reply follows.
fn transcript_stage(lines: &[&str], wanted: &str) -> Option<Stage> {
    if wanted.len() < 4 {
        return None;
    }
    let mut last = None;
    for line in lines {
        let line = line.trim_start();
        if let Some(command) = line.strip_prefix(">>> ") {
            last = command_stage(command);
        } else if let Some(reply) = line.strip_prefix("<<< ") {
            let reply = squeezed(reply);
            if !reply.is_empty() && (wanted.starts_with(&reply) || reply.starts_with(wanted)) {
                return last;
            }
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
fn host(text: &str) -> (Option<String>, Option<IpAddr>) {
    let lower = text.to_ascii_lowercase();
    let found = ["host ", "connect to ", "server at ", "remote system: dns;"].iter().find_map(|words| {
        let at = lower.find(words)? + words.len();
        let begins = lower.get(..at - words.len())?.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let rest: Vec<&str> = text.get(at..)?.split_whitespace().take(2).collect();
        begins.then(|| rest.join(" "))
    });
    let Some(found) = found else { return (None, None) };
    let (name, address) = words::host(&found);
    (name.filter(|name| name.contains('.')), address)
}
