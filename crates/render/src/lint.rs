//! `waxseal lint`: what is wrong with a text that is about to be published.

use waxseal_model::lint::{Lint, LintParsed};

use crate::{
    guard::harmless,
    json::one_or_many,
    page::Page,
    style::{Role, Style},
    words::Quality,
};

/// The column in which sentences and values begin.
const COLUMN: usize = 10;

/// Longest input that is printed, in characters.
const LONGEST_INPUT: usize = 60;

/// Lints as JSON: one as an object, any other number as an array; keys of
/// [`waxseal_model::lint::Lint`].
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn json(lints: &[Lint]) -> Result<String, serde_json::Error> {
    one_or_many(lints)
}

/// Lints as text: for each whether it is valid, what is wrong, what is odd, what it says.
pub fn text(lints: &[Lint], style: &Style) -> String {
    let mut page = Page::new(*style);
    for lint in lints {
        page.blank();
        one(&mut page, lint);
    }
    page.finish()
}

fn one(page: &mut Page, lint: &Lint) {
    let look = match lint.valid {
        true => Quality::Good.look("valid", page.style()),
        false => Quality::Bad.look("INVALID", page.style()),
    };
    let input = match lint.input.as_str() {
        "-" => "standard input".to_owned(),
        other => shortened(other),
    };
    page.line(&[
        (look.role, &look.text()),
        (Role::Plain, "  "),
        (Role::Strong, &input),
        (Role::Faint, &format!("  {}", lint.kind.label())),
    ]);
    for error in &lint.errors {
        page.entry(&[(Role::Bad, "  error")], COLUMN, Role::Plain, error);
    }
    for warning in &lint.warnings {
        page.entry(&[(Role::Warning, "  warning")], COLUMN, Role::Plain, warning);
    }
    for (name, value) in lint.parsed.iter().flat_map(says) {
        page.entry(&[(Role::Faint, &format!("  {name}"))], COLUMN, Role::Plain, &value);
    }
}

fn shortened(input: &str) -> String {
    let input = harmless(input);
    match input.chars().count() > LONGEST_INPUT {
        true => input.chars().take(LONGEST_INPUT - 1).chain(['…']).collect(),
        false => input.into_owned(),
    }
}

/// What was read, line by line.
fn says(parsed: &LintParsed) -> Vec<(&'static str, String)> {
    match parsed {
        LintParsed::Sts { version, mode, mx, max_age } => {
            let mut lines = vec![("version", version.clone()), ("mode", mode.word().to_owned())];
            lines.extend(mx.iter().map(|pattern| ("mx", pattern.clone())));
            lines.push(("max_age", format!("{max_age} ({})", duration(*max_age))));
            lines
        }
        LintParsed::StsRecord { version, id } => vec![("version", version.clone()), ("id", id.clone())],
        LintParsed::TlsrptRecord { version, rua } => {
            let mut lines = vec![("version", version.clone())];
            lines.extend(rua.iter().map(|uri| ("rua", uri.clone())));
            lines
        }
        LintParsed::Tlsa(records) => records
            .iter()
            .map(|r| ("TLSA", format!("{} {} {} {}", r.usage, r.selector, r.matching_type, r.data)))
            .collect(),
    }
}

/// Seconds in the largest unit that fits, rounded down: `7 days`.
fn duration(seconds: u32) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, name) = units.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "second"));
    let count = seconds / size;
    let about = if seconds.is_multiple_of(size) { "" } else { "about " };
    format!("{about}{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use waxseal_model::{lint::LintKind, policy::StsMode};

    fn policy() -> Lint {
        Lint {
            kind: LintKind::Sts,
            input: "mta-sts.txt".into(),
            valid: true,
            errors: Vec::new(),
            warnings: vec!["line 3: it is blank".into()],
            parsed: Some(LintParsed::Sts {
                version: "STSv1".into(),
                mode: StsMode::Enforce,
                mx: vec!["mx.example.com".into(), "*.example.net".into()],
                max_age: 604_800,
            }),
        }
    }

    #[test]
    fn a_lint_as_text() {
        let bad = Lint {
            kind: LintKind::StsRecord,
            input: "-".into(),
            valid: false,
            errors: vec!["it has no id".into()],
            warnings: Vec::new(),
            parsed: None,
        };
        let expected = "\
✔ valid  mta-sts.txt  MTA-STS policy
  warning line 3: it is blank
  version STSv1
  mode    enforce
  mx      mx.example.com
  mx      *.example.net
  max_age 604800 (7 days)

✖ INVALID  standard input  MTA-STS record
  error   it has no id
";
        assert_eq!(text(&[policy(), bad], &Style::plain()), expected);
    }

    #[test]
    fn one_is_an_object_and_several_are_an_array() {
        let one: serde_json::Value = serde_json::from_str(&json(&[policy()]).unwrap()).unwrap();
        assert_eq!(one["kind"], "sts");
        assert_eq!(one["parsed"]["mode"], "enforce");
        assert_eq!(one["parsed"]["max_age"], 604_800);
        let many: serde_json::Value = serde_json::from_str(&json(&[policy(), policy()]).unwrap()).unwrap();
        assert_eq!(many[1]["input"], "mta-sts.txt");
    }

    #[test]
    fn foreign_text_is_guarded() {
        let mut lint = policy();
        lint.input = format!("\u{1b}[31m{}", "x".repeat(100));
        lint.warnings = vec!["a\u{202e}b".into()];
        let text = text(&[lint], &Style::plain());
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && text.contains('…'), "{text}");
    }

    #[test]
    fn durations_are_rounded_to_one_unit() {
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (3_600, "1 hour"),
            (86_399, "about 23 hours"),
            (31_557_600, "about 365 days"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
