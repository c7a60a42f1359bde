//! Check [`dmarc.policy`](CHECK).

use crate::checks::{identity, prelude::*};
use waxseal_model::identity::DmarcPolicy;

check! {
    /// The DMARC policy asks for nothing, or less than it says.
    ///
    /// # Effect
    /// With `none`, forged mail is delivered as before. With `t=y` receivers apply one step
    /// less than the policy says.
    /// # Method
    /// The policy in force for the domain: `p`, or `sp` and `np` of the record of a parent.
    /// # Fix
    /// Once the reports show that your own mail passes, go to `p=quarantine`, then `p=reject`,
    /// and remove `t=y`.
    /// # Sources
    /// RFC 9989 sections 4.7 and 5.1, appendix A.6.
    "dmarc.policy", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (facts, record) = identity::dmarc(case)?;
    let name = &identity::domain(case)?.name;
    let Some(policy) = facts.policy else {
        return Err(Why::new(Cause::Prerequisite, "which policy applies could not be found out"));
    };
    let tag = facts.policy_tag.as_deref().unwrap_or("p");
    let place = facts.found_at.as_deref().unwrap_or(name);
    let draft = |title: String| identity::finding(case, &CHECK, Severity::Low, title);
    if policy == DmarcPolicy::None {
        return draft(format!("The DMARC policy of {name} is none"))
            .detail(format!(
                "By {tag}= of the record at {place}. Receivers report, and deliver forged mail as if there were no \
                 policy."
            ))
            .fix_for("dmarc_enforce", place)
            .found();
    }
    if record.testing {
        let less = if policy == DmarcPolicy::Reject { DmarcPolicy::Quarantine } else { DmarcPolicy::None };
        return draft(format!("The DMARC policy of {name} is in test mode (t=y)"))
            .detail(format!("It says {}, and receivers apply {}.", policy.word(), less.word()))
            .fix_for("dmarc_testing", place)
            .found();
    }
    if record.sp == Some(DmarcPolicy::None) {
        return draft(format!("The DMARC policy of {name} leaves its subdomains out (sp=none)"))
            .detail("Mail forged in the name of any subdomain is delivered as if there were no policy.")
            .fix_for("dmarc_enforce", place)
            .found();
    }
    CLEAR
}

fixtures! {
    clear: |_| {},
    found: |e| sample::dmarc(e).policy = Some(DmarcPolicy::None),
    undetermined: |e| sample::domain(e).identity.dmarc = sample::failed(),
}

#[cfg(test)]
mod tests {
    use crate::{checks::tests::findings, fixtures as sample};

    #[test]
    fn test_mode_says_what_is_applied() {
        let found = findings("dmarc.policy", |e| sample::dmarc_record(e).testing = true);
        assert!(
            found[0].detail.contains("says reject, and receivers apply quarantine"),
            "{}",
            found[0].detail
        );
    }
}
