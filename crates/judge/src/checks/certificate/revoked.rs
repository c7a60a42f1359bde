//! Check [`certificate.revoked`](CHECK).

use crate::{checks::prelude::*, revocation};
use waxseal_model::revocation::RevocationStatus;

check! {
    /// The issuer has revoked a certificate of the chain.
    ///
    /// # Effect
    /// Clients that look (some mail programs, gateways) refuse it. A key that was compromised
    /// lets others stand in for the server.
    /// # Method
    /// The stapled OCSP response, and with `--online` the issuer's OCSP responder and revocation
    /// list, for the leaf and its intermediates. Only what the issuer signed counts; a good word
    /// counts while it is valid, a revocation always.
    /// # Fix
    /// Renew the certificate with a new key, and find out why it was revoked.
    /// # Sources
    /// RFC 6960; RFC 5280 section 5; CA/Browser Forum Baseline Requirements 4.9.
    "certificate.revoked", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let Some(objection) = revocation::objection(chain, case.now)? else { return CLEAR };
        let at = usize::try_from(objection.position).unwrap_or(usize::MAX);
        let Some(certificate) = chain.certificates.get(at) else { return CLEAR };
        let what = if at == 0 { label } else { "An issuer in the chain" };
        let subject = text::cut(&certificate.subject, 80);
        let (severity, title, cause) = match objection.status {
            RevocationStatus::Revoked { at, reason } => {
                let reason = reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
                let since = text::date(*at);
                let title = format!("{what} of {} is revoked", case.host());
                (Severity::High, title, format!("{subject} was revoked on {since}{reason}"))
            }
            _ => {
                let title = format!("{what} of {} is not known to its issuer", case.host());
                (Severity::Medium, title, format!("the status of {subject} is \"unknown\""))
            }
        };
        case.finding(&CHECK, severity, title)
            .detail(format!("By {}, {cause}. {}", objection.source, super::who_refuses(case)))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |e| sample::first_chain(e).revocation = Observed::default(),
    found: |e| {
        let status = RevocationStatus::Revoked { at: sample::NOW - sample::DAY, reason: Some("keyCompromise".into()) };
        if let Observed::Seen { value } = &mut sample::revocation_of_leaf(e).crl {
            value.status = status;
        }
    },
    undetermined: |e| {
        sample::first_chain(e).staple = Observed::seen(None);
        sample::first_chain(e).revocation = Observed::default();
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::{findings, judged_evidence};
    use waxseal_model::{Evidence, VerdictKind, revocation::OcspSigner};

    fn verdict(change: fn(&mut Evidence)) -> (VerdictKind, String) {
        let mut e = sample::healthy();
        change(&mut e);
        let judgement = judged_evidence(&e);
        let entry = judgement.verdicts.into_iter().find(|v| v.check == CHECK.id).unwrap();
        (entry.verdict, entry.why)
    }

    #[test]
    fn a_revocation_that_the_issuer_did_not_sign_is_none() {
        let forged = |e: &mut Evidence| {
            let staple = sample::own_staple(e);
            staple.status = Some(RevocationStatus::Revoked { at: 0, reason: None });
            staple.signer = Observed::seen(OcspSigner::Wrong { why: "its signature does not verify".into() });
        };
        assert_eq!(findings(CHECK.id, forged), []);
    }

    #[test]
    fn a_good_word_out_of_date_is_no_good_word() {
        let (verdict, why) = verdict(|e| {
            sample::own_staple(e).next_update = Some(sample::NOW - 1);
            sample::first_chain(e).revocation = Observed::default();
        });
        assert_eq!(verdict, VerdictKind::Undetermined);
        assert!(why.contains("--online"), "{why}");
    }

    #[test]
    fn a_revocation_out_of_date_stands() {
        let found = findings(CHECK.id, |e| {
            let staple = sample::own_staple(e);
            staple.status = Some(RevocationStatus::Revoked { at: 0, reason: None });
            staple.next_update = Some(sample::NOW - 1);
        });
        assert!(found[0].title.contains("is revoked"), "{found:?}");
    }

    #[test]
    fn unknown_counts_where_nobody_says_better() {
        let found = findings(CHECK.id, |e| {
            sample::own_staple(e).status = Some(RevocationStatus::Unknown);
            sample::first_chain(e).revocation = Observed::default();
        });
        assert_eq!(found[0].severity, Severity::Medium);
        assert_eq!(
            findings(CHECK.id, |e| sample::own_staple(e).status = Some(RevocationStatus::Unknown)),
            []
        );
    }

    #[test]
    fn a_certificate_that_names_nobody_to_ask_says_so() {
        let (verdict, why) = verdict(|e| {
            sample::first_chain(e).staple = Observed::seen(None);
            let facts = sample::revocation_of_leaf(e);
            facts.ocsp = Observed::not_tried(Cause::NotApplicable, "no responder");
            facts.crl = Observed::not_tried(Cause::NotApplicable, "no list");
        });
        assert_eq!(verdict, VerdictKind::Undetermined);
        assert!(why.contains("neither"), "{why}");
    }
}
