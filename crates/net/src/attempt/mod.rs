//! Conversations that go on where a hand-made hello ends: handshakes by the private client
//! ([`waxseal_wire::tls::private`]), and attacks in a form that does no harm.
//!
//! - [`then`]: one attack record after the server's flight (ROBOT, early ChangeCipherSpec).
//! - [`full`]: a complete handshake in any version; [`stream`]: the bytes within.
//! - [`resume`]: a session again, by id or by ticket.
//! - [`renegotiate`]: another handshake within a session.
//! - [`heartbleed`]: a heartbeat that claims one byte too much.
//! - [`injection`]: a command sent along with STARTTLS.
//!
//! Each works over any stream, ends by a deadline, reads a bounded number of bytes, and
//! returns what the server did. A reset, an end without a trace, silence and text in place
//! of TLS are no answers: they come back as the reason why nothing is known.

mod line;

pub mod full;
pub mod heartbleed;
pub mod injection;
pub mod renegotiate;
pub mod resume;
pub mod stream;
pub mod then;

use waxseal_model::{Cause, Why};
use waxseal_wire::tls::private::Fault;

use crate::exchange::Ended;

pub use full::{Failure, handshake};
pub use stream::PrivateStream;
pub use then::{Then, exchange_then};

/// Why a conversation stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The connection ended, or time was up.
    Ended(Ended),
    /// TLS ended.
    Fault(Fault),
}

impl Stop {
    /// The reason in the words of evidence. `step` completes "the server closed the
    /// connection …": `after a heartbeat`.
    pub fn why(&self, step: &str) -> Why {
        match self {
            Self::Ended(Ended::PeerClosed) => {
                Why::new(Cause::Closed, format!("the server closed the connection {step}"))
            }
            Self::Ended(Ended::Reset) => Why::new(Cause::Closed, format!("the connection was reset {step}")),
            Self::Ended(Ended::Timeout) => {
                Why::new(Cause::Timeout, format!("the server did not answer in time {step}"))
            }
            Self::Ended(Ended::Complete) => {
                Why::new(Cause::TooLarge, format!("the server sent more than it should {step}"))
            }
            Self::Fault(fault) => fault.why(),
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

#[cfg(test)]
mod tests;
