//! What a delivery needs and who says so, in words: `require (your rule "partner.example")`.

use waxseal_judge::delivery::{Dane, OperatorLevel, Requirement, Sts, StsMode};

use crate::route::{Hop, Wishes};

/// What a hop has to give for a message with these wishes, and who demands it. What several
/// demand is joined by ` + `.
pub fn policy(hop: &Hop, wishes: Wishes) -> String {
    let requirement = hop.requirement(wishes);
    let mut parts = Vec::new();
    if requirement.is_require_tls() {
        parts.push("REQUIRETLS".to_owned());
    }
    if let Some(own) = operator(hop, &requirement) {
        parts.push(own);
    }
    parts.extend(published(hop, &requirement, wishes));
    if parts.is_empty() {
        parts.push("opportunistic".to_owned());
    }
    let mut text = parts.join(" + ");
    if requirement.is_overridden() {
        text.push_str("; published policies left aside by your rule");
    } else if cancelled(hop, wishes) {
        text.push_str("; published policies left aside by TLS-Required: No");
    }
    text
}

/// The operator's level with its rule; none where it demands nothing and says nothing.
fn operator(hop: &Hop, requirement: &Requirement) -> Option<String> {
    let level = hop.facts.operator.level;
    let word = match level {
        // Something else demands TLS, and this level counts for nothing then.
        OperatorLevel::None if !requirement.avoids_tls() => return None,
        OperatorLevel::May => return None,
        _ => level_word(level),
    };
    Some(format!("{word} ({})", hop.rule))
}

/// The word of a level in the configuration.
pub fn level_word(level: OperatorLevel) -> &'static str {
    match level {
        OperatorLevel::None => "none",
        OperatorLevel::May => "opportunistic",
        OperatorLevel::Encrypt => "require",
        OperatorLevel::Verify => "verify",
        OperatorLevel::Secure => "verify names",
        OperatorLevel::Fingerprint => "fingerprint",
        OperatorLevel::Dane => "dane",
        OperatorLevel::DaneOnly => "dane-only",
    }
}

/// What the domain publishes, as far as it counts.
fn published(hop: &Hop, requirement: &Requirement, wishes: Wishes) -> Vec<String> {
    let mut parts = Vec::new();
    let set_aside = requirement.is_overridden() || cancelled(hop, wishes);
    // The operator's own demand for DANE stands whatever is set aside.
    let dane_counts = !set_aside || hop.facts.operator.level >= OperatorLevel::Dane;
    match hop.facts.dane {
        Dane::Usable if dane_counts => parts.push("DANE".to_owned()),
        Dane::UnusableOnly if dane_counts => parts.push("DANE (no usable record: TLS)".to_owned()),
        Dane::LookupFailed if dane_counts => parts.push("DANE (lookup failed)".to_owned()),
        _ => {}
    }
    let enforced = matches!(hop.facts.sts, Sts::Policy { mode: StsMode::Enforce, .. });
    if enforced && !set_aside && !parts.iter().any(|part| part == "DANE") {
        parts.push("MTA-STS enforce".to_owned());
    }
    parts
}

/// True if `TLS-Required: No` takes away something that the domain publishes.
fn cancelled(hop: &Hop, wishes: Wishes) -> bool {
    let dane = matches!(hop.facts.dane, Dane::Usable | Dane::UnusableOnly | Dane::LookupFailed);
    let sts = matches!(hop.facts.sts, Sts::Policy { mode: StsMode::Enforce, .. });
    let asked = wishes.tls_required_no && hop.honours_tls_required_no && !wishes.require_tls;
    asked && (sts || (dane && hop.facts.operator.level < OperatorLevel::Dane))
}

#[cfg(test)]
mod tests {
    use waxseal_judge::delivery::{MxAnswer, Operator};

    use super::*;
    use crate::policy::testing::hop;

    const PLAIN: Wishes = Wishes { require_tls: false, tls_required_no: false };
    const REQUIRE: Wishes = Wishes { require_tls: true, tls_required_no: false };
    const NO: Wishes = Wishes { require_tls: false, tls_required_no: true };
    const ENFORCE: Sts = Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: false };

    fn words(level: OperatorLevel, dane: Dane, sts: Sts, wishes: Wishes) -> String {
        let mut hop = hop("mx.partner.example");
        hop.facts.operator = Operator { level, ..Operator::OPPORTUNISTIC };
        (hop.facts.dane, hop.facts.sts, hop.facts.mx) = (dane, sts, MxAnswer::Secure);
        policy(&hop, wishes)
    }

    #[test]
    fn what_is_demanded_and_by_whom_is_said_in_one_line() {
        use OperatorLevel as L;
        for (level, dane, sts, wishes, expected) in [
            (L::May, Dane::None, Sts::None, PLAIN, "opportunistic"),
            (L::None, Dane::None, Sts::None, PLAIN, "none (your rule \"partner.example\")"),
            (L::None, Dane::Usable, Sts::None, PLAIN, "DANE"),
            (L::Encrypt, Dane::None, Sts::None, PLAIN, "require (your rule \"partner.example\")"),
            (L::Verify, Dane::None, Sts::None, PLAIN, "verify (your rule \"partner.example\")"),
            (L::May, Dane::Usable, ENFORCE, PLAIN, "DANE"),
            (L::May, Dane::None, ENFORCE, PLAIN, "MTA-STS enforce"),
            (L::May, Dane::UnusableOnly, ENFORCE, PLAIN, "DANE (no usable record: TLS) + MTA-STS enforce"),
            (
                L::Fingerprint,
                Dane::Usable,
                Sts::None,
                PLAIN,
                "fingerprint (your rule \"partner.example\") + DANE",
            ),
            (L::May, Dane::None, Sts::None, REQUIRE, "REQUIRETLS"),
            (L::May, Dane::Usable, Sts::None, REQUIRE, "REQUIRETLS + DANE"),
            (L::May, Dane::None, Sts::None, NO, "opportunistic"),
            (
                L::May,
                Dane::Usable,
                Sts::None,
                NO,
                "opportunistic; published policies left aside by TLS-Required: No",
            ),
            (L::Dane, Dane::Usable, Sts::None, NO, "dane (your rule \"partner.example\") + DANE"),
        ] {
            assert_eq!(words(level, dane, sts, wishes), expected, "{level:?} {dane:?} {sts:?} {wishes:?}");
        }
    }

    #[test]
    fn what_a_rule_leaves_aside_is_said_with_each_delivery() {
        let mut hop = hop("mx.partner.example");
        hop.facts.operator.override_published = true;
        assert_eq!(policy(&hop, PLAIN), "opportunistic", "nothing was published");
        hop.facts.sts = ENFORCE;
        assert_eq!(policy(&hop, PLAIN), "opportunistic; published policies left aside by your rule");
        assert_eq!(policy(&hop, REQUIRE), "REQUIRETLS + MTA-STS enforce");
    }

    #[test]
    fn a_header_that_the_operator_does_not_honour_changes_nothing() {
        let mut hop = hop("mx.partner.example");
        hop.facts.sts = ENFORCE;
        hop.honours_tls_required_no = false;
        assert_eq!(policy(&hop, NO), "MTA-STS enforce");
        assert!(hop.requirement(NO).demands_authentication());
    }
}
