//! Sessions up to TLS 1.2: whether the client may ask for another handshake within one, with
//! and without the binding of RFC 5746, and whether one is resumed by its id or by a ticket.
//!
//! A server that issues a ticket keeps no session of its own, and one may forget a session in
//! which it refused something: so the id is tried with a session for which no ticket was
//! wanted, and in which nothing was asked. The ticket goes along with a session id of 31 bytes,
//! so that a server that returns it with memory behind it (CVE-2016-9244) gives away one byte;
//! where that resumes nothing, once more with one of the usual 32.

use waxseal_model::{
    Cause, Observed, Why,
    audit::{Renegotiation, Tickets},
    tls::TlsVersion,
};
use waxseal_net::attempt::{
    renegotiate::Binding,
    resume::{self, Resumed},
};
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
    /// With a ticket, if the server issues any; and the hello that led to it.
    with_ticket: Option<(Box<HelloSpec>, Box<Established>)>,
    /// The same without.
    without_ticket: Option<(Box<HelloSpec>, Box<Established>)>,
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
    /// A session without a ticket, to be resumed.
    Plain,
    ById,
    /// Once more: one process of several may not know it yet.
    ByIdAgain,
    ByTicket,
    /// By the same ticket with an id of the usual length.
    ByTicketAgain,
    Over,
}

/// Length of session ids that clients send (RFC 5077 section 3.4 leaves it to them).
const USUAL_ID: usize = 32;

impl Stage {
    fn next(self) -> Self {
        match self {
            Self::Secure => Self::Insecure,
            Self::Insecure => Self::Plain,
            Self::Plain => Self::ById,
            Self::ById => Self::ByIdAgain,
            Self::ByIdAgain => Self::ByTicket,
            Self::ByTicket => Self::ByTicketAgain,
            Self::ByTicketAgain | Self::Over => Self::Over,
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
                    let then = InSession::Renegotiate(Binding::Secure);
                    return Some(Question::Attempt(Attempt::Session { spec, then }));
                }
                Stage::Insecure => {
                    let spec =
                        Box::new(HelloSpec { renegotiation_info: false, ..state.session_hello(version) });
                    let then = InSession::Renegotiate(Binding::None);
                    return Some(Question::Attempt(Attempt::Session { spec, then }));
                }
                Stage::Plain => {
                    let spec = HelloSpec { session_ticket: false, ..state.session_hello(version) };
                    let (spec, then) = (Box::new(spec), InSession::Tickets);
                    return Some(Question::Attempt(Attempt::Session { spec, then }));
                }
                Stage::ByTicketAgain if self.by_ticket.get() == Some(&true) => {
                    self.stage = Stage::Over;
                }
                Stage::ByIdAgain if self.sent_id.is_empty() || self.by_id.get() != Some(&false) => {
                    self.stage = Stage::ByTicket;
                }
                Stage::ById | Stage::ByIdAgain | Stage::ByTicket | Stage::ByTicketAgain => {
                    match self.resumption() {
                        Some((spec, resumption)) => {
                            self.sent_id.clone_from(&resumption.session_id);
                            let resumption = Box::new(resumption);
                            return Some(Question::Attempt(Attempt::Resume { spec, resumption }));
                        }
                        None => self.nothing_to_resume(),
                    }
                }
            }
        }
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let outcome = match reaction {
            Reaction::Attempted(outcome) => *outcome,
            Reaction::Unanswered(why) => return self.no_outcome(why),
            // All else is as in the session before: it is the missing signal that it refuses.
            Reaction::Refused { alert } if self.stage == Stage::Insecure && self.with_ticket.is_some() => {
                self.insecure = Observed::seen(Renegotiation::Refused { alert });
                self.stage = self.stage.next();
                return;
            }
            other => return self.no_outcome(Why::new(Cause::Declined, other.describe())),
        };
        match outcome {
            Attempted::Session { established, renegotiation } => {
                state.note_suite(established.flight.version, u32::from(established.flight.suite));
                let Question::Attempt(Attempt::Session { spec, .. }) = question else { return };
                self.note_session(spec.clone(), established, renegotiation);
            }
            Attempted::Resumed(resumed) => {
                let fact = Observed::seen(resumed.abbreviated);
                match self.stage {
                    Stage::ById | Stage::ByIdAgain => self.by_id = fact,
                    Stage::ByTicketAgain => self.by_ticket = fact,
                    _ => {
                        self.by_ticket = fact;
                        self.ticketbleed = beyond(&resumed, &self.sent_id);
                    }
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
            Stage::Plain | Stage::ById => self.by_id = Observed::Failed { why: failed(&why) },
            Stage::ByTicket => {
                self.by_ticket = Observed::Failed { why: failed(&why) };
                self.ticketbleed = Observed::Failed { why: failed(&why) };
            }
            // The first answer stands.
            Stage::ByIdAgain | Stage::ByTicketAgain | Stage::Over => {}
        }
        self.failed.get_or_insert(why);
        self.stage = self.stage.next();
    }

    /// A session was established.
    fn note_session(
        &mut self,
        spec: Box<HelloSpec>,
        session: Box<Established>,
        renegotiation: Option<Result<Renegotiation, Why>>,
    ) {
        let answer = match renegotiation {
            Some(Ok(answer)) => Observed::seen(answer),
            Some(Err(why)) => Observed::Failed { why },
            None => Observed::default(),
        };
        match self.stage {
            Stage::Secure => {
                self.secure = answer;
                self.note_tickets(&session);
                self.with_ticket = Some((spec, session));
            }
            Stage::Plain => self.without_ticket = Some((spec, session)),
            _ => self.insecure = answer,
        }
    }

    fn resumption(&self) -> Option<(Box<HelloSpec>, Resumption)> {
        if matches!(self.stage, Stage::ById | Stage::ByIdAgain) {
            let (spec, session) = self.without_ticket.as_ref()?;
            return Some((spec.clone(), resume::by_id(session)?));
        }
        let (spec, session) = self.with_ticket.as_ref()?;
        let id: [u8; USUAL_ID] = random();
        let length = if self.stage == Stage::ByTicket { resume::SHORT_ID } else { USUAL_ID };
        Some((spec.clone(), resume::by_ticket(session, id.get(..length)?)?))
    }

    /// The session has nothing to be resumed by: that is an answer, if there was a session.
    fn nothing_to_resume(&mut self) {
        if self.stage == Stage::ById && self.without_ticket.is_some() {
            self.by_id = Observed::seen(false);
        }
        if self.stage == Stage::ByTicket && self.with_ticket.is_some() {
            self.by_ticket = Observed::seen(false);
            let text = "the server issues no tickets before TLS 1.3";
            self.ticketbleed = Observed::not_tried(Cause::NotApplicable, text);
            self.stage = Stage::Over;
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

/// By how many bytes the id `sent` came back longer.
fn beyond(resumed: &Resumed, sent: &[u8]) -> Observed<u8> {
    match resumed.beyond(sent) {
        Some(beyond) => Observed::seen(beyond),
        None => Observed::not_tried(
            Cause::Prerequisite,
            "the server did not make use of its ticket, so it returned nothing",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        rich_hello::RichHello,
        simulated::{Simulated, run},
    };

    fn sessions_of(server: &Simulated) -> (usize, State) {
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, server);
        let asked = run(&mut Sessions::default(), &mut state, server);
        (asked, state)
    }

    #[test]
    fn a_sound_server_refuses_renegotiation_and_resumes_by_ticket() {
        let (asked, mut state) = sessions_of(&Simulated::modern());
        let audit = state.audit();
        // The simulated session has a ticket and no id.
        assert_eq!(asked, 4);
        assert_eq!(audit.client_renegotiation, Observed::seen(Renegotiation::Refused { alert: Some(100) }));
        assert_eq!(
            (&audit.resumption_by_id, &audit.resumption_by_ticket),
            (&Observed::seen(false), &Observed::seen(true))
        );
        assert_eq!(audit.ticketbleed, Observed::seen(0));
        assert_eq!(audit.tickets.get().cloned().flatten().map(|t| t.lifetime), Some(300));
    }

    #[test]
    fn a_server_that_keeps_sessions_only_where_no_ticket_is_wanted_resumes_by_id() {
        let (_, mut state) = sessions_of(&Simulated { remembers: true, ..Simulated::modern() });
        assert_eq!(state.audit().resumption_by_id, Observed::seen(true));
        assert_eq!(state.audit().resumption_by_ticket, Observed::seen(true));
    }

    #[test]
    fn an_id_that_is_not_resumed_is_tried_once_more() {
        // It gives an id, and forgets it.
        let (asked, mut state) =
            sessions_of(&Simulated { remembers: true, forgets: true, ..Simulated::modern() });
        assert_eq!(asked, 6);
        assert_eq!(state.audit().resumption_by_id, Observed::seen(false));
        assert_eq!(state.audit().resumption_by_ticket, Observed::seen(true));
    }

    #[test]
    fn a_ticket_is_tried_with_an_id_of_the_usual_length_too() {
        let (asked, mut state) = sessions_of(&Simulated { needs_usual_id: true, ..Simulated::modern() });
        assert_eq!(asked, 5);
        assert_eq!(state.audit().resumption_by_ticket, Observed::seen(true));
        assert!(!state.audit().ticketbleed.is_seen());
    }

    #[test]
    fn a_server_that_wants_the_signal_cannot_renegotiate_without() {
        let (_, mut state) = sessions_of(&Simulated { wants_signal: true, ..Simulated::modern() });
        assert_eq!(
            state.audit().insecure_renegotiation,
            Observed::seen(Renegotiation::Refused { alert: Some(40) })
        );
        assert!(state.audit().client_renegotiation.is_seen());
    }

    #[test]
    fn one_that_renegotiates_is_seen_to() {
        let (_, mut state) = sessions_of(&Simulated { renegotiates: true, ..Simulated::modern() });
        assert_eq!(state.audit().client_renegotiation, Observed::seen(Renegotiation::Accepted));
        assert_eq!(state.audit().insecure_renegotiation, Observed::seen(Renegotiation::Accepted));
    }

    #[test]
    fn silence_leaves_all_open_and_tls13_alone_leaves_nothing_to_ask() {
        let server = Simulated::modern();
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, &server);
        run(&mut Sessions::default(), &mut state, &Simulated { silent: true, ..server });
        assert_eq!(state.audit().client_renegotiation.why().map(|w| w.cause), Some(Cause::Timeout));
        assert!(!state.audit().ticketbleed.is_seen());
        let mut new = State::new(None);
        for version in TlsVersion::ALL {
            new.set_version(version, Observed::seen(version == TlsVersion::Tls13));
        }
        assert_eq!(run(&mut Sessions::default(), &mut new, &Simulated::modern()), 0);
        assert_eq!(new.audit().ticketbleed.why().map(|w| w.cause), Some(Cause::NotApplicable));
    }
}
