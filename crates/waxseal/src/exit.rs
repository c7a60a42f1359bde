//! Exit codes, and what leads to them.

use std::process::ExitCode;

use waxseal_model::{
    Standing, Threshold,
    sender::{Outcome, SenderView},
};
use waxseal_render::nagios::State;

/// How the program ends, in the order in which several targets decide it: findings in one
/// come before what could not be determined in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: nothing at or above the threshold.
    Fine,
    /// 3: it could not be determined.
    Undetermined,
    /// 1: findings at or above the threshold, or a grade below the least.
    Findings,
    /// 2: the command line or an input file is wrong.
    Usage,
    /// 4: a defect or lack of means on our side.
    Internal,
    /// 130, as shells have it: interrupted from the keyboard before all was tested.
    Interrupted,
    /// 0 to 3 as monitoring has them: the run was a plugin's.
    Plugin(State),
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Undetermined => 3,
            Self::Internal => 4,
            Self::Interrupted => 130,
            Self::Plugin(state) => state.code(),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A failure with its sentence and its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Failure {
    /// One sentence: who erred and what to do.
    pub(crate) sentence: String,
    /// How the program ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// The user's input is wrong.
    pub(crate) fn usage(sentence: impl ToString) -> Self {
        Self { sentence: sentence.to_string(), exit: Exit::Usage }
    }

    /// Something on our side failed.
    pub(crate) fn internal(sentence: impl ToString) -> Self {
        Self { sentence: sentence.to_string(), exit: Exit::Internal }
    }
}

impl From<Standing> for Exit {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Passes => Self::Fine,
            Standing::Undetermined => Self::Undetermined,
            Standing::Fails => Self::Findings,
        }
    }
}

/// The exit code for one sender's view of a target: whether it delivers over TLS, and with
/// `attacked` also whether an attacker on the path is kept from reading the mail. A target
/// that other mail servers do not deliver to has no view.
pub(crate) fn of_sender(view: Option<&SenderView>, attacked: bool, threshold: &Threshold) -> Exit {
    let unknown = if threshold.inconclusive_is_fine { Exit::Fine } else { Exit::Undetermined };
    let Some(view) = view else { return unknown };
    let today = match view.outcome {
        Outcome::Authenticated | Outcome::Encrypted => Exit::Fine,
        Outcome::Clear | Outcome::Deferred | Outcome::Bounced => Exit::Findings,
        Outcome::Undetermined => unknown,
    };
    let under_attack = match view.under_attack {
        _ if !attacked => Exit::Fine,
        _ if view.read_under_attack => Exit::Findings,
        Outcome::Undetermined => unknown,
        Outcome::Authenticated
        | Outcome::Encrypted
        | Outcome::Clear
        | Outcome::Deferred
        | Outcome::Bounced => Exit::Fine,
    };
    today.max(under_attack)
}

#[cfg(test)]
mod tests {
    use waxseal_model::Severity;

    use super::*;

    #[test]
    fn a_sender_must_deliver_over_tls_and_if_asked_for_unread() {
        use Outcome::{Authenticated, Bounced, Clear, Deferred, Encrypted, Undetermined};
        let threshold = |inconclusive_is_fine| Threshold {
            fail_on: Severity::High,
            min_grade: None,
            inconclusive_is_fine,
            only_new: false,
        };
        let view = |outcome, under_attack, read_under_attack| SenderView {
            sender: "x".into(),
            title: "X".into(),
            outcome,
            under_attack,
            read_under_attack,
            reply: None,
            why: String::new(),
            attacks: Vec::new(),
        };
        for (outcome, under_attack, read, plain, attacked) in [
            (Authenticated, Deferred, false, Exit::Fine, Exit::Fine),
            (Encrypted, Clear, true, Exit::Fine, Exit::Findings),
            (Encrypted, Encrypted, true, Exit::Fine, Exit::Findings),
            (Encrypted, Undetermined, false, Exit::Fine, Exit::Undetermined),
            (Clear, Clear, true, Exit::Findings, Exit::Findings),
            (Deferred, Deferred, false, Exit::Findings, Exit::Findings),
            (Bounced, Bounced, false, Exit::Findings, Exit::Findings),
            (Undetermined, Undetermined, false, Exit::Undetermined, Exit::Undetermined),
            (Undetermined, Clear, true, Exit::Undetermined, Exit::Findings),
        ] {
            let view = view(outcome, under_attack, read);
            assert_eq!(of_sender(Some(&view), false, &threshold(false)), plain, "{view:?}");
            assert_eq!(of_sender(Some(&view), true, &threshold(false)), attacked, "{view:?}");
        }
        assert_eq!(of_sender(None, false, &threshold(false)), Exit::Undetermined);
        assert_eq!(of_sender(None, false, &threshold(true)), Exit::Fine);
    }
}
