//! One target in a few lines: the letter, the sentence why, who is exposed, what to paste.

use waxseal_model::{
    Letter, Report,
    sender::{Outcome, SenderView},
};

use super::{TextOptions, fixes, group, header};
use crate::{
    page::{Page, width},
    style::Role,
};

/// Column in which the texts begin.
const COLUMN: usize = 12;
/// Column of what is to be copied.
const PASTE: usize = 4;

/// The story of one target. Every line ends with a line feed.
pub fn story(report: &Report, options: &TextOptions) -> String {
    let mut page = Page::new(options.style);
    header::title(&mut page, report);
    page.paragraph(0, Role::Plain, &report.grade.summary);
    for (label, role, text) in exposed(&report.senders) {
        debug_assert!(width(label) < COLUMN, "{label}");
        page.entry(&[(role, label)], COLUMN, Role::Plain, &text);
    }
    let groups = group::groups(report);
    let first = fixes::choose(&groups);
    let graded_down = report.grade.letter.is_none_or(|l| l > Letter::APlus);
    if let Some(fix) = first.first().filter(|_| graded_down) {
        page.entry(&[(Role::Strong, "Do")], COLUMN, Role::Plain, &group::title(report, fix));
        page.advice(PASTE, &fix.head.fix);
        fixes::test(&mut page, report, PASTE, fix);
    }
    page.finish()
}

/// Who is exposed, in lines of senders with the same fate.
fn exposed(senders: &[SenderView]) -> Vec<(&'static str, Role, String)> {
    let named = |what: &dyn Fn(&SenderView) -> bool| -> Vec<&str> {
        senders.iter().filter(|s| what(s)).map(|s| s.title.as_str()).collect()
    };
    let refused = |s: &SenderView| matches!(s.outcome, Outcome::Deferred | Outcome::Bounced);
    let safe = |s: &SenderView| {
        !refused(s)
            && !s.read_under_attack
            && !matches!(s.under_attack, Outcome::Clear | Outcome::Undetermined)
            && s.outcome != Outcome::Clear
    };
    let lines: [(&'static str, Role, Vec<&str>); 4] = [
        ("In clear", Role::Worst, named(&|s| s.outcome == Outcome::Clear)),
        ("Refused by", Role::Bad, named(&refused)),
        (
            "Exposed",
            Role::Warning,
            named(&|s| s.outcome != Outcome::Clear && !refused(s) && s.read_under_attack),
        ),
        ("Safe", Role::Good, named(&safe)),
    ];
    let all = senders.len();
    let words = |label: &str, who: &[&str]| {
        let who = if who.len() == all { "every sender".to_owned() } else { who.join("; ") };
        match label {
            "Exposed" => format!("{who}: an attacker on the path can read the mail"),
            "Safe" => format!("{who}, also with an attacker on the path"),
            _ => who,
        }
    };
    lines
        .into_iter()
        .filter(|(_, _, who)| !who.is_empty())
        .map(|(label, role, who)| (label, role, words(label, &who)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(title: &str, outcome: Outcome, under_attack: Outcome, read: bool) -> SenderView {
        SenderView {
            sender: title.to_lowercase(),
            title: title.into(),
            outcome,
            under_attack,
            read_under_attack: read,
            reply: None,
            why: String::new(),
            attacks: Vec::new(),
        }
    }

    #[test]
    fn every_sender_stands_in_one_line_and_what_is_not_known_in_none() {
        use Outcome::{Authenticated, Clear, Deferred, Encrypted, Undetermined};
        let senders = [
            view("Gmail", Encrypted, Clear, true),
            view("Postfix, dane", Authenticated, Deferred, false),
            view("Gateway", Deferred, Deferred, false),
            view("Appliance", Clear, Clear, true),
            view("Yahoo", Undetermined, Undetermined, false),
        ];
        let lines: Vec<(&str, String)> = exposed(&senders).into_iter().map(|(l, _, t)| (l, t)).collect();
        assert_eq!(
            lines,
            [
                ("In clear", "Appliance".to_owned()),
                ("Refused by", "Gateway".to_owned()),
                ("Exposed", "Gmail: an attacker on the path can read the mail".to_owned()),
                ("Safe", "Postfix, dane, also with an attacker on the path".to_owned()),
            ]
        );
    }

    #[test]
    fn a_fate_that_all_share_names_nobody() {
        let senders = [view("Gmail", Outcome::Deferred, Outcome::Deferred, false)];
        assert_eq!(exposed(&senders)[0].2, "every sender");
    }
}
