//! SMTP as bytes: replies (RFC 5321), EHLO keywords, what a service is and which
//! software it runs.
//!
//! What a client needs: [`ReplyReader`] turns bytes into replies, [`ehlo()`] reads keywords,
//! [`identify()`] names services that are not SMTP, [`software()`] names the mail server.
//!
//! What a server needs: [`LineReader`] turns bytes into lines, [`command()`] lines into
//! commands with addresses and typed parameters; [`DataReader`] finds the end of a message,
//! [`Content`] keeps it, [`header_facts`] looks into it.

mod command;
mod content;
mod data;
mod ehlo;
mod header;
mod identify;
mod lines;
mod parameters;
mod path;
mod reader;
mod software;
mod xclient;
mod xtext;

pub use command::{Command, CommandError, MAX_COMMAND, command};
pub use content::{Content, ContentError, ContentLimits, PIECE, Received};
pub use data::DataReader;
pub use ehlo::{ehlo, starttls_offer};
pub use header::{HeaderFacts, header_facts};
pub use identify::identify;
pub use lines::{LineReader, LineStep, MAX_LINE};
pub use parameters::{Body, MailParameters, NotifyWhen, RcptParameters, Return};
pub use path::{ForwardPath, MAX_LOCAL, Mailbox, PathError, address, domain};
pub use reader::{Limits, ReplyError, ReplyReader};
pub use software::{Recognised, recognise, software};
pub use xclient::{XCLIENT_ATTRIBUTES, XclientAttribute};
pub use xtext::{decode_xtext, encode_xtext, is_xtext};
