//! Check [`sts.policy`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::{
    evidence::MailRouting,
    policy::{DaneFacts, StsMode},
};

check! {
    /// No MTA-STS policy protects the domain, or it does not protect all of it.
    ///
    /// # Effect
    /// Without one, an attacker on the path can strip STARTTLS and senders deliver in clear.
    /// An enforced policy that leaves out an MX keeps mail away from that host.
    /// # Method
    /// The policy's mode and its MX patterns against the MX hosts. Until policies are
    /// fetched the verdict is undetermined.
    /// # Fix
    /// Publish in testing mode with TLS-RPT, then enforce.
    /// # Sources
    /// RFC 8461 sections 3, 4.1 and 5.
    "sts.policy", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    let name = &domain.name;
    let Some(policy) = known(&domain.policies.sts)? else {
        if !matches!(domain.routing, MailRouting::Mx | MailRouting::ImplicitMx) {
            return CLEAR;
        }
        return missing(case, name);
    };
    match policy.mode {
        StsMode::None => case
            .finding(&CHECK, Severity::Low, format!("The MTA-STS policy of {name} is switched off (mode none)"))
            .detail("Senders treat the domain as if it had no policy. That is right only while a policy is being removed.")
            .fix("sts_enforce")
            .found(),
        StsMode::Testing => case
            .finding(&CHECK, Severity::Low, format!("The MTA-STS policy of {name} is in testing mode"))
            .detail("Senders report failures and deliver all the same. Enforce it once the reports are clean.")
            .fix("sts_enforce")
            .found(),
        StsMode::Enforce => {
            let outside = |h: &&waxseal_model::evidence::MxHost| !state::sts_covers(policy, &h.name);
            let hosts: Vec<&str> = domain.hosts.iter().filter(outside).map(|h| h.name.as_str()).collect();
            if hosts.is_empty() {
                return CLEAR;
            }
            let title = format!("The MTA-STS policy of {name} leaves out {}", text::short_list(&hosts, 3));
            case.finding(&CHECK, Severity::High, title)
                .detail("Senders that follow the policy do not deliver to these hosts; the mail waits for another MX.")
                .fix("sts_mx")
                .found()
        }
    }
}

fn missing(case: &Case, name: &str) -> Outcome {
    // DANE that fits every server does the same job for senders that know it.
    let fits = |dane: &Option<DaneFacts>| dane.as_ref().is_some_and(|d| d.matches == Some(true));
    let dane = case.evidence.endpoints.iter().all(|e| e.evidence.dane.get().is_some_and(fits));
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
