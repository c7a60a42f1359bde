//! Check [`tls.weak_groups`](CHECK).

use crate::checks::prelude::*;

check! {
    /// Weak or withdrawn groups are accepted for key exchange.
    ///
    /// # Effect
    /// Curves under 224 bits can be broken with great effort. A sender that offers better
    /// ones is not affected.
    /// # Method
    /// A TLS 1.2 hello that offers only such curves is accepted.
    /// # Fix
    /// Limit the server to X25519, P-256 and P-384.
    /// # Sources
    /// RFC 8422 section 5.1.1; RFC 9325 section 4.2.
    "tls.weak_groups", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(groups) = super::known_before_tls13(case, &case.tls()?.weak_groups)? else { return CLEAR };
    if groups.is_empty() {
        return CLEAR;
    }
    let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
    case.finding(
        &CHECK,
        Severity::Medium,
        format!("{} accepts weak groups ({})", case.host(), text::short_list(&names, 3)),
    )
    .detail("No current sender needs them; one that offers only these gets weak keys.")
    .fix("groups")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).weak_groups =
        Observed::seen(vec![waxseal_model::tls::Group { code: 1, name: "sect163k1".into() }]),
    undetermined: |e| sample::tls(e).weak_groups = sample::failed(),
}
