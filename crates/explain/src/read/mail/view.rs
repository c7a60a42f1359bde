//! A mail as decoders see it.
//!
//! What to ask for:
//!
//! - [`Mail::header`]: a field of the notice's own header; [`Mail::all`] for repeated ones.
//! - [`Mail::body`]: all that the notice says to people. [`Mail::notice`] is the same
//!   without a returned message that follows in the same text: prefer it, unless the words
//!   that introduce the returned message matter.
//! - [`Mail::delivery_status`], [`Mail::part`]: machine-readable parts.
//! - [`Mail::returned_header`]: a field of the message that came back, wherever it stands.
//!
//! Everything is decoded when it is asked for, and once: asking twice costs nothing.

use std::{borrow::Cow, cell::OnceCell};

use memchr::memmem;

use super::{decode, mime};

/// The notice's words beyond this are not read, in bytes.
const LONGEST_BODY: usize = 512 * 1024;
/// A machine-readable part is not larger than this, in bytes.
const LARGEST_REPORT: usize = 1024 * 1024;

/// A mail, taken apart. All texts have plain line feeds and are UTF-8.
#[derive(Debug, Default)]
pub(super) struct Mail<'a> {
    /// Fields of the header in order: name in lower case, value unfolded and with encoded
    /// words decoded.
    pub(super) headers: Vec<(String, Cow<'a, str>)>,
    /// The leaf parts in order; the returned message is one of them.
    pub(super) parts: Vec<Part<'a>>,
    /// The top Content-Type in lower case, without its parameters: `multipart/report`.
    pub(super) kind: String,
    body: OnceCell<Cow<'a, str>>,
    /// Where in the body a returned message begins, if one does.
    seam: OnceCell<usize>,
    returned: OnceCell<Vec<(String, String)>>,
}

/// One leaf part.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// `text/plain`, in lower case.
    pub(super) kind: String,
    /// It belongs to the message that is returned, not to the notice itself.
    pub(super) returned: bool,
    /// The same is said by another part, in plain text.
    pub(super) shadowed: bool,
    raw: &'a [u8],
    encoding: Cow<'a, str>,
    charset: String,
    text: OnceCell<Cow<'a, str>>,
}

/// The mail's bytes with plain line feeds, cut down to what [`Mail::parse`] reads.
pub(super) use mime::plain;

impl<'a> Mail<'a> {
    /// Takes a mail apart, however broken it is. The bytes must have plain line feeds, as
    /// [`plain`] gives them.
    pub(super) fn parse(bytes: &'a [u8]) -> Self {
        let (fields, body) = mime::header(bytes);
        let headers = fields.iter().map(|field| {
            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
            (name, decode::field_value(field.value))
        });
        let leaves = mime::leaves(&fields, body);
        let mut parts: Vec<_> = leaves.into_iter().map(Part::new).collect();
        shadow(&mut parts);
        let mut mail = Self { headers: headers.collect(), parts, ..Self::default() };
        let kind = mail.header("content-type").split(';').next().unwrap_or_default();
        mail.kind = kind.trim().to_ascii_lowercase();
        mail
    }

    /// The first field of that name (lower case), or an empty text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All fields of that name (lower case), first to last.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_ref())
    }

    /// What the notice itself says, all its texts joined: neither machine-readable parts nor
    /// the returned message where that is a part of its own. In a notice of one part the
    /// returned message may follow in the same text; [`Mail::notice`] leaves it out.
    pub(super) fn body(&self) -> &str {
        self.body.get_or_init(|| {
            let mut texts = self.parts.iter().filter(|part| part.is_notice()).map(Part::text);
            match (texts.next(), texts.next()) {
                (None, _) => Cow::Borrowed(""),
                (Some(only), None) => Cow::Owned(upto(only, LONGEST_BODY).to_owned()),
                (Some(first), Some(second)) => {
                    let mut all = upto(first, LONGEST_BODY).to_owned();
                    for text in [second].into_iter().chain(texts) {
                        if all.len() >= LONGEST_BODY {
                            break;
                        }
                        all.push('\n');
                        all.push_str(upto(text, LONGEST_BODY - all.len()));
                    }
                    Cow::Owned(all)
                }
            }
        })
    }

    /// [`Mail::body`] up to the header of a returned message in it.
    pub(super) fn notice(&self) -> &str {
        self.body().get(..self.seam()).unwrap_or_default()
    }

    fn seam(&self) -> usize {
        *self.seam.get_or_init(|| seam(self.body()).unwrap_or(self.body().len()))
    }

    /// The first part of that type (`message/feedback-report`, lower case).
    pub(super) fn part(&self, kind: &str) -> Option<&str> {
        self.parts.iter().find(|part| part.kind == kind).map(Part::text)
    }

    /// The machine-readable part of a delivery report (RFC 3464), where there is one: by its
    /// type, or else by its fields, whatever its type says.
    pub(super) fn delivery_status(&self) -> Option<&str> {
        self.delivery_statuses().next()
    }

    /// All of them: some gateways put one report into another.
    pub(super) fn delivery_statuses(&self) -> impl Iterator<Item = &str> {
        let typed = self.parts.iter().any(Part::is_delivery_status);
        let parts = self.parts.iter().filter(move |part| {
            if typed { part.is_delivery_status() } else { part.reads_as_delivery_status() }
        });
        parts.map(Part::text)
    }

    /// The returned message or its header: a part of its own, or what follows the notice in
    /// the same text.
    pub(super) fn returned(&self) -> Option<&str> {
        if let Some(part) = self.parts.iter().find(|part| part.returned) {
            return Some(part.text());
        }
        self.body().get(self.seam()..).filter(|text| !text.is_empty())
    }

    /// The first field of that name (lower case) of the returned message's header, unfolded
    /// and decoded; an empty text where there is none.
    pub(super) fn returned_header(&self, name: &str) -> &str {
        self.returned_headers().iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    /// All fields of the returned message's header, as in [`Mail::headers`].
    pub(super) fn returned_headers(&self) -> &[(String, String)] {
        self.returned.get_or_init(|| {
            let (fields, _) = mime::header(self.returned().unwrap_or_default().as_bytes());
            let owned = fields.iter().map(|field| {
                let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
                (name, decode::field_value(field.value).into_owned())
            });
            owned.collect()
        })
    }
}

impl<'a> Part<'a> {
    fn new(leaf: mime::Leaf<'a>) -> Self {
        let kind = leaf.kind.kind;
        let returned = matches!(
            kind.as_str(),
            "message/rfc822"
                | "message/global"
                | "message/partial"
                | "text/rfc822-headers"
                | "text/rfc822-header"
                | "text/rfc822"
                | "message/rfc822-headers"
                | "message/global-headers"
        );
        let encoding = mime::value(&leaf.fields, "content-transfer-encoding").unwrap_or_default();
        Self {
            kind,
            returned,
            shadowed: leaf.alternative,
            raw: leaf.body,
            encoding: String::from_utf8_lossy(encoding.trim_ascii()),
            charset: leaf.kind.charset,
            text: OnceCell::new(),
        }
    }

    /// Its decoded text; HTML with its tags taken out.
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| {
            let text = decode::body(self.raw, &self.encoding, &self.charset);
            let page = self.kind == "text/html" || (self.kind == "text/plain" && is_page(&text));
            if page { Cow::Owned(decode::html(&text)) } else { text }
        })
    }

    fn is_notice(&self) -> bool {
        !self.returned && !self.shadowed && self.kind.starts_with("text/") && !self.reads_as_delivery_status()
    }

    fn is_delivery_status(&self) -> bool {
        matches!(self.kind.as_str(), "message/delivery-status" | "message/global-delivery-status")
    }

    /// Fields of RFC 3464 and nothing before them.
    fn reads_as_delivery_status(&self) -> bool {
        let could = !self.returned
            && self.raw.len() < LARGEST_REPORT
            && (self.kind.starts_with("text/")
                || self.kind.starts_with("message/")
                || self.kind == "application/octet-stream");
        if !could {
            return false;
        }
        let text = self.text().trim_start();
        let (first, _) = mime::line(text.as_bytes());
        let begins = mime::field(first).is_some_and(|field| {
            let names: [&[u8]; 7] = [
                b"reporting-mta",
                b"original-envelope-id",
                b"dsn-gateway",
                b"received-from-mta",
                b"arrival-date",
                b"final-recipient",
                b"original-recipient",
            ];
            names.iter().any(|name| field.name.eq_ignore_ascii_case(name))
        });
        begins && memmem::find(text.to_ascii_lowercase().as_bytes(), b"\nfinal-recipient:").is_some()
    }
}

/// Of several kinds of the same content only the plain text counts, unless it is empty.
fn shadow(parts: &mut [Part<'_>]) {
    let plain = parts
        .iter()
        .any(|part| part.shadowed && part.kind == "text/plain" && part.raw.trim_ascii().len() > 20);
    for part in parts {
        part.shadowed = part.shadowed && plain && part.kind != "text/plain";
    }
}

fn is_page(text: &str) -> bool {
    let head = text.trim_start();
    let starts = |tag: &str| head.get(..tag.len()).is_some_and(|h| h.eq_ignore_ascii_case(tag));
    starts("<html") || starts("<!doctype html")
}

/// At most that many bytes of the text.
fn upto(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// Where the header of a returned message begins in the text: three fields or more, one
/// after the other, of which two are usual ones and one stands in real messages only.
/// Notices that merely list subject and recipients of a message do not have that.
fn seam(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut block = Block::default();
    while at < bytes.len() {
        let (line, _) = mime::line(bytes.get(at..).unwrap_or_default());
        match line {
            [b' ' | b'\t', ..] if block.fields > 0 && !line.trim_ascii().is_empty() => {}
            _ => match mime::field(line) {
                Some(field) => block.take(at, field.name),
                None if line.starts_with(b"From ") && block.fields == 0 => {}
                None => block = Block::default(),
            },
        }
        if block.fields >= 3 && block.usual >= 2 && block.real >= 1 {
            return Some(block.start);
        }
        at += line.len() + 1;
    }
    None
}

/// Fields that follow each other.
#[derive(Default)]
struct Block {
    start: usize,
    fields: usize,
    usual: usize,
    real: usize,
}

impl Block {
    fn take(&mut self, at: usize, name: &[u8]) {
        if self.fields == 0 {
            self.start = at;
        }
        let is = |names: &[&[u8]]| names.iter().any(|n| name.eq_ignore_ascii_case(n));
        let real = is(&[b"received", b"message-id", b"return-path", b"mime-version", b"dkim-signature"]);
        self.fields += 1;
        self.real += usize::from(real);
        self.usual += usize::from(real || is(&[b"from", b"to", b"subject", b"date"]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REPORT: &str = "\
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: news@example.com
Subject: =?utf-8?B?VW56dXN0ZWxsYmFy?= =?utf-8?Q?=3A_zur=C3=BCck?=
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"B1\"

This is a MIME-encapsulated message.
--B1
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Die Nachricht konnte nicht zugestellt werden f=FCr =
bob@example.org
--B1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; bob@example.org
Action: failed
Status: 5.1.1
--B1
Content-Type: message/rfc822

Message-Id: <1@example.com>
To: Bob
\t<bob@example.org>

Hello
--B1--
";

    #[test]
    fn a_report_is_taken_apart() {
        let mail = Mail::parse(REPORT.as_bytes());
        assert_eq!(mail.header("subject"), "Unzustellbar: zurück");
        assert_eq!(mail.kind, "multipart/report");
        assert_eq!(mail.body(), "Die Nachricht konnte nicht zugestellt werden für bob@example.org");
        assert!(mail.delivery_status().unwrap().ends_with("Status: 5.1.1"));
        assert_eq!(mail.returned_header("to"), "Bob <bob@example.org>");
        assert_eq!(mail.returned_header("subject"), "");
    }

    #[test]
    fn line_ends_do_not_matter() {
        let expected = format!("{:?}", Mail::parse(REPORT.as_bytes()).headers);
        for end in ["\r\n", "\r", "\r\r\n"] {
            let other = REPORT.replace('\n', end);
            let plain = plain(other.as_bytes());
            assert_eq!(plain, REPORT.as_bytes(), "{end:?}");
            assert_eq!(format!("{:?}", Mail::parse(&plain).headers), expected);
        }
    }

    #[test]
    fn a_wrong_or_missing_boundary_is_found_by_its_parts() {
        for broken in [
            REPORT.replace("boundary=\"B1\"", "boundary=\"other\""),
            REPORT.replace(";\n\tboundary=\"B1\"", ""),
            REPORT.replace(
                "Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"B1\"\n",
                "",
            ),
        ] {
            let mail = Mail::parse(broken.as_bytes());
            assert!(mail.delivery_status().is_some(), "{broken}");
            assert_eq!(mail.returned_header("message-id"), "<1@example.com>");
        }
    }

    #[test]
    fn parts_of_a_returned_message_are_not_the_notices_own() {
        let words = "Your message could not be delivered. ".repeat(20);
        let mail = format!(
            "From: MAILER-DAEMON@example.com\nTo: a@example.com\n\n{words}\n\nReceived: by x\nTo: b@example.net\n\
             Message-Id: <1@x>\nContent-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: text/plain\n\nhello\n--B--\n"
        );
        let mail = Mail::parse(mail.as_bytes());
        assert_eq!(mail.notice().trim(), words.trim());
        assert_eq!(mail.returned_header("to"), "b@example.net");
    }

    #[test]
    fn a_report_is_known_by_its_fields_where_its_type_lies() {
        let misnamed = REPORT.replace("message/delivery-status", "application/octet-stream");
        let mail = Mail::parse(misnamed.as_bytes());
        assert!(mail.delivery_status().unwrap().starts_with("Reporting-MTA"));
        assert!(!mail.body().contains("Reporting-MTA"));
    }

    #[test]
    fn a_header_survives_junk_before_and_within_it() {
        let text =
            "\n>From x@example.com Mon\nSubject: a\n  b\nbroken line\nTo: c@example.com\nno field\n\nbody";
        let mail = Mail::parse(text.as_bytes());
        assert_eq!((mail.header("subject"), mail.header("to")), ("a b", "c@example.com"));
        assert_eq!(mail.body(), "no field\n\nbody");
    }

    #[test]
    fn a_returned_message_in_the_same_text_is_told_from_the_notice() {
        let text = "Subject: failure notice\n\nHi.\n<bob@example.org>:\nno mailbox here\n\n\
                    --- Below this line is a copy of the message.\n\nReturn-Path: <a@example.com>\n\
                    From: a@example.com\nTo: Bob <bob@example.org>\n\nhello\n";
        let mail = Mail::parse(text.as_bytes());
        assert!(mail.notice().ends_with("copy of the message.\n\n"));
        assert!(mail.body().ends_with("hello\n"));
        assert_eq!(mail.returned_header("to"), "Bob <bob@example.org>");
        let listed = "Subject: x\n\nFrom: a\nTo: b\nSubject: c\n\nwas not delivered";
        assert_eq!(Mail::parse(listed.as_bytes()).returned(), None);
    }

    #[test]
    fn charsets_and_pages_become_text() {
        let japanese = b"Content-Type: text/plain; charset=us-ascii\n\n\x1b$B$\"\x1b(B ok";
        assert_eq!(Mail::parse(japanese).body(), "あ ok");
        let page = "Content-Type: text/html\n\n<html><head><title>t</title></head><body><p>Delivery to<br>\
                    &lt;bob@example.org&gt; failed&#58; <b>no</b> user</p><script>x</script></body></html>";
        let mail = Mail::parse(page.as_bytes());
        assert_eq!(mail.body().trim(), "Delivery to\n<bob@example.org> failed: no user");
        let preformatted = "Content-Type: text/html\n\n<html><pre>a  b\nc</pre> d\ne</html>";
        assert_eq!(Mail::parse(preformatted.as_bytes()).body().trim(), "a b\nc\nd e");
        let latin = b"Content-Type: text/plain; charset=iso-8859-1\n\nz\xfcrich";
        assert_eq!(Mail::parse(latin).body(), "zürich");
    }

    #[test]
    fn base64_is_undone_even_unannounced() {
        let coded = "SGkuIFRoaXMgaXMgdGhlIHFtYWlsLXNlbmQgcHJvZ3JhbSBhdCBteC5leGFtcGxlLm5ldC4K\n";
        for field in ["Content-Transfer-Encoding: base64\n", ""] {
            let text = format!("Subject: x\n{field}\n{coded}");
            assert!(Mail::parse(text.as_bytes()).body().starts_with("Hi. This is"), "{field}");
        }
    }

    #[test]
    fn a_huge_mail_is_read_at_both_ends() {
        let attachment = format!("Content-Type: application/zip\n\n{}\n--B1\n", "QUFB\n".repeat(2_000_000));
        let huge =
            REPORT.replacen("Content-Type: text/plain", &format!("{attachment}Content-Type: text/plain"), 1);
        let plain = plain(huge.as_bytes());
        assert!(plain.len() < 5_000_000);
        let mail = Mail::parse(&plain);
        assert!(mail.delivery_status().is_some());
        assert_eq!(mail.returned_header("message-id"), "<1@example.com>");
    }

    fn ask_all(mail: &Mail<'_>) {
        mail.body();
        mail.notice();
        mail.delivery_status();
        mail.returned_headers();
        mail.parts.iter().for_each(|part| {
            part.text();
        });
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            ask_all(&Mail::parse(&plain(&bytes)));
        }

        #[test]
        fn no_mutation_panics(at in 0..REPORT.len(), with in any::<[u8; 2]>(), cut in 0..REPORT.len()) {
            let mut bytes = REPORT.as_bytes().to_vec();
            bytes[at] = with[0];
            bytes.insert(at, with[1]);
            bytes.truncate(cut.max(at));
            ask_all(&Mail::parse(&plain(&bytes)));
        }

        #[test]
        fn no_page_panics(page in "(<|>|&|;|/|!|-|script|p|br|#x41|é| |a@b){0,40}") {
            decode::html(&page);
        }
    }
}
