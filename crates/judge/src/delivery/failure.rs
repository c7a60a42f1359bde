//! What can be missing for a delivery, with its reply and its TLS-RPT result type.

use serde::{Deserialize, Serialize};

/// Why a message does not go to an MX host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The domain takes no mail (RFC 7505).
    NullMx,
    /// The domain does not exist.
    NoSuchDomain,
    /// The sender itself is the domain's best MX host, so that the message would come back.
    MailLoop,
    /// The MX records are bogus, or could not be looked up.
    MxLookup,
    /// The addresses of the MX host are bogus, or could not be looked up.
    AddressLookup,
    /// The TLSA records of the MX host are bogus, or could not be looked up.
    TlsaLookup,
    /// The operator demands DANE, and there is none to rely on.
    DaneRequired,
    /// The domain's MTA-STS policy does not name the MX host.
    NotInPolicy,
    /// REQUIRETLS: neither DNSSEC nor an MTA-STS policy vouches for the MX host's name.
    NameNotSecure,
    /// The MX host does not answer.
    Unreachable,
    /// STARTTLS is not offered.
    NotOffered,
    /// STARTTLS is refused.
    Refused,
    /// TLS was not tried, and nothing allowed that.
    NotTried,
    /// The TLS handshake fails.
    Handshake,
    /// Only outdated versions of TLS.
    TooOld,
    /// The certificate is not trusted, or there is none.
    Untrusted,
    /// The certificate, or one above it, is outside its dates.
    OutOfDate,
    /// The certificate is for another name.
    WrongName,
    /// No TLSA record matches the certificate.
    TlsaMismatch,
    /// The server's key is none that the operator pinned.
    FingerprintMismatch,
    /// REQUIRETLS: the MX host does not offer the extension.
    NoRequireTls,
}

/// A reply as a relay gives it, or as a bounce quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// Enhanced status code (RFC 3463).
    pub enhanced: &'static str,
    /// The text.
    pub text: &'static str,
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.code, self.enhanced, self.text)
    }
}

/// The result types of a TLS report (RFC 8460 section 4.3) that a delivery can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultType {
    /// STARTTLS is not offered.
    StarttlsNotSupported,
    /// The certificate is for another name.
    CertificateHostMismatch,
    /// The certificate has expired.
    CertificateExpired,
    /// The certificate is not trusted.
    CertificateNotTrusted,
    /// Anything else about the session.
    ValidationFailure,
    /// DNSSEC gave no valid answer.
    DnssecInvalid,
    /// DANE is demanded, and not there.
    DaneRequired,
    /// The MTA-STS policy could not be fetched.
    StsPolicyFetchError,
}

impl ResultType {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::StarttlsNotSupported => "starttls-not-supported",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::ValidationFailure => "validation-failure",
            Self::DnssecInvalid => "dnssec-invalid",
            Self::DaneRequired => "dane-required",
            Self::StsPolicyFetchError => "sts-policy-fetch-error",
        }
    }
}

/// What a TLS report says of one session (RFC 8460 section 4): how it failed each of the
/// domain's policies that it failed, one at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reported {
    tlsa: Option<ResultType>,
    sts: Option<ResultType>,
}

impl Reported {
    pub(super) fn new(tlsa: Option<ResultType>, sts: Option<ResultType>) -> Option<Self> {
        (tlsa.is_some() || sts.is_some()).then_some(Self { tlsa, sts })
    }

    /// How it failed DANE.
    pub fn tlsa(self) -> Option<ResultType> {
        self.tlsa
    }

    /// How it failed MTA-STS.
    pub fn sts(self) -> Option<ResultType> {
        self.sts
    }

    /// The weightier of the two: DANE's.
    pub fn first(self) -> Option<ResultType> {
        self.tlsa.or(self.sts)
    }

    /// Its word in reports.
    pub fn word(self) -> &'static str {
        self.first().map_or("", ResultType::word)
    }
}

impl Failure {
    /// All.
    pub const ALL: [Self; 21] = [
        Self::NullMx,
        Self::NoSuchDomain,
        Self::MailLoop,
        Self::MxLookup,
        Self::AddressLookup,
        Self::TlsaLookup,
        Self::DaneRequired,
        Self::NotInPolicy,
        Self::NameNotSecure,
        Self::Unreachable,
        Self::NotOffered,
        Self::Refused,
        Self::NotTried,
        Self::Handshake,
        Self::TooOld,
        Self::Untrusted,
        Self::OutOfDate,
        Self::WrongName,
        Self::TlsaMismatch,
        Self::FingerprintMismatch,
        Self::NoRequireTls,
    ];

    /// Why, as a clause.
    pub fn why(self) -> &'static str {
        match self {
            Self::NullMx => "the domain declares that it takes no mail (null MX)",
            Self::NoSuchDomain => "the domain does not exist",
            Self::MailLoop => "the domain's best MX host is this server itself",
            Self::MxLookup => "the MX records cannot be looked up, or do not verify by DNSSEC",
            Self::AddressLookup => "the MX host's addresses cannot be looked up, or do not verify by DNSSEC",
            Self::TlsaLookup => "the MX host's TLSA records cannot be looked up, or do not verify by DNSSEC",
            Self::DaneRequired => {
                "DANE is demanded, and the MX host has no usable TLSA records in a signed zone"
            }
            Self::NotInPolicy => "the domain's MTA-STS policy does not name the MX host",
            Self::NameNotSecure => {
                "REQUIRETLS is asked for, and neither DNSSEC nor an MTA-STS policy vouches for the MX host's name"
            }
            Self::Unreachable => "the MX host does not answer",
            Self::NotOffered => "STARTTLS is demanded and not offered",
            Self::Refused => "TLS is demanded and STARTTLS is refused",
            Self::NotTried => "TLS was not tried, although it had to be",
            Self::Handshake => "TLS is demanded and the handshake fails",
            Self::TooOld => "TLS is demanded and the server has only outdated versions",
            Self::Untrusted => "the certificate is not trusted",
            Self::OutOfDate => "the certificate has expired or is not yet valid",
            Self::WrongName => "the certificate is for another name",
            Self::TlsaMismatch => "no TLSA record matches the certificate",
            Self::FingerprintMismatch => "the server's key is none of those that the operator pinned",
            Self::NoRequireTls => "REQUIRETLS is asked for and the MX host does not offer it",
        }
    }

    /// The reply while the message waits: transient, except for domains that take no mail.
    pub fn reply(self) -> Reply {
        let (code, enhanced, text) = match self {
            Self::NullMx => (556, "5.1.10", "Recipient domain accepts no mail (null MX)"),
            Self::NoSuchDomain => (550, "5.1.2", "Recipient domain does not exist"),
            Self::MailLoop => (451, "4.4.6", "Best MX host is this server: mail would loop"),
            Self::MxLookup => (451, "4.4.3", "MX lookup failed or not valid by DNSSEC"),
            Self::AddressLookup => (451, "4.4.3", "MX host address lookup failed or not valid by DNSSEC"),
            Self::TlsaLookup => (451, "4.4.3", "TLSA lookup failed or not valid by DNSSEC"),
            Self::DaneRequired => (451, "4.7.5", "DANE required but no usable TLSA records"),
            Self::NotInPolicy => (451, "4.7.5", "MX host not in MTA-STS policy"),
            Self::NameNotSecure => (451, "4.7.5", "REQUIRETLS but MX host name not secured"),
            Self::Unreachable => (451, "4.4.1", "MX host does not answer"),
            Self::NotOffered => (451, "4.7.6", "STARTTLS required but not advertised"),
            Self::Refused => (451, "4.7.5", "STARTTLS required but refused"),
            Self::NotTried => (451, "4.7.5", "STARTTLS required but not tried"),
            Self::Handshake => (451, "4.7.5", "TLS negotiation failed"),
            Self::TooOld => (451, "4.7.5", "TLS negotiation failed: only outdated versions"),
            Self::Untrusted => (451, "4.7.5", "Certificate not trusted"),
            Self::OutOfDate => (451, "4.7.5", "Certificate expired or not yet valid"),
            Self::WrongName => (451, "4.7.5", "Certificate does not match MX host name"),
            Self::TlsaMismatch => (451, "4.7.5", "Certificate does not match TLSA records"),
            Self::FingerprintMismatch => (451, "4.7.5", "Server key does not match pinned fingerprint"),
            Self::NoRequireTls => (451, "4.7.5", "REQUIRETLS not supported by MX host"),
        };
        Reply { code, enhanced, text }
    }

    /// The reply with which a message is returned that may not wait: one with REQUIRETLS
    /// (RFC 8689 section 4.2.1; 5.7.30 is its own code, 5.7.10 is RFC 5248's "encryption needed").
    pub fn final_reply(self) -> Reply {
        let enhanced = match self {
            Self::NullMx | Self::NoSuchDomain => return self.reply(),
            Self::NoRequireTls => "5.7.30",
            _ => "5.7.10",
        };
        Reply { code: 550, enhanced, text: self.reply().text }
    }

    /// What a TLS report calls it, where a published policy or mandatory DANE fails.
    ///
    /// RFC 8460 has no word for a host outside the policy, for a refused STARTTLS, a failed
    /// handshake or a certificate that no TLSA record matches (`tlsa-invalid` is about the
    /// records themselves): they are a general `validation-failure`.
    pub fn result_type(self) -> Option<ResultType> {
        Some(match self {
            Self::NullMx
            | Self::NoSuchDomain
            | Self::MailLoop
            | Self::MxLookup
            | Self::NameNotSecure
            | Self::Unreachable
            | Self::NotTried
            | Self::FingerprintMismatch
            | Self::NoRequireTls => return None,
            Self::AddressLookup | Self::TlsaLookup => ResultType::DnssecInvalid,
            Self::DaneRequired => ResultType::DaneRequired,
            Self::NotOffered => ResultType::StarttlsNotSupported,
            Self::Untrusted => ResultType::CertificateNotTrusted,
            Self::OutOfDate => ResultType::CertificateExpired,
            Self::WrongName => ResultType::CertificateHostMismatch,
            Self::NotInPolicy | Self::Refused | Self::Handshake | Self::TooOld | Self::TlsaMismatch => {
                ResultType::ValidationFailure
            }
        })
    }
}
