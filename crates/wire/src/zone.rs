//! Lines of zone files (RFC 1035 section 5.1), as people paste them: entries of words, with
//! comments, quoted strings and parentheses.

use crate::reading::quote;

/// One entry: a record or a directive, over as many lines as its parentheses span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
    /// It begins with a blank, so that its owner is the one of the entry before.
    pub(crate) indented: bool,
    pub(crate) words: Vec<Word<'a>>,
    /// Why it cannot be read: one sentence.
    pub(crate) error: Option<String>,
}

/// A word, or a string in double quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// With escapes resolved.
    pub(crate) text: String,
    /// As written, without the quotes.
    pub(crate) raw: &'a str,
    pub(crate) quoted: bool,
}

/// An entry that is a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'e, 'a> {
    /// As written; none where the entry leaves it out.
    pub(crate) owner: Option<&'a str>,
    /// As written, upper case.
    pub(crate) class: Option<String>,
    /// As written, upper case.
    pub(crate) rtype: String,
    pub(crate) data: &'e [Word<'a>],
}

/// Types whose mnemonics are told from owner names.
const TYPES: [&str; 44] = [
    "A",
    "AAAA",
    "AFSDB",
    "APL",
    "CAA",
    "CDNSKEY",
    "CDS",
    "CERT",
    "CNAME",
    "CSYNC",
    "DHCID",
    "DNAME",
    "DNSKEY",
    "DS",
    "EUI48",
    "EUI64",
    "HINFO",
    "HIP",
    "HTTPS",
    "IPSECKEY",
    "KEY",
    "KX",
    "LOC",
    "MX",
    "NAPTR",
    "NS",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "OPENPGPKEY",
    "PTR",
    "RP",
    "RRSIG",
    "SIG",
    "SMIMEA",
    "SOA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
    "URI",
    "ZONEMD",
];

impl<'a> Entry<'a> {
    /// The entry as a record: `[owner] [ttl] [class] type data`. None if no word in the first
    /// four is a type.
    pub(crate) fn record(&self) -> Option<Record<'_, 'a>> {
        // A name comes before what it may be confused with: "mx IN TLSA" is about a host.
        let at = (1..=3).chain([0]).find(|at| self.is_record_head(*at))?;
        let (head, rest) = self.words.split_at_checked(at)?;
        let (rtype, data) = rest.split_first()?;
        let owner = head.first().filter(|word| !self.indented && !is_ttl(word) && !is_class(word));
        let class = head.iter().skip(usize::from(owner.is_some())).find(|word| is_class(word));
        Some(Record {
            owner: owner.map(|word| word.raw),
            class: class.map(|word| word.text.to_ascii_uppercase()),
            rtype: rtype.text.to_ascii_uppercase(),
            data,
        })
    }

    fn is_record_head(&self, at: usize) -> bool {
        let Some((head, rest)) = self.words.split_at_checked(at) else { return false };
        if !rest.first().is_some_and(is_type) {
            return false;
        }
        let without_owner = match head {
            [first, others @ ..] if !self.indented && !is_ttl(first) && !is_class(first) => others,
            all => all,
        };
        let count = |is: fn(&Word<'_>) -> bool| without_owner.iter().filter(|word| is(word)).count();
        let (ttls, classes) = (count(is_ttl), count(is_class));
        ttls <= 1 && classes <= 1 && ttls + classes == without_owner.len()
    }
}

fn is_type(word: &Word<'_>) -> bool {
    let text = word.text.to_ascii_uppercase();
    !word.quoted && (TYPES.contains(&text.as_str()) || number_behind(&text, "TYPE"))
}

fn is_class(word: &Word<'_>) -> bool {
    let text = word.text.to_ascii_uppercase();
    !word.quoted && (["IN", "CH", "HS"].contains(&text.as_str()) || number_behind(&text, "CLASS"))
}

/// Seconds, or `1h30m` as BIND writes them.
fn is_ttl(word: &Word<'_>) -> bool {
    let unit = |b: u8| matches!(b.to_ascii_lowercase(), b's' | b'm' | b'h' | b'd' | b'w');
    !word.quoted
        && word.text.starts_with(|c: char| c.is_ascii_digit())
        && word.text.bytes().all(|b| b.is_ascii_digit() || unit(b))
}

fn number_behind(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|n| n.parse::<u16>().is_ok() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Cuts a text into its entries. Directives (`$ORIGIN`) and empty lines are left out.
pub(crate) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut reader = Reader { text, at: 0, line: 1 };
    let mut found = Vec::new();
    while reader.at < text.len() {
        let entry = reader.entry();
        let directive = entry.words.first().is_some_and(|word| !word.quoted && word.raw.starts_with('$'));
        if (!entry.words.is_empty() || entry.error.is_some()) && !directive {
            found.push(entry);
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    /// Reads to the end of a line that no parenthesis carries on.
    fn entry(&mut self) -> Entry<'a> {
        let indented = matches!(self.peek(), Some(' ' | '\t'));
        let mut entry = Entry { line: self.line, indented, words: Vec::new(), error: None };
        let mut open: Option<usize> = None;
        while let Some(c) = self.peek() {
            match c {
                '\n' if open.is_none() => {
                    self.next();
                    break;
                }
                ';' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                '(' | ')' => {
                    self.next();
                    let fits = (c == '(') == open.is_none();
                    open = (c == '(').then_some(self.line);
                    if !fits {
                        let line = self.line;
                        entry
                            .error
                            .get_or_insert_with(|| format!("line {line}: there is a \"{c}\" too much"));
                    }
                }
                '"' => self.string(&mut entry),
                c if c.is_whitespace() => {
                    self.next();
                }
                _ => self.word(&mut entry),
            }
        }
        if let Some(line) = open {
            entry.error.get_or_insert_with(|| format!("line {line}: \"(\" is never closed by \")\""));
        }
        entry
    }

    fn word(&mut self, entry: &mut Entry<'a>) {
        let start = self.at;
        let mut bytes = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '\\' => self.escape(&mut bytes),
                ';' | '(' | ')' | '"' => break,
                c if c.is_whitespace() => break,
                _ => self.push(&mut bytes),
            }
        }
        self.keep(entry, bytes, start, self.at, false);
    }

    fn string(&mut self, entry: &mut Entry<'a>) {
        self.next();
        let start = self.at;
        let mut bytes = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    let end = self.at;
                    self.next();
                    return self.keep(entry, bytes, start, end, true);
                }
                '\n' => break,
                '\\' => self.escape(&mut bytes),
                _ => self.push(&mut bytes),
            }
        }
        let rest = self.text.get(start..self.at).unwrap_or_default();
        entry.error = Some(format!("line {}: the quote before {} is never closed", self.line, quote(rest)));
    }

    fn keep(&self, entry: &mut Entry<'a>, bytes: Vec<u8>, start: usize, end: usize, quoted: bool) {
        let raw = self.text.get(start..end).unwrap_or_default();
        entry.words.push(Word { text: String::from_utf8_lossy(&bytes).into_owned(), raw, quoted });
    }

    fn push(&mut self, bytes: &mut Vec<u8>) {
        if let Some(c) = self.next() {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// `\DDD` is a byte, `\X` is X.
    fn escape(&mut self, bytes: &mut Vec<u8>) {
        self.next();
        let digits = self.text.get(self.at..self.at + 3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse::<u8>().ok()) {
            Some(byte) => {
                self.at += 3;
                bytes.push(byte);
            }
            None if self.peek() == Some('\n') => {}
            None => self.push(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        entries(text).into_iter().map(|e| e.words.into_iter().map(|w| w.text).collect()).collect()
    }

    #[test]
    fn entries_are_cut_at_lines_and_joined_by_parentheses() {
        let text = "$ORIGIN example.com.\n; a remark\n\na IN TXT \"x;y\" \"(z)\" ; end\nb TLSA ( 3 1 1\n  ab ; one\n  cd )\n";
        assert_eq!(
            words(text),
            [vec!["a", "IN", "TXT", "x;y", "(z)"], vec!["b", "TLSA", "3", "1", "1", "ab", "cd"],]
        );
        assert_eq!(entries(text).iter().map(|e| e.line).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(words(r#""a\"b" c\;d \101\#"#), [vec!["a\"b", "c;d", "e#"]]);
    }

    #[test]
    fn what_is_never_closed_is_an_error() {
        for text in ["a TXT \"x", "a TLSA ( 3", "a TLSA 3 )", "a ( ( b ) )"] {
            assert!(entries(text).iter().any(|e| e.error.is_some()), "{text}");
        }
    }

    #[test]
    fn a_record_is_told_by_its_type() {
        for (text, owner, class, rtype, data) in [
            (
                "_25._tcp.mx.example.com. 3600 IN TLSA 3 1 1 ab",
                Some("_25._tcp.mx.example.com."),
                Some("IN"),
                "TLSA",
                4,
            ),
            ("_25._tcp.mx IN 1h30m TLSA 3 1 1 ab", Some("_25._tcp.mx"), Some("IN"), "TLSA", 4),
            ("_25._tcp.mx tlsa 3 1 1 ab", Some("_25._tcp.mx"), None, "TLSA", 4),
            ("IN TLSA 3 1 1 ab", None, Some("IN"), "TLSA", 4),
            ("TLSA 3 1 1 ab", None, None, "TLSA", 4),
            ("  300 TYPE52 \\# 4 0301", None, None, "TYPE52", 3),
            ("mx IN A 192.0.2.1", Some("mx"), Some("IN"), "A", 1),
            ("mx TLSA 3 1 1 ab", Some("mx"), None, "TLSA", 4),
            ("@ MX 10 mx", Some("@"), None, "MX", 2),
        ] {
            let entries = entries(text);
            let record = entries[0].record().unwrap();
            assert_eq!(
                (record.owner, record.class.as_deref(), record.rtype.as_str(), record.data.len()),
                (owner, class, rtype, data),
                "{text}"
            );
        }
        for text in ["3 1 1 abcd", "v=STSv1; id=1", "hello world", "x b TXT c", "x 1 2 TXT c"] {
            assert_eq!(entries(text)[0].record(), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_harm(text in "\\PC{0,60}|[ab\"();\\\\\\n 0-9]{0,60}") {
            let found = entries(&text);
            let kept: usize = found.iter().flat_map(|e| &e.words).map(|w| w.raw.len()).sum();
            prop_assert!(kept <= text.len());
            let _ = found.iter().map(Entry::record).count();
        }
    }
}
