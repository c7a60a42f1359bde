//! TXT records of fields: `v=STSv1; id=1;`, `v=TLSRPTv1; rua=mailto:a@example.com`.
//!
//! MTA-STS (RFC 8461 section 3.1) and TLS-RPT (RFC 8460 section 3) share one grammar:
//!
//! ```text
//! record    = version 1*(delim field) [delim]
//! delim     = *WSP ";" *WSP
//! extension = name "=" value
//! name      = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
//! value     = 1*(%x21-3A / %x3C / %x3E-7E)
//! ```
//!
//! and one rule for several TXT records at a name: those that do not begin with the version
//! and `;` are discarded, and exactly one must be left.

use crate::reading::{Notes, Reading, Selection, quote};

/// Longest record that is looked at, in bytes: the most that a TXT record can carry.
const MAX_RECORD: usize = 65_535;

/// Longest name of a field.
const MAX_NAME: usize = 32;

/// A kind of record.
pub(crate) struct Kind {
    /// How it begins: `v=STSv1`.
    pub(crate) version: &'static str,
    /// An example to follow.
    pub(crate) example: &'static str,
}

impl Kind {
    /// True if a text begins as a record of this kind: the version, and then `;`, before which
    /// blanks are tolerated.
    pub(crate) fn begins(&self, text: &str) -> bool {
        text.strip_prefix(self.version).is_some_and(|rest| trim_wsp_start(rest).starts_with(';'))
    }

    /// True if a text was probably meant as a record of this kind: blanks or quotes before it,
    /// other letter case, another version number, a missing `;`.
    fn resembles(&self, text: &str) -> bool {
        let letters = |text: &str| {
            let kept =
                text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\' | '\u{feff}'));
            kept.take(self.version.len()).collect::<String>().to_ascii_lowercase()
        };
        let stem = self.version.trim_end_matches(|c: char| c.is_ascii_digit());
        letters(text).starts_with(&stem.to_ascii_lowercase())
    }

    /// Why a text is no record of this kind.
    fn not_begun(&self, text: &str) -> String {
        let rest = text.strip_prefix(self.version);
        match rest {
            Some(rest) if trim_wsp_start(rest).is_empty() => format!(
                "it ends behind {}: the other fields are missing, as in {}",
                self.version, self.example
            ),
            _ => format!(
                "it begins with {} and not with \"{};\": senders take no notice of it (letter case counts); \
                 write {}",
                quote(text.chars().take(self.version.len() + 4).collect::<String>()),
                self.version,
                self.example
            ),
        }
    }

    /// True if a text begins with version and `;` to the letter.
    fn begins_strictly(&self, text: &str) -> bool {
        text.strip_prefix(self.version).is_some_and(|rest| rest.starts_with(';'))
    }

    /// Chooses the one record among the TXT records of a name (each joined already). Those
    /// with a blank before the first `;` are only looked at where there are no others.
    pub(crate) fn select<T>(&self, texts: &[String], parse: impl Fn(&str) -> Reading<T>) -> Selection<T> {
        let (mut ours, mut others): (Vec<&String>, Vec<&String>) =
            texts.iter().partition(|text| self.begins_strictly(text));
        if ours.is_empty() {
            (ours, others) = texts.iter().partition(|text| self.begins(text));
        }
        match ours.as_slice() {
            [] => {
                let stray = others.iter().find(|text| self.resembles(text));
                let problem =
                    stray.map(|text| format!("{} is not valid: {}", quote(text), self.not_begun(text)));
                Selection { record: None, problem, warnings: Vec::new() }
            }
            [text] => {
                let mut warnings = self.discarded(&others);
                let reading = parse(text);
                warnings.extend(reading.warnings);
                let problem = match reading.value {
                    Some(_) => None,
                    None => Some(format!("{} is not valid: {}", quote(text), reading.errors.join("; "))),
                };
                Selection { record: reading.value, problem, warnings }
            }
            several => Selection {
                record: None,
                problem: Some(format!(
                    "{} records begin with \"{};\", and senders use none unless there is exactly one: delete the \
                     others",
                    several.len(),
                    self.version
                )),
                warnings: Vec::new(),
            },
        }
    }

    /// What is to be said of the TXT records beside the one that counts.
    fn discarded(&self, others: &[&String]) -> Vec<String> {
        let almost = others.iter().filter(|text| self.begins(text)).count();
        let rest = others.len() - almost;
        let mut warnings = Vec::new();
        if almost > 0 {
            warnings.push(format!(
                "another record begins with \"{}\", a blank and \";\": senders that tolerate the blank see several \
                 records and use none; delete it",
                self.version
            ));
        }
        if rest > 0 {
            let are = if rest == 1 { " is" } else { "s are" };
            warnings.push(format!("{rest} other TXT record{are} at this name, which senders discard"));
        }
        warnings
    }

    /// Takes a record apart. None where it is no record of this kind at all.
    pub(crate) fn fields<'a>(&self, text: &'a str, notes: &mut Notes) -> Option<Vec<Field<'a>>> {
        if text.len() > MAX_RECORD {
            notes.error(format!("it is {} bytes long; a TXT record holds {MAX_RECORD}", text.len()));
            return None;
        }
        let rest =
            text.strip_prefix(self.version).map(trim_wsp_start).and_then(|rest| rest.strip_prefix(';'));
        let Some(rest) = rest else {
            notes.error(self.not_begun(text));
            return None;
        };
        if !self.begins_strictly(text) {
            notes.warning(format!(
                "there is a blank before the first \";\": some senders discard a record that does not begin with \
                 \"{};\" to the letter",
                self.version
            ));
        }
        let mut pieces: Vec<&str> = rest.split(';').collect();
        let last = pieces.last().copied().unwrap_or_default();
        if trim_wsp(last).is_empty() {
            // The final delimiter, which is optional.
            pieces.pop();
        } else if trim_wsp(last).len() < trim_wsp_start(last).len() {
            notes.warning(
                "there are blanks at the end, which the grammar allows before or after a \";\" only",
            );
        }
        if pieces.is_empty() {
            notes.error(format!("it has no field but the version: write {}", self.example));
        }
        Some(pieces.into_iter().filter_map(|piece| field(trim_wsp(piece), notes)).collect())
    }
}

/// A field with a name of valid syntax; its value is not yet looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

fn field<'a>(piece: &'a str, notes: &mut Notes) -> Option<Field<'a>> {
    if piece.is_empty() {
        notes.error("there are two \";\" with nothing between them: delete one");
        return None;
    }
    let Some((name, value)) = piece.split_once('=') else {
        notes.error(format!("{} has no \"=\": fields are written name=value", quote(piece)));
        return None;
    };
    if let Some(why) = wrong_name(name) {
        notes.error(why);
        return None;
    }
    Some(Field { name, value })
}

/// Why a text cannot be the name of a field: 1 to 32 letters, digits, `_`, `-` and `.`, of
/// which a letter or digit is the first.
pub(crate) fn wrong_name(name: &str) -> Option<String> {
    let shown = quote(name);
    if name.is_empty() {
        return Some("a field has no name: write name=value".to_owned());
    }
    if name != trim_wsp(name) {
        return Some(format!("there is a blank behind the name {}: delete it", quote(trim_wsp(name))));
    }
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')) {
        return Some(format!(
            "the field name {shown} contains {}: only letters, digits, \"_\", \"-\" and \".\" are allowed",
            quote(c.encode_utf8(&mut [0; 4]))
        ));
    }
    if name.len() > MAX_NAME {
        return Some(format!(
            "the field name {shown} is {} characters long; {MAX_NAME} are allowed",
            name.len()
        ));
    }
    let first_fits = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    (!first_fits).then(|| format!("the field name {shown} does not begin with a letter or digit"))
}

/// Looks at a field that the record's standard does not know: it must be of valid syntax, and
/// is ignored then. `known` are the names that it may have been meant for.
pub(crate) fn extension(field: Field<'_>, known: &[&str], notes: &mut Notes) {
    if field.value.is_empty() {
        notes.error(format!("the field {} has no value", quote(field.name)));
    } else if let Some(c) =
        field.value.chars().find(|c| !matches!(c, '\x21'..='\x3a' | '\x3c' | '\x3e'..='\x7e'))
    {
        notes.error(format!(
            "the value of {} contains {}: values consist of visible ASCII characters without \";\" and \"=\"",
            quote(field.name),
            quote(c.encode_utf8(&mut [0; 4]))
        ));
    } else {
        match known.iter().find(|name| name.eq_ignore_ascii_case(field.name)) {
            Some(name) => notes.warning(format!(
                "the field {} is not known and is ignored; letter case counts: write \"{name}\"",
                quote(field.name)
            )),
            None => notes.warning(format!("the field {} is not known and is ignored", quote(field.name))),
        }
    }
}

/// Spaces and tabs: the WSP of RFC 5234.
pub(crate) fn trim_wsp(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn trim_wsp_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}
