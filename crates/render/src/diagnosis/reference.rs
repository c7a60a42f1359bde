//! What is known of a code, a cause, a rule or a provider: the book to look things up in.

use waxseal_model::{
    diagnosis::Fix,
    reference::{
        BlocklistEntry, CauseEntry, Entry, FamilyEntry, Meaning, ProviderEntry, ReplyEntry, RuleBrief,
        RuleEntry, StatusEntry,
    },
};

use super::{
    said,
    text::{COLUMN, label, one_fix},
};
use crate::{
    page::Page,
    style::{Role, Style},
};

/// Rules that are told of a code or a cause; the rest is counted.
const MOST_RULES: usize = 12;

/// All causes by family.
pub fn list(families: &[FamilyEntry], style: &Style) -> String {
    let mut page = Page::new(*style);
    for family in families {
        page.heading(family.title);
        causes(&mut page, family);
    }
    page.blank();
    page.paragraph(0, Role::Faint, "More of one: waxseal explain CAUSE; of a code: waxseal explain 4.7.29; of a provider: waxseal explain google");
    page.finish()
}

fn causes(page: &mut Page, family: &FamilyEntry) {
    let widest = family.causes.iter().map(|c| c.cause.len()).max().unwrap_or(0);
    for cause in &family.causes {
        page.entry(
            &[(Role::Plain, "  "), (Role::Command, cause.cause)],
            widest + 4,
            Role::Plain,
            cause.summary,
        );
    }
}

/// One entry.
pub fn entry(entry: &Entry, style: &Style) -> String {
    let mut page = Page::new(*style);
    match entry {
        Entry::Status(status) => of_status(&mut page, status),
        Entry::Reply(reply) => of_reply(&mut page, reply),
        Entry::Cause(cause) => of_cause(&mut page, cause),
        Entry::Family(family) => {
            page.line(&[(Role::Strong, family.title)]);
            causes(&mut page, family);
        }
        Entry::Rule(rule) => of_rule(&mut page, rule),
        Entry::Provider(provider) => of_provider(&mut page, provider),
        Entry::Blocklist(list) => of_blocklist(&mut page, list),
    }
    page.finish()
}

fn of_status(page: &mut Page, status: &StatusEntry) {
    match &status.registered {
        Some(meaning) => {
            page.paragraph(0, Role::Strong, &format!("{}  {}", status.code, meaning.name));
            of_meaning(page, meaning);
        }
        None => page.paragraph(0, Role::Strong, &format!("{}  not in the registry", status.code)),
    }
    if let Some(note) = status.note {
        page.blank();
        page.paragraph(0, Role::Plain, note);
    }
    rules(page, "Who uses it, and for what", &status.rules);
}

fn of_reply(page: &mut Page, reply: &ReplyEntry) {
    page.paragraph(0, Role::Strong, &reply.code.to_string());
    for meaning in &reply.meanings {
        page.blank();
        if !meaning.stages.is_empty() {
            page.paragraph(0, Role::Strong, &format!("As an answer to {}", meaning.stages.join(", ")));
        }
        of_meaning(page, meaning);
    }
    rules(page, "Who uses it, and for what", &reply.rules);
}

fn of_meaning(page: &mut Page, meaning: &Meaning) {
    page.paragraph(0, Role::Plain, meaning.meaning);
    label(page, "Mostly", &format!("{} ({})", meaning.cause.summary, meaning.cause.cause));
    label(page, "Source", meaning.source);
}

fn of_cause(page: &mut Page, cause: &CauseEntry) {
    page.line(&[(Role::Strong, cause.cause), (Role::Faint, &format!("  {}", cause.family_title))]);
    page.paragraph(0, Role::Plain, cause.summary);
    page.blank();
    label(page, "Who acts", said::who(cause.who));
    label(page, "Retry", said::retry(cause.retry));
    label(page, "Scope", said::scope(cause.scope));
    if !cause.statuses.is_empty() {
        label(page, "Codes", &cause.statuses.join(", "));
    }
    fixes(page, &cause.fix);
    if !cause.next.is_empty() {
        page.heading("Find out more");
        cause.next.iter().for_each(|command| page.verbatim(2, command));
    }
    rules(page, "How it is worded", &cause.rules);
}

fn of_rule(page: &mut Page, rule: &RuleEntry) {
    page.line(&[(Role::Strong, rule.rule), (Role::Faint, &format!("  {}", rule.provider))]);
    page.paragraph(0, Role::Plain, rule.cause.summary);
    if let Some(meaning) = rule.meaning {
        page.paragraph(0, Role::Plain, meaning);
    }
    page.blank();
    label(page, "Cause", rule.cause.cause);
    label(page, "Who acts", said::who(rule.who));
    label(page, "Retry", said::retry(rule.retry));
    let replies: Vec<String> = rule.replies.iter().map(u16::to_string).collect();
    for (name, values) in
        [("Replies", replies.join(", ")), ("Codes", rule.statuses.join(", ")), ("At", rule.stages.join(", "))]
    {
        if !values.is_empty() {
            label(page, name, &values);
        }
    }
    if let Some(text) = rule.text {
        label(page, "Words", text);
    }
    let made = if rule.example_is_made { " (made from the pattern)" } else { "" };
    label(page, "Example", &format!("{}{made}", rule.example));
    label(page, "Source", rule.source);
    fixes(page, &rule.fix);
}

fn of_provider(page: &mut Page, provider: &ProviderEntry) {
    page.line(&[(Role::Strong, provider.title)]);
    if !provider.hosts.is_empty() {
        label(page, "Hosts", &provider.hosts.join(", "));
    }
    for rule in &provider.rules {
        page.blank();
        of_brief(page, rule);
    }
}

fn of_blocklist(page: &mut Page, list: &BlocklistEntry) {
    page.line(&[(Role::Strong, list.blocklist)]);
    let state = match list.alive {
        true => "It answers.",
        false => "It is closed: a server that still asks it refuses mail for no reason.",
    };
    page.paragraph(0, Role::Plain, state);
    page.blank();
    label(page, "Zones", &list.zones.join(", "));
    for (name, text) in [("Look up", list.lookup), ("Note", list.note), ("Source", Some(list.source))] {
        if let Some(text) = text {
            label(page, name, text);
        }
    }
}

fn fixes(page: &mut Page, fixes: &[Fix]) {
    if !fixes.is_empty() {
        page.heading("Fix");
        fixes.iter().for_each(|fix| one_fix(page, fix));
    }
}

fn rules(page: &mut Page, title: &str, rules: &[RuleBrief]) {
    if rules.is_empty() {
        return;
    }
    page.heading(title);
    for (number, rule) in rules.iter().take(MOST_RULES).enumerate() {
        if number > 0 {
            page.blank();
        }
        of_brief(page, rule);
    }
    if rules.len() > MOST_RULES {
        page.blank();
        page.paragraph(2, Role::Faint, &format!("and {} more: --json", rules.len() - MOST_RULES));
    }
}

fn of_brief(page: &mut Page, rule: &RuleBrief) {
    page.line(&[
        (Role::Plain, "  "),
        (Role::Command, rule.rule),
        (Role::Faint, &format!("  {}", rule.provider)),
    ]);
    page.paragraph(4, Role::Plain, rule.meaning.unwrap_or(rule.cause.summary));
    page.entry(&[(Role::Plain, "    "), (Role::Faint, "example")], COLUMN, Role::Faint, rule.example);
    page.entry(&[(Role::Plain, "    "), (Role::Faint, "source")], COLUMN, Role::Faint, rule.source);
}
