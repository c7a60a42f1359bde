//! Check [`spf.lookups`](CHECK).

use crate::checks::{identity, prelude::*};
use waxseal_model::identity::SpfCost;

check! {
    /// The SPF policy needs more lookups than receivers make, or nearly so.
    ///
    /// # Effect
    /// More than 10 terms that need DNS, or more than 2 that find nothing, are a permanent
    /// error for every sender that is not found before. Near the limit, one change at a
    /// provider whose record is included breaks the policy.
    /// # Method
    /// The terms `include`, `a`, `mx`, `ptr`, `exists` and `redirect` of the record and of all
    /// that it leads to are counted, as for a sender that nothing matches. Records that depend
    /// on the sender cannot be counted.
    /// # Fix
    /// Remove providers that no longer send for you, replace `a` and `mx` by addresses, give
    /// separate services subdomains of their own.
    /// # Sources
    /// RFC 7208 section 4.6.4.
    "spf.lookups", Domain, judge
}

const MOST: u32 = 10;
const MANY: u32 = 8;
const MOST_VOID: usize = 2;

fn judge(case: &Case) -> Outcome {
    let (facts, _) = identity::spf_record(case)?;
    let cost = known(&facts.cost)?;
    let name = &identity::domain(case)?.name;
    let mut found = Vec::new();
    if cost.lookups >= MANY {
        let severity = if cost.lookups > MOST { Severity::Medium } else { Severity::Low };
        let title = format!("The SPF policy of {name} needs {} of {MOST} lookups", cost.lookups);
        let effect = if cost.lookups > MOST {
            "A sender that is not found before the limit ends with a permanent error"
        } else {
            "One more include at a provider, and it ends with a permanent error"
        };
        found.push(
            identity::finding(case, &CHECK, severity, title)
                .detail(format!("{effect}. They come from {}.", parts(cost)))
                .fix("spf_lookups")
                .build(),
        );
    }
    if !cost.void.is_empty() {
        let severity = if cost.void.len() > MOST_VOID { Severity::Medium } else { Severity::Low };
        let title = format!("The SPF policy of {name} names what does not exist");
        found.push(
            identity::finding(case, &CHECK, severity, title)
                .detail(format!(
                    "Nothing is found for {}. More than {MOST_VOID} of these in one evaluation are a permanent \
                     error; whoever registers such a name may send as you.",
                    text::short_list(&cost.void, 5)
                ))
                .fix("spf_void")
                .build(),
        );
    }
    match cost.uncounted.first() {
        Some(why) if found.is_empty() => {
            let text = format!("{} lookups were counted, and there may be more: {why}", cost.lookups);
            Err(Why::new(Cause::Resolver, text))
        }
        _ => Ok(found),
    }
}

/// The records with what each costs, dearest first.
fn parts(cost: &SpfCost) -> String {
    let mut parts: Vec<_> = cost.parts.iter().filter(|p| p.lookups > 0).collect();
    parts.sort_by_key(|p| std::cmp::Reverse(p.lookups));
    let words: Vec<String> = parts.iter().map(|p| format!("{} ({})", p.domain, p.lookups)).collect();
    text::short_list(&words, 6)
}

fixtures! {
    clear: |_| {},
    found: |e| sample::spf_cost(e).lookups = 11,
    undetermined: |e| sample::spf_cost(e).uncounted.push("include:%{l}.example.net depends on the sender".into()),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn severity_rises_with_the_limits() {
        let near = findings("spf.lookups", |e| sample::spf_cost(e).lookups = 8);
        assert_eq!(near[0].severity, Severity::Low);
        let over = findings("spf.lookups", |e| sample::spf_cost(e).lookups = 11);
        assert_eq!(over[0].severity, Severity::Medium);
        assert!(over[0].detail.contains("example.com ("), "{}", over[0].detail);
        let void = findings("spf.lookups", |e| sample::spf_cost(e).void.push("old.example.net".into()));
        assert!(void[0].severity == Severity::Low && void[0].detail.contains("old.example.net"));
    }
}
