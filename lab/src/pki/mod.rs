//! The lab's certificates: a root, an intermediate, and leaves good and bad.
//!
//! - [`Leaf`]: what a server's certificate is like; the default is a sound one.
//! - [`authority`]: makes and signs what [`Leaf`] describes.
//! - [`weak`]: what certificate libraries refuse to make: RSA-1024 keys and X.509 v1.
//! - [`status`]: what the issuer says about a certificate when asked.
//! - [`der`]: the little DER that this takes.

pub(crate) mod authority;
mod der;
pub(crate) mod status;
pub(crate) mod weak;

#[cfg(test)]
mod tests;

/// A server's certificate. The default is sound: an ECDSA P-256 key, 90 days, the host's
/// own name, the intermediate sent along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) keys: Keys,
    pub(crate) dates: Dates,
    pub(crate) naming: Naming,
    pub(crate) chain: Chain,
    pub(crate) version: Version,
    /// It says where its issuer is asked about it: at the host `issuer` of the same domain.
    pub(crate) issuer_is_named: bool,
    /// It demands stapling (RFC 7633).
    pub(crate) must_staple: bool,
    /// What the server staples.
    pub(crate) staple: Option<status::Says>,
}

impl Leaf {
    /// The default.
    pub(crate) const SOUND: Self = Self {
        keys: Keys::Ecdsa,
        dates: Dates::Sound,
        naming: Naming::Host,
        chain: Chain::Full,
        version: Version::V3,
        issuer_is_named: false,
        must_staple: false,
        staple: None,
    };
}

/// Which keys the server has, each with a certificate of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Keys {
    /// ECDSA P-256.
    #[default]
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
    /// Both; ECDSA for clients that can.
    Both,
    /// RSA with 1024 bits.
    WeakRsa,
}

/// When the certificate is valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Dates {
    /// From yesterday for 90 days.
    #[default]
    Sound,
    /// Until 30 days ago.
    Expired,
    /// From 30 days ahead.
    NotYet,
    /// For 10 days more.
    Near,
}

/// Whom the certificate names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The host.
    #[default]
    Host,
    /// Another host.
    Other(&'static str),
    /// The domain above the host: for `mx.example.test` it is `example.test`.
    Parent,
    /// All hosts of the domain above, `*.example.test`.
    Wildcard,
    /// The host, but as common name only: no alternative names at all.
    CommonName,
}

/// What is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Chain {
    /// The leaf and the intermediate.
    #[default]
    Full,
    /// The leaf alone, though an intermediate signed it.
    LeafOnly,
    /// The leaf, the root, then the intermediate.
    OutOfOrder,
    /// The leaf, the intermediate and the root.
    WithRoot,
    /// A leaf signed with its own key.
    SelfSigned,
    /// A leaf signed by an authority of the server's own, which is sent along and which
    /// nobody else trusts.
    Private,
    /// The leaf carries an extension of more than a million bytes.
    Huge,
}

/// X.509 version of the leaf.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Version {
    /// With extensions, as it should be.
    #[default]
    V3,
    /// Without any extension, so without subjectAltName.
    V1,
}
