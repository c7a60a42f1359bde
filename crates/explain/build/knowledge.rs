//! The files of `rules/` as they are written, and what must hold for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::Path,
};

use serde::Deserialize;

use crate::literals;

/// Everything in `rules/`.
#[derive(Default)]
pub(crate) struct Knowledge {
    pub(crate) families: Vec<Family>,
    pub(crate) causes: Vec<Cause>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) enhanced: Vec<Enhanced>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) dnsbls: Vec<Dnsbl>,
    pub(crate) confidence: Vec<Confidence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    pub(crate) id: String,
    pub(crate) title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cause {
    pub(crate) id: String,
    #[serde(skip)]
    pub(crate) family: String,
    pub(crate) summary: String,
    pub(crate) who: String,
    pub(crate) retry: String,
    pub(crate) scope: String,
    pub(crate) sisimai: String,
    pub(crate) next: Vec<String>,
    pub(crate) fix: Vec<Fix>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fix {
    pub(crate) at: String,
    pub(crate) text: String,
    pub(crate) paste: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    #[serde(default)]
    pub(crate) tokens: Vec<String>,
    #[serde(default)]
    pub(crate) formats: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) id: String,
    #[serde(skip)]
    pub(crate) file: String,
    #[serde(skip)]
    pub(crate) provider: String,
    pub(crate) cause: String,
    #[serde(default)]
    pub(crate) reply: Vec<u16>,
    #[serde(default)]
    pub(crate) enhanced: Vec<String>,
    #[serde(default)]
    pub(crate) stage: Vec<String>,
    #[serde(default)]
    pub(crate) not_stage: Vec<String>,
    pub(crate) text: Option<String>,
    pub(crate) unless: Option<String>,
    #[serde(default)]
    pub(crate) exact: bool,
    #[serde(default)]
    pub(crate) wrapper: bool,
    #[serde(default)]
    pub(crate) broad: bool,
    #[serde(default)]
    pub(crate) vague: bool,
    #[serde(default)]
    pub(crate) only_here: bool,
    #[serde(default)]
    pub(crate) no_reply: bool,
    #[serde(default)]
    pub(crate) beats: Vec<String>,
    pub(crate) who: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) meaning: Option<String>,
    #[serde(default)]
    pub(crate) fix: Vec<Fix>,
    pub(crate) sisimai: Option<String>,
    pub(crate) source: String,
    pub(crate) example: String,
    #[serde(default)]
    pub(crate) generated: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enhanced {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) classes: Vec<u8>,
    pub(crate) meaning: String,
    pub(crate) cause: String,
    #[serde(default)]
    pub(crate) vague: bool,
    pub(crate) sisimai: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) stage: Vec<String>,
    pub(crate) meaning: String,
    pub(crate) cause: String,
    pub(crate) sisimai: Option<String>,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dnsbl {
    pub(crate) name: String,
    pub(crate) zones: Vec<String>,
    pub(crate) alive: bool,
    pub(crate) lookup: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confidence {
    pub(crate) class: String,
    pub(crate) start: f64,
    pub(crate) right: u32,
    pub(crate) of: u32,
}

/// One file below `rules/`; which tables stand in it says what it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: Option<Family>,
    #[serde(default)]
    cause: Vec<Cause>,
    provider: Option<Provider>,
    #[serde(default)]
    rule: Vec<Rule>,
    #[serde(default)]
    enhanced: Vec<Enhanced>,
    #[serde(default)]
    reply: Vec<Reply>,
    #[serde(default)]
    dnsbl: Vec<Dnsbl>,
    #[serde(default)]
    confidence: Vec<Confidence>,
}

/// Reads all files, causes in the order of [`FAMILIES`], rules by file.
pub(crate) fn read(folder: &Path) -> Result<Knowledge, Box<dyn Error>> {
    let mut knowledge = Knowledge::default();
    let mut paths = Vec::new();
    for folder in [folder.to_owned(), folder.join("causes")] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let file: File = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        take(&mut knowledge, file, &path.display().to_string());
    }
    let order = |family: &str| FAMILIES.iter().position(|f| *f == family);
    knowledge.families.sort_by_key(|f| order(&f.id));
    knowledge.causes.sort_by_key(|c| order(&c.family));
    Ok(knowledge)
}

fn take(knowledge: &mut Knowledge, mut file: File, path: &str) {
    if let Some(family) = file.family {
        file.cause.iter_mut().for_each(|c| c.family.clone_from(&family.id));
        knowledge.families.push(family);
    }
    let provider = file.provider.as_ref().map(|p| p.id.clone()).unwrap_or_default();
    for rule in &mut file.rule {
        path.clone_into(&mut rule.file);
        rule.provider.clone_from(&provider);
    }
    knowledge.providers.extend(file.provider);
    knowledge.causes.extend(file.cause);
    knowledge.rules.extend(file.rule);
    knowledge.enhanced.extend(file.enhanced);
    knowledge.replies.extend(file.reply);
    knowledge.dnsbls.extend(file.dnsbl);
    knowledge.confidence.extend(file.confidence);
}

/// The families, in the order in which they are listed.
pub(crate) const FAMILIES: [&str; 16] = [
    "address",
    "mailbox",
    "domain_dns",
    "network",
    "tls",
    "login",
    "relay_permission",
    "sender_identity",
    "reputation",
    "rate",
    "content",
    "size",
    "protocol",
    "remote_fault",
    "loop_time",
    "info",
];

const WHO: [&str; 9] = [
    "sender_user",
    "sender_client",
    "sender_server",
    "sender_dns",
    "network",
    "recipient_server",
    "recipient_user",
    "security_filter",
    "nobody",
];
const RETRY: [&str; 6] = ["no", "later", "slower", "after_fix", "other_route", "not_applicable"];
const SCOPE: [&str; 7] =
    ["recipient", "recipient_domain", "sender", "sender_domain", "sender_address", "message", "session"];
const STAGE: [&str; 12] = [
    "dns",
    "connect",
    "greeting",
    "ehlo",
    "starttls",
    "tls",
    "auth",
    "mail",
    "rcpt",
    "data",
    "end_of_data",
    "quit",
];
const KIND: [&str; 3] = ["provider", "program", "text"];
const PLACEHOLDERS: [&str; 6] =
    ["recipient_domain", "sender_domain", "remote_host", "remote_address", "client_address", "text"];
const SISIMAI: [&str; 32] = [
    "authfailure",
    "badreputation",
    "blocked",
    "contenterror",
    "delivered",
    "emailtoolarge",
    "expired",
    "failedstarttls",
    "feedback",
    "filtered",
    "hasmoved",
    "hostunknown",
    "mailboxfull",
    "mailererror",
    "networkerror",
    "norelaying",
    "notaccept",
    "notcompliantrfc",
    "onhold",
    "policyviolation",
    "ratelimited",
    "rejected",
    "requireptr",
    "securityerror",
    "spamdetected",
    "suppressed",
    "suspend",
    "syntaxerror",
    "systemerror",
    "systemfull",
    "undefined",
    "userunknown",
];
const SISIMAI_TOO: [&str; 2] = ["vacation", "virusdetected"];

/// Everything that is wrong, one line each, by file and rule.
pub(crate) fn check(knowledge: &Knowledge) -> Vec<String> {
    let mut wrong = Wrong::default();
    check_causes(knowledge, &mut wrong);
    let causes: BTreeSet<&str> = knowledge.causes.iter().map(|c| c.id.as_str()).collect();
    let rules: BTreeSet<&str> = knowledge.rules.iter().map(|r| r.id.as_str()).collect();
    let mut seen = BTreeMap::new();
    for rule in &knowledge.rules {
        wrong.at = format!("{}: {}", rule.file, rule.id);
        if let Some(other) = seen.insert(&rule.id, &rule.file) {
            wrong.add(format!("the same id stands in {other}"));
        }
        check_rule(rule, &causes, &rules, &mut wrong);
    }
    for provider in &knowledge.providers {
        wrong.at = format!("provider {}", provider.id);
        wrong.one_of("kind", &provider.kind, &KIND);
    }
    for entry in &knowledge.enhanced {
        wrong.at = format!("enhanced status code {}", entry.code);
        wrong.one_of_set("cause", &entry.cause, &causes);
        entry.sisimai.iter().for_each(|s| wrong.sisimai(s));
    }
    for entry in &knowledge.replies {
        wrong.at = format!("reply code {} {:?}", entry.code, entry.stage);
        wrong.one_of_set("cause", &entry.cause, &causes);
        entry.stage.iter().for_each(|s| wrong.one_of("stage", s, &STAGE));
        entry.sisimai.iter().for_each(|s| wrong.sisimai(s));
    }
    wrong.found
}

fn check_causes(knowledge: &Knowledge, wrong: &mut Wrong) {
    for family in FAMILIES {
        wrong.at = format!("family {family}");
        if !knowledge.causes.iter().any(|c| c.family == family) {
            wrong.add("it has no cause".into());
        }
    }
    let mut seen = BTreeSet::new();
    for cause in &knowledge.causes {
        wrong.at = format!("cause {}", cause.id);
        if !seen.insert(&cause.id) {
            wrong.add("its id stands twice".into());
        }
        wrong.one_of("family", &cause.family, &FAMILIES);
        wrong.one_of("who", &cause.who, &WHO);
        wrong.one_of("retry", &cause.retry, &RETRY);
        wrong.one_of("scope", &cause.scope, &SCOPE);
        wrong.sisimai(&cause.sisimai);
        wrong.sentence("summary", &cause.summary);
        if cause.fix.is_empty() {
            wrong.add("it has no fix".into());
        }
        let templates = cause.next.iter().chain(cause.fix.iter().filter_map(|f| f.paste.as_ref()));
        templates.for_each(|t| wrong.placeholders(t));
    }
}

fn check_rule(rule: &Rule, causes: &BTreeSet<&str>, rules: &BTreeSet<&str>, wrong: &mut Wrong) {
    let slug = rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
    if !slug || !rule.id.starts_with(&format!("{}.", rule.provider)) {
        wrong.add(format!("its id is not '{}.' and a slug", rule.provider));
    }
    wrong.one_of_set("cause", &rule.cause, causes);
    rule.beats.iter().for_each(|id| wrong.one_of_set("beats", id, rules));
    rule.who.iter().for_each(|w| wrong.one_of("who", w, &WHO));
    rule.retry.iter().for_each(|r| wrong.one_of("retry", r, &RETRY));
    rule.scope.iter().for_each(|s| wrong.one_of("scope", s, &SCOPE));
    rule.stage.iter().chain(&rule.not_stage).for_each(|s| wrong.one_of("stage", s, &STAGE));
    rule.sisimai.iter().for_each(|s| wrong.sisimai(s));
    rule.summary.iter().for_each(|s| wrong.sentence("summary", s));
    rule.meaning.iter().for_each(|s| wrong.sentence("meaning", s));
    rule.fix.iter().filter_map(|f| f.paste.as_ref()).for_each(|t| wrong.placeholders(t));
    if rule.source.trim().is_empty() {
        wrong.add("it has no source".into());
    }
    if rule.example.trim().is_empty() {
        wrong.add("it has no example".into());
    }
    for code in &rule.enhanced {
        if enhanced(code).is_none() {
            wrong.add(format!("'{code}' is no enhanced status code"));
        }
    }
    if let Some(Err(why)) = rule.unless.as_deref().map(literals::lower_checked) {
        wrong.add(format!("its unless: {why}"));
    }
    match &rule.text {
        Some(text) => {
            if let Err(why) = literals::alternatives(text) {
                wrong.add(why);
            }
        }
        None if !rule.only_here => {
            wrong.add("it has no text and is not for its provider alone (only_here)".into())
        }
        None => {}
    }
}

/// The three numbers of an enhanced status code.
pub(crate) fn enhanced(code: &str) -> Option<(u8, u16, u16)> {
    let mut parts = code.split('.');
    let class = parts.next()?.parse().ok().filter(|c| [2, 4, 5].contains(c))?;
    let numbers = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some((class, numbers.0, numbers.1))
}

/// What was found wrong, and where.
#[derive(Default)]
struct Wrong {
    at: String,
    found: Vec<String>,
}

impl Wrong {
    fn add(&mut self, what: String) {
        self.found.push(format!("{}: {what}", self.at));
    }

    fn one_of(&mut self, what: &str, value: &str, known: &[&str]) {
        if !known.contains(&value) {
            self.add(format!("{what} '{value}' is not one of {}", known.join(", ")));
        }
    }

    fn one_of_set(&mut self, what: &str, value: &str, known: &BTreeSet<&str>) {
        if !known.contains(value) {
            self.add(format!("{what} '{value}' is not known"));
        }
    }

    fn sisimai(&mut self, value: &str) {
        if !SISIMAI.contains(&value) && !SISIMAI_TOO.contains(&value) {
            self.add(format!("'{value}' is no name of Sisimai's"));
        }
    }

    fn sentence(&mut self, what: &str, text: &str) {
        if !text.ends_with(['.', '?', '!', ')']) || text.len() < 12 {
            self.add(format!("its {what} is no sentence: '{text}'"));
        }
    }

    fn placeholders(&mut self, template: &str) {
        for piece in template.split('{').skip(1) {
            let name = piece.split('}').next().unwrap_or_default();
            let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if word && !PLACEHOLDERS.contains(&name) {
                self.add(format!("'{{{name}}}' is no placeholder"));
            }
        }
    }
}
