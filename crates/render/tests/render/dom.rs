//! A reader of the HTML that this crate writes: stricter than browsers, which forgive.

use std::collections::BTreeMap;

/// An element with what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Node>,
}

/// A part of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

const VOID: [&str; 2] = ["meta", "br"];

impl Element {
    /// The document without its doctype.
    pub(crate) fn read(page: &str) -> Self {
        let rest = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
        let mut stack = vec![Self::default()];
        let mut rest = rest;
        while let Some(at) = rest.find('<') {
            text(&mut stack, &rest[..at]);
            let end = rest[at..].find('>').expect("a tag that ends") + at;
            tag(&mut stack, &rest[at + 1..end]);
            rest = &rest[end + 1..];
            if stack.last().is_some_and(|e| e.name == "style") {
                let end = rest.find("</style>").expect("a style sheet that ends");
                stack.last_mut().unwrap().children.push(Node::Text(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
        text(&mut stack, rest);
        assert_eq!(stack.len(), 1, "open at the end: {:?}", stack.last().map(|e| &e.name));
        let mut root = stack.pop().unwrap();
        root.children.retain(|c| matches!(c, Node::Element(_)));
        assert_eq!(root.children.len(), 1, "one element holds all");
        match root.children.pop() {
            Some(Node::Element(html)) => html,
            _ => unreachable!("only elements were kept"),
        }
    }

    /// Itself and all elements below, as they stand on the page.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let mut found = vec![self];
        for child in &self.children {
            if let Node::Element(element) = child {
                found.extend(element.all());
            }
        }
        found
    }

    /// All elements of a name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Self> {
        self.all().into_iter().filter(|e| e.name == name).collect()
    }

    /// Elements directly below.
    pub(crate) fn elements(&self) -> Vec<&Self> {
        let elements = self.children.iter();
        elements.filter_map(|c| if let Node::Element(e) = c { Some(e) } else { None }).collect()
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// What a reader reads.
    pub(crate) fn text(&self) -> String {
        let of = |child: &Node| match child {
            Node::Text(text) => text.clone(),
            Node::Element(element) => element.text(),
        };
        self.children.iter().map(of).collect()
    }
}

fn text(stack: &mut [Element], raw: &str) {
    assert!(!raw.contains('>'), "a bare > in {raw:?}");
    if !raw.is_empty() {
        stack.last_mut().unwrap().children.push(Node::Text(unescape(raw)));
    }
}

fn tag(stack: &mut Vec<Element>, inside: &str) {
    if let Some(name) = inside.strip_prefix('/') {
        let closed = stack.pop().unwrap();
        assert_eq!(closed.name, name, "closed in the wrong order");
        stack.last_mut().expect("something to close").children.push(Node::Element(closed));
        return;
    }
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()), "no element: {name:?}");
    let mut element = Element { name: name.to_owned(), ..Element::default() };
    while !rest.trim().is_empty() {
        let (key, value) = rest.split_once("=\"").expect("a value in quotes");
        let (value, after) = value.split_once('"').expect("the end of a value");
        let before = element.attributes.insert(key.trim().to_owned(), unescape(value));
        assert_eq!(before, None, "{key} twice");
        rest = after;
    }
    if VOID.contains(&name) {
        stack.last_mut().unwrap().children.push(Node::Element(element));
    } else {
        stack.push(element);
    }
}

fn unescape(raw: &str) -> String {
    for (at, _) in raw.match_indices('&') {
        let known = ["&lt;", "&gt;", "&quot;", "&amp;", "&#39;"].iter().any(|e| raw[at..].starts_with(e));
        assert!(known, "a bare & in {raw:?}");
    }
    let raw = raw.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    raw.replace("&amp;", "&")
}
