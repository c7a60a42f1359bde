//! Servers that work until they do not: where they break down, how, and from which
//! connection on.

/// A server's breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Breakdown {
    /// The first connection that meets it, counted from 1.
    pub(crate) from: u32,
    pub(crate) stage: Stage,
    pub(crate) how: How,
}

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Instead of the greeting.
    Greeting,
    /// As answer to EHLO before TLS.
    Ehlo,
    /// As answer to STARTTLS.
    StartTls,
    /// After a ClientHello.
    Hello,
    /// After the server's flight, whatever the client sends. Hand-made servers only.
    Flight,
    /// After a heartbeat. Hand-made servers only.
    Heartbeat,
    /// After an early ChangeCipherSpec. Hand-made servers only.
    EarlyCcs,
    /// After ClientKeyExchange. Hand-made servers only.
    KeyExchange,
    /// After a ClientHello that offers to take up a session. Hand-made servers only.
    Resumption,
    /// After a ClientHello within a session. Hand-made servers only.
    Renegotiation,
    /// As answer to the first command within TLS.
    WithinTls,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Nothing more, until the client gives up.
    Hang,
    /// A TCP reset; the plain end where TLS stands between.
    Reset,
    /// The plain end.
    Close,
    /// This reply of SMTP, then the end; the plain end where SMTP has no say.
    Reply(&'static str),
    /// This reply of SMTP, and on; the plain end where SMTP has no say.
    Refusal(&'static str),
}
