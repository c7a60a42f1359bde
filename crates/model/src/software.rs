//! Mail servers that are recognised by what they say of themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mail transfer agent for which waxseal knows the settings to change. Recognising
/// one lives in `waxseal_wire::smtp::software`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mta {
    /// Postfix.
    Postfix,
    /// Exim.
    Exim,
    /// Sendmail.
    Sendmail,
    /// OpenBSD's OpenSMTPD.
    OpenSmtpd,
    /// Microsoft Exchange Server, and Exchange Online, which greets alike.
    Exchange,
    /// Stalwart.
    Stalwart,
    /// Haraka.
    Haraka,
}

impl Mta {
    /// All, in the order of the declaration.
    pub const ALL: [Self; 7] = [
        Self::Postfix,
        Self::Exim,
        Self::Sendmail,
        Self::OpenSmtpd,
        Self::Exchange,
        Self::Stalwart,
        Self::Haraka,
    ];

    /// The name as its makers write it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Postfix => "Postfix",
            Self::Exim => "Exim",
            Self::Sendmail => "Sendmail",
            Self::OpenSmtpd => "OpenSMTPD",
            Self::Exchange => "Microsoft Exchange",
            Self::Stalwart => "Stalwart",
            Self::Haraka => "Haraka",
        }
    }
}

impl std::fmt::Display for Mta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.label())
    }
}
