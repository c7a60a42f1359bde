//! Check [`tls.anonymous`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// Anonymous suites are accepted (no certificate).
    ///
    /// # Effect
    /// On port 25 none: senders that verify never offer them, and the others do not look at
    /// the certificate anyway. Where users log in, a program that uses one talks to anybody.
    /// # Method
    /// A hello that offers only anonymous suites is accepted.
    /// # Fix
    /// On 465 and 587 exclude aNULL.
    /// # Sources
    /// Postfix TLS_README, "anonymous"; RFC 9325 section 4.1.
    "tls.anonymous", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Anonymous)? else { return CLEAR };
    let title = format!("{} accepts anonymous suites", case.host());
    let draft = case.finding(&CHECK, case.by_usage(Severity::Info, Severity::High), title);
    let why = case.by_usage(
        "On port 25 this harms nobody: senders that verify never offer them, and for the others they save a \
         certificate that nobody looks at.",
        "A mail program that uses one cannot tell the server from an impostor who asks for the password.",
    );
    let draft = draft.detail(format!("{}. {why}", super::proof(&fact)));
    if case.usage() == waxseal_model::Usage::Submission {
        draft.fix("anonymous").found()
    } else {
        draft.found()
    }
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::submission(e);
        sample::accept(e, SuiteClass::Anonymous);
    },
    undetermined: |e| sample::class_unknown(e, SuiteClass::Anonymous),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_port_25_it_is_only_worth_knowing() {
        let mut e = sample::healthy();
        sample::accept(&mut e, SuiteClass::Anonymous);
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        let found: Vec<_> = judgement.findings.iter().map(|f| (f.check.as_str(), f.severity)).collect();
        assert_eq!(found, [("tls.anonymous", Severity::Info)]);
        assert_eq!(judgement.grade.letter, Some(waxseal_model::Letter::APlus));
    }
}
