//! Notices to the sender of a message: failure, delay, success (RFC 3461, RFC 3464).
//!
//! - `case`: what became of one recipient, as the rules of `explain` see it.
//! - `text`: that in the words of a person.
//!
//! No notice is ever answered by another: it goes out from the null sender, says
//! `Auto-Submitted: auto-replied` and asks for none (`NOTIFY=NEVER`).

mod case;
mod text;

use bytes::Bytes;
use waxseal_store::spool::{BodyKind, Envelope, NewMessage, NewRecipient, Notify, Ret, StoredMessage};
use waxseal_wire::{
    compose::message_id_of,
    dsn::{Dsn, Report, Returned, header_of, redacted},
    target::name_to_ascii,
};

use crate::delivery::notices::{Notices, Occasion, Told};
use case::Case;

/// Nobody wants to hear of a notice.
const NEVER: Notify = Notify { success: false, failure: false, delay: false };

/// How notices are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSettings {
    /// The name of this server: Reporting-MTA, and the domain of the author.
    pub hostname: String,
    /// The author's address; `MAILER-DAEMON@` and [`NoticeSettings::hostname`] where none is
    /// given.
    pub from: Option<String>,
    /// The largest message that comes back whole, in bytes, where RET=FULL asks for that. Of
    /// larger ones the header comes back.
    pub full: u64,
    /// How long notices are kept and tried, in seconds.
    pub expire: i64,
}

impl NoticeSettings {
    /// For a server of that name: messages of 50 KiB come back whole, notices are kept for
    /// five days.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self { hostname: hostname.into(), from: None, full: 50 * 1024, expire: 5 * 86_400 }
    }
}

/// Writes notices.
#[derive(Debug)]
pub struct NoticeWriter {
    settings: NoticeSettings,
}

impl NoticeWriter {
    /// A writer with these settings.
    pub fn new(settings: NoticeSettings) -> Self {
        Self { settings }
    }
}

impl Notices for NoticeWriter {
    fn compose(
        &self,
        occasion: Occasion,
        message: &StoredMessage,
        body: Option<&[Bytes]>,
        told: &[Told<'_>],
        now: i64,
    ) -> Option<NewMessage> {
        let envelope = &message.envelope;
        let first = told.first()?;
        if envelope.sender.is_empty() {
            return None;
        }
        let cases: Vec<Case<'_>> = told.iter().map(|told| Case::of(occasion, envelope, told)).collect();
        let parts: Vec<&[u8]> = body.unwrap_or_default().iter().map(AsRef::as_ref).collect();
        let header = header_of(&parts);
        let kept = redacted(&header);
        let returned = match body {
            None => Returned::Nothing,
            // RFC 8689 section 5: as if RET=HDRS had been asked for. The subject stays out of
            // it too, since the way back may be without REQUIRETLS.
            Some(_) if envelope.require_tls => Returned::Header(&kept),
            Some(_) if self.returns_all(occasion, message) => Returned::Message(&parts),
            Some(_) => Returned::Header(&header),
        };
        let about = message_id_of(&header);
        let text = text::Text {
            hostname: &self.settings.hostname,
            message,
            header: if envelope.require_tls { &kept } else { &header },
            returned: &returned,
            now,
        };
        let text = text.write(occasion, &cases);
        let tag = match occasion {
            Occasion::Failure => 'f',
            Occasion::Delay => 'd',
            Occasion::Relayed => 's',
        };
        let number = first.recipient.number;
        let message_id = format!("{}.{tag}{number}.{now}@{}", message.id, self.settings.hostname);
        let from = match &self.settings.from {
            Some(from) => from.clone(),
            None => format!("MAILER-DAEMON@{}", self.settings.hostname),
        };
        let queue_id = message.id.to_string();
        let written = Dsn {
            from: &from,
            to: &envelope.sender,
            subject: &text::subject(occasion, &cases),
            date: now,
            message_id: &message_id,
            about: about.as_deref(),
            text: &text,
            report: Report {
                reporting_mta: &self.settings.hostname,
                envelope_id: envelope.envid.as_deref(),
                arrival: Some(message.received_at),
                queue_id: &queue_id,
                sender: &envelope.sender,
                recipients: cases.iter().map(|case| case.reported(occasion, message)).collect(),
            },
            returned,
            // The address of the sender has to stand in the notice's header.
            international: !envelope.sender.is_ascii(),
        }
        .write();
        Some(self.sealed(envelope, written, now))
    }
}

impl NoticeWriter {
    /// RET counts for failures alone (RFC 3461 section 4.3).
    fn returns_all(&self, occasion: Occasion, message: &StoredMessage) -> bool {
        occasion == Occasion::Failure
            && message.envelope.ret == Some(Ret::Full)
            && message.size <= self.settings.full
    }

    fn sealed(&self, envelope: &Envelope, written: Vec<u8>, now: i64) -> NewMessage {
        let eight_bit = !written.is_ascii();
        NewMessage {
            envelope: Envelope {
                body: if eight_bit { BodyKind::EightBitMime } else { BodyKind::SevenBit },
                smtputf8: !envelope.sender.is_ascii(),
                // RFC 8689 section 5: the notice is protected as the message was.
                require_tls: envelope.require_tls,
                ..Envelope::default()
            },
            recipients: vec![NewRecipient {
                address: envelope.sender.clone(),
                domain: domain_of(&envelope.sender).unwrap_or_else(|| self.settings.hostname.clone()),
                notify: Some(NEVER),
                orcpt: None,
            }],
            body: vec![Bytes::from(written)],
            received_at: now,
            expires_at: now.saturating_add(self.settings.expire),
        }
    }
}

/// The domain of an address, lower case, in A-labels.
fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    Some(name_to_ascii(domain).unwrap_or_else(|_| domain.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
