//! Delivery status notifications, written: RFC 3461 section 6, RFC 3464, RFC 6522, and
//! RFC 6533 for addresses that are not ASCII.
//!
//! Parts: `address` (ORCPT and ENVID out of their encodings, addresses into the report),
//! `report` (the machine-readable part), `returned` (what comes back of the message).
//!
//! Without [`Dsn::international`] every byte is ASCII in lines of at most 998 bytes,
//! whatever the message was: a notice must not fail where the message could pass.

mod address;
mod report;
mod returned;

use crate::compose::{BodyLines, Boundary, Header, date, lines_of, quoted_printable};

pub use address::{from_unitext, from_xtext};
pub use report::{Action, Diagnostic, Recipient, Report};
pub use returned::{Returned, header_of, redacted};

/// A notice to the sender of a message.
#[derive(Debug, Clone)]
pub struct Dsn<'a> {
    /// Our address in From, without angle brackets.
    pub from: &'a str,
    /// The sender of the message that this is about, without angle brackets.
    pub to: &'a str,
    /// Subject.
    pub subject: &'a str,
    /// When, seconds since 1970-01-01 UTC.
    pub date: i64,
    /// The identification of this notice, unique, `4f1c9a.0@relay.example.com`.
    pub message_id: &'a str,
    /// The identification of the message, `<…>`, where it has one: mail programs put the
    /// notice beside it (RFC 3834 section 3.1.5).
    pub about: Option<&'a str>,
    /// What happened, for people: lines that end in LF.
    pub text: &'a str,
    /// The same for programs.
    pub report: Report<'a>,
    /// What comes back of the message.
    pub returned: Returned<'a>,
    /// The notice goes by SMTPUTF8, so that UTF-8 may stand everywhere (RFC 6533).
    pub international: bool,
}

impl Dsn<'_> {
    /// The notice as a message, lines ending in CRLF.
    pub fn write(&self) -> Vec<u8> {
        let (text_head, text) = self.text_part();
        let report = self.report.write(self.international);
        let (kind, encoding) =
            if self.international { ("global-delivery-status", "8bit") } else { ("delivery-status", "7bit") };
        let report_head =
            format!("Content-Type: message/{kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
        let returned = self.returned.part(self.international);
        let mut parts: Vec<&[u8]> =
            vec![text_head.as_bytes(), text.as_bytes(), report_head.as_bytes(), report.as_bytes()];
        parts.extend(returned.iter().flat_map(|(head, body)| [head.as_bytes(), body.as_slice()]));
        let boundary = Boundary::outside_of(self.message_id, &parts);
        let mut out = self.header(kind, &boundary).into_bytes();
        for part in parts.chunks(2) {
            out.extend_from_slice(format!("\r\n--{}\r\n", boundary.as_str()).as_bytes());
            part.iter().for_each(|bytes| out.extend_from_slice(bytes));
        }
        out.extend_from_slice(format!("\r\n--{}--\r\n", boundary.as_str()).as_bytes());
        out
    }

    fn header(&self, kind: &str, boundary: &Boundary) -> String {
        let mut header = if self.international { Header::international() } else { Header::ascii() };
        header.field("Date", &date(self.date)).mailbox("From", "Mail Delivery System", self.from);
        header.mailbox("To", "", self.to).unstructured("Subject", self.subject);
        header.whole("Message-ID", [format!("<{}>", self.message_id).as_str()]);
        if let Some(about) = self.about {
            header.whole("In-Reply-To", [about]).whole("References", [about]);
        }
        header.field("Auto-Submitted", "auto-replied").field("MIME-Version", "1.0");
        let report_type = format!("report-type={kind};");
        let boundary = format!("boundary=\"{}\"", boundary.as_str());
        header.whole("Content-Type", ["multipart/report;", &report_type, &boundary]);
        let encoding = if self.international { "8bit" } else { "7bit" };
        header.field("Content-Transfer-Encoding", encoding);
        header.finish().to_owned()
    }

    /// The part for people: as it is where it is ASCII (or may be UTF-8) in short lines.
    fn text_part(&self) -> (String, String) {
        let mut text = self.text.replace("\r\n", "\n").replace('\n', "\r\n");
        if !text.ends_with("\r\n") {
            text.push_str("\r\n");
        }
        let (charset, encoding) = match lines_of(&[text.as_bytes()]) {
            BodyLines::SevenBit => ("us-ascii", "7bit"),
            BodyLines::EightBit if self.international => ("utf-8", "8bit"),
            _ => {
                text = quoted_printable(self.text.as_bytes());
                ("utf-8", "quoted-printable")
            }
        };
        let head = format!(
            "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        (head, text)
    }
}

#[cfg(test)]
mod tests;
