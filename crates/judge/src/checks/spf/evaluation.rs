//! Check [`spf.evaluation`](CHECK).

use crate::checks::{identity, prelude::*};
use waxseal_model::identity::SpfResult;

check! {
    /// SPF does not let an address pass that was named as one that sends.
    ///
    /// # Effect
    /// Mail from this address fails SPF at receivers; without an aligned DKIM signature DMARC
    /// fails too, and the mail is refused or lands among spam.
    /// # Method
    /// The policy of the domain (or of the Return-Path of the message that was handed in) is
    /// evaluated for each `--sending-ip`, step by step; the page shows the trail.
    /// # Fix
    /// Add the address, or the record of the provider that it belongs to, to the SPF record.
    /// # Sources
    /// RFC 7208 sections 2.6 and 4.
    "spf.evaluation", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let identity = &identity::domain(case)?.identity;
    if identity.spf_evaluations.is_empty() {
        return Err(Why::new(Cause::NotApplicable, "no sending address was given"));
    }
    let mut found = Vec::new();
    let mut open = None;
    for evaluation in &identity.spf_evaluations {
        let outcome = match known(&evaluation.outcome) {
            Ok(outcome) => outcome,
            Err(why) => {
                open = open.or(Some(why));
                continue;
            }
        };
        let severity = match outcome.result {
            SpfResult::Pass => continue,
            SpfResult::Temperror => {
                let text = format!("SPF for {}: {}", evaluation.ip, outcome.reason);
                open = open.or(Some(Why::new(Cause::Resolver, text)));
                continue;
            }
            SpfResult::None | SpfResult::Neutral => Severity::Low,
            SpfResult::Fail | SpfResult::Softfail | SpfResult::Permerror => Severity::Medium,
        };
        let (ip, domain) = (evaluation.ip, &evaluation.domain);
        let title = format!("SPF of {domain} says {} for {ip}", outcome.result.word());
        let mechanism = if ip.is_ipv4() { "ip4" } else { "ip6" };
        let finding = identity::finding(case, &CHECK, severity, title)
            .detail(format!("Why: {}.", outcome.reason.trim_end_matches('.')))
            .fix_text(format!(
                "If {ip} sends for you, add it before the \"all\" of the SPF record of {domain}:\n  \
                     {mechanism}:{ip}\nor include the record of the provider that it belongs to."
            ))
            .build();
        found.push(identity::retested_with(finding, &format!("--sending-ip {ip}")));
    }
    match open {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::spf_outcome(e).result = SpfResult::Fail,
    undetermined: |e| sample::spf_outcome(e).result = SpfResult::Temperror,
}

#[cfg(test)]
mod tests {
    use crate::{checks::tests::judged_evidence, fixtures as sample};

    #[test]
    fn without_an_address_there_is_no_verdict() {
        let mut evidence = sample::healthy();
        sample::domain(&mut evidence).identity.spf_evaluations.clear();
        assert!(judged_evidence(&evidence).verdicts.iter().all(|v| v.check != "spf.evaluation"));
    }
}
