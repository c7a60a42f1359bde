//! Exit codes, and what leads to them.

use std::process::ExitCode;

use waxseal_model::{
    Letter, Report, Severity,
    evidence::MailRouting,
    sender::{Outcome, SenderView},
};

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
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Undetermined => 3,
            Exit::Internal => 4,
            Exit::Interrupted => 130,
        })
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

/// When a report is a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threshold {
    /// The least severity that counts.
    pub(crate) fail_on: Severity,
    /// The worst letter that passes.
    pub(crate) min_grade: Option<Letter>,
    /// What cannot be determined passes.
    pub(crate) inconclusive_is_fine: bool,
}

impl Threshold {
    /// The exit code for one report. A report without a letter tested nothing that could
    /// be graded, so it is undetermined, whatever was found on the way; a domain that
    /// declares to accept no mail needs no letter.
    pub(crate) fn exit(&self, report: &Report) -> Exit {
        let accepts_no_mail = report.domain.as_ref().is_some_and(|d| d.routing == MailRouting::NullMx);
        let Some(letter) = report.grade.letter else {
            return if accepts_no_mail || self.inconclusive_is_fine {
                Exit::Fine
            } else {
                Exit::Undetermined
            };
        };
        // Letters are ordered best first.
        if self.min_grade.is_some_and(|least| letter > least) {
            return Exit::Findings;
        }
        if report.findings.iter().any(|f| f.severity >= self.fail_on) { Exit::Findings } else { Exit::Fine }
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
    use super::*;

    #[test]
    fn a_sender_must_deliver_over_tls_and_if_asked_for_unread() {
        use Outcome::{Authenticated, Bounced, Clear, Deferred, Encrypted, Undetermined};
        let threshold = |inconclusive_is_fine| Threshold {
            fail_on: Severity::High,
            min_grade: None,
            inconclusive_is_fine,
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
