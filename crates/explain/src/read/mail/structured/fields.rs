//! The fields of a delivery report (RFC 3464 section 2): some about the message, then a
//! group for each recipient.

/// So many recipients of one report are read.
const MOST_GROUPS: usize = 10_000;
/// A value is not longer than this, in bytes.
const LONGEST_VALUE: usize = 16 * 1024;

/// A group of fields: names in lower case, values unfolded.
#[derive(Debug, Default, Clone)]
pub(super) struct Group(Vec<(String, String)>);

impl Group {
    /// The first value of that name (lower case) that is one, or an empty text.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, value)| n == name && !value.is_empty()).map_or("", |(_, v)| v.as_str())
    }

    /// The value of the first field whose name ends so: `-queue-id`, whatever program wrote
    /// it.
    pub(super) fn get_ending(&self, end: &str) -> &str {
        self.0.iter().find(|(n, _)| n.ends_with(end)).map_or("", |(_, v)| v.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    fn names_recipient(&self) -> bool {
        self.has("final-recipient") || self.has("original-recipient") || self.has("x-actual-recipient")
    }
}

/// What a report says.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// About the message.
    pub(super) message: Group,
    /// About each recipient.
    pub(super) recipients: Vec<Group>,
}

/// Reads a report, also one whose groups are not separated by blank lines, or with blank
/// lines within them.
pub(super) fn parse(text: &str) -> Report {
    let mut report = Report::default();
    let mut group = Group::default();
    for line in text.lines() {
        if line.starts_with("--") || is_other_header(line) {
            break;
        }
        if report.recipients.len() >= MOST_GROUPS {
            break;
        }
        if line.trim().is_empty() {
            close(&mut report, &mut group);
        } else if let Some((name, value)) = field(line) {
            let opens = ["final-recipient", "original-recipient", "action"];
            if opens.contains(&name.as_str()) && group.has(&name) {
                close(&mut report, &mut group);
            }
            group.0.push((name, value.to_owned()));
        } else if let Some((_, value)) = group.0.last_mut()
            && value.len() < LONGEST_VALUE
        {
            // Folded, or broken by a program that forgot to indent.
            if !value.is_empty() {
                value.push(' ');
            }
            value.push_str(line.trim());
        }
    }
    close(&mut report, &mut group);
    report
}

/// A header of a message, which no report has.
fn is_other_header(line: &str) -> bool {
    ["Received:", "Return-Path:", "Content-Type:", "DKIM-Signature:"]
        .iter()
        .any(|name| line.get(..name.len()).is_some_and(|l| l.eq_ignore_ascii_case(name)))
}

fn field(line: &str) -> Option<(String, &str)> {
    if line.starts_with([' ', '\t']) {
        return None;
    }
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let good = !name.is_empty()
        && name.len() < 60
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    good.then(|| (name.to_ascii_lowercase(), value.trim()))
}

/// Files a group where it belongs: what names no recipient is about the message, or goes on
/// with the recipient before it.
fn close(report: &mut Report, group: &mut Group) {
    let mut group = std::mem::take(group);
    if group.0.is_empty() {
        return;
    }
    if !group.names_recipient() {
        let target = report.recipients.last_mut().unwrap_or(&mut report.message);
        target.0.append(&mut group.0);
        return;
    }
    let about_message = |name: &str| {
        matches!(
            name,
            "reporting-mta"
                | "reporting-ua"
                | "arrival-date"
                | "received-from-mta"
                | "dsn-gateway"
                | "original-envelope-id"
        ) || name.ends_with("-queue-id")
            || name.ends_with("-sender")
    };
    let (message, recipient): (Vec<_>, Vec<_>) = group.0.into_iter().partition(|(n, _)| about_message(n));
    report.message.0.extend(message);
    report.recipients.push(Group(recipient));
}

/// The fields of a report that stand in the middle of a text: a gateway took the mail's
/// parts together, or a program quotes its own report.
pub(super) fn in_prose(text: &str) -> Option<&str> {
    let is = |line: &str, names: &[&str]| {
        let name = line.split(':').next().filter(|name| name.len() < line.len()).unwrap_or_default();
        names.iter().any(|n| n.eq_ignore_ascii_case(name))
    };
    let starts = ["reporting-mta", "original-envelope-id", "final-recipient"];
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if start.is_none() && is(line, &starts) {
            start = Some(at);
        }
        if start.is_some() && is(line, &["final-recipient"]) {
            return text.get(start?..);
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_told_apart_with_and_without_blank_lines() {
        let spaced = "Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; a@example.net\nAction: failed\n\n\
                      Diagnostic-Code: smtp; 550 no\n  such\nuser\n\nFinal-Recipient: rfc822; b@example.net\nAction: delayed\n";
        let glued = spaced.replace("\n\n", "\n");
        for text in [spaced, &glued] {
            let report = parse(text);
            assert_eq!(report.message.get("reporting-mta"), "dns; mx.example.com", "{text}");
            let of = |name| report.recipients.iter().map(|g| g.get(name)).collect::<Vec<_>>();
            assert_eq!(of("final-recipient"), ["rfc822; a@example.net", "rfc822; b@example.net"]);
            assert_eq!(of("action"), ["failed", "delayed"]);
            assert_eq!(of("diagnostic-code"), ["smtp; 550 no such user", ""]);
        }
    }

    #[test]
    fn fields_that_come_first_in_a_group_open_it() {
        let report = parse(
            "Action: failed\nFinal-Recipient: rfc822; a@example.net\nAction: failed\nFinal-Recipient: rfc822; b@example.net\n",
        );
        assert_eq!(report.recipients.len(), 2);
        let quoted = parse(
            "Final-Recipient: rfc822; a@example.net\nReturn-Path: <x@example.com>\nFinal-Recipient: rfc822; c@example.net\n",
        );
        assert_eq!(quoted.recipients.len(), 1);
    }

    #[test]
    fn a_report_in_a_text_needs_a_recipient() {
        let text = "Sorry.\n\nReporting-mta: dns; mx\n\nFinal-recipient: rfc822; a@example.net\n";
        assert!(in_prose(text).unwrap().starts_with("Reporting-mta"));
        assert_eq!(in_prose("Reporting-MTA: dns; mx\n\nSorry.\n"), None);
        assert_eq!(in_prose(""), None);
    }
}
