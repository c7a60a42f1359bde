//! The Rust code of the tables.

use std::{collections::BTreeMap, error::Error, fmt::Write as _};

use crate::{
    knowledge::{Fix, Knowledge, Rule, enhanced},
    literals,
};

/// Buckets of the table of trigrams; a power of two.
const BUCKETS: usize = 8192;

pub(crate) fn write(knowledge: &Knowledge) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    causes(knowledge, &mut code)?;
    providers(knowledge, &mut code)?;
    rules(knowledge, &mut code)?;
    registries(knowledge, &mut code)?;
    prefilter(knowledge, &mut code)?;
    Ok(code)
}

fn causes(knowledge: &Knowledge, code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "static FAMILIES: [Family; {}] = [", knowledge.families.len())?;
    for f in &knowledge.families {
        writeln!(code, "Family {{ id: {:?}, title: {:?} }},", f.id, f.title)?;
    }
    writeln!(code, "];\nstatic CAUSES: [Cause; {}] = [", knowledge.causes.len())?;
    for c in &knowledge.causes {
        writeln!(
            code,
            "Cause {{ id: {:?}, family: {:?}, summary: {:?}, who: Who::{}, retry: Retry::{}, scope: Scope::{}, \
             fix: &[{}], next: &{:?}, sisimai: {:?} }},",
            c.id,
            c.family,
            c.summary,
            camel(&c.who),
            camel(&c.retry),
            camel(&c.scope),
            fixes(&c.fix),
            c.next,
            c.sisimai
        )?;
    }
    writeln!(code, "];")?;
    Ok(())
}

fn providers(knowledge: &Knowledge, code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "static PROVIDERS: [Provider; {}] = [", knowledge.providers.len())?;
    for (place, p) in knowledge.providers.iter().enumerate() {
        let tokens: Vec<String> = p.tokens.iter().map(|t| t.to_ascii_lowercase()).collect();
        writeln!(
            code,
            "Provider {{ place: {place}, id: {:?}, title: {:?}, kind: ProviderKind::{}, hosts: &{:?}, tokens: &{tokens:?}, \
             formats: &{:?} }},",
            p.id,
            p.title,
            camel(&p.kind),
            p.hosts,
            p.formats
        )?;
    }
    writeln!(code, "];")?;
    Ok(())
}

fn rules(knowledge: &Knowledge, code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "static RULES: [Rule; {}] = [", knowledge.rules.len())?;
    for rule in &knowledge.rules {
        writeln!(code, "{},", one_rule(knowledge, rule))?;
    }
    let silent = knowledge.rules.iter().enumerate().filter(|(_, r)| r.text.is_none());
    let silent: Vec<usize> = silent.map(|(place, _)| place).collect();
    writeln!(code, "];\nstatic SILENT: [usize; {}] = {silent:?};", silent.len())?;
    Ok(())
}

fn one_rule(knowledge: &Knowledge, r: &Rule) -> String {
    let position = |id: &str| knowledge.rules.iter().position(|r| r.id == *id).unwrap_or_default();
    let beats: Vec<usize> = r.beats.iter().map(|id| position(id)).collect();
    let provider = knowledge.providers.iter().position(|p| p.id == r.provider).unwrap_or_default();
    let option = |value: &Option<String>, kind: &str| {
        value.as_ref().map_or("None".into(), |v| format!("Some({kind}::{})", camel(v)))
    };
    format!(
        "Rule {{ id: {:?}, provider: &PROVIDERS[{provider}], cause: &CAUSES[{}], reply: &{:?}, status: &[{}], \
         stage: &[{}], not_stage: &[{}], text: {:?}, unless: {:?}, exact: {}, wrapper: {}, broad: {}, vague: {}, only_here: {}, no_reply: {}, beats: &{beats:?}, who: {}, retry: {}, \
         scope: {}, summary: {:?}, meaning: {:?}, fix: &[{}], sisimai: {:?}, source: {:?}, example: {:?}, \
         generated: {} }}",
        r.id,
        cause(knowledge, &r.cause),
        r.reply,
        r.enhanced.iter().filter_map(|c| status(c)).collect::<Vec<_>>().join(", "),
        stages(&r.stage),
        stages(&r.not_stage),
        r.text,
        r.unless.as_deref().map(literals::lower),
        r.exact,
        r.wrapper,
        r.broad,
        r.vague,
        r.only_here,
        r.no_reply,
        option(&r.who, "Who"),
        option(&r.retry, "Retry"),
        option(&r.scope, "Scope"),
        r.summary,
        r.meaning,
        fixes(&r.fix),
        r.sisimai,
        r.source,
        r.example,
        r.generated
    )
}

fn registries(knowledge: &Knowledge, code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "static STATUSES: [StatusCode; {}] = [", knowledge.enhanced.len())?;
    for e in &knowledge.enhanced {
        let (_, subject, detail) = enhanced(&e.code.replace('X', "5")).unwrap_or_default();
        writeln!(
            code,
            "StatusCode {{ subject: {subject}, detail: {detail}, name: {:?}, classes: &{:?}, meaning: {:?}, \
             cause: &CAUSES[{}], vague: {}, sisimai: {:?}, note: {:?}, source: {:?} }},",
            e.name,
            e.classes,
            e.meaning,
            cause(knowledge, &e.cause),
            e.vague,
            e.sisimai,
            e.note,
            e.source
        )?;
    }
    writeln!(code, "];\nstatic REPLIES: [ReplyCode; {}] = [", knowledge.replies.len())?;
    for r in &knowledge.replies {
        writeln!(
            code,
            "ReplyCode {{ code: {}, stages: &[{}], meaning: {:?}, cause: &CAUSES[{}], sisimai: {:?}, source: {:?} }},",
            r.code,
            stages(&r.stage),
            r.meaning,
            cause(knowledge, &r.cause),
            r.sisimai,
            r.source
        )?;
    }
    writeln!(code, "];\nstatic BLOCKLISTS: [Blocklist; {}] = [", knowledge.dnsbls.len())?;
    for d in &knowledge.dnsbls {
        writeln!(
            code,
            "Blocklist {{ name: {:?}, zones: &{:?}, alive: {}, lookup: {:?}, note: {:?}, source: {:?} }},",
            d.name, d.zones, d.alive, d.lookup, d.note, d.source
        )?;
    }
    writeln!(code, "];\nstatic CONFIDENCE: [Measured; {}] = [", knowledge.confidence.len())?;
    for c in &knowledge.confidence {
        writeln!(
            code,
            "Measured {{ class: {:?}, start: {:?}, right: {}, of: {} }},",
            c.class, c.start, c.right, c.of
        )?;
    }
    writeln!(code, "];")?;
    Ok(())
}

/// All alternatives of all patterns, the literals that they are looked for by, and a table
/// of one trigram of each literal, the rarest among all of them, by hash.
fn prefilter(knowledge: &Knowledge, code: &mut String) -> Result<(), Box<dyn Error>> {
    let mut by_literal: BTreeMap<Vec<u8>, Vec<(usize, u8)>> = BTreeMap::new();
    let mut alternatives = Vec::new();
    for (rule, text) in knowledge.rules.iter().enumerate().filter_map(|(i, r)| Some((i, r.text.as_deref()?)))
    {
        for alternative in literals::alternatives(text)? {
            for (bit, set) in alternative.sets.iter().enumerate() {
                for literal in set {
                    by_literal.entry(literal.clone()).or_default().push((alternatives.len(), 1 << bit));
                }
            }
            let all = u8::MAX >> (8 - alternative.sets.len());
            alternatives.push(format!(
                "Alternative {{ rule: {rule}, pattern: {:?}, sets: {all} }},",
                alternative.pattern
            ));
        }
    }
    writeln!(code, "static ALTERNATIVES: [Alternative; {}] = [", alternatives.len())?;
    writeln!(code, "{}\n];", alternatives.join("\n"))?;
    writeln!(code, "static LITERALS: [Literal; {}] = [", by_literal.len())?;
    for (literal, users) in &by_literal {
        writeln!(code, "(&{literal:?}, &{users:?}),")?;
    }
    writeln!(code, "];")?;
    trigrams(&by_literal.into_keys().collect::<Vec<_>>(), code)
}

fn trigrams(literals: &[Vec<u8>], code: &mut String) -> Result<(), Box<dyn Error>> {
    let mut frequency: BTreeMap<&[u8], usize> = BTreeMap::new();
    for trigram in literals.iter().flat_map(|literal| literal.windows(literals::SHORTEST)) {
        *frequency.entry(trigram).or_default() += 1;
    }
    let mut entries = Vec::new();
    for (index, literal) in literals.iter().enumerate() {
        let rarest = literal.windows(literals::SHORTEST).enumerate().min_by_key(|(_, t)| {
            let letters = t.iter().filter(|b| b.is_ascii_lowercase()).count();
            (usize::from(letters < 2), frequency.get(t).copied().unwrap_or(0))
        });
        if let Some((at, [a, b, c])) = rarest {
            let gram = u32::from(*a) << 16 | u32::from(*b) << 8 | u32::from(*c);
            entries.push((hash(gram), gram, at, index));
        }
    }
    entries.sort_unstable();
    writeln!(code, "static TRIGRAMS: [(u32, u8, u16); {}] = [", entries.len())?;
    for (_, gram, at, index) in &entries {
        writeln!(code, "({gram}, {at}, {index}),")?;
    }
    let starts = (0..=BUCKETS).map(|bucket| entries.partition_point(|e| e.0 < bucket));
    let starts: Vec<String> = starts.map(|s| s.to_string()).collect();
    writeln!(code, "];\nstatic STARTS: [u16; {}] = [{}];", BUCKETS + 1, starts.join(","))?;
    Ok(())
}

/// The bucket of a trigram; `rules::prefilter` counts the same.
fn hash(gram: u32) -> usize {
    (gram.wrapping_mul(0x9E37_79B1) >> (32 - BUCKETS.trailing_zeros())) as usize
}

fn cause(knowledge: &Knowledge, id: &str) -> usize {
    knowledge.causes.iter().position(|c| c.id == id).unwrap_or_default()
}

fn status(code: &str) -> Option<String> {
    let (class, subject, detail) = enhanced(code)?;
    Some(format!("EnhancedStatus {{ class: {class}, subject: {subject}, detail: {detail} }}"))
}

fn stages(stages: &[String]) -> String {
    stages.iter().map(|s| format!("Stage::{}", camel(s))).collect::<Vec<_>>().join(", ")
}

fn fixes(fixes: &[Fix]) -> String {
    let one = |f: &Fix| format!("FixText {{ at: {:?}, text: {:?}, paste: {:?} }}", f.at, f.text, f.paste);
    fixes.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `end_of_data` as a variant's name, `EndOfData`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|l| l.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(word).collect()
}
