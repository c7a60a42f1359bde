//! The conversation: is there a mail server, and does it lead senders into TLS?

pub mod auth_in_clear;
pub mod back_off;
pub mod ehlo_differs;
pub mod ehlo_refused;
pub mod not_smtp;
pub mod plaintext_after_220;
pub mod requires_tls;
pub mod requiretls;
pub mod slow_greeting;
pub mod starttls_buffering;
pub mod starttls_injection;
pub mod starttls_intermittent;
pub mod starttls_missing;
pub mod starttls_refused;
pub mod starttls_stripped;
pub mod unreachable;
pub mod wrong_mode;
