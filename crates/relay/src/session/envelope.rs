//! From whom and for whom: MAIL and RCPT.

use tokio::io::{AsyncRead, AsyncWrite};
use waxseal_store::spool::{NewRecipient, Notify, Ret, SpoolError};
use waxseal_wire::smtp::{Content, ForwardPath, MailParameters, Mailbox, NotifyWhen, RcptParameters, Return};

use super::{
    channel::Lost,
    conversation::{Flow, Session},
    held::Held,
};

/// A message that is on its way in.
#[derive(Debug)]
pub(super) struct Transaction {
    /// Without brackets; empty for the null sender.
    pub(super) sender: String,
    pub(super) envid: Option<String>,
    pub(super) ret: Option<Ret>,
    pub(super) smtputf8: bool,
    pub(super) require_tls: bool,
    /// SIZE.
    pub(super) announced: Option<u64>,
    pub(super) recipients: Vec<NewRecipient>,
    /// Chunks that came by BDAT, and what they take of the memory.
    pub(super) chunks: Option<(Content, Held)>,
}

/// The reply to a client for a store that takes nothing: code, enhanced code, words. What
/// went wrong in detail is the operator's to know.
pub(super) fn refusal(error: &SpoolError) -> (u16, &'static str, &'static str) {
    match error {
        SpoolError::Full { .. } => (452, "4.3.1", "No room for more messages, try again later"),
        SpoolError::Closed => (421, "4.3.2", "The relay is stopping, try again later"),
        SpoolError::Poisoned { .. }
        | SpoolError::Io { .. }
        | SpoolError::Corrupt { .. }
        | SpoolError::InUse { .. }
        | SpoolError::TooNew { .. }
        | SpoolError::Invalid { .. }
        | SpoolError::BodyMissing { .. } => {
            (451, "4.3.0", "The message cannot be kept safe at the moment, try again later")
        }
    }
}

impl<S> Session<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn mail(
        &mut self,
        sender: Option<&Mailbox<'_>>,
        parameters: &MailParameters<'_>,
    ) -> Result<Flow, Lost> {
        let full = self.context.intake.refusal();
        if self.context.is_stopping() || full == Some(SpoolError::Closed) {
            return Err(Lost::Stopping);
        }
        if self.may_begin() && self.can_be_kept(sender, parameters) && self.has_room(full.as_ref()) {
            self.transaction = Some(Transaction {
                sender: sender.map_or_else(String::new, |mailbox| mailbox.address.to_owned()),
                envid: parameters.envid.map(str::to_owned),
                ret: parameters.ret.map(|ret| match ret {
                    Return::Full => Ret::Full,
                    Return::Headers => Ret::Hdrs,
                }),
                smtputf8: parameters.smtputf8,
                require_tls: parameters.require_tls,
                announced: parameters.size,
                recipients: Vec::new(),
                chunks: None,
            });
            self.say("250 2.1.0 Ok");
        }
        Ok(Flow::On)
    }

    /// Whether the client may send at all at this point.
    fn may_begin(&mut self) -> bool {
        if self.listening.require_tls && self.tls.is_none() {
            self.refuse("MAIL", 530, "5.7.0", "Must issue a STARTTLS command first");
        } else if self.hello.is_none() {
            self.refuse("MAIL", 503, "5.5.1", "Say EHLO first");
        } else if self.transaction.is_some() {
            self.refuse("MAIL", 503, "5.5.1", "A mail transaction is open already: RSET ends it");
        } else if self.listening.kind.is_submission() && !self.standing().may_relay(&self.settings.access) {
            let advice = self.standing().advice(&self.settings.access);
            self.refuse("MAIL", 530, "5.7.0", format_args!("Authentication required: {advice}"));
        } else {
            return true;
        }
        false
    }

    /// Whether a message of this kind can be taken.
    fn can_be_kept(&mut self, sender: Option<&Mailbox<'_>>, parameters: &MailParameters<'_>) -> bool {
        let most = self.settings.limits.message_size;
        if parameters.require_tls && self.tls.is_none() {
            self.refuse("MAIL", 530, "5.7.10", "REQUIRETLS is for messages that come within TLS");
        } else if sender.is_some_and(|mailbox| !mailbox.address.is_ascii()) && !parameters.smtputf8 {
            self.refuse("MAIL", 553, "5.6.7", "An address beyond ASCII needs the parameter SMTPUTF8");
        } else if parameters.size.is_some_and(|size| size > most) {
            self.refuse("MAIL", 552, "5.3.4", format_args!("A message may have at most {most} bytes"));
        } else {
            return true;
        }
        false
    }

    /// Whether there is room for one more message, on the disk and in this minute.
    fn has_room(&mut self, full: Option<&SpoolError>) -> bool {
        if let Some(error) = full {
            let (code, enhanced, text) = refusal(error);
            self.refuse("MAIL", code, enhanced, text);
            return false;
        }
        let per_minute = self.settings.limits.messages_per_minute;
        if per_minute == 0 {
            return true;
        }
        let may = self.context.clients.may_send(self.known_by(), per_minute, std::time::Instant::now());
        if !may {
            let text =
                format_args!("At most {per_minute} messages a minute from one address, try again later");
            self.refuse("MAIL", 450, "4.7.1", text);
        }
        may
    }

    pub(super) fn rcpt(&mut self, path: &ForwardPath<'_>, parameters: &RcptParameters<'_>) {
        let Some(transaction) = &self.transaction else {
            return self.refuse("RCPT", 503, "5.5.1", "Say MAIL first");
        };
        let (count, smtputf8) = (transaction.recipients.len(), transaction.smtputf8);
        if transaction.chunks.is_some() {
            return self.refuse("RCPT", 503, "5.5.1", "The message has begun already");
        }
        if count >= self.settings.limits.recipients {
            let most = self.settings.limits.recipients;
            return self.refuse("RCPT", 452, "4.5.3", format_args!("A message may have {most} recipients"));
        }
        let (address, domain) = match path {
            ForwardPath::Mailbox(mailbox) => {
                (mailbox.address.to_owned(), mailbox.domain.clone().into_owned())
            }
            ForwardPath::Postmaster => {
                let domain = self.settings.hostname.to_ascii_lowercase();
                (format!("postmaster@{domain}"), domain)
            }
        };
        if !address.is_ascii() && !smtputf8 {
            let text = "An address beyond ASCII needs the parameter SMTPUTF8 of MAIL";
            return self.refuse("RCPT", 553, "5.6.7", text);
        }
        if !self.standing().may_send_to(&self.settings.access, &domain) {
            return self.refuse_relaying(&domain);
        }
        let recipient = NewRecipient {
            address,
            domain,
            notify: parameters.notify.map(notify),
            orcpt: parameters.orcpt.map(str::to_owned),
        };
        if let Some(transaction) = &mut self.transaction {
            transaction.recipients.push(recipient);
        }
        self.say("250 2.1.5 Ok");
    }

    fn refuse_relaying(&mut self, domain: &str) {
        let advice = self.standing().advice(&self.settings.access);
        let text = match self.client.address {
            Some(address) => format!("{address} may not send to {domain}: {advice}"),
            None => format!("This client may not send to {domain}: {advice}"),
        };
        self.refuse("RCPT", 550, "5.7.1", text);
    }
}

fn notify(when: NotifyWhen) -> Notify {
    Notify { success: when.success, failure: when.failure, delay: when.delay }
}
