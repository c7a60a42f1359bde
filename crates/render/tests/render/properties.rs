//! What holds for any text that an evidence file may carry.

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;
use waxseal_model::{Report, Target, smtp::BackOff};
use waxseal_render::{
    HtmlOptions, MarkdownOptions, Style, TextOptions, changes, csv, dns, evidence, harmless, html, json,
    jsonl, junit, manual, markdown, nagios, sarif, summary, text, transcript,
};

use crate::{audits, dom::Element, formats, samples, xml};

/// The text without the colour sequences that this crate writes: `ESC [ digits ; m`.
pub(crate) fn without_colour(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after.find('m').unwrap();
        assert!(after[..end].bytes().all(|b| b.is_ascii_digit() || b == b';'), "no colour: {after:?}");
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    out
}

/// A sample with `texts` in every place where foreign text may stand.
fn with(texts: &[String], which: usize) -> Report {
    let samples = samples::all();
    let mut report = samples[which % samples.len()].1.clone();
    let mut texts = texts.iter().cycle().cloned();
    let mut next = || texts.next().unwrap();
    report.target = next();
    report.target_parsed = Target::Domain { name: next(), given: next(), mailbox: false };
    report.grade.summary = next();
    report.grade.encryption_why = next();
    report.grade.authentication_why = next();
    for cap in &mut report.grade.caps {
        (cap.why, cap.rule) = (next(), next());
    }
    for f in &mut report.findings {
        (f.check, f.title, f.detail, f.fix, f.retest) = (next(), next(), next(), next(), next());
    }
    for v in &mut report.verdicts {
        v.why = next();
    }
    if let Some(why) = &mut report.no_endpoint {
        why.text = next();
    }
    for e in &mut report.endpoints {
        e.evidence.smtp.back_off = Some(BackOff { what: next(), stage: next(), after_connections: 1 });
        e.evidence.smtp.not_smtp = Some(next());
        for line in &mut e.evidence.transcript {
            line.text = next();
        }
    }
    report
}

/// The same, in places where only names stand.
fn with_names(mut report: Report, texts: &[String]) -> Report {
    let mut texts = texts.iter().cycle().cloned();
    let mut next = || texts.next().unwrap();
    for e in &mut report.endpoints {
        e.endpoint.host = Some(next());
    }
    for v in &mut report.verdicts {
        (v.check, v.endpoint) = (next(), Some(next()));
    }
    for f in &mut report.findings {
        f.endpoint = Some(next());
    }
    if let Some(domain) = &mut report.domain {
        domain.name = next();
        domain.hosts.iter_mut().for_each(|h| h.name = next());
    }
    report
}

fn assert_harmless(page: &str) -> Result<(), TestCaseError> {
    for line in without_colour(page).split('\n') {
        let guarded = harmless(line);
        prop_assert_eq!(guarded.as_ref(), line);
    }
    Ok(())
}

/// Any text, with the dangerous characters more often than chance has them.
fn foreign() -> impl Strategy<Value = String> {
    let dangerous =
        "[\\x00-\\x20\\x7f-\\x9f\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2066}-\u{2069}\u{feff}漢é=a.|#`-]";
    prop_oneof![any::<String>(), proptest::string::string_regex(&format!("{dangerous}{{0,120}}")).unwrap()]
}

/// The page of text.
fn page_of(report: &Report, style: Style, verbose: bool, now: i64) -> String {
    text(report, &TextOptions { style, verbose, now })
}

/// Text that would like to be markup in HTML or Markdown.
fn markup() -> impl Strategy<Value = String> {
    let pieces = "(<script>|</style>|<!--|-->|&lt;|&#x3c;|]\\(javascript:x\\)|!\\[|```|~~~|`|\\||\\\\|@a|#1|\\*|_|\\$|\n|\n# |\n- |\n\n    |<b |\"|'|>|=|www\\.e\\.x|http://e\\.x|1\\.|a|:x:| ){0,14}";
    prop_oneof![foreign(), proptest::string::string_regex(pieces).unwrap()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn no_text_gets_out_of_hand(
        texts in proptest::collection::vec(foreign(), 1..12),
        which in 0usize..10,
        color: bool,
        unicode: bool,
        verbose: bool,
        width in 0usize..200,
        now: i64,
    ) {
        let style = Style { color, unicode, width };
        let report = with_names(with(&texts, which), &texts);
        assert_harmless(&text(&report, &TextOptions { style, verbose, now }))?;
        assert_harmless(&transcript(&report, &style))?;
        assert_harmless(&summary(&[report.clone(), samples::healthy()], &style))?;
        let printed = json(std::slice::from_ref(&report)).unwrap();
        assert_harmless(&printed)?;
        prop_assert_eq!(serde_json::from_str::<Report>(&printed).unwrap(), report);
    }

    #[test]
    fn no_text_breaks_out_of_a_machines_format(
        texts in proptest::collection::vec(foreign(), 1..12),
        which in 0usize..10,
        now: i64,
    ) {
        let report = with_names(with(&texts, which), &texts);
        let both = [report, formats::compared()];
        let table = csv(&both);
        assert_harmless(&table.replace("\r\n", "\n"))?;
        for field in formats::cells(&table).iter().flatten() {
            prop_assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{field}");
        }
        let suites = junit(&both, &formats::threshold());
        assert_harmless(&suites)?;
        xml::assert_junit(&suites, "foreign");
        let document = sarif(&both, &formats::run()).unwrap();
        assert_harmless(&document)?;
        let value: serde_json::Value = serde_json::from_str(&document).unwrap();
        let results = value["runs"][0]["results"].as_array().unwrap();
        prop_assert_eq!(results.len(), both.iter().map(|r| r.findings.len()).sum::<usize>());
        for result in results {
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            prop_assert!(uri.bytes().all(|b| b.is_ascii_graphic() && b != b':' && b != b'#'), "{uri}");
            prop_assert!(!result["message"]["text"].as_str().unwrap().contains("]("));
        }
        let (_, line) = nagios(&both, &formats::threshold(), now);
        assert_harmless(&line)?;
        prop_assert_eq!(line.matches('|').count(), 1);
        assert_harmless(&jsonl(&both).unwrap())?;
        let mut changed = formats::compared();
        for change in &mut changed.comparison.as_mut().unwrap().changes {
            change.text.clone_from(&texts[0]);
            change.place = texts.last().cloned();
        }
        assert_harmless(&changes(&changed, &Style::plain()))?;
    }

    #[test]
    fn foreign_text_is_text_in_every_format(
        texts in proptest::collection::vec(markup(), 1..12),
        which in 0usize..3,
        verbose: bool,
        now: i64,
    ) {
        let mut report = [audits::audited(), audits::vulnerable(), audits::undetermined()][which].clone();
        let mut cycle = texts.iter().cycle().cloned();
        audits::poison(&mut report, &mut || cycle.next().unwrap());
        let manual = manual::Manual { id: &texts[0], title: &texts[0], markdown: &texts[0] };
        let options = HtmlOptions { now, manuals: &[manual], transcripts: true };
        let page = html(&[report.clone(), samples::healthy()], &options);
        assert_harmless(&page)?;
        let known = Element::read(&page);
        prop_assert!(known.all().iter().all(|e| !["script", "img", "iframe", "link", "svg"].contains(&e.name.as_str())));
        let text = markdown(&[report.clone()], &MarkdownOptions { now, verbose });
        assert_harmless(&text)?;
        let (_, outside) = crate::markdown::read(&text);
        prop_assert!(!outside.contains('@'), "{}", outside);
        let style = Style { color: true, unicode: true, width: 80 };
        assert_harmless(&page_of(&report, style, verbose, now))?;
    }

    #[test]
    fn manuals_and_answers_stay_in_hand(text in foreign(), width in 0usize..200, color: bool) {
        let style = Style { color, unicode: true, width };
        assert_harmless(&manual::page(&text, &text, &text, &style))?;
        assert_harmless(&manual::list(&[(&text, &text), ("a.b", &text)], &style))?;
        let mut answer = samples::dns_answer();
        (answer.name, answer.rtype, answer.reason) = (text.clone(), text.clone(), text.clone());
        answer.records[0].name.clone_from(&text);
        answer.canonical_name = Some(text);
        assert_harmless(&dns::text(&answer, &style))?;
    }

    #[test]
    fn pages_of_ordinary_words_fit(
        texts in proptest::collection::vec("([a-z漢é.]{1,8} ){0,30}", 1..12),
        which in 0usize..10,
        verbose: bool,
        width in 80usize..160,
    ) {
        let style = Style { color: false, unicode: true, width };
        let mut report = with(&texts, which);
        // Commands and fixes are kept whole, and ids are one word each, in any width.
        report.findings.iter_mut().for_each(|f| (f.retest, f.check) = (String::new(), "a.check".into()));
        report.target = "target".into();
        let longest = report.endpoints.iter().map(|e| e.endpoint.id().width() + 7).max().unwrap_or(0);
        let pages = [
            text(&report, &TextOptions { style, verbose, now: samples::NOW }),
            transcript(&report, &style),
            summary(&[report], &style),
        ];
        for line in pages.iter().flat_map(|p| p.lines()) {
            let kept_whole = line.contains("waxseal ") || line.contains(" IN MX ");
            prop_assert!(line.width() <= width.max(longest) || kept_whole, "{} > {width}: {line}", line.width());
        }
    }

    #[test]
    fn no_file_makes_the_evidence_reader_panic(file: Vec<u8>, at in 0.0f64..1.0, with: u8) {
        let _ = evidence::from_json(&file);
        let good = evidence::to_json(&[samples::self_signed().to_evidence()]).unwrap();
        let mut bad = good.into_bytes();
        let at = (at * bad.len() as f64) as usize;
        bad[at] = with;
        if let Err(error) = evidence::from_json(&bad) {
            assert_harmless(&error.to_string())?;
        }
    }
}
