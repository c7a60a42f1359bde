//! Sessions up to TLS 1.2: whether the client may ask for another handshake within one, with
//! and without the binding of RFC 5746, and whether one is resumed by its id or by a ticket.
//! The ticket goes along with a session id of 31 bytes, so that a server that returns it with
//! memory behind it (CVE-2016-9244) gives away one byte.

use waxseal_model::{
    Cause, Observed, Why,
    audit::{Renegotiation, Tickets},
    tls::TlsVersion,
};
use waxseal_net::attempt::{renegotiate::Binding, resume};
use waxseal_wire::tls::{
    hello::HelloSpec,
    private::{Established, Resumption},
};

use super::{Probe, settle};
use crate::{
    attempt::{Attempt, Attempted, InSession},
    endpoint::random,
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Sessions {
    stage: Stage,
    session: Option<Box<Established>>,
    spec: Option<Box<HelloSpec>>,
    sent_id: Vec<u8>,
    failed: Option<Why>,
    secure: Observed<Renegotiation>,
    insecure: Observed<Renegotiation>,
    by_id: Observed<bool>,
    by_ticket: Observed<bool>,
    ticketbleed: Observed<u8>,
    tickets: Observed<Option<Tickets>>,
}

/// What is asked next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Secure,
    Insecure,
    ById,
    ByTicket,
    Over,
}

impl Stage {
    fn next(self) -> Self {
        match self {
            Self::Secure => Self::Insecure,
            Self::Insecure => Self::ById,
            Self::ById => Self::ByTicket,
            Self::ByTicket | Self::Over => Self::Over,
        }
    }
}

impl Probe for Sessions {
    fn name(&self) -> &'static str {
        "sessions before TLS 1.3"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let version = state.newest_before_tls13()?;
        loop {
            match self.stage {
                Stage::Over => return None,
                Stage::Secure => {
                    let spec = Box::new(state.session_hello(version));
                    self.spec = Some(spec.clone());
                    let then = InSession::Renegotiate(Binding::Secure);
                    return Some(Question::Attempt(Attempt::Session { spec, then }));
                }
                Stage::Insecure => {
                    let spec =
                        Box::new(HelloSpec { renegotiation_info: false, ..state.session_hello(version) });
                    let then = InSession::Renegotiate(Binding::None);
                    return Some(Question::Attempt(Attempt::Session { spec, then }));
                }
                Stage::ById | Stage::ByTicket => match self.resumption() {
                    Some((spec, resumption)) => {
                        self.sent_id.clone_from(&resumption.session_id);
                        let resumption = Box::new(resumption);
                        return Some(Question::Attempt(Attempt::Resume { spec, resumption }));
                    }
                    None => self.nothing_to_resume(),
                },
            }
        }
    }

    fn learn(&mut self, state: &mut State, _question: &Question, reaction: Reaction) {
        let outcome = match reaction {
            Reaction::Attempted(outcome) => *outcome,
            Reaction::Unanswered(why) => return self.no_outcome(why),
            other => return self.no_outcome(Why::new(Cause::Declined, other.describe())),
        };
        match outcome {
            Attempted::Session { established, renegotiation } => {
                let answer = match renegotiation {
                    Some(Ok(answer)) => Observed::seen(answer),
                    Some(Err(why)) => Observed::Failed { why },
                    None => Observed::default(),
                };
                if self.stage == Stage::Secure {
                    self.secure = answer;
                    self.note_tickets(&established);
                    state.note_suite(established.flight.version, u32::from(established.flight.suite));
                    self.session = Some(established);
                } else {
                    self.insecure = answer;
                }
            }
            Attempted::Resumed(resumed) => {
                let fact = Observed::seen(resumed.abbreviated);
                if self.stage == Stage::ById {
                    self.by_id = fact;
                } else {
                    self.by_ticket = fact;
                    self.ticketbleed = match resumed.beyond(&self.sent_id) {
                        Some(beyond) => Observed::seen(beyond),
                        None => Observed::not_tried(
                            Cause::Prerequisite,
                            "the server did not make use of its ticket, so it returned nothing",
                        ),
                    };
                }
            }
            _ => return,
        }
        self.stage = self.stage.next();
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let old = [TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10, TlsVersion::Ssl3];
        let reason = if old.into_iter().all(|v| state.accepts(v) == Some(false)) {
            Why::new(Cause::NotApplicable, "TLS 1.3 has no such thing, and older versions are refused")
        } else {
            let unknown = Why::new(Cause::Prerequisite, "no session before TLS 1.3 could be established");
            why.or(self.failed.as_ref()).cloned().unwrap_or(unknown)
        };
        settle(&mut self.secure, &reason);
        settle(&mut self.insecure, &reason);
        settle(&mut self.by_id, &reason);
        settle(&mut self.by_ticket, &reason);
        settle(&mut self.ticketbleed, &reason);
        settle(&mut self.tickets, &reason);
        let audit = state.audit();
        audit.client_renegotiation = self.secure.clone();
        audit.insecure_renegotiation = self.insecure.clone();
        audit.resumption_by_id = self.by_id.clone();
        audit.resumption_by_ticket = self.by_ticket.clone();
        audit.ticketbleed = self.ticketbleed.clone();
        // TLS 1.3 has the last word, see `tls13_sessions`.
        if !audit.tickets.is_seen() {
            audit.tickets = self.tickets.clone();
        }
    }
}

impl Sessions {
    /// The question at hand led to nothing.
    fn no_outcome(&mut self, why: Why) {
        let failed = |why: &Why| Why { cause: why.cause, text: why.text.clone() };
        match self.stage {
            Stage::Secure => self.secure = Observed::Failed { why: failed(&why) },
            Stage::Insecure => self.insecure = Observed::Failed { why: failed(&why) },
            Stage::ById => self.by_id = Observed::Failed { why: failed(&why) },
            Stage::ByTicket => {
                self.by_ticket = Observed::Failed { why: failed(&why) };
                self.ticketbleed = Observed::Failed { why: failed(&why) };
            }
            Stage::Over => {}
        }
        self.failed.get_or_insert(why);
        self.stage = self.stage.next();
    }

    fn resumption(&self) -> Option<(Box<HelloSpec>, Resumption)> {
        let (session, spec) = (self.session.as_ref()?, self.spec.clone()?);
        let resumption = match self.stage {
            Stage::ById => resume::by_id(session)?,
            _ => resume::by_ticket(session, random())?,
        };
        Some((spec, resumption))
    }

    /// The session has nothing to be resumed by: that is an answer, if there was a session.
    fn nothing_to_resume(&mut self) {
        if self.session.is_some() {
            if self.stage == Stage::ById {
                self.by_id = Observed::seen(false);
            } else {
                self.by_ticket = Observed::seen(false);
                let text = "the server issues no tickets before TLS 1.3";
                self.ticketbleed = Observed::not_tried(Cause::NotApplicable, text);
            }
        }
        self.stage = self.stage.next();
    }

    fn note_tickets(&mut self, session: &Established) {
        let first = session.tickets.iter().find(|ticket| !ticket.ticket.is_empty());
        self.tickets = Observed::seen(first.map(|ticket| Tickets {
            version: session.flight.version,
            count: u32::try_from(session.tickets.len()).unwrap_or(u32::MAX),
            lifetime: ticket.lifetime,
        }));
    }
}
