//! The knowledge as a book to look things up in: `4.7.29`, `550`, `starttls_missing`,
//! `google.tls-required`, `gmail`, `spamhaus`. Data alone; others choose the layout.

use waxseal_model::{MailEvent, diagnosis::Fix, mail::EnhancedStatus};

pub use waxseal_model::reference::{
    BlocklistEntry, CauseBrief, CauseEntry, Entry, FamilyEntry, Meaning, ProviderEntry, ReplyEntry,
    RuleBrief, RuleEntry, StatusEntry,
};

use crate::{
    engine::templates,
    rules::{self, Blocklist, Cause, FixText, Provider, ProviderKind, Rule},
};

/// Looks a word up: a code, or the name of a cause, family, rule, provider or blocklist.
/// Nothing is found for other words.
pub fn lookup(word: &str) -> Option<Entry> {
    let word = word.trim().to_ascii_lowercase();
    if word.is_empty() {
        return None;
    }
    if let Some(status) = EnhancedStatus::parse(&word.replacen('x', "5", 1)) {
        return status_entry(&word, status).map(Entry::Status);
    }
    if let Ok(code) = word.parse() {
        return reply_entry(code).map(Entry::Reply);
    }
    let cause = || rules::cause(&word).map(|cause| Entry::Cause(cause_entry(cause)));
    let family = || rules::families().iter().find(|f| f.id == word).map(|f| Entry::Family(family_entry(f)));
    let rule = || rules::rule(&word).map(|rule| Entry::Rule(rule_entry(rule)));
    let provider = || provider_named(&word).map(|provider| Entry::Provider(provider_entry(provider)));
    let list = || blocklist_named(&word).map(|list| Entry::Blocklist(blocklist_entry(list)));
    cause().or_else(family).or_else(rule).or_else(provider).or_else(list)
}

/// All families with their causes.
pub fn list() -> Vec<FamilyEntry> {
    rules::families().iter().map(family_entry).collect()
}

/// Names that are much like a word for which nothing was found, the likest first.
pub fn suggestions(word: &str) -> Vec<&'static str> {
    let word = word.trim().to_ascii_lowercase();
    let names = rules::causes().iter().map(|c| c.id).chain(rules::families().iter().map(|f| f.id));
    let names =
        names.chain(rules::providers().iter().map(|p| p.id)).chain(rules::rules().iter().map(|r| r.id));
    let pieces: Vec<&str> = word.split(['_', '-', '.', ' ']).filter(|piece| piece.len() > 2).collect();
    let mut found: Vec<(usize, &str)> = names
        .map(|name| (pieces.iter().filter(|piece| name.contains(**piece)).count(), name))
        .filter(|(common, _)| *common > 0)
        .collect();
    found.sort_by_key(|(common, _)| std::cmp::Reverse(*common));
    found.into_iter().map(|(_, name)| name).take(5).collect()
}

fn status_entry(word: &str, status: EnhancedStatus) -> Option<StatusEntry> {
    let code = rules::status_code(status);
    let any_class = word.starts_with('x');
    let same = |s: &EnhancedStatus| {
        (s.subject, s.detail) == (status.subject, status.detail) && (any_class || s.class == status.class)
    };
    let rules: Vec<RuleBrief> = named(|rule| rule.status.iter().any(same));
    let registered = code.map(|code| Meaning {
        name: code.name,
        stages: Vec::new(),
        meaning: code.meaning,
        cause: brief(code.cause),
        source: code.source,
    });
    let known = registered.is_some() || !rules.is_empty();
    known.then(|| StatusEntry { code: word.to_owned(), registered, note: code.and_then(|c| c.note), rules })
}

fn reply_entry(code: u16) -> Option<ReplyEntry> {
    let meanings: Vec<Meaning> = rules::reply_codes()
        .iter()
        .filter(|reply| reply.code == code)
        .map(|reply| Meaning {
            name: "",
            stages: reply.stages.iter().map(|stage| stage.label()).collect(),
            meaning: reply.meaning,
            cause: brief(reply.cause),
            source: reply.source,
        })
        .collect();
    let rules = named(|rule| rule.reply.contains(&code));
    (!meanings.is_empty() || !rules.is_empty()).then_some(ReplyEntry { code, meanings, rules })
}

fn named(fits: impl Fn(&Rule) -> bool) -> Vec<RuleBrief> {
    rules::rules().iter().filter(|rule| fits(rule)).map(rule_brief).collect()
}

fn cause_entry(cause: &'static Cause) -> CauseEntry {
    let codes = rules::status_codes().iter().filter(|code| code.cause.id == cause.id);
    let family = rules::families().iter().find(|family| family.id == cause.family);
    let nothing = MailEvent::default();
    CauseEntry {
        cause: cause.id,
        family: cause.family,
        family_title: family.map_or("", |family| family.title),
        summary: cause.summary,
        side: cause.who.side(),
        who: cause.who,
        retry: cause.retry,
        scope: cause.scope,
        fix: fixes(cause.fix),
        next: templates::next(&nothing, cause.next),
        statuses: codes.map(|code| format!("X.{}.{}", code.subject, code.detail)).collect(),
        rules: named(|rule| rule.cause.id == cause.id),
    }
}

fn fixes(fixes: &[FixText]) -> Vec<Fix> {
    fixes.iter().map(|fix| templates::fill(&MailEvent::default(), fix)).collect()
}

fn brief(cause: &'static Cause) -> CauseBrief {
    CauseBrief { cause: cause.id, summary: cause.summary }
}

fn family_entry(family: &rules::Family) -> FamilyEntry {
    let causes = rules::causes().iter().filter(|cause| cause.family == family.id).map(brief).collect();
    FamilyEntry { family: family.id, title: family.title, causes }
}

fn rule_brief(rule: &Rule) -> RuleBrief {
    RuleBrief {
        rule: rule.id,
        provider: rule.provider.title,
        cause: CauseBrief { cause: rule.cause.id, summary: rule.summary.unwrap_or(rule.cause.summary) },
        meaning: rule.meaning,
        example: rule.example,
        source: rule.source,
    }
}

fn rule_entry(rule: &Rule) -> RuleEntry {
    let mut fix = fixes(rule.fix);
    fix.extend(fixes(rule.cause.fix));
    RuleEntry {
        rule: rule.id,
        provider: rule.provider.title,
        cause: rule_brief(rule).cause,
        meaning: rule.meaning,
        who: rule.who.unwrap_or(rule.cause.who),
        retry: rule.retry.unwrap_or(rule.cause.retry),
        replies: rule.reply.to_vec(),
        statuses: rule.status.iter().map(ToString::to_string).collect(),
        stages: rule.stage.iter().map(|stage| stage.label()).collect(),
        text: rule.text,
        example: rule.example,
        example_is_made: rule.generated,
        fix,
        source: rule.source,
        verified: !rule.source.starts_with("not verified"),
    }
}

/// A provider by its name, by a word of its title, or by a label of its hosts.
fn provider_named(word: &str) -> Option<&'static Provider> {
    let all = rules::providers();
    let service = |provider: &&Provider| provider.kind != ProviderKind::Text;
    let titled = |provider: &&Provider| {
        let title = provider.title.to_ascii_lowercase();
        title.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').any(|w| w == word)
    };
    let hosted = |provider: &&Provider| {
        provider.hosts.iter().any(|host| *host == word || host.split('.').next() == Some(word))
    };
    let by_name = all.iter().find(|provider| provider.id == word);
    let by_title = || all.iter().filter(service).find(titled);
    by_name.or_else(by_title).or_else(|| all.iter().filter(service).find(hosted))
}

fn provider_entry(provider: &Provider) -> ProviderEntry {
    ProviderEntry {
        provider: provider.id,
        title: provider.title,
        hosts: provider.hosts.to_vec(),
        rules: named(|rule| rule.provider.id == provider.id),
    }
}

fn blocklist_named(word: &str) -> Option<&'static Blocklist> {
    rules::blocklists().iter().find(|list| list.name.eq_ignore_ascii_case(word) || list.zones.contains(&word))
}

fn blocklist_entry(list: &Blocklist) -> BlocklistEntry {
    BlocklistEntry {
        blocklist: list.name,
        zones: list.zones.to_vec(),
        alive: list.alive,
        lookup: list.lookup,
        note: list.note,
        source: list.source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_with_what_the_registry_and_what_providers_say() {
        let Some(Entry::Status(entry)) = lookup("4.7.29") else { panic!("not found") };
        assert!(entry.registered.unwrap().name.contains("ARC"));
        assert!(entry.note.unwrap().contains("Gmail"));
        assert!(entry.rules.iter().any(|rule| rule.cause.cause == "tls_required"));
        let Some(Entry::Status(entry)) = lookup("X.7.29") else { panic!("not found") };
        assert!(entry.rules.len() > 1);
    }

    #[test]
    fn a_reply_code_says_something_else_at_each_moment() {
        let Some(Entry::Reply(entry)) = lookup("550") else { panic!("not found") };
        assert!(entry.meanings.len() > 3);
        assert!(entry.meanings.iter().any(|m| m.stages == ["RCPT TO"] && m.cause.cause == "user_unknown"));
        assert_eq!(lookup("777"), None);
        assert_eq!(lookup(" "), None);
    }

    #[test]
    fn names_are_found() {
        assert!(matches!(lookup("starttls_missing"), Some(Entry::Cause(entry)) if !entry.rules.is_empty()));
        assert!(matches!(lookup("google.tls-required"), Some(Entry::Rule(entry)) if entry.verified));
        assert!(matches!(lookup("tls"), Some(Entry::Family(entry)) if entry.causes.len() > 5));
        for word in ["gmail", "google", "gmail.com", "Exchange", "postfix", "yahoo"] {
            let entry = lookup(word);
            assert!(matches!(entry, Some(Entry::Provider(ref p)) if p.rules.len() > 5), "{word}: {entry:?}");
        }
        assert!(matches!(lookup("dnsbl.sorbs.net"), Some(Entry::Blocklist(entry)) if !entry.alive));
        assert_eq!(lookup("no such thing"), None);
    }

    #[test]
    fn what_is_not_found_has_neighbours() {
        assert_eq!(suggestions("starttls").first().copied(), Some("starttls_missing"));
        assert!(suggestions("qqqq").is_empty());
    }

    #[test]
    fn the_list_has_every_cause_once() {
        let all: usize = list().iter().map(|family| family.causes.len()).sum();
        assert_eq!(all, rules::causes().len());
        assert_eq!(list().len(), 16);
    }
}
