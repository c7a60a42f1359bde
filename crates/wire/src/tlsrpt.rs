//! TLS-RPT (RFC 8460): the TXT record at `_smtp._tls.DOMAIN`; [`report`] writes what is sent
//! there.

pub mod report;

use waxseal_model::policy::TlsRptRecord;

use crate::{
    fields::{self, Field, Kind},
    reading::{Notes, Reading, Selection, quote},
};

const KIND: Kind = Kind { version: "v=TLSRPTv1", example: "v=TLSRPTv1; rua=mailto:tls-reports@example.com" };

/// Chooses the record among all TXT records at `_smtp._tls.DOMAIN`, the strings of each joined.
///
/// Records that do not begin with `v=TLSRPTv1;` are discarded, and exactly one must be left
/// (RFC 8460 section 3). A blank before the `;` is tolerated with a warning.
pub fn select(texts: &[String]) -> Selection<TlsRptRecord> {
    KIND.select(texts, parse)
}

/// Reads one record: `v=TLSRPTv1` first, then fields with `;` between them, of which at least
/// one is `rua`. Fields that RFC 8460 does not know are ignored.
pub fn parse(text: &str) -> Reading<TlsRptRecord> {
    let mut notes = Notes::default();
    let fields = KIND.fields(text, &mut notes);
    let mut rua: Vec<String> = Vec::new();
    let mut lists = 0usize;
    for field in fields.iter().flatten() {
        match field.name {
            "rua" => {
                lists += 1;
                read_list(*field, &mut rua, &mut notes);
            }
            _ => fields::extension(*field, &["rua"], &mut notes),
        }
    }
    if lists > 1 {
        notes.warning(format!(
            "there are {lists} rua fields: some senders read only one; write one list with commas"
        ));
    }
    if lists == 0 && fields.is_some_and(|fields| !fields.is_empty()) {
        notes.error(format!("it has no rua, so nobody knows where reports go: write {}", KIND.example));
    }
    notes.finish(Some(TlsRptRecord { rua }))
}

fn read_list(field: Field<'_>, rua: &mut Vec<String>, notes: &mut Notes) {
    if fields::trim_wsp(field.value).is_empty() {
        notes.error(format!("rua is empty: write {}", KIND.example));
        return;
    }
    for uri in field.value.split(',').map(fields::trim_wsp) {
        match wrong_uri(uri) {
            Some(why) => notes.error(why),
            None if rua.iter().any(|known| known == uri) => {
                notes.warning(format!("{} is there twice", quote(uri)));
            }
            None => rua.push(uri.to_owned()),
        }
    }
}

/// Why a text is no address for reports.
fn wrong_uri(uri: &str) -> Option<String> {
    let given = quote(uri);
    if uri.is_empty() {
        return Some("there is a comma in rua with nothing before or behind it: delete it".to_owned());
    }
    let Some((scheme, rest)) = uri.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        let hint = if uri.contains('@') { "mailto:" } else { "https://" };
        return Some(format!(
            "{given} is no URI: it begins with mailto: or https:, as in {hint}{}",
            neutral(uri)
        ));
    };
    if let Some(why) = wrong_characters(uri) {
        return Some(format!("{given} {why}"));
    }
    match scheme.to_ascii_lowercase().as_str() {
        "mailto" => wrong_mailbox(rest).map(|why| format!("{given} {why}")),
        "https" => wrong_authority(rest).map(|why| format!("{given} {why}")),
        "http" => Some(format!("{given} is http: reports go by mailto: or https: only; write https:")),
        _ => Some(format!("{given} has a scheme that nobody sends reports to: write mailto: or https:")),
    }
}

fn neutral(text: &str) -> String {
    crate::text::neutralise(text.as_bytes(), 60)
}

/// `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986 section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Characters that a URI cannot contain, or this record cannot (`!`; `,` and `;` cannot come
/// so far).
fn wrong_characters(uri: &str) -> Option<String> {
    if uri.contains('!') {
        return Some("contains \"!\": write %21 (there are no size limits as in DMARC)".to_owned());
    }
    if uri.contains([' ', '\t']) {
        return Some("contains a blank: write a comma between two addresses, and %20 within one".to_owned());
    }
    // RFC 3986 section 2: reserved, unreserved, and "%".
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@$&'()*+=%".contains(c);
    if let Some(c) = uri.chars().find(|c| !allowed(*c)) {
        let c = quote(c.encode_utf8(&mut [0; 4]));
        return Some(format!("contains {c}, which URIs write percent-encoded"));
    }
    if uri.matches('#').count() > 1 {
        return Some("contains two \"#\": write %23".to_owned());
    }
    let mut escapes = uri.split('%').skip(1);
    let is_escape = |rest: &str| rest.get(..2).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    (!escapes.all(is_escape))
        .then(|| "contains a \"%\" without two hexadecimal digits behind it: write %25".to_owned())
}

/// `mailto:` needs an address to send to (RFC 6068 allows none, which no report can use).
fn wrong_mailbox(rest: &str) -> Option<String> {
    let address = rest.split(['?', '#']).next().unwrap_or_default();
    let fits = address.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !local.contains('@') && !domain.is_empty() && !domain.contains(['/', ':'])
    });
    (!fits).then(|| "names no mail address: write mailto:user@example.com".to_owned())
}

fn wrong_authority(rest: &str) -> Option<String> {
    let host = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let name = host.map(|host| host.rsplit('@').next().unwrap_or_default());
    match name {
        Some(name) if !name.is_empty() && !name.starts_with(':') => None,
        _ => Some("names no host: write https://reports.example.com/path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rua(text: &str) -> Option<Vec<String>> {
        parse(text).value.map(|record| record.rua)
    }

    #[test]
    fn records_of_the_grammar_are_read() {
        for (text, expected) in [
            ("v=TLSRPTv1; rua=mailto:reports@example.com", &["mailto:reports@example.com"][..]),
            ("v=TLSRPTv1;rua=mailto:reports@example.com;", &["mailto:reports@example.com"]),
            (
                "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
                &["https://reporting.example.com/v1/tlsrpt"],
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@example.com , \t\t https://example.com/tlsrpt  ",
                &["mailto:a@example.com", "https://example.com/tlsrpt"],
            ),
            ("v=TLSRPTv1; rua=mailto:a@example.com; ext=yes", &["mailto:a@example.com"]),
            (
                "v=TLSRPTv1 ; rua=mailto:a@x.example; rua=mailto:b@x.example",
                &["mailto:a@x.example", "mailto:b@x.example"],
            ),
            ("v=TLSRPTv1; rua=MAILTO:a@example.com", &["MAILTO:a@example.com"]),
            (
                "v=TLSRPTv1; rua=mailto:a%2Cb%21c@example.com?subject=x%3By",
                &["mailto:a%2Cb%21c@example.com?subject=x%3By"],
            ),
            ("v=TLSRPTv1; rua=https://example.com?key=a=b", &["https://example.com?key=a=b"]),
            ("v=TLSRPTv1; rua=https://[2001:db8::1]:8443/r", &["https://[2001:db8::1]:8443/r"]),
        ] {
            assert_eq!(rua(text).unwrap_or_default(), expected, "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn other_records_are_refused_with_a_reason() {
        for (text, word) in [
            ("v=TLSRPTv0; rua=mailto:a@example.com", "begins with"),
            ("v=TLSRPTv10; rua=mailto:a@example.com", "begins with"),
            ("v=TLSRPTv2; rua=mailto:a@example.com", "begins with"),
            ("v=tlsrptv1; rua=mailto:a@example.com", "letter case"),
            ("v=TLSRPT1; rua=mailto:a@example.com", "begins with"),
            ("rua=mailto:a@example.com; v=TLSRPTv1", "begins with"),
            ("v=TLSRPTv1", "ends behind"),
            ("v=TLSRPTv1;", "no field"),
            ("v=TLSRPTv1; ext=1", "no rua"),
            ("v=TLSRPTv1; RUA=mailto:a@example.com", "no rua"),
            ("v=TLSRPTv1; rua=", "rua is empty"),
            ("v=TLSRPTv1; rua", "no \"=\""),
            ("v=TLSRPTv1; rua=noscheme", "no URI"),
            ("v=TLSRPTv1; rua=a@example.com", "mailto:a@example.com"),
            ("v=TLSRPTv1; rua=,, ,", "comma"),
            ("v=TLSRPTv1; rua=mailto:a@example.com,", "comma"),
            ("v=TLSRPTv1; rua=mailto:", "no mail address"),
            ("v=TLSRPTv1; rua=mailto:example.com", "no mail address"),
            ("v=TLSRPTv1; rua=mailto:a@b@example.com", "no mail address"),
            ("v=TLSRPTv1; rua=mailto://a@example.com/", "no mail address"),
            ("v=TLSRPTv1; rua=https:example.com", "no host"),
            ("v=TLSRPTv1; rua=https:///path", "no host"),
            ("v=TLSRPTv1; rua=http://example.com/r", "write https:"),
            ("v=TLSRPTv1; rua=mailto:a@example.com, http://example.com/r", "is http"),
            ("v=TLSRPTv1; rua=ftp://example.com/r", "scheme"),
            ("v=TLSRPTv1; rua=mailto:a@example.com!10m", "%21"),
            ("v=TLSRPTv1; rua=mailto:a@example.com other", "blank"),
            ("v=TLSRPTv1; rua=mailto:a@example.com mailto:b@example.com", "comma"),
            ("v=TLSRPTv1; rua=https://bad/%", "%25"),
            ("v=TLSRPTv1; rua=https://bad/%g0", "%25"),
            ("v=TLSRPTv1; rua=https://bad/<a>", "percent-encoded"),
            ("v=TLSRPTv1; rua=mailto:b\u{fc}cher@example.com", "percent-encoded"),
            ("v=TLSRPTv1; rua=mailto:a@example.com; more=", "no value"),
            ("v=TLSRPTv1; rua=mailto:a@example.com; a12345678901234567890123456789012=1", "33 characters"),
            ("v=TLSRPTv1; rua=mailto:a@example.com; 1%=a", "contains \"%\""),
            ("v=TLSRPTv1; rua=mailto:a@example.com; test==", "contains \"=\""),
            ("v=TLSRPTv1; rua=mailto:a@example.com;;", "two \";\""),
            ("v=TLSRPTv1; rua=mailto:a;b@example.com", "no \"=\""),
        ] {
            let reading = parse(text);
            assert!(!reading.is_valid(), "{text}");
            assert!(reading.errors.iter().any(|e| e.contains(word)), "{text}: {:?}", reading.errors);
        }
    }

    #[test]
    fn oddities_are_warnings() {
        for (text, word) in [
            ("v=TLSRPTv1 ; rua=mailto:a@example.com", "blank before"),
            ("v=TLSRPTv1; rua=mailto:a@example.com; rua=mailto:b@example.com", "2 rua"),
            ("v=TLSRPTv1; rua=mailto:a@example.com,mailto:a@example.com", "twice"),
            ("v=TLSRPTv1; rua=mailto:a@example.com; ruf=mailto:b@example.com", "not known"),
        ] {
            let reading = parse(text);
            assert!(reading.is_valid(), "{text}: {:?}", reading.errors);
            assert!(reading.warnings.iter().any(|w| w.contains(word)), "{text}: {:?}", reading.warnings);
        }
        assert!(parse("v=TLSRPTv1; rua=mailto:a@example.com;").warnings.is_empty());
    }

    #[test]
    fn exactly_one_record_is_selected() {
        let select = |texts: &[&str]| select(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        let good = "v=TLSRPTv1; rua=mailto:a@example.com";
        assert!(select(&[]).is_nothing());
        assert!(select(&["v=spf1 -all"]).is_nothing());
        assert_eq!(select(&[good, "v=spf1 -all"]).record.unwrap().rua, ["mailto:a@example.com"]);
        for unusable in
            [&[good, good][..], &["v=TLSRPTv1;"], &["v=TLSRPTv1"], &["v=tlsrptv1; rua=mailto:a@b.example"]]
        {
            let found = select(unusable);
            assert!(found.record.is_none() && found.problem.is_some(), "{unusable:?}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,80}|v=TLSRPTv1; rua=[a-z:/@,;!% ]{0,60}") {
            let reading = parse(&text);
            prop_assert_eq!(reading.is_valid(), reading.errors.is_empty());
            if let Some(record) = reading.value {
                prop_assert!(!record.rua.is_empty());
                let again = format!("v=TLSRPTv1; rua={}", record.rua.join(","));
                prop_assert_eq!(parse(&again).value, Some(record));
            }
        }
    }
}
