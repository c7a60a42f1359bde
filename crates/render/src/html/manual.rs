//! The manual of a check, which is Markdown, as HTML.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Parser, Tag, TagEnd, html::push_html};

use crate::manual::{Manual, body};

/// The manual, to be opened. Headings stand below those of a finding; links lead to web
/// pages only; HTML and images in it are printed as text.
pub(super) fn details(manual: &Manual<'_>) -> Markup {
    let source = body(manual.markdown, manual.title).collect::<Vec<_>>().join("\n");
    let mut out = String::new();
    push_html(&mut out, Parser::new(&source).filter_map(safe));
    html! {
        details {
            summary { "About " code { (manual.id) } ": what it means, how it is tested, sources" }
            p { strong { (manual.title) } }
            (PreEscaped(out))
        }
    }
}

fn safe(event: Event<'_>) -> Option<Event<'_>> {
    Some(match event {
        Event::Start(Tag::Heading { .. }) => Event::Start(Tag::Heading {
            level: HeadingLevel::H5,
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Heading(HeadingLevel::H5)),
        // A link's end does not say where it leads: all links go, and their addresses with
        // them, but for addresses that are their own text.
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => {
            return None;
        }
        Event::Start(Tag::CodeBlock(_)) => {
            Event::Start(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Fenced(CowStr::Borrowed(""))))
        }
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(markdown: &str) -> String {
        details(&Manual { id: "a.b", title: "A title", markdown }).into_string()
    }

    #[test]
    fn headings_go_below_those_of_a_finding() {
        let out = render("A title.\n\nText with `code`.\n\n# Sources\nRFC 1");
        assert!(out.contains("<p>Text with <code>code</code>.</p>"), "{out}");
        assert!(out.contains("<h5>Sources</h5>"), "{out}");
        assert_eq!(out.matches("A title").count(), 1, "{out}");
    }

    #[test]
    fn html_links_and_images_are_text() {
        let out = render(
            "<script>x</script>\n\n<b onclick=x>bold</b> [here](javascript:x) ![i](http://e/x.png) <https://e.example/>",
        );
        assert!(!out.contains("<script") && !out.contains("<b ") && !out.contains("<a "), "{out}");
        assert!(!out.contains("<img") && out.contains("here") && out.contains("https://e.example/"), "{out}");
    }
}
