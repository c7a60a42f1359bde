//! The operator's socket: one request a line in JSON, one answer.
//!
//! - [`protocol`]: what is asked and answered.
//! - [`desk`]: who answers, from the queue and, if it runs, the relay.
//! - [`socket`]: both ends of the socket.
//!
//! Who may open the socket may read and cancel all mail: it is its owner's alone (mode 0600).

pub mod desk;
pub mod protocol;
pub mod socket;

pub use desk::{Desk, Live, LiveFuture};
pub use protocol::{Answer, Request, Verb};
pub use socket::{SocketError, ask, listen, serve};
