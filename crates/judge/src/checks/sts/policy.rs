//! Check [`sts.policy`](CHECK).

use crate::checks::prelude::*;
use crate::dane::{self, DaneState};
use waxseal_model::{evidence::MailRouting, policy::StsStep};

check! {
    /// No MTA-STS policy protects the domain, or its file has mistakes that make it useless.
    ///
    /// # Effect
    /// An attacker on the path can strip STARTTLS, and senders deliver in clear, unless they
    /// use DANE and the servers have TLSA records.
    /// # Method
    /// The TXT record, and the policy file's grammar: version, mode, max_age, at least one mx.
    /// # Fix
    /// Publish in testing mode with TLS-RPT, then enforce.
    /// # Sources
    /// RFC 8461 sections 3.1, 3.2 and 5; errata 6253 and 7282.
    "sts.policy", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = super::domain(case)?;
    let name = &domain.name;
    if let Some(problem) = super::problem(case, &[StsStep::Policy])? {
        return case
            .finding(&CHECK, Severity::High, format!("The MTA-STS policy file of {name} is not valid"))
            .detail(format!(
                "{}. Senders treat the domain as if it had no policy (sts-policy-invalid).",
                text::sentence(&problem.text)
            ))
            .fix("sts_policy")
            .found();
    }
    let published = domain.policies.sts_discovery.problem.is_some();
    let delivered_to = matches!(domain.routing, MailRouting::Mx | MailRouting::ImplicitMx);
    match known(&domain.policies.sts)? {
        None if !published && delivered_to => missing(case, name),
        _ => CLEAR,
    }
}

fn missing(case: &Case, name: &str) -> Outcome {
    // DANE that fits every server does the same job for senders that know it.
    let fits = |e: &waxseal_model::EndpointEvidence| dane::state(&e.evidence, case.now) == DaneState::Valid;
    let dane = !case.evidence.endpoints.is_empty() && case.evidence.endpoints.iter().all(fits);
    let (severity, detail) = if dane {
        (
            Severity::Low,
            "Its TLSA records protect mail from senders that use DANE; Gmail and others know only MTA-STS.",
        )
    } else {
        (
            Severity::Medium,
            "No MTA-STS policy tells senders to insist on TLS: unless DANE does, whoever sits on the path can \
             strip it and read the mail.",
        )
    };
    case.finding(&CHECK, severity, format!("{name} publishes no MTA-STS policy"))
        .detail(detail)
        .fix("sts")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).policies.sts = Observed::seen(None),
    undetermined: |e| sample::domain(e).policies.sts = Observed::default(),
}
