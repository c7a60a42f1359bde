//! `message/delivery-status` (RFC 3464 section 2).

use crate::compose::{Header, date};

use super::address::{Typed, from_xtext};

/// The machine-readable part.
#[derive(Debug, Clone, Default)]
pub struct Report<'a> {
    /// The name of the reporting server.
    pub reporting_mta: &'a str,
    /// ENVID as it was given, in xtext.
    pub envelope_id: Option<&'a str>,
    /// When the message came, seconds since 1970-01-01 UTC.
    pub arrival: Option<i64>,
    /// Its name in our queue.
    pub queue_id: &'a str,
    /// Its envelope sender, without angle brackets.
    pub sender: &'a str,
    /// What became of whom; at least one.
    pub recipients: Vec<Recipient<'a>>,
}

/// What became of the message for one recipient.
#[derive(Debug, Clone)]
pub struct Recipient<'a> {
    /// The address in the envelope, without angle brackets.
    pub address: &'a str,
    /// ORCPT as it was given.
    pub orcpt: Option<&'a str>,
    /// What was done.
    pub action: Action,
    /// The enhanced status code (RFC 3463), `5.1.1`.
    pub status: &'a str,
    /// The server that was talked to, if one was.
    pub remote_mta: Option<&'a str>,
    /// Why.
    pub diagnostic: Option<Diagnostic<'a>>,
    /// When it was last tried, seconds since 1970-01-01 UTC.
    pub last_attempt: Option<i64>,
    /// When trying ends, of what is delayed.
    pub will_retry_until: Option<i64>,
}

/// What was done with the message (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not delivered yet.
    Delayed,
    /// Put into the mailbox.
    Delivered,
    /// Handed to a server that will not tell what becomes of it.
    Relayed,
    /// Sent on to several addresses.
    Expanded,
}

impl Action {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// Whose words explain it (RFC 3464 section 2.3.6): only another server's reply is of type
/// `smtp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnostic<'a> {
    /// The reply of the other server.
    Smtp(&'a str),
    /// Our own words.
    Own(&'a str),
}

impl Report<'_> {
    /// The part's content, lines ending in CRLF.
    pub(super) fn write(&self, international: bool) -> String {
        let new = || if international { Header::international() } else { Header::ascii() };
        let mut about = new();
        about.whole("Reporting-MTA", ["dns;", self.reporting_mta]);
        if let Some(id) = self.envelope_id {
            about.whole("Original-Envelope-Id", [from_xtext(id).as_str()]);
        }
        about.field("X-Waxseal-Queue-ID", self.queue_id);
        if !self.sender.is_empty() {
            let sender = Typed::of_envelope(self.sender, international);
            about.whole("X-Waxseal-Sender", [format!("{};", sender.kind).as_str(), &sender.address]);
        }
        if let Some(arrival) = self.arrival {
            about.field("Arrival-Date", &date(arrival));
        }
        let mut out = about.finish().to_owned();
        for recipient in &self.recipients {
            let mut group = new();
            recipient.write(&mut group, international);
            out.push_str("\r\n");
            out.push_str(group.finish());
        }
        out
    }
}

impl Recipient<'_> {
    fn write(&self, out: &mut Header, international: bool) {
        let mut address = |name: &str, typed: &Typed| {
            out.whole(name, [format!("{};", typed.kind).as_str(), &typed.address]);
        };
        if let Some(orcpt) = self.orcpt {
            address("Original-Recipient", &Typed::of_orcpt(orcpt, international));
        }
        address("Final-Recipient", &Typed::of_envelope(self.address, international));
        out.field("Action", self.action.word()).field("Status", self.status);
        if let Some(remote) = self.remote_mta {
            out.whole("Remote-MTA", ["dns;", remote]);
        }
        match self.diagnostic {
            Some(Diagnostic::Smtp(words)) => out.field("Diagnostic-Code", &format!("smtp; {words}")),
            Some(Diagnostic::Own(words)) => out.field("Diagnostic-Code", &format!("x-waxseal; {words}")),
            None => out,
        };
        if let Some(at) = self.last_attempt {
            out.field("Last-Attempt-Date", &date(at));
        }
        if let Some(at) = self.will_retry_until {
            out.field("Will-Retry-Until", &date(at));
        }
    }
}
