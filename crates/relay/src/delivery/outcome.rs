//! What an attempt comes to: delivered, deferred or failed. The only place that decides it.
//!
//! Pure: what happened at which moment goes in, an [`Outcome`] comes out. The rules, with
//! Postfix (its smtp client, version 3) as orientation:
//!
//! | Moment | 4xx | 5xx | lost, silent or no SMTP |
//! |---|---|---|---|
//! | connection, greeting | next host, then deferred | the same: a host that turns everybody away says nothing of this message (Postfix: `smtp_skip_5xx_greeting`) | next host, then deferred |
//! | EHLO | the same | the same; HELO is tried where nothing demands TLS | the same |
//! | STARTTLS, handshake, certificate | the decision of `waxseal_judge::delivery` | | |
//! | MAIL | next host, then deferred | failed | next host, then deferred |
//! | RCPT | next host, then deferred, this recipient | failed, this recipient | next host, then deferred |
//! | DATA, and the message up to its final dot | next host, then deferred | failed | next host, then deferred |
//! | reply to the final dot | next host, then deferred | failed | **unknown**: no other host in this attempt |
//!
//! A 530 in clear from MAIL on is no word about the message: the host wants TLS (RFC 3207
//! section 4), which it does not offer, or which has failed. It counts as a 4xx.
//!
//! A 421 may come at any moment (RFC 5321 section 3.8), and counts as a 4xx there. A host
//! that lacks an extension that the message needs leads to the next host; the message fails
//! where every host that was tried lacks it, and waits where another might yet take it.
//!
//! Over several hosts an outcome that [settles](Outcome::settled) ends the attempt for the
//! recipient. Of the others the [weightiest](Weight) counts, and of those the first: as
//! `waxseal_judge::delivery::deliver` has it for decisions.

use waxseal_judge::delivery::{Action, AtLast, Decision, Requirement};
use waxseal_net::NetError;

use super::{
    job::{End, SiteSign},
    reason,
};

/// The moments of a conversation, in their order (the order carries meaning).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Before a connection stands.
    Connect,
    /// The greeting.
    Greeting,
    /// EHLO, in clear or in TLS, and HELO.
    Ehlo,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, and the message up to its final dot.
    Data,
    /// The reply to the final dot.
    EndOfData,
}

impl Stage {
    /// All.
    pub const ALL: [Self; 7] =
        [Self::Connect, Self::Greeting, Self::Ehlo, Self::Mail, Self::Rcpt, Self::Data, Self::EndOfData];

    /// The word in errors and transcripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::EndOfData => "end of data",
        }
    }
}

/// What something that happened comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The end, if nothing better comes of another host.
    pub end: End,
    /// No other host is asked.
    pub settled: bool,
    /// The reason's token; none for a delivery.
    pub reason: Option<&'static str>,
    /// What it says of the site.
    pub sign: SiteSign,
    /// How much it counts beside what other hosts came to.
    pub weight: Weight,
}

/// How much an outcome that settles nothing counts, least first (the order carries meaning).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// The host lacks an extension: another might have it.
    Extension,
    /// The host could not be asked, or is not good enough for now.
    Host,
    /// The host will never be good enough for this message (REQUIRETLS).
    Never,
    /// The host is good enough, and was asked: it may yet take the message.
    Asked,
}

/// An extension that a message needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// More room than SIZE grants (RFC 1870).
    Size,
    /// 8BITMIME (RFC 6152).
    EightBitMime,
    /// SMTPUTF8 (RFC 6531).
    SmtpUtf8,
}

impl Missing {
    /// The reply that we give in the host's place.
    pub fn reply(self) -> &'static str {
        match self {
            Self::Size => "552 5.3.4 Message is larger than the host takes (SIZE)",
            Self::EightBitMime => {
                "554 5.6.3 Message has bytes above 127 and the host does not offer 8BITMIME"
            }
            Self::SmtpUtf8 => "553 5.6.7 Message needs SMTPUTF8 and the host does not offer it",
        }
    }
}

/// A reply that is not the one that lets the conversation go on, or the one to the final dot.
pub fn of_reply(stage: Stage, code: u16) -> Outcome {
    let weight = if stage < Stage::Mail { Weight::Host } else { Weight::Asked };
    let refused = Outcome {
        end: End::Deferred,
        settled: false,
        reason: Some(reason::of_reply(stage)),
        sign: SiteSign::Neutral,
        weight,
    };
    match (stage, code) {
        (Stage::EndOfData, 200..=299) => {
            Outcome { end: End::Delivered, settled: true, reason: None, sign: SiteSign::Good, weight }
        }
        (_, 421) => Outcome { sign: SiteSign::Busy, ..refused },
        (Stage::Connect | Stage::Greeting | Stage::Ehlo, 500..=599) => {
            Outcome { sign: SiteSign::Dead, ..refused }
        }
        (_, 500..=599) => Outcome { end: End::Failed, settled: true, ..refused },
        (Stage::Connect | Stage::Greeting | Stage::Ehlo | Stage::Mail, _) => {
            Outcome { sign: SiteSign::Busy, ..refused }
        }
        // 4xx, and what has no place there.
        _ => refused,
    }
}

/// The same for a conversation in clear, where a host may ask for TLS.
pub fn of_reply_in_clear(stage: Stage, code: u16) -> Outcome {
    match code {
        530 if stage >= Stage::Mail => Outcome { sign: SiteSign::Busy, ..of_reply(stage, 430) },
        _ => of_reply(stage, code),
    }
}

/// No connection, one that ended, one that went silent, or one on which something else than
/// SMTP was spoken. `Stage::EndOfData` means that the final dot had gone out.
pub fn of_loss(stage: Stage, error: &NetError) -> Outcome {
    let ours = matches!(
        error,
        NetError::LocalResources { .. }
            | NetError::NotPermitted { .. }
            | NetError::Forbidden { .. }
            | NetError::Io { .. }
    );
    let sign = match stage {
        _ if ours => SiteSign::Neutral,
        Stage::Connect | Stage::Greeting | Stage::Ehlo => SiteSign::Dead,
        Stage::Mail | Stage::Rcpt | Stage::Data | Stage::EndOfData => SiteSign::Busy,
    };
    let reason = match error {
        NetError::ConnectTimeout { .. } => reason::CONNECT_TIMEOUT,
        _ => reason::of_loss(stage),
    };
    let unknown = stage == Stage::EndOfData;
    Outcome {
        end: if unknown { End::Unknown } else { End::Deferred },
        settled: unknown,
        reason: Some(reason),
        sign,
        weight: if stage < Stage::Mail { Weight::Host } else { Weight::Asked },
    }
}

/// A decision; none where it is to deliver.
pub fn of_decision(decision: &Decision, requirement: &Requirement) -> Option<Outcome> {
    let token = decision.failure.map(|failure| reason::of_failure(failure, requirement.level()));
    let (end, settled, weight) = match decision.action {
        Action::Deliver(_) => return None,
        Action::NextMx(AtLast::Defer) => (End::Deferred, false, Weight::Host),
        Action::NextMx(AtLast::Bounce) => (End::Failed, false, Weight::Never),
        Action::Bounce => (End::Failed, true, Weight::Never),
    };
    let sign = match token {
        Some(reason::CONNECT_FAILED) => SiteSign::Dead,
        // What REQUIRETLS alone asks for keeps no mail waiting.
        Some(token) if end == End::Deferred && reason::is_about_tls(token) => SiteSign::NoTls(token),
        _ => SiteSign::Neutral,
    };
    Some(Outcome { end, settled, reason: token, sign, weight })
}

/// An extension that the host lacks.
pub fn of_missing(missing: Missing) -> Outcome {
    let reason = match missing {
        Missing::Size => reason::SIZE_EXCEEDED,
        Missing::EightBitMime => reason::EIGHTBIT_UNSUPPORTED,
        Missing::SmtpUtf8 => reason::SMTPUTF8_UNSUPPORTED,
    };
    Outcome {
        end: End::Failed,
        settled: false,
        reason: Some(reason),
        sign: SiteSign::Neutral,
        weight: Weight::Extension,
    }
}

/// Whether a 4xx or 552 to RCPT only means that a transaction has room for no more
/// recipients (RFC 5321 section 4.5.3.1.10): then the rest goes into the next one.
pub fn is_too_many_recipients(code: u16, enhanced: Option<&str>) -> bool {
    match (code, enhanced) {
        (452 | 552, None) => true,
        (451 | 452, Some(enhanced)) => enhanced == "4.5.3",
        (552, Some(enhanced)) => enhanced == "5.5.3",
        _ => false,
    }
}

/// The sign of a site over several hosts: mail that goes is good; want of TLS is worth
/// watching whatever the others say.
pub fn stronger(one: SiteSign, other: SiteSign) -> SiteSign {
    let rank = |sign: SiteSign| match sign {
        SiteSign::Good => 4,
        SiteSign::NoTls(_) => 3,
        SiteSign::Busy => 2,
        SiteSign::Dead => 1,
        SiteSign::Neutral => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests;
