//! The operator's socket: one request a line in JSON, one answer.
