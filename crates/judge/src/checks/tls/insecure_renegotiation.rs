//! Check [`tls.insecure_renegotiation`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::Renegotiation;

check! {
    /// Renegotiation is insecure, or nothing says that it is not.
    ///
    /// # Effect
    /// A server that renegotiates without the binding of RFC 5746 lets an attacker put
    /// commands before a client's own (2009). Without the signal some clients refuse to
    /// connect.
    /// # Method
    /// renegotiation_info is offered up to TLS 1.2 and not returned. An audit also tries a
    /// second handshake without the binding: where that is refused, only the signal is
    /// missing.
    /// # Fix
    /// Update the TLS library: all have it since 2010.
    /// # Sources
    /// RFC 5746; CVE-2009-3555; RFC 9325 section 3.4.
    "tls.insecure_renegotiation", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let signal = known_if_applicable(&tls.secure_renegotiation);
    let attempt = match &tls.audit {
        Some(audit) => known_if_applicable(&audit.insecure_renegotiation),
        None => Ok(None),
    };
    if let Ok(Some(Renegotiation::Accepted)) = attempt {
        return vulnerable(case);
    }
    if signal? == Some(&false) {
        return no_signal(case, matches!(attempt, Ok(Some(Renegotiation::Refused { .. }))));
    }
    attempt?;
    CLEAR
}

fn vulnerable(case: &Case) -> Outcome {
    case.finding(&CHECK, Severity::High, format!("{} renegotiates insecurely", case.host()))
        .detail(
            "It repeated the handshake without binding it to the first one. An attacker on the path begins a session \
             with his own commands, lets the client take it over, and the server takes both for one sender's.",
        )
        .fix("insecure_renegotiation")
        .by_audit()
        .found()
}

/// The signal alone is missing; harmless if renegotiation is refused anyway.
fn no_signal(case: &Case, refused: bool) -> Outcome {
    let title = format!("{} does not signal secure renegotiation", case.host());
    let common = "OpenSSL 3 and other current clients refuse such a server if they have to renegotiate";
    if refused {
        return case
            .finding(&CHECK, Severity::Low, title)
            .detail(format!("It refuses to renegotiate, so the attack of 2009 fails. {common}."))
            .fix("library")
            .by_audit()
            .found();
    }
    case.finding(&CHECK, Severity::Medium, title)
        .detail(format!("{common}; the library is older than 2010 or misconfigured."))
        .fix("library")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).secure_renegotiation = Observed::seen(false),
    undetermined: |e| sample::tls(e).secure_renegotiation = sample::failed(),
}

#[cfg(test)]
mod tests {
    use waxseal_model::{Evidence, VerdictKind};

    use super::*;
    use crate::checks::tests::{findings, judged_evidence};

    fn severity(change: fn(&mut Evidence)) -> Option<Severity> {
        findings(CHECK.id, change).first().map(|f| f.severity)
    }

    #[test]
    fn the_attempt_decides_how_bad_a_missing_signal_is() {
        let refused = |e: &mut Evidence| sample::tls(e).secure_renegotiation = Observed::seen(false);
        assert_eq!(severity(refused), Some(Severity::Low));
        let not_tried = |e: &mut Evidence| {
            sample::tls(e).secure_renegotiation = Observed::seen(false);
            sample::tls(e).audit = None;
        };
        assert_eq!(severity(not_tried), Some(Severity::Medium));
        let accepted = |e: &mut Evidence| {
            sample::audit(e).insecure_renegotiation = Observed::seen(Renegotiation::Accepted);
        };
        assert_eq!(severity(accepted), Some(Severity::High));
        assert!(findings(CHECK.id, accepted)[0].retest.starts_with("waxseal audit "));
    }

    #[test]
    fn an_attempt_without_an_answer_leaves_it_open_although_the_signal_is_there() {
        let mut e = sample::healthy();
        sample::audit(&mut e).insecure_renegotiation = sample::failed();
        let judgement = judged_evidence(&e);
        let verdict = judgement.verdicts.iter().find(|v| v.check == CHECK.id).unwrap();
        assert_eq!(verdict.verdict, VerdictKind::Undetermined);
    }
}
