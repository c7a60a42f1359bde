//! A conversation with one MX host: from the connection to the last message over it.
//!
//! - `open`: connection, greeting, EHLO, STARTTLS, certificate. No word of a message.
//! - `transaction`: MAIL, RCPT, DATA and the message. Nothing else writes those, and it
//!   takes a [`Permit`], which only a decision on what was
//!   observed of this very conversation gives.
//! - `answer`: what something that happened means to a recipient.
//! - `settings`: how long each step may take.

mod answer;
mod offers;
mod open;
mod settings;
mod stream;
#[cfg(test)]
pub(in crate::delivery) mod testing;
#[cfg(test)]
mod tests;
mod transaction;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;
use waxseal_judge::delivery::{By, Decision, Observation, Permit, Protection, Requirement, decide};
use waxseal_model::smtp::{Reply, Speaker};
use waxseal_net::{
    NetError,
    egress::Egress,
    session::SmtpSession,
    tls::delivery::{DeliveryTls, SecondOpinion},
    transcript::Transcript,
};
use waxseal_wire::{text::neutralise, x509::RootStore};

pub use self::settings::{DeliverySettings, Patience};
use self::stream::Stream;
pub(crate) use self::{
    answer::Answer,
    offers::Offers,
    transaction::{Letter, is_writable},
};
use super::outcome::Stage;
use crate::{policy::observation::Inspection, route::Hop};

/// Bytes of a conversation that are kept for the transcript of a failed attempt.
const TRANSCRIPT_BYTES: usize = 8 * 1024;
/// The longest line of a transcript, and the longest reply shown, in characters.
pub(crate) const MOST_CHARS: usize = 500;

/// What every conversation needs.
#[derive(Debug)]
pub(crate) struct Means {
    pub(crate) settings: DeliverySettings,
    pub(crate) egress: Egress,
    tls: DeliveryTls,
    roots: Arc<RootStore>,
    opinion: SecondOpinion,
}

/// Where to, for what requirement, until when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) hop: &'a Hop,
    pub(crate) address: IpAddr,
    pub(crate) requirement: &'a Requirement,
    /// Stands for host and requirement: sessions of TLS are resumed, and conversations used
    /// again, under the same key alone.
    pub(crate) key: u64,
    pub(crate) deadline: Instant,
}

/// A conversation that stands: EHLO was answered, in TLS where there is TLS.
#[derive(Debug)]
pub(crate) struct Conversation {
    session: SmtpSession<Stream>,
    pub(crate) offers: Offers,
    pub(crate) host: String,
    pub(crate) requirement: Requirement,
    /// Our own address.
    pub(crate) local: Option<IpAddr>,
    /// The name that the host calls itself.
    pub(crate) helo: Option<String>,
    /// What every decision on this conversation rests on.
    observation: Observation,
    /// What was found of the certificate; taken by who reports on the session.
    inspection: Option<Box<Inspection>>,
    /// Version and suite in words; empty in clear.
    channel: String,
    /// Transactions that were begun.
    messages: u32,
    opened: Instant,
    /// A transaction was begun and not ended: RSET comes before the next.
    unfinished: bool,
    /// Something was said that makes an end of it: a 421, no SMTP, nothing.
    spoilt: bool,
}

/// Why there is no conversation.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) stage: Stage,
    pub(crate) obstacle: Obstacle,
    pub(crate) transcript: Transcript,
    pub(crate) local: Option<IpAddr>,
    pub(crate) helo: Option<String>,
}

/// What stood in the way.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// A reply that turns us away.
    Reply(Reply),
    /// No connection, or none any more.
    Lost(NetError),
    /// TLS was offered and came to nothing: for the decision, and in words.
    NoTls(Observation, String),
}

impl Means {
    pub(crate) fn new(settings: DeliverySettings, egress: Egress, roots: Arc<RootStore>) -> Self {
        let opinion = SecondOpinion::new(&roots);
        Self { settings, egress, tls: DeliveryTls::new(), roots, opinion }
    }
}

impl Conversation {
    /// Whether a message with this requirement may go over this conversation, and as what.
    pub(crate) fn decide(&self, requirement: &Requirement) -> Decision {
        decide(requirement, &self.observation)
    }

    /// What was seen that a failure speaks of, in a few words; empty where there is no more
    /// to say.
    pub(crate) fn detail(&self, decision: &Decision) -> String {
        let inspected = self.inspection.as_deref().zip(decision.failure);
        inspected.map(|(inspection, failure)| inspection.detail(failure)).unwrap_or_default()
    }

    /// Forgets what only matters while the conversation is new.
    pub(crate) fn settle_in(&mut self) {
        self.inspection = None;
    }

    /// Version and suite in words; empty in clear.
    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    /// The channel as an attempt remembers it: `clear`,
    /// `TLSv1.3 TLS_AES_256_GCM_SHA384, authenticated by DANE`.
    pub(crate) fn channel_under(&self, permit: Permit) -> String {
        match permit.protection() {
            Protection::Clear { .. } => "clear".to_owned(),
            Protection::Encrypted => self.channel.clone(),
            Protection::Authenticated { by, .. } => {
                let by = match by {
                    By::DaneEe | By::DaneTa => "DANE",
                    By::MtaSts => "MTA-STS",
                    By::OperatorName => "a name of your rule",
                    By::Certificate => "its certificate",
                    By::Fingerprint => "a key of your rule",
                };
                format!("{}, authenticated by {by}", self.channel)
            }
        }
    }

    fn is_tls(&self) -> bool {
        self.session.stream().is_tls()
    }

    /// True if it can carry another message.
    pub(crate) fn is_usable(&self) -> bool {
        !self.spoilt && self.session.outstanding() == 0
    }

    /// True if it should carry no other message although it could: it has had its time, or it
    /// is in clear since TLS failed once, which may be over for the next.
    pub(crate) fn is_worn(&self, settings: &DeliverySettings) -> bool {
        let fell_back = matches!(
            self.observation,
            Observation::StarttlsRefused | Observation::HandshakeFailed | Observation::TlsTooOld
        );
        fell_back
            || self.messages >= settings.messages_per_connection
            || self.opened.elapsed() >= settings.connection_age
    }

    /// True if the host has said nothing and not closed, as far as can be seen at once.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.session.is_quiet()
    }

    /// The next words are the beginning of a new record.
    pub(crate) fn forget_words(&self) {
        self.session.transcript().clear();
    }

    pub(crate) fn transcript(&self) -> &Transcript {
        self.session.transcript()
    }

    /// Takes leave, in the background: nobody waits for it.
    pub(crate) fn leave(self, patience: Duration) {
        if self.is_usable() {
            tokio::spawn(self.session.quit(patience));
        }
    }
}

/// Lines of a transcript as an attempt keeps them: `C:` we, `S:` the other server, `--`
/// remarks.
pub(crate) fn lines(transcript: &Transcript) -> impl Iterator<Item = String> {
    transcript.lines().into_iter().map(|line| {
        let speaker = match line.from {
            Speaker::Client => "C:",
            Speaker::Server => "S:",
            Speaker::Note => "--",
        };
        format!("{speaker} {}", neutralise(line.text.as_bytes(), MOST_CHARS))
    })
}

/// Seconds since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
