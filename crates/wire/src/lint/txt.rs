//! TXT records, as text or as lines of a zone file.

use waxseal_model::lint::{Lint, LintKind, LintParsed};

use super::lint;
use crate::{
    reading::{Notes, Reading, quote},
    sts::record,
    tlsrpt, zone,
};

/// Lints an MTA-STS record.
pub fn sts_record(input: &str, text: &str) -> Lint {
    let parsed = read(text, "v=STSv1", record::parse)
        .map(|record| LintParsed::StsRecord { version: "STSv1".to_owned(), id: record.id });
    lint(LintKind::StsRecord, input, parsed)
}

/// Lints a TLS-RPT record.
pub fn tlsrpt_record(input: &str, text: &str) -> Lint {
    let parsed = read(text, "v=TLSRPTv1", tlsrpt::parse)
        .map(|record| LintParsed::TlsrptRecord { version: "TLSRPTv1".to_owned(), rua: record.rua });
    lint(LintKind::TlsrptRecord, input, parsed)
}

fn read<T>(text: &str, version: &str, parse: impl Fn(&str) -> Reading<T>) -> Reading<T> {
    match joined(text, version) {
        Ok(text) => parse(&text),
        Err(error) => {
            let mut notes = Notes::default();
            notes.error(error);
            notes.finish(None)
        }
    }
}

/// The content of the record: the text itself; or its quoted strings, joined; or those of the
/// TXT record in a zone file, of several the one that begins with `version`.
fn joined(text: &str, version: &str) -> Result<String, String> {
    let text = text.trim_end_matches(['\r', '\n']);
    let entries = zone::entries(text);
    if !text.trim_start().starts_with(['"', '(']) && entries.iter().all(|entry| entry.record().is_none()) {
        return match text.contains(['\r', '\n']) {
            true => Err("it has several lines; a record is one text: put it on one line".to_owned()),
            false => Ok(text.to_owned()),
        };
    }
    let mut found = Vec::new();
    for entry in &entries {
        if let Some(error) = &entry.error {
            return Err(error.clone());
        }
        match entry.record() {
            Some(record) if record.rtype == "TXT" => found.push(strings(record.data)?),
            Some(_) => {}
            None => found.push(strings(&entry.words)?),
        }
    }
    if found.len() > 1 {
        found.retain(|text| text.starts_with(version));
    }
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => Err(format!("it contains no TXT record that begins with \"{version};\"")),
        (Some(_), others) => Err(format!(
            "it contains {} records that begin with \"{version}\": a domain publishes exactly one",
            others + 1
        )),
    }
}

/// The strings of a record, joined as receivers join them.
fn strings(words: &[zone::Word<'_>]) -> Result<String, String> {
    if let Some(word) = words.iter().find(|word| !word.quoted) {
        return Err(format!(
            "{} stands outside of quotes: in zone files text goes into double quotes, where \";\" does not begin a \
             comment",
            quote(word.raw)
        ));
    }
    if let Some(long) = words.iter().find(|word| word.text.len() > 255) {
        return Err(format!(
            "a string of it is {} bytes long, and DNS allows 255: split it into several in quotes, side by side",
            long.text.len()
        ));
    }
    Ok(words.iter().map(|word| word.text.as_str()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Result<String, String> {
        let found = sts_record("x", text);
        match found.parsed {
            Some(LintParsed::StsRecord { id, .. }) => Ok(id),
            _ => Err(found.errors.join("; ")),
        }
    }

    #[test]
    fn records_are_read_in_every_form() {
        for text in [
            "v=STSv1; id=a1;",
            "v=STSv1; id=a1;\n",
            "v=STSv1; id=a1;\r\n",
            "\"v=STSv1; id=a1;\"",
            "\"v=STSv1; \" \"id=a1;\"",
            "( \"v=STSv1; \"\n \"id=a1;\" )",
            "_mta-sts.example.com. 3600 IN TXT \"v=STSv1; id=a1;\"",
            "_mta-sts IN TXT ( \"v=STSv1; \" ; the version\n  \"id=a1;\" )",
            "_mta-sts IN TXT \"v=STSv1\\; id=a1\\059\"",
            "$ORIGIN example.com.\n@ IN TXT \"v=spf1 -all\"\n@ IN MX 10 mx\n_mta-sts IN TXT \"v=STSv1; id=a1;\"\n",
        ] {
            assert_eq!(id(text).as_deref(), Ok("a1"), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused_with_a_reason() {
        for (text, word) in [
            ("", "begins with"),
            ("v=STSv1;\nid=a1;", "several lines"),
            ("\"v=STSv1; id=a1;", "never closed"),
            ("_mta-sts IN TXT v=STSv1; id=a1;", "outside of quotes"),
            ("_mta-sts IN A 192.0.2.1", "no TXT record"),
            ("a IN TXT \"v=STSv1; id=a;\"\na IN TXT \"v=STSv1; id=b;\"", "exactly one"),
            ("\"v=STSv1;id=a-b\"", "contains \"-\""),
        ] {
            let error = id(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        let long = format!("\"v=TLSRPTv1; rua=mailto:{}@example.com\"", "a".repeat(300));
        assert!(tlsrpt_record("x", &long).errors[0].contains("255"));
    }

    #[test]
    fn reports_are_read_as_well() {
        let found = tlsrpt_record("x", "_smtp._tls IN TXT \"v=TLSRPTv1; rua=mailto:a@\" \"example.com\"");
        let rua = vec!["mailto:a@example.com".to_owned()];
        assert_eq!(found.parsed, Some(LintParsed::TlsrptRecord { version: "TLSRPTv1".into(), rua }));
    }
}
