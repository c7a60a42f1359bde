//! The TXT record at `_mta-sts.DOMAIN` (RFC 8461 section 3.1).

use crate::{
    fields::{self, Field, Kind},
    reading::{Notes, Reading, Selection, quote},
};

/// Longest id.
const MAX_ID: usize = 32;

const KIND: Kind = Kind { version: "v=STSv1", example: "v=STSv1; id=20260101T000000;" };

/// A record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsRecord {
    /// 1 to 32 letters and digits; a change tells senders to fetch the policy anew.
    pub id: String,
}

/// Chooses the record among all TXT records at `_mta-sts.DOMAIN`, the strings of each joined.
///
/// Records that do not begin with `v=STSv1;` are discarded, and exactly one must be left. A
/// blank before the `;` is tolerated with a warning (erratum 6285).
pub fn select(texts: &[String]) -> Selection<StsRecord> {
    KIND.select(texts, parse)
}

/// Reads one record.
///
/// `v=STSv1` first, then fields with `;` between them. Of several `id` fields the first counts:
/// section 3.1 does not say so, section 3.2 does for the policy. Fields that RFC 8461 does not
/// know are ignored.
pub fn parse(text: &str) -> Reading<StsRecord> {
    let mut notes = Notes::default();
    let fields = KIND.fields(text, &mut notes);
    let mut id = None;
    for field in fields.iter().flatten() {
        match field.name {
            "id" if id.is_none() => id = Some(read_id(*field, &mut notes)),
            "id" => notes.warning("there is more than one id: the first counts, and senders may differ"),
            _ => fields::extension(*field, &["id"], &mut notes),
        }
    }
    if id.is_none() && fields.is_some_and(|fields| !fields.is_empty()) {
        notes.error(format!("it has no id: write {}", KIND.example));
    }
    notes.finish(id.flatten().map(|id| StsRecord { id }))
}

fn read_id(field: Field<'_>, notes: &mut Notes) -> Option<String> {
    let id = field.value;
    if let Some(c) = id.chars().find(|c| !c.is_ascii_alphanumeric()) {
        notes.error(format!(
            "the id {} contains {}: only letters and digits are allowed",
            quote(id),
            quote(c.encode_utf8(&mut [0; 4]))
        ));
    } else if id.is_empty() {
        notes.error("the id is empty: write 1 to 32 letters and digits, such as the date");
    } else if id.len() > MAX_ID {
        notes.error(format!("the id is {} characters long; {MAX_ID} are allowed", id.len()));
    } else {
        return Some(id.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(text: &str) -> Option<String> {
        parse(text).value.map(|record| record.id)
    }

    #[test]
    fn records_of_the_grammar_are_read() {
        for (text, expected) in [
            ("v=STSv1; id=20160831085700Z;", "20160831085700Z"),
            ("v=STSv1;id=a", "a"),
            ("v=STSv1; \t id=20160831085700Z  \t;", "20160831085700Z"),
            ("v=STSv1; id=a; more=a; ext=2", "a"),
            ("v=STSv1; more=a; id=a; ", "a"),
            ("v=STSv1; id=12345678901234567890123456789012", "12345678901234567890123456789012"),
            ("v=STSv1; id=a; a.b_c-d=!<>~", "a"),
            ("v=STSv1 ; id=a", "a"),
            ("v=STSv1; id=a ", "a"),
            ("v=STSv1; id=a; id=b", "a"),
        ] {
            assert_eq!(id(text).as_deref(), Some(expected), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn other_records_are_refused_with_a_reason() {
        for (text, word) in [
            ("", "begins with"),
            ("v=STSv0; id=a", "begins with"),
            ("v=STSv10; id=a", "begins with"),
            ("v=STSv2; id=a", "begins with"),
            ("V=STSv1; id=a", "letter case"),
            ("v=stsv1; id=a", "letter case"),
            (" v=STSv1; id=a", "begins with"),
            ("id=a; v=STSv1", "begins with"),
            ("v=STSv1 id=a", "begins with"),
            ("v=STSv1", "ends behind"),
            ("v=STSv1;", "no field"),
            ("v=STSv1; ", "no field"),
            ("v=STSv1; ext=1", "no id"),
            ("v=STSv1; ID=1", "no id"),
            ("v=STSv1; id=", "empty"),
            ("v=STSv1; id", "no \"=\""),
            ("v=STSv1; id=012345678901234567890123456789012", "33 characters"),
            ("v=STSv1; id=test-123", "contains \"-\""),
            ("v=STSv1; id=a b", "contains \" \""),
            ("v=STSv1; id = a", "blank behind"),
            ("v=STSv1; id= a", "contains \" \""),
            ("v=STSv1; id=\u{e9}", "letters and digits"),
            ("v=STSv1; id=a; more=", "no value"),
            ("v=STSv1; id=a; a12345678901234567890123456789012=1", "33 characters"),
            ("v=STSv1; id=a; 1%=a", "contains \"%\""),
            ("v=STSv1; id=a; _x=a", "begin with"),
            ("v=STSv1; id=a; test==", "contains \"=\""),
            ("v=STSv1; id=a; x=a b", "contains \" \""),
            ("v=STSv1; id=a;;", "two \";\""),
            ("v=STSv1;; id=a", "two \";\""),
            ("v=STSv1; ; id=a", "two \";\""),
            ("v=STSv1; id=a; =b", "no name"),
        ] {
            let reading = parse(text);
            assert!(!reading.is_valid(), "{text}");
            assert!(reading.errors.iter().any(|e| e.contains(word)), "{text}: {:?}", reading.errors);
        }
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let reading = parse("v=STSv1; id=a-b; x=;; y");
        assert_eq!(reading.errors.len(), 4, "{:?}", reading.errors);
    }

    #[test]
    fn oddities_are_warnings() {
        for (text, word) in [
            ("v=STSv1 ; id=a", "blank before"),
            ("v=STSv1; id=a\t", "blanks at the end"),
            ("v=STSv1; id=a; id=b", "more than one id"),
            ("v=STSv1; id=a; Id=b", "write \"id\""),
            ("v=STSv1; id=a; x=b", "not known"),
        ] {
            let reading = parse(text);
            assert!(reading.is_valid(), "{text}: {:?}", reading.errors);
            assert!(reading.warnings.iter().any(|w| w.contains(word)), "{text}: {:?}", reading.warnings);
        }
        assert!(parse("v=STSv1; id=20160831085700Z;").warnings.is_empty());
    }

    #[test]
    fn exactly_one_record_is_selected() {
        let select = |texts: &[&str]| select(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        assert!(select(&[]).is_nothing());
        assert!(select(&["v=spf1 -all"]).is_nothing(), "a wildcard TXT record is no MTA-STS record");
        let one = select(&["v=spf1 -all", "v=STSv1; id=a;"]);
        assert_eq!(
            (one.record, one.problem, one.warnings.len()),
            (Some(StsRecord { id: "a".into() }), None, 1)
        );
        for unusable in [
            &["v=STSv1; id=a;", "v=STSv1; id=b;"][..],
            &["v=STSv1; id=a;", "v=STSv1; id=a;"],
            &["v=STSv1; id=a-b;"],
            &["v=STSv1"],
            &["v=stsv1; id=a;"],
            &["v=STSv2; id=a;"],
            &[" v=STSv1; id=a;"],
            &["\"v=STSv1; id=a;\""],
        ] {
            let found = select(unusable);
            assert!(found.record.is_none() && found.problem.is_some(), "{unusable:?}: {found:?}");
        }
        let blank = select(&["v=STSv1 ; id=a;", "v=STSv1; id=b;"]);
        assert_eq!(blank.record, Some(StsRecord { id: "b".into() }));
        assert!(blank.warnings[0].contains("blank"), "{blank:?}");
        assert!(select(&["v=STSv1 ; id=a;"]).record.is_some());
        let beside = select(&["v=STSv2; id=a;", "v=STSv1; id=b;"]);
        assert_eq!(beside.record, Some(StsRecord { id: "b".into() }));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,80}|v=STSv1[;= a-z\\t]{0,40}") {
            let reading = parse(&text);
            prop_assert_eq!(reading.is_valid(), reading.errors.is_empty());
            if let Some(record) = reading.value {
                prop_assert!((1..=32).contains(&record.id.len()));
                prop_assert!(record.id.bytes().all(|b| b.is_ascii_alphanumeric()));
                let again = format!("v=STSv1; id={};", record.id);
                prop_assert_eq!(parse(&again).value, Some(record));
            }
        }
    }
}
