//! One sender's verdict on a target, and the list of senders.

use waxseal_model::{
    Report,
    sender::{AttackView, Outcome, SenderView},
};

use crate::{
    page::Page,
    style::{Role, Style},
    table::{Row, Table},
    text::senders::look,
};

/// A line in the list of senders: words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderLine<'a> {
    /// `gmail`.
    pub id: &'a str,
    /// `Gmail`.
    pub title: &'a str,
    /// `yes`, `no`, `not known`.
    pub dane: &'a str,
    /// `yes`, `no`, `not known`.
    pub mta_sts: &'a str,
    /// What it demands of every domain.
    pub rule: &'a str,
}

/// The list of senders.
pub fn list(senders: &[SenderLine<'_>], style: &Style) -> String {
    let mut page = Page::new(*style);
    let titles = vec!["id", "sender", "DANE", "MTA-STS", "of every domain"];
    let mut table = Table { titles, wraps: vec![false, true, true, true, true], ..Table::default() };
    for s in senders {
        let cell = |text: &str| (Role::Plain, text.to_owned());
        table.rows.push(Row::Cells(vec![
            (Role::Command, s.id.to_owned()),
            cell(s.title),
            cell(s.dane),
            cell(s.mta_sts),
            cell(s.rule),
        ]));
    }
    table.write(&mut page);
    page.blank();
    let more = "One with its sources: waxseal senders ID. Its view of a domain: waxseal check DOMAIN --as ID";
    page.paragraph(0, Role::Faint, more);
    page.finish()
}

/// What one sender makes of a target, in front of its page; none says that other mail
/// servers do not deliver there. With `attacks` each attack is told too.
pub fn verdict(
    report: &Report,
    title: &str,
    view: Option<&SenderView>,
    attacks: bool,
    style: &Style,
) -> String {
    let mut page = Page::new(*style);
    let target = &report.target;
    let Some(view) = view else {
        let text = format!("{title}: other mail servers do not deliver to {target}, it is for submission.");
        page.paragraph(0, Role::Notice, &text);
        return page.finish();
    };
    let (role, words) = match view.outcome {
        Outcome::Authenticated => (Role::Good, "delivers over TLS to a server that proves who it is"),
        Outcome::Encrypted => (Role::Good, "delivers over TLS, without knowing the server"),
        Outcome::Clear => (Role::Worst, "delivers in clear"),
        Outcome::Deferred => (Role::Bad, "does not deliver: it keeps the mail and tries again"),
        Outcome::Bounced => (Role::Bad, "does not deliver: it returns the mail at once"),
        Outcome::Undetermined => (Role::Notice, "could not be determined"),
    };
    page.paragraph(0, role, &format!("{title} to {target} today: {words}."));
    page.paragraph(2, Role::Plain, &view.why);
    let refuses = matches!(view.outcome, Outcome::Deferred | Outcome::Bounced);
    let reply = |page: &mut Page, reply: &Option<String>| {
        if let Some(reply) = reply {
            page.paragraph(2, Role::Plain, &format!("Its reply: {reply}"));
        }
    };
    if refuses {
        reply(&mut page, &view.reply);
    }
    let (role, words) = look(view.under_attack, view.read_under_attack);
    page.paragraph(0, role, &format!("With an attacker on the path: {words}."));
    let worst =
        |a: &&AttackView| (a.outcome, a.read_by_attacker) == (view.under_attack, view.read_under_attack);
    let shown = if attacks { view.attacks.as_slice() } else { &[] };
    for attack in shown.iter().chain(view.attacks.iter().find(worst).filter(|_| !attacks)) {
        let (role, words) = look(attack.outcome, attack.read_by_attacker);
        let text = format!("{words} where an attacker {}: {}.", attack.attack.words(), attack.why);
        page.paragraph(2, role, &text);
        if !refuses {
            reply(&mut page, &attack.reply);
        }
    }
    page.finish()
}
