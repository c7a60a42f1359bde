//! Notices to the sender of a message: failure, delay, success (RFC 3461, RFC 3464).
