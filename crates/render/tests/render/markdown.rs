//! Markdown for tickets: what a site makes of it.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use waxseal_render::{MarkdownOptions, harmless, markdown};

use crate::{audits, samples};

fn options(verbose: bool) -> MarkdownOptions {
    MarkdownOptions { now: samples::NOW, verbose }
}

/// What a reader of the finished page sees, and what of it stands outside of code.
pub(crate) fn read(text: &str) -> (String, String) {
    let (mut all, mut outside) = (String::new(), String::new());
    let mut in_block = false;
    let site = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH;
    for event in Parser::new_ext(text, site) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("HTML: {html}"),
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("a link: {text}"),
            Event::InlineMath(math) | Event::DisplayMath(math) => panic!("mathematics: {math}"),
            Event::Start(Tag::Emphasis | Tag::Strikethrough) => panic!("emphasis that nobody wrote"),
            Event::Start(Tag::CodeBlock(_)) => in_block = true,
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Text(words) => {
                all.push_str(&words);
                if !in_block {
                    outside.push_str(&words);
                }
            }
            Event::Code(words) => {
                all.push_str(&words);
                outside.push(' ');
            }
            Event::SoftBreak | Event::HardBreak | Event::End(_) => {
                all.push('\n');
                outside.push('\n');
            }
            _ => {}
        }
    }
    (all, outside)
}

#[test]
fn samples_look_as_recorded() {
    insta::assert_snapshot!("markdown_vulnerable", markdown(&[audits::vulnerable()], &options(true)));
    insta::assert_snapshot!("markdown_audited", markdown(&[audits::audited()], &options(false)));
    let several = [samples::healthy(), samples::one_bad_mx_of_two(), samples::no_such_domain()];
    insta::assert_snapshot!("markdown_several", markdown(&several, &options(false)));
}

#[test]
fn hostile_text_is_neither_markup_nor_acted_on() {
    let (all, outside) = read(&markdown(&[audits::hostile()], &options(true)));
    let seen = harmless(audits::HOSTILE).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(all.contains(&seen), "{all}");
    assert!(!outside.contains('@') && !outside.contains("#1") && !outside.contains("https:"), "{outside}");
}

#[test]
fn tables_have_as_many_cells_in_each_row() {
    for (name, report) in samples::all().into_iter().chain([("hostile", audits::hostile())]) {
        let text = markdown(&[report], &options(true));
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|p| p[0].starts_with('|') && p[1].starts_with('|')) {
            assert_eq!(cells(pair[0]), cells(pair[1]), "{name}: {pair:?}");
        }
    }
}

#[test]
fn the_fixes_can_be_pasted() {
    let text = markdown(&[audits::vulnerable()], &options(false));
    let paste = "   ```\n   apt-get update && apt-get install --only-upgrade openssl libssl3\n   systemctl restart \
                 postfix\n   ```\n";
    assert!(text.contains(paste), "{text}");
    assert!(text.contains("Test: `waxseal check mx.old.example:25`"), "{text}");
}
