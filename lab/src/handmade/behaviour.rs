//! What a hand-made server does: independent knobs, sound unless turned.

use std::time::Duration;

/// Version numbers as on the wire.
pub(crate) const SSL3: u16 = 0x0300;
pub(crate) const TLS10: u16 = 0x0301;
pub(crate) const TLS11: u16 = 0x0302;
pub(crate) const TLS12: u16 = 0x0303;

/// A server; [`Behaviour::SOUND`] is one without a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behaviour {
    /// The oldest and the newest version.
    pub(crate) versions: (u16, u16),
    /// IANA codes of the suites, in the server's order.
    pub(crate) suites: &'static [u16],
    pub(crate) order: Order,
    /// IANA codes of the groups for ECDHE, in the server's order.
    pub(crate) groups: &'static [u16],
    pub(crate) dh: Dh,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) early_ccs: EarlyCcs,
    pub(crate) padding: Padding,
    pub(crate) renegotiation: Renegotiation,
    /// Also renegotiates without the binding of RFC 5746 (CVE-2009-3555).
    pub(crate) unbound_renegotiation: bool,
    /// Signals secure renegotiation (RFC 5746).
    pub(crate) renegotiation_info: bool,
    pub(crate) resumption: Resumption,
    /// Chooses DEFLATE where it is offered (CVE-2012-4929). No handshake with it completes.
    pub(crate) deflate: bool,
    /// Refuses fallbacks that say so (RFC 7507).
    pub(crate) fallback_scsv: bool,
    /// Marks downgrades in its random (RFC 8446 section 4.1.3).
    pub(crate) sentinel: Sentinel,
    /// Answers hellos of SSLv2 with these kinds of cipher; with none it is CVE-2015-3197.
    pub(crate) ssl2: Option<&'static [u32]>,
    pub(crate) names: Names,
    pub(crate) alpn: Alpn,
    /// Hellos with one of these are not borne.
    pub(crate) intolerance: &'static [(Novelty, Reaction)],
    pub(crate) limit: Limit,
    pub(crate) unoffered: Unoffered,
    pub(crate) client_certificate: ClientCertificate,
    /// RFC 7627.
    pub(crate) extended_master_secret: bool,
    /// RFC 7366.
    pub(crate) encrypt_then_mac: bool,
    pub(crate) framing: Framing,
}

impl Behaviour {
    /// TLS 1.2 with forward secrecy, all protections, and nothing that was ever attacked.
    pub(crate) const SOUND: Self = Self {
        versions: (TLS12, TLS12),
        suites: &[0xc030, 0xc02f, 0x009f, 0x009e],
        order: Order::Server,
        groups: &[0x001d, 0x0017],
        dh: Dh { prime: Prime::Known(2048), fresh: true },
        heartbeat: Heartbeat::Absent,
        early_ccs: EarlyCcs::Refused,
        padding: Padding::Uniform,
        renegotiation: Renegotiation::Warned,
        unbound_renegotiation: false,
        renegotiation_info: true,
        resumption: Resumption { ids: true, tickets: Some(7200), longer_id: false },
        deflate: false,
        fallback_scsv: true,
        sentinel: Sentinel::None,
        ssl2: None,
        names: Names::Any,
        alpn: Alpn::Ignored,
        intolerance: &[],
        limit: Limit::None,
        unoffered: Unoffered::None,
        client_certificate: ClientCertificate::NotAsked,
        extended_master_secret: true,
        encrypt_then_mac: true,
        framing: Framing::Apart,
    };
}

/// How handshake messages are put into records (RFC 5246 section 6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each into its own.
    Apart,
    /// As many into one as fit.
    Together,
    /// Into records of so many bytes.
    Pieces(usize),
}

/// Whose order of suites decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Server,
    Client,
}

/// Finite-field Diffie-Hellman. Export suites use a prime of 512 bits of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dh {
    pub(crate) prime: Prime,
    /// A new public value for every handshake, as against Raccoon.
    pub(crate) fresh: bool,
}

/// A prime of 512, 768, 1024 or 2048 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prime {
    /// Published: OpenSSL's sample of 512 bits, RFC 2409 groups 1 and 2, RFC 3526 group 14.
    Known(u16),
    /// Made for the lab.
    Own(u16),
}

/// The heartbeat extension (RFC 6520).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heartbeat {
    /// Not known: heartbeats are refused.
    Absent,
    /// Offered; heartbeats that claim too much are dropped.
    Sound,
    /// Offered; what a heartbeat claims beyond its end is answered too (CVE-2014-0160).
    Leaks,
}

/// ChangeCipherSpec before the keys are agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlyCcs {
    /// unexpected_message.
    Refused,
    /// Taken: what follows is read with keys from an empty secret (CVE-2014-0224).
    Accepted,
}

/// What an RSA key exchange with wrong padding gets (ROBOT).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// What every wrong secret gets: bad_record_mac for Finished.
    Uniform,
    /// decrypt_error where the block does not begin with 0, 2, at once: a strong oracle.
    Strong,
    /// decrypt_error for all that is not quite right: a weak oracle.
    Weak,
    /// As `Strong`, but only if nothing follows the key exchange for a moment.
    StrongAlone,
    /// As `Strong`, by closing without an alert.
    StrongByClosing,
    /// decrypt_error for every third block that is not quite right, whatever is wrong with it.
    Erratic,
}

/// How long [`Padding::StrongAlone`] waits for what should follow.
pub(crate) const ALONE: Duration = Duration::from_millis(300);

/// What a client gets that asks for another handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renegotiation {
    /// The handshake.
    Accepted,
    /// The warning no_renegotiation; the session goes on.
    Warned,
    /// The fatal alert no_renegotiation.
    Fatal,
    /// The end without a word.
    Closed,
    /// Nothing; the session goes on.
    Ignored,
}

/// Sessions taken up again, up to TLS 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resumption {
    /// By session id.
    pub(crate) ids: bool,
    /// By ticket (RFC 5077), with this lifetime in seconds.
    pub(crate) tickets: Option<u32>,
    /// A session id that comes with a ticket goes back as 32 bytes, whatever its length
    /// (CVE-2016-9244).
    pub(crate) longer_id: bool,
}

/// Marks in the random of a server that negotiates less than it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sentinel {
    None,
    /// As a server does that knows TLS 1.3.
    Of13,
    /// As a server does that knows TLS 1.2.
    Of12,
}

/// What the name in SNI does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Nothing.
    Any,
    /// Other names than the host's get unrecognized_name; no name is fine.
    OwnOrNone,
    /// Without the host's name there is unrecognized_name.
    Own,
    /// Without the host's name there is another certificate.
    OtherCertificate,
}

/// What the protocols in ALPN do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// Nothing.
    Ignored,
    /// Without `smtp` among them there is no_application_protocol (RFC 7301 section 3.2).
    Strict,
}

/// Novelties that a sound server ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// Reserved values (RFC 8701) among suites, extensions or groups.
    Grease,
    /// An extension that IANA does not list, and that is not reserved.
    UnknownExtension,
    /// A version in the hello's old field that is above TLS 1.2.
    FutureVersion,
    /// A hello of more bytes than this.
    LongerThan(usize),
    /// A hello of 256 to 511 bytes.
    MiddleLength,
    /// A last extension without content.
    EmptyLastExtension,
}

/// What a hello gets that is not borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// This fatal alert.
    Alert(u8),
    /// The end without a word.
    Close,
    /// Silence.
    Hang,
}

/// Limits on the number of suites in a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    None,
    /// Those after the first so many are not seen.
    Unseen(usize),
    /// More than so many, and the connection is closed.
    Closes(usize),
}

/// What is chosen though it was not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unoffered {
    None,
    /// The first suite of the server's list, where there is none in common.
    Suite,
    /// The first group of the server's list, for every hello.
    Group,
}

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientCertificate {
    NotAsked,
    /// None is fine.
    Requested,
    /// None gets handshake_failure.
    Demanded,
}
