//! Check [`sts.mx`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsMode;

check! {
    /// The patterns of the MTA-STS policy and the MX hosts do not fit together.
    ///
    /// # Effect
    /// Senders that follow an enforced policy do not deliver to an MX host that it leaves out.
    /// A pattern that fits no MX host lets whoever has that name take part in the mail.
    /// # Method
    /// Each MX host against each `mx` of the policy; `*.` stands for one whole label.
    /// # Fix
    /// List every MX host, and no other.
    /// # Sources
    /// RFC 8461 sections 3.2 and 4.1.
    "sts.mx", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (domain, policy) = super::policy(case)?;
    let name = &domain.name;
    if policy.mode == StsMode::None {
        return CLEAR;
    }
    if domain.hosts.is_empty() {
        return Err(Why::new(Cause::Prerequisite, "the MX hosts are not known"));
    }
    let names: Vec<&str> = domain.hosts.iter().map(|h| h.name.as_str()).collect();
    let outside: Vec<&str> = names.iter().copied().filter(|h| !state::sts_covers(policy, h)).collect();
    let mut findings = Vec::new();
    if !outside.is_empty() {
        let severity = match policy.mode {
            StsMode::Enforce if outside.len() == names.len() => Severity::Critical,
            StsMode::Enforce => Severity::High,
            StsMode::Testing | StsMode::None => Severity::Medium,
        };
        let title = format!("The MTA-STS policy of {name} leaves out {}", text::short_list(&outside, 3));
        let detail = match policy.mode {
            StsMode::Enforce => {
                "Senders that follow the policy do not deliver to these hosts; the mail waits for another MX, or \
                 for a new policy."
            }
            _ => "Senders report it now, and would not deliver to these hosts once the policy is enforced.",
        };
        findings.push(case.finding(&CHECK, severity, title).detail(detail).fix("sts_mx").weight(6).build());
    }
    let fits = |pattern: &&str| names.iter().any(|h| waxseal_wire::sts::pattern::covers(pattern, h));
    let stale: Vec<&str> = policy.mx.iter().map(String::as_str).filter(|p| !fits(p)).collect();
    if !stale.is_empty() {
        let title = format!(
            "The MTA-STS policy of {name} names {}, which is no MX host",
            text::short_list(&stale, 3)
        );
        let detail = "It does no harm while nobody else holds such a name with a certificate, and it is one more \
                      name that an attacker may use.";
        findings.push(case.finding(&CHECK, Severity::Low, title).detail(detail).fix("sts_mx").build());
    }
    Ok(findings)
}

fixtures! {
    clear: |_| {},
    found: |e| sample::sts(e).mx = vec!["mx.elsewhere.example".into()],
    undetermined: |e| sample::domain(e).policies.sts = Observed::default(),
}
