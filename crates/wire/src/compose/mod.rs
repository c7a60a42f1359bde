//! Messages written (RFC 5322, RFC 2045): header fields, dates, bodies of parts.
//!
//! What is written here keeps to the rules whatever was handed in: no line is longer than
//! 998 bytes, no value ends its field, and without [`Header::international`] every byte is
//! ASCII.

mod encode;
mod header;

pub use encode::{BodyLines, Boundary, base64_lines, lines_of, quoted_printable, wrap};
pub(crate) use header::escaped;
pub use header::{Header, date, message_id_of};
