//! The policy file, `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` (RFC 8461 section 3.2).

use waxseal_model::policy::{StsMode, StsPolicy};

use super::pattern;
use crate::{
    fields,
    reading::{Notes, Reading, quote},
    text::neutralise,
};

/// Largest file that senders need to read, in bytes (RFC 8461 section 3.3).
pub const MAX_POLICY: usize = 64 * 1024;

/// Largest `max_age`: a year of seconds, with its quarter of a day (section 3.2).
pub const MAX_AGE: u32 = 31_557_600;

/// Most digits of a `max_age`.
const MAX_DIGITS: usize = 10;

const DAY: u32 = 86_400;
const WEEK: u32 = 7 * DAY;

/// The keys that RFC 8461 knows.
const KEYS: [&str; 4] = ["version", "mode", "max_age", "mx"];

const EXAMPLE: &str = "version: STSv1, mode: testing, mx: mx.example.com, max_age: 604800";

/// Reads a policy file. `id` is the one of the TXT record and goes into the policy as it is.
///
/// `key: value` lines that end with LF or CRLF (erratum 6253). Keys and values distinguish upper
/// and lower case. Of a key that is there twice, `mx` excepted, the first counts. Unknown keys
/// are ignored. Byte order mark, blank lines and blanks at the end of a line are warnings: the
/// grammar allows only the last of them, and receivers differ over the others.
pub fn parse(body: &[u8], id: &str) -> Reading<StsPolicy> {
    let mut notes = Notes::default();
    let draft = read(body, &mut notes);
    let value = draft.and_then(|draft| draft.finish(id, &mut notes));
    notes.finish(value)
}

/// What the lines have said so far. An inner `None` is a value that could not be read.
#[derive(Default)]
struct Draft {
    version: Option<Option<()>>,
    mode: Option<Option<StsMode>>,
    max_age: Option<Option<u32>>,
    mx: Vec<String>,
    mx_lines: usize,
    /// Unknown keys in the order in which they came, and the lines that gave them.
    unknown: Vec<String>,
}

fn read(body: &[u8], notes: &mut Notes) -> Option<Draft> {
    if body.len() > MAX_POLICY {
        notes.error(format!(
            "the file is {} bytes large, and senders read at most {MAX_POLICY}: shorten it",
            body.len()
        ));
        return None;
    }
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            notes.warning("line 1: the file begins with a byte order mark, which some senders take for a part of the first key: save it without");
            rest
        }
        None => body,
    };
    if body.trim_ascii().is_empty() {
        notes.error(format!("the file is empty: a policy has these lines: {EXAMPLE}"));
        return None;
    }
    if body.trim_ascii_start().starts_with(b"<") {
        notes.error("the file looks like a web page, and not like a policy: serve the text file itself");
        return None;
    }
    let mut draft = Draft::default();
    let text = body.strip_suffix(b"\n").unwrap_or(body);
    for (number, line) in (1usize..).zip(text.split(|byte| *byte == b'\n')) {
        draft.line(number, line.strip_suffix(b"\r").unwrap_or(line), notes);
    }
    Some(draft)
}

impl Draft {
    fn line(&mut self, number: usize, line: &[u8], notes: &mut Notes) {
        let Ok(line) = std::str::from_utf8(line) else {
            notes.error(format!("line {number}: {} is not UTF-8", quote(line)));
            return;
        };
        if fields::trim_wsp(line).is_empty() {
            notes.warning(format!(
                "line {number}: it is blank; the grammar has no blank lines, and strict senders refuse the file"
            ));
            return;
        }
        if line.starts_with([' ', '\t']) {
            notes.error(format!("line {number}: it begins with a blank: delete it"));
            return;
        }
        let Some((key, value)) = line.split_once(':') else {
            notes.error(format!("line {number}: {} has no \":\": lines are written key: value", quote(line)));
            return;
        };
        if let Some(why) = fields::wrong_name(key) {
            notes.error(format!(
                "line {number}: {}",
                why.replace("field name", "key").replace("name=value", "key: value")
            ));
            return;
        }
        let trimmed = fields::trim_wsp(value);
        if value.ends_with([' ', '\t']) && !trimmed.is_empty() {
            notes.warning(format!("line {number}: there are blanks at the end of the line"));
        }
        if trimmed.is_empty() {
            notes.error(format!("line {number}: {} has no value", quote(key)));
            // It is there all the same, and need not be called missing.
            self.empty(key);
            return;
        }
        if let Some(c) = trimmed.chars().find(char::is_ascii_control) {
            let c = quote(c.encode_utf8(&mut [0; 4]));
            notes.error(format!("line {number}: it contains the control character {c}"));
            self.empty(key);
            return;
        }
        self.field(number, key, trimmed, notes);
    }

    fn empty(&mut self, key: &str) {
        match key {
            "version" => drop(self.version.get_or_insert(None)),
            "mode" => drop(self.mode.get_or_insert(None)),
            "max_age" => drop(self.max_age.get_or_insert(None)),
            "mx" => self.mx_lines += 1,
            _ => {}
        }
    }

    fn field(&mut self, number: usize, key: &str, value: &str, notes: &mut Notes) {
        let repeated = match key {
            "version" => set(&mut self.version, || version(number, value, notes)),
            "mode" => set(&mut self.mode, || mode(number, value, notes)),
            "max_age" => set(&mut self.max_age, || max_age(number, value, notes)),
            "mx" => {
                self.pattern(number, value, notes);
                false
            }
            _ => {
                self.unknown(number, key, notes);
                false
            }
        };
        if repeated {
            notes.warning(format!("line {number}: {key} is there again; the first one counts"));
        }
    }

    fn pattern(&mut self, number: usize, value: &str, notes: &mut Notes) {
        self.mx_lines += 1;
        if let Err(error) = pattern::validate(value) {
            notes.error(format!("line {number}: {error}"));
            return;
        }
        if let Some(oddity) = pattern::oddity(value) {
            notes.warning(format!("line {number}: {oddity}"));
        }
        let name = value.to_ascii_lowercase();
        if self.mx.contains(&name) {
            notes.warning(format!("line {number}: {} is there again", quote(value)));
        } else {
            self.mx.push(name);
        }
    }

    fn unknown(&mut self, number: usize, key: &str, notes: &mut Notes) {
        if self.unknown.iter().any(|known| known == key) {
            notes.warning(format!("line {number}: {key} is there again; the first one counts"));
            return;
        }
        self.unknown.push(key.to_owned());
        notes.warning(match KEYS.iter().find(|known| known.eq_ignore_ascii_case(&key.replace('-', "_"))) {
            Some(known) => {
                format!("line {number}: the key \"{key}\" is not known and is ignored: write \"{known}\"")
            }
            None => format!("line {number}: the key \"{key}\" is not known and is ignored"),
        });
    }

    /// Sees that nothing is missing.
    fn finish(self, id: &str, notes: &mut Notes) -> Option<StsPolicy> {
        if self.version.is_none() {
            notes.error("version is missing: write version: STSv1");
        }
        if self.mode.is_none() {
            notes.error("mode is missing: write mode: testing, or enforce or none");
        }
        if self.max_age.is_none() {
            notes.error("max_age is missing: write max_age: 604800 (a week, in seconds)");
        }
        let off = self.mode == Some(Some(StsMode::None));
        if self.mx_lines == 0 && !off {
            notes.error("mx is missing: write a line mx: HOST for each of your MX hosts");
        }
        let (mode, max_age) = (self.mode??, self.max_age??);
        self.version??;
        Some(StsPolicy { id: id.to_owned(), mode, mx: self.mx, max_age })
    }
}

/// Advice on how long senders keep a policy (RFC 8461 section 3.2); none where it is long
/// enough for its mode. In mode testing a day is usual, so that mistakes pass quickly.
pub fn max_age_advice(policy: &StsPolicy) -> Option<String> {
    let age = policy.max_age;
    match policy.mode {
        StsMode::None => None,
        _ if age == 0 => Some(
            "max_age is 0: senders forget the policy at once, and an attacker can suppress it".to_owned(),
        ),
        _ if age < DAY => {
            Some(format!("max_age is {age}, less than a day: the policy hardly protects; weeks are usual"))
        }
        StsMode::Enforce if age < WEEK => {
            Some(format!("max_age is {age}, less than a week: RFC 8461 expects weeks or more"))
        }
        StsMode::Enforce | StsMode::Testing => None,
    }
}

/// Sets what is not yet there; true if it is.
fn set<T>(slot: &mut Option<Option<T>>, read: impl FnOnce() -> Option<T>) -> bool {
    if slot.is_some() {
        return true;
    }
    *slot = Some(read());
    false
}

fn version(number: usize, value: &str, notes: &mut Notes) -> Option<()> {
    if value == "STSv1" {
        return Some(());
    }
    notes.error(format!("line {number}: the version {} is not known: write version: STSv1", quote(value)));
    None
}

fn mode(number: usize, value: &str, notes: &mut Notes) -> Option<StsMode> {
    let modes = [StsMode::Enforce, StsMode::Testing, StsMode::None];
    let found = modes.into_iter().find(|mode| mode.word() == value);
    if found.is_none() {
        notes.error(format!(
            "line {number}: {} is no mode: write enforce, testing or none, in lower case",
            quote(value)
        ));
    }
    found
}

fn max_age(number: usize, value: &str, notes: &mut Notes) -> Option<u32> {
    if !value.bytes().all(|b| b.is_ascii_digit()) {
        notes.error(format!("line {number}: the max_age {} is no number of seconds", quote(value)));
        return None;
    }
    if value.len() > MAX_DIGITS {
        notes.error(format!(
            "line {number}: the max_age has {} digits; {MAX_DIGITS} are allowed",
            value.len()
        ));
        return None;
    }
    let seconds = value.parse().ok().filter(|seconds| *seconds <= MAX_AGE);
    if seconds.is_none() {
        notes.error(format!(
            "line {number}: the max_age {} is more than {MAX_AGE} seconds, a year",
            neutralise(value.as_bytes(), MAX_DIGITS)
        ));
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Reading<StsPolicy> {
        parse(text.as_bytes(), "1")
    }

    fn has(list: &[String], word: &str) -> bool {
        list.iter().any(|sentence| sentence.contains(word))
    }

    #[test]
    fn policies_of_the_grammar_are_read() {
        // The example of RFC 8461 section 3.2, and its line ends.
        let example = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n\
                       mx: backupmx.example.com\r\nmax_age: 604800\r\n";
        let expected = StsPolicy {
            id: "1".into(),
            mode: StsMode::Enforce,
            mx: vec!["mail.example.com".into(), "*.example.net".into(), "backupmx.example.com".into()],
            max_age: 604_800,
        };
        for text in [
            example.to_owned(),
            example.replace("\r\n", "\n"),
            example.trim_end().to_owned(),
            example.replace(": ", ":"),
            example.replace(": ", ":\t \t"),
        ] {
            let reading = read(&text);
            assert_eq!(reading.value.as_ref(), Some(&expected), "{text:?}: {:?}", reading.errors);
            assert!(reading.warnings.is_empty(), "{text:?}: {:?}", reading.warnings);
        }
    }

    #[test]
    fn order_extensions_and_what_mode_none_needs_are_free() {
        for text in [
            "max_age: 86400\nmx: *.example.com\nmode: testing\nversion: STSv1",
            "version: STSv1\nmode: none\nmax_age: 0",
            "version: STSv1\nmode: none\nmax_age: 1\nmx: mx.example.com",
            "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 31557600\nmore:ext e  ns ion\nx.-_: gr\u{fc}n",
            "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 0000604800",
        ] {
            assert!(read(text).is_valid(), "{text:?}: {:?}", read(text).errors);
        }
    }

    #[test]
    fn other_files_are_refused_with_a_reason() {
        let good = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n";
        for (text, word) in [
            (String::new(), "empty"),
            ("\n \r\n".into(), "empty"),
            ("<!DOCTYPE html>\n<html>".into(), "web page"),
            (good.replace("version: STSv1\n", ""), "version is missing"),
            (good.replace("STSv1", "STSv0"), "\"STSv0\" is not known"),
            (good.replace("STSv1", "STSv10"), "\"STSv10\" is not known"),
            (good.replace("STSv1", "stsv1"), "\"stsv1\" is not known"),
            (good.replace("mode: enforce\n", ""), "mode is missing"),
            (good.replace("enforce", "Enforce"), "lower case"),
            (good.replace("enforce", "bad"), "no mode"),
            (good.replace("enforce", "enforce testing"), "no mode"),
            (good.replace("mode:", "Mode:"), "mode is missing"),
            (good.replace("max_age: 604800\n", ""), "max_age is missing"),
            (good.replace("604800", "a"), "no number"),
            (good.replace("604800", "-1"), "no number"),
            (good.replace("604800", "1.5"), "no number"),
            (good.replace("604800", "1 week"), "no number"),
            (good.replace("604800", "00000604800"), "11 digits"),
            (good.replace("604800", "31557601"), "31557600"),
            (good.replace("604800", "9999999999"), "31557600"),
            (good.replace("mx: mx.example.com\n", ""), "mx is missing"),
            (good.replace("mx: mx.example.com\n", "").replace("enforce", "testing"), "mx is missing"),
            (good.replace("mx.example.com", ""), "no value"),
            (good.replace("mx.example.com", "*.*.example"), "star"),
            (good.replace("mx.example.com", "m\u{f8}x.example"), "xn--mx-lka.example"),
            (good.replace("mx.example.com", "a.example, b.example"), "line of its own"),
            (format!("{good}ext:\n"), "no value"),
            (format!("{good}_bad: test\n"), "begin with"),
            (format!("{good}a12345678901234567890123456789012: 1\n"), "33 characters"),
            (format!("{good}mode : none\n"), "blank behind"),
            (format!("{good}nonsense\n"), "no \":\""),
            (format!("{good}ext: a\tb\n"), "control character"),
            (format!("{good}ext: a\u{0}b\n"), "control character"),
            (good.replace('\n', "\r"), "control character"),
            (format!(" {good}"), "begins with a blank"),
            (format!("{good}# comment\n"), "no \":\""),
        ] {
            let reading = read(&text);
            assert!(!reading.is_valid(), "{text:?}");
            assert!(has(&reading.errors, word), "{text:?}: {:?}", reading.errors);
        }
        assert!(has(&parse(b"version: STSv1\nx: \xff\n", "1").errors, "line 2: \"x: \\xff\" is not UTF-8"));
        assert!(has(&parse(&vec![b'a'; MAX_POLICY + 1], "1").errors, "65537 bytes"));
    }

    #[test]
    fn all_errors_are_told_at_once_and_with_their_lines() {
        let reading = read("version: STSv2\nmode: on\nmx: *\nmax_age: x\n");
        assert_eq!(reading.errors.len(), 4, "{:?}", reading.errors);
        assert!(reading.errors[2].starts_with("line 3: "), "{:?}", reading.errors);
    }

    #[test]
    fn the_first_of_a_repeated_key_counts() {
        let text = "version: STSv1\nmode: enforce\nmode: none\nmx: a.example\nmx: A.example\nmax_age: 604800\n\
                    max_age: x\nversion: STSv2\next: a\next: b\n";
        let reading = read(text);
        let policy = reading.value.unwrap();
        assert_eq!((policy.mode, policy.max_age, policy.mx.len()), (StsMode::Enforce, 604_800, 1));
        for word in ["line 3: mode is there again", "line 5: \"A.example\"", "line 7", "line 8", "line 10"] {
            assert!(has(&reading.warnings, word), "{word}: {:?}", reading.warnings);
        }
        assert!(!read("version: STSv1\nmode: bad\nmode: none\nmax_age: 1\n").is_valid());
    }

    #[test]
    fn oddities_are_warnings() {
        let good = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n";
        for (text, word) in [
            (format!("\u{feff}{good}"), "byte order mark"),
            (format!("{good}\n"), "line 5: it is blank"),
            (good.replace("mode", "\nmode"), "line 2: it is blank"),
            (good.replace("enforce", "enforce \t"), "line 2: there are blanks at the end"),
            (format!("{good}ext: 1\n"), "\"ext\" is not known"),
            (format!("{good}MX: b.example\n"), "write \"mx\""),
            (format!("{good}max-age: 1\n"), "write \"max_age\""),
            (good.replace("mx.example.com", "*.com"), "top-level"),
        ] {
            let reading = read(&text);
            assert!(reading.is_valid(), "{text:?}: {:?}", reading.errors);
            assert!(has(&reading.warnings, word), "{text:?}: {:?}", reading.warnings);
        }
        assert!(
            read("version: STSv1\nmode: none\nmax_age: 0\n").warnings.is_empty(),
            "a policy being removed"
        );
    }

    #[test]
    fn the_advice_on_max_age_depends_on_the_mode() {
        let advice = |mode, max_age| {
            let policy = StsPolicy { id: "1".into(), mode, mx: vec!["mx.example".into()], max_age };
            max_age_advice(&policy).unwrap_or_default()
        };
        assert!(advice(StsMode::Enforce, 0).contains("max_age is 0"));
        assert!(advice(StsMode::Testing, 86_399).contains("less than a day"));
        assert!(advice(StsMode::Enforce, 86_400).contains("less than a week"));
        assert_eq!(advice(StsMode::Testing, 86_400), "");
        assert_eq!(advice(StsMode::Enforce, 604_800), "");
        assert_eq!(advice(StsMode::None, 0), "");
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let reading = parse(&bytes, "1");
            prop_assert_eq!(reading.is_valid(), reading.errors.is_empty());
        }

        #[test]
        fn a_policy_survives_being_written(
            mode in 0usize..3, mx in prop::collection::vec("(\\*\\.)?[a-z0-9]{1,8}\\.[a-z]{2,8}", 1..5), max_age in 0..=MAX_AGE
        ) {
            let mode = [StsMode::Enforce, StsMode::Testing, StsMode::None][mode];
            let mut text = format!("version: STSv1\nmode: {}\nmax_age: {max_age}\n", mode.word());
            for pattern in &mx {
                text.push_str(&format!("mx: {pattern}\n"));
            }
            let policy = read(&text).value.unwrap();
            prop_assert_eq!((policy.mode, policy.max_age), (mode, max_age));
            prop_assert!(mx.iter().all(|pattern| policy.mx.contains(pattern)));
        }
    }
}
