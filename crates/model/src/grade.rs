//! Two marks, and the letter that they give.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The letter, best first (the order carries meaning: `--min-grade` compares it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Letter {
    /// Everything A asks, and more.
    #[serde(rename = "A+")]
    APlus,
    /// Authenticated and enforced on all MX.
    A,
    /// Policy in testing, or only on some MX.
    B,
    /// Sound TLS and certificates, no policy: an attacker can strip it.
    C,
    /// TLS, but no usable certificate.
    D,
    /// Only outdated TLS.
    E,
    /// Plaintext only.
    F,
    /// Compliant senders cannot deliver.
    X,
}

impl Letter {
    /// All, best first.
    pub const ALL: [Self; 8] = [Self::APlus, Self::A, Self::B, Self::C, Self::D, Self::E, Self::F, Self::X];

    /// As printed.
    pub fn label(self) -> &'static str {
        match self {
            Self::APlus => "A+",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
            Self::F => "F",
            Self::X => "X",
        }
    }
}

impl std::str::FromStr for Letter {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|l| l.label().eq_ignore_ascii_case(s))
            .ok_or_else(|| format!("'{s}' is no grade: use A+, A, B, C, D, E, F or X"))
    }
}

/// First mark: is mail encrypted on the way?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncryptionMark {
    /// TLS 1.2 or newer everywhere, nothing weak that matters.
    Good,
    /// TLS 1.2 or newer, with something weak beside it.
    Fair,
    /// Only outdated TLS, or broken.
    Weak,
    /// At least one reachable server takes mail only in clear.
    None,
    /// Could not be determined.
    Unknown,
}

/// Second mark: is the server authenticated, so that TLS cannot be stripped?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMark {
    /// DANE on every MX.
    Dane,
    /// MTA-STS in enforce mode, valid on every MX.
    Enforced,
    /// MTA-STS in testing mode, or a policy for some MX only.
    Testing,
    /// The certificate is valid for its name; no policy tells senders to insist.
    Certificate,
    /// Nothing that a sender could verify.
    None,
    /// Could not be determined.
    Unknown,
}

/// The grade of a target (mail-standards 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grade {
    /// None where it could not be determined.
    pub letter: Option<Letter>,
    /// First mark.
    pub encryption: EncryptionMark,
    /// What the first mark rests on, one phrase.
    pub encryption_why: String,
    /// Second mark.
    pub authentication: AuthenticationMark,
    /// What the second mark rests on, one phrase.
    pub authentication_why: String,
    /// What keeps the letter from being better, each with its cause.
    pub caps: Vec<Cap>,
    /// What would lift the letter by one; none at A+ and where there is no letter.
    #[serde(default)]
    pub lift: Option<Lift>,
    /// Some of what the letter rests on was not tried (published policies): it may change
    /// once that is.
    pub provisional: bool,
    /// Which rules were used.
    pub profile: String,
    /// Why there is no letter, or which sentence sums it up.
    pub summary: String,
}

/// The next better letter, and what stands between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lift {
    /// The letter that would be reached.
    pub letter: Letter,
    /// What has to be done, one line each; all of it is needed.
    pub steps: Vec<String>,
}

/// One limit on the letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cap {
    /// The letter cannot be better than this.
    pub letter: Letter,
    /// Id of the rule, `sslv3`.
    pub rule: String,
    /// Why, with the endpoint.
    pub why: String,
}
