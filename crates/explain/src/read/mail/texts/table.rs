//! Notices of a simple shape, read by what [`formats`](super::formats) says of each: by which
//! words it is known, where its recipients stand and where the error.

use waxseal_model::MailEvent;

use super::notice::Notice;
use super::{address, blocks, formats::FORMATS, said};

/// A sign by which a format is known.
pub(super) enum Sign {
    /// Words at the beginning of the notice.
    Says(&'static str),
    /// Part of the From field, in lower case.
    From(&'static str),
    /// Part of the subject, in lower case.
    Subject(&'static str),
    /// Part of the X-Mailer field.
    Mailer(&'static str),
}

/// Where the recipients stand.
pub(super) enum Who {
    /// Behind one of these words, on the same line or the ones below.
    Label(&'static [&'static str]),
    /// On lines of their own.
    Alone,
    /// At the beginning of a line that goes on.
    Leading,
}

/// Where the error stands.
pub(super) enum What {
    /// Behind the recipient and on the lines below it.
    Tail,
    /// Behind one of these words and on the lines below them.
    Label(&'static [&'static str]),
    /// On the recipient's own line, which is a sentence.
    Line,
    /// In the paragraph above the recipient.
    Above,
    /// In a dialogue, somewhere in the notice.
    Dialogue,
    /// The whole notice.
    Everything,
}

/// A format.
pub(super) struct Format {
    /// Its name in events.
    pub(super) name: &'static str,
    /// All of them hold.
    pub(super) signs: &'static [Sign],
    /// Nothing above the line with these words counts.
    pub(super) below: Option<&'static str>,
    /// Where its recipients stand.
    pub(super) who: Who,
    /// The first that is there counts.
    pub(super) what: &'static [What],
    /// Words behind which the command stands that was refused.
    pub(super) command: Option<&'static str>,
}

/// The place of a format in the table, for a notice that has all its signs.
pub(super) fn recognise(notice: &Notice) -> Option<usize> {
    FORMATS.iter().position(|format| {
        format.signs.iter().all(|sign| match sign {
            Sign::Says(words) => notice.says(words),
            Sign::From(words) => notice.from.contains(words),
            Sign::Subject(words) => notice.subject.contains(words),
            Sign::Mailer(words) => notice.header("x-mailer").contains(words),
        })
    })
}

/// The name of the format at that place.
pub(super) fn name(place: usize) -> &'static str {
    FORMATS.get(place).map_or("", |format| format.name)
}

/// Reads a notice of the format at that place.
pub(super) fn read(notice: &Notice, place: usize) -> Vec<MailEvent> {
    let Some(format) = FORMATS.get(place) else { return Vec::new() };
    let skip = format.below.and_then(|words| notice.line_with(words)).unwrap_or(0);
    let lines = notice.lines.get(skip..).unwrap_or_default();
    let found = recipients(&format.who, lines);
    let ends = found.iter().skip(1).map(|found| found.line).chain([lines.len()]);
    let stage = format
        .command
        .and_then(|words| behind(&[words], lines))
        .and_then(|lines| said::stage_of(lines.first()?));
    let mut events = Vec::new();
    let first = skip + found.first().map_or(0, |found| found.line);
    let label = format.what.iter().find_map(|what| whole(what, notice, first));
    let shared = Shared { notice, label };
    for (here, end) in found.iter().zip(ends) {
        let mut event = notice.empty(here.recipient);
        let own = lines.get(here.line..end.max(here.line + 1)).unwrap_or_default();
        for what in format.what {
            tell(what, here, own, &shared, &mut event);
            if !event.text.is_empty() {
                break;
            }
        }
        error_code(&mut event);
        event.stage = event.stage.or(stage);
        events.push(event);
    }
    share(&found, &mut events);
    events
}

/// Recipients on lines that follow each other share what stands below the last of them.
fn share(found: &[Found], events: &mut [MailEvent]) {
    let mut below: Option<(usize, MailEvent)> = None;
    for (here, event) in found.iter().zip(events).rev() {
        if let Some((line, told)) = &below
            && event.text.is_empty()
            && here.line + 1 == *line
        {
            *event = MailEvent { recipient: event.recipient.take(), ..told.clone() };
        }
        below = Some((here.line, event.clone()));
    }
}

/// A recipient, its line and the words behind it.
struct Found<'a> {
    recipient: &'a str,
    line: usize,
    tail: &'a str,
}

fn recipients<'a>(who: &Who, lines: &[&'a str]) -> Vec<Found<'a>> {
    let mut all: Vec<Found> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if all.len() == blocks::MOST {
            break;
        }
        match who {
            Who::Alone => {
                all.extend(address::alone(line).map(|recipient| Found { recipient, line: at, tail: "" }));
            }
            Who::Leading => {
                let block = blocks::leading(&[line]).pop();
                all.extend(block.map(|block| Found {
                    recipient: block.recipient,
                    line: at,
                    tail: block.lines.first().copied().unwrap_or_default(),
                }));
            }
            Who::Label(labels) => {
                let Some(rest) = labels.iter().find_map(|label| Some(line.split_once(label)?.1)) else {
                    continue;
                };
                if let Some(recipient) = address::first(rest).or_else(|| address::angle(rest)) {
                    let tail = rest.split_once(recipient).map_or("", |(_, tail)| tail);
                    let tail = tail.trim_start_matches(['>', '\'', '"', '.', ':', ' ']);
                    all.push(Found { recipient, line: at, tail });
                } else if rest.trim().is_empty() {
                    let below =
                        lines.iter().enumerate().skip(at + 1).skip_while(|(_, line)| line.trim().is_empty());
                    let below = below.map_while(|(at, line)| Some((at, address::alone(line)?)));
                    all.extend(below.map(|(line, recipient)| Found { recipient, line, tail: "" }));
                }
            }
        }
    }
    all.dedup_by(|a, b| a.recipient == b.recipient && a.line == b.line);
    all
}

/// What all recipients of a notice have in common.
struct Shared<'a> {
    notice: &'a Notice<'a>,
    /// What stands behind a label somewhere, a dialogue, the paragraph above the recipients.
    label: Option<Vec<&'a str>>,
}

/// What a notice says once for all its recipients.
fn whole<'a>(what: &What, notice: &Notice<'a>, first: usize) -> Option<Vec<&'a str>> {
    match what {
        What::Label(labels) => behind(labels, &notice.lines),
        What::Dialogue => {
            let spoken = notice.lines.iter().copied().filter(|line| said::spoken(line).is_some());
            Some(spoken.take(400).collect())
        }
        What::Above => {
            let above = notice.lines.get(..first).unwrap_or_default();
            let mut lines: Vec<&str> = paragraph(above.iter().rev().copied(), true);
            lines.reverse();
            Some(lines)
        }
        _ => None,
    }
}

/// Puts into the event what stands at one place, if anything does.
fn tell(what: &What, here: &Found, own: &[&str], shared: &Shared, event: &mut MailEvent) {
    match what {
        What::Line => {
            let lines: Vec<&str> = own.iter().copied().take_while(|line| !line.trim().is_empty()).collect();
            said::interpret(&lines, event);
        }
        What::Tail => {
            let rest = own.iter().skip(1).copied();
            let mut lines: Vec<&str> = if here.tail.is_empty() { Vec::new() } else { vec![here.tail] };
            lines.extend(paragraph(rest, lines.is_empty()));
            said::interpret(&lines, event);
        }
        What::Label(labels) => {
            if let Some(lines) = behind(labels, own).as_ref().or(shared.label.as_ref()) {
                said::interpret(lines, event);
            }
        }
        What::Above => said::interpret(shared.label.as_deref().unwrap_or_default(), event),
        What::Dialogue => {
            if !said::dialogue(own, event) {
                said::dialogue(shared.label.as_deref().unwrap_or_default(), event);
            }
        }
        What::Everything => {
            let lines: Vec<&str> = shared.notice.lines.iter().copied().take(60).collect();
            said::interpret(&lines, event);
        }
    }
}

/// Lines up to a blank one or a dashed one.
fn paragraph<'a>(lines: impl Iterator<Item = &'a str>, skip_blank: bool) -> Vec<&'a str> {
    let mut all = Vec::new();
    for line in lines.take(200) {
        if line.trim().is_empty() {
            if all.is_empty() && skip_blank {
                continue;
            }
            break;
        }
        if line.trim_start().starts_with("---") {
            break;
        }
        all.push(line);
    }
    all
}

/// What stands behind one of the words and on the lines below.
fn behind<'a>(labels: &[&str], lines: &[&'a str]) -> Option<Vec<&'a str>> {
    for label in labels {
        let Some(at) = lines.iter().position(|line| line.contains(label)) else { continue };
        let (before, rest) = lines.get(at)?.split_once(label)?;
        // `Body of message generated response:` names the command before it.
        let whole = label.ends_with("response:") && !before.is_empty();
        let rest = if whole { *lines.get(at)? } else { rest.trim() };
        let mut all = if rest.is_empty() { Vec::new() } else { vec![rest] };
        all.extend(paragraph(lines.iter().skip(at + 1).copied(), all.is_empty()));
        if !all.is_empty() {
            return Some(all);
        }
    }
    None
}

/// Zoho's `ERROR_CODE :550, ERROR_CODE :5.1.1 …`.
fn error_code(event: &mut MailEvent) {
    if !event.text.contains("ERROR_CODE") && !event.text.contains("ERROR CODE") {
        return;
    }
    let bare = event.text.replace("ERROR_CODE :", "\n").replace("ERROR CODE :", "\n");
    for piece in bare.split('\n').skip(1) {
        let (reply, status) = said::codes(piece);
        event.reply = event.reply.or(reply);
        event.status = event.status.or(status);
    }
}
