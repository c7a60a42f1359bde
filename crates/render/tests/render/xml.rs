//! A small reader of XML, strict enough to find what a real one would refuse, and the rules of
//! JUnit's common schemas.

use std::collections::BTreeMap;

/// An element with its attributes, its children in order, and its text.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

impl Element {
    fn number(&self, attribute: &str) -> usize {
        self.attributes[attribute].parse().unwrap()
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }
}

/// Reads a document as this project writes it: no comments, no CDATA, no namespaces.
pub(crate) fn parse(document: &str) -> Element {
    let legal = |c: char| matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(document.chars().all(legal), "a character that XML 1.0 cannot hold");
    let body = document.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("no declaration");
    let mut open = vec![Element::default()];
    let mut rest = body;
    while let Some((text, tail)) = rest.split_once('<') {
        open.last_mut().unwrap().text.push_str(&unescape(text));
        let (tag, tail) = tail.split_once('>').expect("an open tag");
        rest = tail;
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().unwrap();
            assert_eq!(element.name, name);
            open.last_mut().unwrap().children.push(element);
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let element = start(tag);
        if empty { open.last_mut().unwrap().children.push(element) } else { open.push(element) }
    }
    assert_eq!((open.len(), rest.trim()), (1, ""), "open elements, or text behind the end");
    let mut root = open.pop().unwrap();
    assert_eq!(root.children.len(), 1);
    root.children.pop().unwrap()
}

fn start(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
    let mut element = Element { name: name.to_owned(), ..Element::default() };
    while !rest.trim().is_empty() {
        let (key, tail) = rest.trim_start().split_once("=\"").expect("an attribute without value");
        let (value, tail) = tail.split_once('"').expect("an open attribute");
        assert!(!value.contains('\n'), "line feeds in attributes become spaces: {value}");
        assert!(element.attributes.insert(key.to_owned(), unescape(value)).is_none(), "{key} twice");
        rest = tail;
    }
    element
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (entity, tail) = part.split_once(';').expect("a bare ampersand");
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => panic!("unknown entity {other}"),
        });
        out.push_str(tail);
    }
    out
}

/// Elements with the attributes that both common schemas know, and which of them are needed.
const KNOWN: [(&str, &[&str], &[&str]); 10] = [
    ("testsuites", &[], &[]),
    (
        "testsuite",
        &["name", "id", "package", "hostname", "timestamp", "tests", "failures", "errors", "skipped", "time"],
        &["name", "id", "package", "hostname", "timestamp", "tests", "failures", "errors", "time"],
    ),
    ("properties", &[], &[]),
    ("property", &["name", "value"], &["name", "value"]),
    ("testcase", &["name", "classname", "time"], &["name", "classname", "time"]),
    ("failure", &["message", "type"], &["type"]),
    ("error", &["message", "type"], &["type"]),
    ("skipped", &["message"], &[]),
    ("system-out", &[], &[]),
    ("system-err", &[], &[]),
];

/// Well-formed, with known elements and attributes only, in order, and the sums are right.
pub(crate) fn assert_junit(document: &str, name: &str) {
    let root = parse(document);
    assert_eq!(root.name, "testsuites");
    known(&root, name);
    for (at, suite) in root.children.iter().enumerate() {
        assert_eq!(suite.name, "testsuite");
        assert_eq!(suite.number("id"), at);
        assert_eq!(suite.attributes["timestamp"].len(), "2026-11-22T00:00:00".len());
        let order: Vec<&str> = suite.children.iter().map(|c| c.name.as_str()).collect();
        let cases = suite.all("testcase").count();
        let mut expected = vec!["properties"];
        expected.extend(vec!["testcase"; cases]);
        expected.extend(["system-out", "system-err"]);
        assert_eq!(order, expected, "{name}");
        assert_eq!(suite.number("tests"), cases);
        let outcomes = |kind: &str| suite.all("testcase").filter(|c| c.all(kind).count() == 1).count();
        for (attribute, kind) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
            assert_eq!(suite.number(attribute), outcomes(kind), "{name}: {attribute}");
        }
        assert!(suite.all("testcase").all(|case| case.children.len() <= 1), "{name}");
    }
}

fn known(element: &Element, name: &str) {
    let rule = KNOWN.iter().find(|(known, ..)| *known == element.name);
    let (_, allowed, needed) = rule.unwrap_or_else(|| panic!("{name}: unknown element {}", element.name));
    for attribute in element.attributes.keys() {
        assert!(allowed.contains(&attribute.as_str()), "{name}: {} has {attribute}", element.name);
    }
    for attribute in *needed {
        assert!(element.attributes.contains_key(*attribute), "{name}: {} lacks {attribute}", element.name);
    }
    if let Some(time) = element.attributes.get("time") {
        time.parse::<f64>().unwrap();
    }
    element.children.iter().for_each(|child| known(child, name));
}
