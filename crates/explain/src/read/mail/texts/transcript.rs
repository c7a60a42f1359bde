//! The transcript in a notice of sendmail: what it said, what it was told, and what it made of
//! that.

use std::collections::{HashMap, HashSet};

use super::{address, blocks, said};

/// So many lines of one reply are kept.
const MOST_LINES: usize = 40;
/// So many answers are searched for words that no recipient stands beside.
const MOST_SEARCHED: usize = 100;

/// One answer in the transcript.
pub(super) struct Answer<'a> {
    /// The host that sendmail talked to.
    pub(super) host: Option<&'a str>,
    /// The command it had sent.
    pub(super) command: Option<&'a str>,
    /// What the other server said; none where sendmail itself speaks.
    pub(super) replies: Vec<&'a str>,
    /// What sendmail made of it, and for whom.
    pub(super) verdict: &'a str,
}

/// All answers, in order.
#[derive(Default)]
pub(super) struct Transcript<'a> {
    /// The answers.
    pub(super) answers: Vec<Answer<'a>>,
    /// Which of them name an address, in lower case.
    naming: HashMap<String, Vec<usize>>,
    /// Hosts and commands to which it was answered that nobody was left to send to.
    nobody: HashSet<(Option<&'a str>, Option<&'a str>)>,
}

impl<'a> Transcript<'a> {
    /// Reads the lines of a transcript.
    pub(super) fn new(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut transcript = Self { answers: answers(lines), ..Self::default() };
        for (at, answer) in transcript.answers.iter().enumerate() {
            let texts = answer.replies.iter().copied().chain([answer.verdict]);
            for found in texts.flat_map(address::all) {
                let places = transcript.naming.entry(found.to_ascii_lowercase()).or_default();
                if places.len() < 8 && places.last() != Some(&at) {
                    places.push(at);
                }
            }
            if answer.replies.iter().any(|reply| nobody_left(reply)) {
                transcript.nobody.insert((answer.host, answer.command));
            }
        }
        transcript
    }

    /// The answer that tells most about a recipient: the one that its reason quotes, one that
    /// names it, else the only refusal there is.
    pub(super) fn about(&self, recipient: &str, reason: &str) -> Option<&Answer<'a>> {
        // sendmail leaves the middle of a long reason out.
        let head = reason.split("...").next().unwrap_or_default();
        let quotes = |answer: &&Answer| {
            head.len() > 8
                && (answer.replies.iter().any(|r| r.starts_with(head)) || answer.verdict.contains(head))
        };
        let places = self.naming.get(&recipient.to_ascii_lowercase());
        let own = || places.into_iter().flatten().filter_map(|at| self.answers.get(*at));
        let found = own().find(quotes).or_else(|| self.answers.iter().take(MOST_SEARCHED).find(quotes));
        let found = found.or_else(|| own().next());
        found.or_else(|| self.refusal().filter(|_| head.is_empty()))
    }

    /// The first answer that refuses anything.
    pub(super) fn refusal(&self) -> Option<&Answer<'a>> {
        self.answers.iter().find(|answer| {
            answer.replies.iter().any(|r| said::leads_with_code(r)) || said::leads_with_code(answer.verdict)
        })
    }

    /// Whether the other side missed a recipient when it was given the same command.
    pub(super) fn left_nobody(&self, answer: &Answer) -> bool {
        self.nobody.contains(&(answer.host, answer.command))
    }
}

fn nobody_left(reply: &str) -> bool {
    let lower = reply.to_ascii_lowercase();
    lower.starts_with("503") || lower.contains("no valid recipients") || lower.contains("need rcpt")
}

/// The answers of a transcript, in order.
fn answers<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Answer<'a>> {
    let mut all: Vec<Answer> = Vec::new();
    let (mut host, mut command) = (None, None);
    let mut replies: Vec<&str> = Vec::new();
    for line in lines {
        let words = line.trim();
        let talking = words.trim_start_matches(['.', ' ']);
        let talking =
            talking.strip_prefix("while talking to ").or_else(|| talking.strip_prefix("While talking to "));
        // A reply that stands alone waits for the verdict on it.
        let waiting = all.last().is_some_and(|last| last.command == command && last.verdict.is_empty());
        if let Some(rest) = talking {
            host = rest.split_whitespace().next().map(|word| word.trim_end_matches([':', '.']));
            (command, replies) = (None, Vec::new());
        } else if let Some(said) = words.strip_prefix(">>>") {
            command = Some(said.trim());
            replies.clear();
        } else if let Some(said) = words.strip_prefix("<<<") {
            if replies.len() < MOST_LINES {
                replies.push(said.trim());
            }
            if waiting && replies.len() > 1 {
                all.pop();
            }
            all.push(Answer { host, command, replies: replies.clone(), verdict: "" });
        } else if !words.is_empty() {
            if waiting && !replies.is_empty() {
                all.pop();
            }
            all.push(Answer { host, command, replies: std::mem::take(&mut replies), verdict: words });
        }
        if all.len() == blocks::MOST {
            break;
        }
    }
    all
}
