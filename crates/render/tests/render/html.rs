//! The HTML page: harmless, complete, and usable by those who do not see it.

use std::collections::BTreeSet;

use base64::Engine;
use waxseal_model::Report;
use waxseal_render::{HtmlOptions, harmless, html, manual::Manual};

use crate::{
    audits,
    dom::{Element, Node},
    samples,
};

const MANUALS: [Manual<'static>; 2] = [
    Manual {
        id: "tls.heartbleed",
        title: "The server hands out its memory (Heartbleed)",
        markdown: "The server hands out its memory (Heartbleed).\n\n# Effect\nAnyone reads `64 KiB` at a time.\n\n\
                   # Sources\nCVE-2014-0160; RFC 6520 section 4.\n\n- one\n- two\n\n```text\nopenssl s_client\n```\n",
    },
    Manual { id: "tls.sslv2", title: "SSLv2 is spoken", markdown: "SSLv2 is spoken.\n\n# Fix\nTurn it off." },
];

pub(crate) fn options() -> HtmlOptions<'static> {
    HtmlOptions { now: samples::NOW, manuals: &MANUALS, transcripts: true }
}

/// Every sample as a page of its own, the hostile one, and all in one page.
pub(crate) fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = samples::all()
        .into_iter()
        .map(|(name, report)| (name.to_owned(), html(&[report], &options())))
        .collect();
    pages.push(("hostile".into(), html(&[audits::hostile()], &options())));
    let all: Vec<Report> = samples::all().into_iter().map(|(_, report)| report).collect();
    pages.push(("all".into(), html(&all, &options())));
    pages
}

/// The body of a page, one element a line, without the style sheet.
fn body(page: &str) -> String {
    let body = page.split_once("</style>").map_or(page, |(_, rest)| rest);
    body.replace("><", ">\n<")
}

#[test]
fn pages_look_as_recorded() {
    insta::assert_snapshot!("html_vulnerable", body(&html(&[audits::vulnerable()], &options())));
    let several = [samples::healthy(), samples::unreachable(), samples::null_mx()];
    let plain = HtmlOptions { now: samples::NOW, manuals: &[], transcripts: false };
    insta::assert_snapshot!("html_several", body(&html(&several, &plain)));
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let allowed: BTreeSet<&str> = [
        "html", "head", "meta", "title", "style", "body", "a", "header", "main", "nav", "section", "article",
        "footer", "h1", "h2", "h3", "h4", "h5", "p", "ul", "ol", "li", "dl", "dt", "dd", "div", "span",
        "strong", "em", "code", "pre", "table", "caption", "thead", "tbody", "tr", "th", "td", "details",
        "summary",
    ]
    .into();
    for (name, page) in pages() {
        let html = Element::read(&page);
        for element in html.all() {
            assert!(allowed.contains(element.name.as_str()), "{name}: <{}>", element.name);
            for attribute in element.attributes.keys() {
                assert!(!attribute.starts_with("on") && attribute != "style" && attribute != "src", "{name}");
            }
            if let Some(target) = element.attribute("href") {
                assert!(element.name == "a" && target.starts_with('#'), "{name}: {target}");
            }
        }
        let css = html.named("style")[0].text();
        assert!(!css.contains("url(") && !css.contains("@import"), "{name}");
    }
}

#[test]
fn the_policy_allows_this_style_sheet_and_nothing_else() {
    let page = Element::read(&html(&[samples::healthy()], &options()));
    let css = page.named("style")[0].text();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, css.as_bytes());
    let hash = base64::engine::general_purpose::STANDARD.encode(digest.as_ref());
    let policy = page.named("meta").into_iter().find(|m| m.attributes.contains_key("http-equiv")).unwrap();
    let expected =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    assert_eq!(policy.attribute("content"), Some(expected.as_str()), "write this hash into html/mod.rs");
}

#[test]
fn hostile_text_is_text() {
    let page = html(&[audits::hostile()], &options());
    let text = Element::read(&page).text();
    let seen = harmless(audits::HOSTILE).into_owned();
    assert!(text.matches(seen.as_str()).count() > 100, "{}", text.matches(seen.as_str()).count());
    assert_eq!(page.matches("<script").count(), 0);
}

#[test]
fn ids_are_unique_and_what_refers_to_them_finds_them() {
    for (name, page) in pages() {
        let html = Element::read(&page);
        let mut ids = BTreeSet::new();
        for element in html.all() {
            if let Some(id) = element.attribute("id") {
                assert!(ids.insert(id), "{name}: {id} twice");
                assert!(!id.is_empty() && !id.contains(char::is_whitespace), "{name}: {id}");
            }
        }
        for element in html.all() {
            let labels = element.attribute("aria-labelledby").into_iter().flat_map(|l| l.split(' '));
            let link = element.attribute("href").and_then(|h| h.strip_prefix('#'));
            for reference in labels.chain(link) {
                assert!(ids.contains(reference), "{name}: nothing has the id {reference}");
            }
        }
    }
}

#[test]
fn a_screen_reader_finds_its_way() {
    for (name, page) in pages() {
        let html = Element::read(&page);
        assert_eq!(html.attribute("lang"), Some("en"), "{name}");
        assert!(!html.named("title")[0].text().trim().is_empty(), "{name}");
        for landmark in ["main", "header", "footer"] {
            assert_eq!(html.named(landmark).len(), 1, "{name}: {landmark}");
        }
        let first = html.named("body")[0].elements()[0];
        assert_eq!((first.name.as_str(), first.attribute("href")), ("a", Some("#main")), "{name}");
        let mut labels = BTreeSet::new();
        for nav in html.named("nav") {
            let label = nav.attribute("aria-label").expect("a label");
            assert!(labels.insert(label), "{name}: {label} twice");
        }
        headings_in_order(&name, &html);
        for element in html.all() {
            let focusable = element.attribute("tabindex") == Some("0");
            let region = element.attribute("role") == Some("group");
            assert_eq!(focusable, region, "{name}");
            assert!(!region || element.attributes.contains_key("aria-labelledby"), "{name}");
            if element.name == "details" {
                assert_eq!(element.elements()[0].name, "summary", "{name}");
            }
        }
    }
}

/// One `h1`, no level left out on the way down, no heading without words.
fn headings_in_order(name: &str, html: &Element) {
    let headings: Vec<(u32, String)> = html
        .all()
        .into_iter()
        .filter_map(|e| Some((e.name.strip_prefix('h')?.parse().ok()?, e.text())))
        .collect();
    assert_eq!(headings.iter().filter(|(level, _)| *level == 1).count(), 1, "{name}");
    assert_eq!(headings[0].0, 1, "{name}");
    for pair in headings.windows(2) {
        assert!(pair[1].0 <= pair[0].0 + 1, "{name}: {pair:?}");
    }
    assert!(headings.iter().all(|(_, text)| !text.trim().is_empty()), "{name}");
}

#[test]
fn every_table_says_what_it_and_its_rows_and_columns_are() {
    let mut tables = 0;
    for (name, page) in pages() {
        for table in Element::read(&page).named("table") {
            tables += 1;
            assert_eq!(table.elements()[0].name, "caption", "{name}");
            assert!(!table.elements()[0].text().trim().is_empty(), "{name}");
            let columns = table.named("thead")[0].named("th");
            assert!(columns.iter().all(|th| th.attribute("scope") == Some("col")), "{name}");
            assert!(columns.iter().all(|th| !th.text().trim().is_empty()), "{name}");
            for row in table.named("tbody")[0].named("tr") {
                let cells = row.elements();
                assert_eq!(cells[0].attribute("scope"), Some("row"), "{name}");
                assert!(!cells[0].text().trim().is_empty() || name == "hostile", "{name}");
                let span = |c: &&Element| c.attribute("colspan").map_or(1, |n| n.parse::<usize>().unwrap());
                assert_eq!(cells.iter().map(span).sum::<usize>(), columns.len(), "{name}");
            }
        }
    }
    assert!(tables > 40, "{tables}");
}

#[test]
fn symbols_and_colours_only_add_to_words() {
    for (name, page) in pages() {
        for element in Element::read(&page).all() {
            if element.attribute("aria-hidden") == Some("true") {
                let symbol = element.text();
                assert!(symbol.trim().chars().count() <= 1, "{name}: {symbol}");
            }
            let status = element.attribute("class").is_some_and(|c| c.starts_with("status"));
            let words: String = element
                .children
                .iter()
                .filter_map(|c| if let Node::Text(text) = c { Some(text.as_str()) } else { None })
                .collect();
            assert!(!status || !words.trim().is_empty(), "{name}: a status without a word");
        }
    }
}

/// Relative luminance of `#rrggbb` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_colour_stands_out_from_every_ground_in_light_and_dark() {
    let page = html(&[], &options());
    let css = Element::read(&page).named("style")[0].text();
    let palettes: Vec<&str> = css.split(":root {").skip(1).take(2).collect();
    assert_eq!(palettes.len(), 2);
    for palette in palettes {
        let palette = palette.split('}').next().unwrap();
        let colour = |name: &str| {
            let found = palette.split(&format!("--{name}: ")).nth(1).unwrap_or_else(|| panic!("{name}"));
            found[..7].to_owned()
        };
        for ground in ["bg", "card", "code"] {
            for text in ["fg", "faint", "link", "good", "notice", "warning", "bad"] {
                let ratio = contrast(&colour(text), &colour(ground));
                assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
            }
        }
        let ratio = contrast(&colour("line"), &colour("bg"));
        assert!(ratio >= 3.0, "lines: {ratio:.2}");
    }
}

#[test]
fn the_worst_target_comes_first_and_all_are_linked() {
    let page = html(&[samples::healthy(), samples::plaintext_only()], &options());
    let (plain, healthy) = (page.find(">plain.example<").unwrap(), page.find(">example.com<").unwrap());
    assert!(plain < healthy);
    assert!(page.contains("href=\"#t1\"") && page.contains("href=\"#t2\""));
}

#[test]
fn manuals_stand_with_their_findings() {
    let page = html(&[audits::vulnerable()], &options());
    assert!(page.contains("Anyone reads <code>64 KiB</code> at a time."), "{page}");
    let none = HtmlOptions { manuals: &[], ..options() };
    assert!(!html(&[audits::vulnerable()], &none).contains("64 KiB"));
}

#[test]
fn what_could_not_be_determined_stands_with_its_reason() {
    let report = audits::undetermined();
    let text = Element::read(&html(std::slice::from_ref(&report), &options())).text();
    for verdict in report.verdicts.iter().filter(|v| !v.why.is_empty()) {
        assert!(text.contains(&verdict.check) && text.contains(&verdict.why), "{}", verdict.check);
    }
    assert!(!text.contains("not vulnerable"), "nothing was cleared");
}
