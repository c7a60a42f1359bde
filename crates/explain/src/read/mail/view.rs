//! A mail as decoders see it.

use mail_parser::{HeaderValue, MessageParser, MimeHeaders, PartType};

/// Read this far, in bytes.
const MOST: usize = 4 * 1024 * 1024;

/// A mail, taken apart. All texts have plain line feeds and are UTF-8.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Fields of the header in order: name in lower case, value unfolded and with encoded
    /// words decoded.
    pub(super) headers: Vec<(String, String)>,
    /// The leaf parts in order; the returned message is one of them.
    pub(super) parts: Vec<Part>,
}

/// One leaf part.
#[derive(Debug)]
pub(super) struct Part {
    /// `text/plain`, in lower case.
    pub(super) kind: String,
    /// Its decoded text; HTML with its tags taken out.
    pub(super) text: String,
    /// It belongs to the message that is returned, not to the notice itself.
    pub(super) returned: bool,
}

impl Mail {
    /// Takes a mail apart, whatever its line ends and however broken it is.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..bytes.len().min(MOST)).unwrap_or_default();
        let plain = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        let Some(message) = MessageParser::default().parse(plain.as_bytes()) else { return Self::default() };
        let mut mail = Self::default();
        for header in message.headers() {
            let value = match &header.value {
                HeaderValue::Text(text) => text.to_string(),
                _ => plain
                    .get(header.offset_start as usize..header.offset_end as usize)
                    .unwrap_or_default()
                    .replace('\n', " "),
            };
            mail.headers.push((header.name.as_str().to_ascii_lowercase(), value.trim().to_owned()));
        }
        for part in &message.parts {
            let kind = part.content_type().map_or_else(
                || "text/plain".to_owned(),
                |t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or_default()).to_ascii_lowercase(),
            );
            let returned = kind == "message/rfc822" || kind == "text/rfc822-headers";
            let text = match &part.body {
                PartType::Text(text) | PartType::Html(text) => text.to_string(),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    String::from_utf8_lossy(bytes).into_owned()
                }
                PartType::Message(message) => String::from_utf8_lossy(message.raw_message()).into_owned(),
                PartType::Multipart(_) => continue,
            };
            mail.parts.push(Part { kind, text, returned });
        }
        mail
    }

    /// The first field of that name (lower case), or an empty text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    /// What the notice itself says, all its texts joined: neither machine-readable parts nor
    /// the returned message where that is a part of its own. In a notice of one part the
    /// returned message may follow in the same text.
    pub(super) fn body(&self) -> String {
        let notice = self.parts.iter().filter(|p| !p.returned && p.kind.starts_with("text/"));
        notice.map(|p| p.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The machine-readable part of a delivery report (RFC 3464), where there is one.
    pub(super) fn delivery_status(&self) -> Option<&str> {
        let part = self.parts.iter().find(|p| p.kind.ends_with("/delivery-status"))?;
        Some(&part.text)
    }

    /// The returned message or its header, where it is a part of its own.
    pub(super) fn returned(&self) -> Option<&str> {
        self.parts.iter().find(|p| p.returned).map(|p| p.text.as_str())
    }
}
