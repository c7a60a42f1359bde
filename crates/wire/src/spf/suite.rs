//! The cases of `suite.txt`.

use std::collections::HashMap;

use super::{Evaluation, SpfQuery, evaluate};
use crate::query::{Answer, Data, Question, RecordType};

#[derive(Default)]
struct Zone {
    records: HashMap<Question, Vec<Data>>,
    silent: Vec<String>,
}

impl Zone {
    fn add(&mut self, name: &str, rest: &str) {
        let (rtype, data) = rest.split_once(' ').unwrap_or((rest, ""));
        let host = |text: &str| text.trim_end_matches('.').to_owned();
        let (rtype, data) = match rtype {
            "!" => return self.silent.push(name.to_ascii_lowercase()),
            "TXT" => (RecordType::Txt, Data::Txt(plain(data))),
            "A" => (RecordType::A, Data::A(data.parse().unwrap())),
            "AAAA" => (RecordType::Aaaa, Data::Aaaa(data.parse().unwrap())),
            "PTR" => (RecordType::Ptr, Data::Ptr(data.to_owned())),
            "MX" => {
                let (preference, exchange) = data.split_once(' ').unwrap();
                (RecordType::Mx, Data::Mx(preference.parse().unwrap(), host(exchange)))
            }
            other => panic!("{name} {other}"),
        };
        self.records.entry(Question::new(name, rtype)).or_default().push(data);
    }

    fn answer(&self, question: &Question) -> Answer {
        if let Some(data) = self.records.get(question) {
            return Answer::Records(data.clone());
        }
        if self.silent.contains(&question.name) {
            return Answer::Failed("no answer in time".into());
        }
        let exists = self.records.keys().any(|q| q.name == question.name);
        if exists { Answer::Records(Vec::new()) } else { Answer::NoName }
    }
}

/// `\xHHHH` and `\s` as characters.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('s') {
            out.push(' ');
            rest = after;
        } else {
            let code = u32::from_str_radix(&after[1..5], 16).unwrap();
            out.push(char::from_u32(code).unwrap());
            rest = &after[5..];
        }
    }
    out.push_str(rest);
    out
}

/// One case; what is wrong, if anything.
fn check(zone: &Zone, helo: &str, line: &str) -> Option<String> {
    let (given, explanation) = match line.split_once(" = ") {
        Some((given, explanation)) => (given, Some(explanation)),
        None => (line, None),
    };
    let words: Vec<&str> = given.split(' ').collect();
    let [name, ip, sender, expected] = words.as_slice() else { panic!("{line}") };
    let sender = if *sender == "-" { String::new() } else { plain(sender) };
    let query = SpfQuery::of_mail(ip.parse().unwrap(), &sender, helo);
    let outcome = match evaluate(&query, &|q| Some(zone.answer(q))) {
        Evaluation::Done(outcome) => outcome,
        Evaluation::Needs(question) => panic!("{name}: {question} was answered"),
    };
    let result = outcome.result.word();
    if !expected.split('/').any(|e| e == result) {
        return Some(format!("{name}: {result} ({}) instead of {expected}", outcome.reason));
    }
    let said = outcome.explanation.as_deref().unwrap_or("-");
    match explanation {
        Some(expected) if expected != said => Some(format!("{name}: says {said:?} instead of {expected:?}")),
        _ => None,
    }
}

#[test]
fn every_case_of_the_suite() {
    let (mut wrong, mut cases) = (Vec::new(), 0);
    let (mut zone, mut helo) = (Zone::default(), String::new());
    for line in include_str!("suite.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if line.starts_with("== ") {
            zone = Zone::default();
        } else if let Some(name) = line.strip_prefix("@ ") {
            helo = plain(name);
        } else if let Some(case) = line.strip_prefix("? ") {
            cases += 1;
            wrong.extend(check(&zone, &helo, case));
        } else {
            let (name, rest) = line.split_once(' ').unwrap();
            zone.add(&plain(name), rest);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases > 200, "only {cases} cases");
}
