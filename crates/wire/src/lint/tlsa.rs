//! TLSA records.

use std::collections::HashSet;

use waxseal_model::lint::{Lint, LintKind, LintParsed, LintTlsa};

use super::lint;
use crate::{
    dane::{TlsaRecord, TlsaTextError, ZoneLine, parse_zone, unusable},
    reading::{Notes, quote},
};

/// Lints one or several TLSA records: data alone, lines of a zone file, a whole zone file.
/// Records of other types are left aside if there is a TLSA record.
///
/// A record that senders of mail cannot use is an error, unless its usage is the web's (PKIX-TA,
/// PKIX-EE): such a record may be meant for others, and is a warning.
pub fn tlsa(input: &str, text: &str) -> Lint {
    let mut notes = Notes::default();
    let mut lines = parse_zone(text);
    let other = |line: &ZoneLine| matches!(line.record, Err(TlsaTextError::OtherType { .. }));
    if !lines.iter().all(other) {
        lines.retain(|line| !other(line));
    }
    if lines.is_empty() {
        notes.error(TlsaTextError::Nothing.to_string());
    }
    let several = lines.len() > 1 || text.trim().contains('\n');
    let mut read: Vec<Read> = Vec::new();
    let mut seen = HashSet::new();
    for line in lines {
        let place = if several { format!("line {}: ", line.line) } else { String::new() };
        match line.record {
            Ok(record) => {
                let named = line.owner.as_deref().map(str::to_ascii_lowercase);
                let owner = named.or_else(|| read.last().and_then(|before| before.owner.clone()));
                let this = Read { place, owner, record };
                this.check(line.owner.as_deref(), line.class.as_deref(), &mut notes);
                if !seen.insert((this.owner.clone(), this.record.clone())) {
                    notes.warning(format!("{}the record is there twice", this.place));
                }
                read.push(this);
            }
            Err(TlsaTextError::Unpaired { what }) => notes.error(what),
            Err(error) => notes.error(format!("{place}{error}")),
        }
    }
    let sha256: HashSet<_> =
        read.iter().filter(|this| this.record.matching_type == 1).map(Read::group).collect();
    for this in &read {
        this.advise(sha256.contains(&this.group()), &mut notes);
    }
    let records = read.iter().map(|this| LintTlsa {
        usage: this.record.usage,
        selector: this.record.selector,
        matching_type: this.record.matching_type,
        data: this.record.hex(),
    });
    lint(LintKind::Tlsa, input, notes.finish(Some(LintParsed::Tlsa(records.collect()))))
}

/// A record and where it stands.
struct Read {
    /// `line 3: `, or nothing where there is but one.
    place: String,
    /// The name that it belongs to, in lower case, as far as the text says.
    owner: Option<String>,
    record: TlsaRecord,
}

impl Read {
    /// Records with the same name, usage and selector: senders choose between their digests.
    fn group(&self) -> (Option<&str>, u8, u8) {
        (self.owner.as_deref(), self.record.usage, self.record.selector)
    }

    /// Whether it can be used, and what else is on its line.
    fn check(&self, owner: Option<&str>, class: Option<&str>, notes: &mut Notes) {
        let Self { place, record, .. } = self;
        match unusable(record) {
            Some(why) if record.usage <= 1 => {
                notes.warning(format!("{place}senders of mail do not use it: {why}"))
            }
            Some(why) => notes.error(format!("{place}senders do not use it: {why}")),
            None => {}
        }
        if let Some(owner) = owner.filter(|owner| !is_service(owner)) {
            notes.warning(format!(
                "{place}the name {} does not begin with a port and protocol: mail servers have \
                 _25._tcp.mx.example.com",
                quote(owner)
            ));
        }
        if let Some(class) = class.filter(|class| !["IN", "CLASS1"].contains(class)) {
            notes.warning(format!("{place}the class is {class}, and not IN"));
        }
    }

    /// Advice of RFC 7671 and RFC 7672. `with_sha256`: its group has a SHA-256 record.
    fn advise(&self, with_sha256: bool, notes: &mut Notes) {
        let Self { place, record, .. } = self;
        if unusable(record).is_some() {
            return;
        }
        match (record.usage, record.selector) {
            (2, 1) => notes.warning(format!(
                "{place}usage 2 with the CA's key alone leaves its name and constraints out: 2 0 1 names the whole \
                 certificate"
            )),
            (3, 0) => notes.warning(format!(
                "{place}3 0 {} has to change with every renewal of the certificate: 3 1 1 only with its key",
                record.matching_type
            )),
            _ => {}
        }
        match record.matching_type {
            0 => notes.warning(format!(
                "{place}data in full make the answer large: senders that get no answer defer the mail; use matching \
                 type 1 (SHA-256)"
            )),
            2 if !with_sha256 => notes.warning(format!(
                "{place}every sender knows SHA-256, not every one SHA-512: publish {} {} 1 as well",
                record.usage, record.selector
            )),
            _ => {}
        }
    }
}

/// `_25._tcp…`, with a star for any port.
fn is_service(owner: &str) -> bool {
    let mut labels = owner.split('.');
    let port = labels.next().unwrap_or_default();
    let protocol = labels.next().unwrap_or_default().to_ascii_lowercase();
    let number = port.strip_prefix('_').is_some_and(|n| n.parse::<u16>().is_ok());
    (number || port == "*") && ["_tcp", "_udp", "_sctp"].contains(&protocol.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(digit: &str) -> String {
        digit.repeat(64)
    }

    fn check(text: &str) -> Lint {
        tlsa("x", text)
    }

    #[test]
    fn the_recommended_record_is_clear() {
        for text in [
            format!("3 1 1 {}", sha("a")),
            format!("_25._tcp.mx.example.com. 3600 IN TLSA 3 1 1 ( {} )", sha("a")),
            format!("*._tcp.mx TLSA 2 0 1 {}", sha("0")),
        ] {
            let found = check(&text);
            assert!(found.valid && found.warnings.is_empty(), "{text}: {found:?}");
            let Some(LintParsed::Tlsa(list)) = found.parsed else { panic!("{text}") };
            assert_eq!((list.len(), list[0].data.len()), (1, 64));
        }
    }

    #[test]
    fn useless_records_are_errors() {
        for (text, word) in [
            (String::new(), "no TLSA record"),
            ("mx IN A 192.0.2.1".into(), "type A"),
            ("3 1 1 abcd".into(), "32 bytes"),
            (format!("3 1 2 {}", sha("a")), "64 bytes"),
            (format!("4 1 1 {}", sha("a")), "usage 4"),
            (format!("3 2 1 {}", sha("a")), "selector 2"),
            (format!("3 1 3 {}", sha("a")), "matching type 3"),
            ("3 1 0 abcd".into(), "no public key"),
            (format!("3 1 1 {}x", sha("a")), "\"x\""),
        ] {
            let found = check(&text);
            assert!(!found.valid && found.errors.iter().any(|e| e.contains(word)), "{text}: {found:?}");
        }
    }

    #[test]
    fn advice_is_a_warning() {
        let (one, two) = (sha("a"), sha("a").repeat(2));
        for (text, word) in [
            (format!("0 0 1 {one}"), "PKIX-TA"),
            (format!("1 1 1 {one}"), "PKIX-EE"),
            (format!("2 1 1 {one}"), "2 0 1"),
            (format!("3 0 1 {one}"), "3 1 1"),
            (format!("3 1 2 {two}"), "publish 3 1 1 as well"),
            (format!("3 1 1 {one}\n3 1 1 {one}"), "line 2: the record is there twice"),
            (format!("mx.example.com. IN TLSA 3 1 1 {one}"), "_25._tcp"),
            (format!("_25._tcp.mx CH TLSA 3 1 1 {one}"), "class is CH"),
        ] {
            let found = check(&text);
            assert!(found.valid && found.warnings.iter().any(|w| w.contains(word)), "{text}: {found:?}");
        }
        assert!(check(&format!("3 1 1 {one}\n3 1 2 {two}")).warnings.is_empty());
    }

    #[test]
    fn a_zone_file_is_read_line_by_line() {
        let one = sha("a");
        let text = format!(
            "$ORIGIN example.com.\n@ IN MX 10 mx\n_25._tcp.mx IN TLSA 3 1 1 {one}\n\tIN TLSA 3 1 1 {one}\n\
             _25._tcp.mx2 IN TLSA 3 1 1 {one}\n_25._tcp.mx3 IN TLSA 3 1 1 ab\n"
        );
        let found = check(&text);
        assert_eq!(found.warnings, ["line 4: the record is there twice"]);
        assert_eq!(found.errors.len(), 1, "{found:?}");
        assert!(found.errors[0].starts_with("line 6: "), "{found:?}");
        assert!(check("3 1 1 (ab\n").errors[0].contains("never closed"));
    }
}
