//! Check [`tls.sni_required`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::WithoutSni;

check! {
    /// The server refuses clients that do not name it (no SNI).
    ///
    /// # Effect
    /// Many mail servers send no SNI when they deliver: they fall back to cleartext.
    /// # Method
    /// A hello without SNI is refused where the same one with SNI is accepted. An audit asks
    /// that of the newest version too.
    /// # Fix
    /// Set a default certificate.
    /// # Sources
    /// RFC 8461 section 7.1 (servers must not enforce it); RFC 6066 section 3.
    "tls.sni_required", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let asked = known_if_applicable(&tls.sni_required);
    let audited = match &tls.audit {
        Some(audit) => known_if_applicable(&audit.without_sni),
        None => Ok(None),
    };
    let by_audit = matches!(audited, Ok(Some(WithoutSni::Refused { .. })));
    if asked != Ok(Some(&true)) && !by_audit {
        // Either answer is enough to know that clients without SNI get a handshake.
        return match (asked, audited) {
            (Ok(Some(_)), _) | (_, Ok(Some(_))) | (Ok(None), Ok(None)) => CLEAR,
            (Err(why), _) | (_, Err(why)) => Err(why),
        };
    }
    let severity = case.by_usage(Severity::Medium, Severity::Low);
    let draft = case
        .finding(&CHECK, severity, format!("{} refuses clients without SNI", case.host()))
        .detail("Senders that do not name the server in TLS get no handshake, and deliver in clear or not at all.")
        .fix("sni");
    if by_audit { draft.by_audit().found() } else { draft.found() }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).sni_required = Observed::seen(true),
    undetermined: |e| {
        sample::tls(e).sni_required = sample::failed();
        sample::audit(e).without_sni = sample::failed();
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn a_refusal_in_the_newest_version_counts_where_the_older_ones_could_not_be_asked() {
        let found = findings(CHECK.id, |e| {
            sample::tls(e).sni_required = Observed::not_tried(Cause::NotApplicable, "TLS 1.3 alone");
            sample::audit(e).without_sni = Observed::seen(WithoutSni::Refused { alert: Some(112) });
        });
        assert!(found[0].retest.starts_with("waxseal audit "), "{}", found[0].retest);
    }
}
