//! What a delivery at a level comes to, in words that both sides have.

use std::fmt;

use waxseal_judge::senders::{self, RuleLevel, Sender};
use waxseal_model::{Evidence, sender::Outcome};
use waxseal_peers::posttls_finger::{Reached, Sight, Tlsa};

/// The levels that are compared, in Postfix's words.
pub(crate) const LEVELS: [&str; 4] = ["may", "encrypt", "dane", "secure"];

/// Where a message would go. Whether what is not delivered is kept or returned is left out:
/// the probe does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Clear,
    Encrypted,
    Authenticated,
    Refused,
    Undetermined,
}

impl Answer {
    pub(crate) const ALL: [Self; 5] =
        [Self::Clear, Self::Encrypted, Self::Authenticated, Self::Refused, Self::Undetermined];
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear => "clear",
            Self::Encrypted => "encrypted",
            Self::Authenticated => "authenticated",
            Self::Refused => "refused",
            Self::Undetermined => "undetermined",
        })
    }
}

/// What Postfix would do at a level (TLS_README) after what its probe saw. The probe itself
/// ends after failed TLS at `may`, where a delivery goes on in clear, and at `dane` without
/// TLSA records it compares names, where a delivery compares nothing.
pub(crate) fn theirs(level: &str, sight: Option<Sight>) -> Answer {
    let Some(sight) = sight else { return Answer::Undetermined };
    let verified = sight.reached == Reached::Verified
        || (sight.reached == Reached::Trusted && sight.verified_as_trusted);
    let opportunistic = level == "may" || (level == "dane" && sight.tlsa == Tlsa::None);
    let authentication = level == "secure" || (level == "dane" && sight.tlsa == Tlsa::Usable);
    match sight.reached {
        Reached::Nothing => Answer::Refused,
        Reached::NoStarttls | Reached::NoTls if opportunistic => Answer::Clear,
        Reached::NoStarttls | Reached::NoTls => Answer::Refused,
        _ if authentication && verified => Answer::Authenticated,
        _ if authentication => Answer::Refused,
        Reached::Untrusted | Reached::Trusted | Reached::Verified => Answer::Encrypted,
    }
}

/// Our view of a Postfix that is set to a level.
pub(crate) fn ours(level: &str, evidence: &Evidence) -> Answer {
    let view = senders::view(&postfix(level), evidence, evidence.started_at);
    match view.outcome {
        Outcome::Clear => Answer::Clear,
        Outcome::Encrypted => Answer::Encrypted,
        Outcome::Authenticated => Answer::Authenticated,
        Outcome::Deferred | Outcome::Bounced => Answer::Refused,
        Outcome::Undetermined => Answer::Undetermined,
    }
}

/// The senders that come with waxseal, and for the other levels the one that demands TLS
/// with a rule of that level.
fn postfix(level: &str) -> Sender {
    let (id, rule) = match level {
        "may" => ("postfix-may", RuleLevel::May),
        "dane" => ("postfix-dane", RuleLevel::Dane),
        "encrypt" => ("postfix-verify", RuleLevel::Encrypt),
        "secure" => ("postfix-verify", RuleLevel::Secure),
        other => panic!("no level {other}"),
    };
    let mut sender = senders::find(id).unwrap().clone();
    sender.rule.level = Some(rule);
    sender
}
