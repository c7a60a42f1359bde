//! The only code that questions mail servers.
//!
//! Parts, in the order in which an endpoint meets them:
//!
//! - [`options`]: time limits, the connection budget, names that we give.
//! - [`prober`]: the way out, the pacing and the roots that probing is given.
//! - `open`: TCP, greeting, EHLO and STARTTLS, up to the point where TLS begins.
//! - `ahead`: connections that are opened before they are needed.
//! - `offers`: which suites and groups go into hellos.
//! - `shares`: public values for servers that refuse hellos without a key share.
//! - `robot`: the search for an oracle in RSA key exchange, beside other questions.
//! - `state`: what is known so far about one endpoint's TLS.
//! - [`attempt`]: what goes on where a hello ends.
//! - [`question`]: one hello and what came back; at most one connection each.
//! - `probes/`: one file a probe: it looks at the state, puts its next question, and
//!   records the answer.
//! - [`plan`]: the order of the probes, most valuable first, so that a scan that is cut
//!   short still grades.
//! - `endpoint`: runs the plan against one address within its budget.
//! - `siblings`: other ports of mail on the same address.
//! - [`named`]: the certificates shown to clients that name the server otherwise.
//! - [`mod@replay`]: hellos of real clients, sent as they are.
//! - [`recipient`]: what a server says to an envelope; only on request.
//!
//! A probe has never heard of severity: it returns facts as `Observed`, and whether they
//! are good or bad is for `waxseal-judge` to say.

mod ahead;
pub mod attempt;
mod offers;
mod open;
mod robot;
mod shares;
mod siblings;
mod state;

pub mod chains;
mod endpoint;
pub mod named;
pub mod options;
pub mod plan;
pub mod prober;
pub mod probes;
pub mod question;
pub mod recipient;
pub mod replay;

pub use endpoint::probe_endpoint;
pub use named::chains_for_name;
pub use options::ProbeOptions;
pub use prober::Prober;
pub use recipient::ask_recipient;
pub use replay::replay;
