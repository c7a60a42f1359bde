//! SMTP as bytes: replies (RFC 5321), EHLO keywords, what a service is and which
//! software it runs.
//!
//! Parts: [`ReplyReader`] turns bytes into replies, [`ehlo()`] reads keywords,
//! [`identify()`] names services that are not SMTP, [`software()`] names the mail server.

mod ehlo;
mod identify;
mod reader;
mod software;

pub use ehlo::{ehlo, starttls_offer};
pub use identify::identify;
pub use reader::{Limits, ReplyError, ReplyReader};
pub use software::{Recognised, recognise, software};
